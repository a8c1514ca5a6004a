//! JSON as it goes over the wire: the members of an object in the order in which the provider has them.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// A JSON value whose objects keep the order of their members.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wire {
    List(Vec<Self>),
    Object(Vec<(&'static str, Self)>),
    Value(Value),
}

impl Wire {
    pub(super) const NULL: Self = Self::Value(Value::Null);

    /// An object without members; [`put`](Self::put) adds them.
    pub(super) fn object() -> Self {
        Self::Object(Vec::new())
    }

    /// Adds a member to an object. Replaces the one of this name.
    pub(super) fn put(mut self, name: &'static str, value: impl Into<Self>) -> Self {
        if let Self::Object(members) = &mut self {
            let value = value.into();
            match members.iter_mut().find(|(key, _)| *key == name) {
                Some(member) => member.1 = value,
                None => members.push((name, value)),
            }
        }
        self
    }

    /// Adds a member where there is a value for it.
    pub(super) fn put_some(self, name: &'static str, value: Option<impl Into<Self>>) -> Self {
        match value {
            Some(value) => self.put(name, value),
            None => self,
        }
    }

    /// Adds the members of another object.
    pub(super) fn put_all(self, other: Self) -> Self {
        match other {
            Self::Object(members) => {
                let members = members.into_iter();
                members.fold(self, |all, (name, value)| all.put(name, value))
            }
            Self::List(_) | Self::Value(_) => self,
        }
    }

    /// As text, on one line.
    pub(super) fn text(&self) -> String {
        // Only maps with other keys than strings cannot be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Serialize for Wire {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::List(items) => items.serialize(serializer),
            Self::Object(members) => {
                let mut object = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    object.serialize_entry(name, value)?;
                }
                object.end()
            }
            Self::Value(value) => value.serialize(serializer),
        }
    }
}

impl From<Value> for Wire {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl From<&str> for Wire {
    fn from(text: &str) -> Self {
        Self::Value(text.into())
    }
}

impl From<String> for Wire {
    fn from(text: String) -> Self {
        Self::Value(text.into())
    }
}

impl From<u64> for Wire {
    fn from(number: u64) -> Self {
        Self::Value(number.into())
    }
}

impl From<usize> for Wire {
    fn from(number: usize) -> Self {
        Self::Value(number.into())
    }
}

impl From<bool> for Wire {
    fn from(is_so: bool) -> Self {
        Self::Value(is_so.into())
    }
}

impl From<Vec<Self>> for Wire {
    fn from(items: Vec<Self>) -> Self {
        Self::List(items)
    }
}

/// `null` where there is none.
impl<T: Into<Self>> From<Option<T>> for Wire {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::NULL, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::Wire;

    #[test]
    fn members_keep_their_order_and_a_name_is_there_once() {
        let wire = Wire::object()
            .put("type", "ping")
            .put("index", 1_u64)
            .put("a", vec![Wire::NULL, true.into()])
            .put("index", 2_u64);
        assert_eq!(wire.text(), r#"{"type":"ping","index":2,"a":[null,true]}"#);
    }
}
