//! JSON as it goes over the wire: the members of an object in the order in which the provider has them, and
//! what depends on the exchange left open.

use serde_json::Value;

use super::text::Text;

/// A JSON value whose objects keep the order of their members.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wire {
    /// The date of the exchange, in seconds since 1970.
    Date,
    /// What is drawn for the exchange, by its number among the draws.
    Drawn(usize),
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
            _ => self,
        }
    }

    /// As text, on one line.
    pub(super) fn text(&self) -> Text {
        let mut text = Text::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut Text) {
        match self {
            Self::Date => text.date(),
            Self::Drawn(number) => {
                text.push("\"");
                text.drawn(*number);
                text.push("\"");
            }
            Self::List(items) => {
                text.push("[");
                for (index, item) in items.iter().enumerate() {
                    text.push(if index > 0 { "," } else { "" });
                    item.write(text);
                }
                text.push("]");
            }
            Self::Object(members) => {
                text.push("{");
                for (index, (name, value)) in members.iter().enumerate() {
                    text.push(if index > 0 { ",\"" } else { "\"" });
                    text.push(name);
                    text.push("\":");
                    value.write(text);
                }
                text.push("}");
            }
            Self::Value(value) => text.push(&value.to_string()),
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

impl From<&Self> for Wire {
    fn from(wire: &Self) -> Self {
        wire.clone()
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
    use crate::Random;
    use crate::providers::draws::Draws;

    #[test]
    fn members_keep_their_order_and_a_name_is_there_once() {
        let mut draws = Draws::default();
        let (id, other) = (draws.alphanumeric("x_1", 0), draws.hex("y_", 3));
        let wire = Wire::object()
            .put("type", "\"ping\"")
            .put("index", 1_u64)
            .put("a", vec![Wire::NULL, true.into(), Wire::Date])
            .put("id", id)
            .put("other", other)
            .put("index", 2_u64);
        let drawn = draws.draw(Random::of_exchange(0, 1), 7);
        let text = wire.text().prepared().fill(&drawn);
        let text = std::str::from_utf8(&text).expect("UTF-8");
        let (known, drawn) = text.split_at(text.len() - "000\"}".len());
        assert_eq!(
            known,
            r#"{"type":"\"ping\"","index":2,"a":[null,true,7],"id":"x_1","other":"y_"#
        );
        assert!(drawn.ends_with("\"}") && drawn[..3].bytes().all(|it| it.is_ascii_hexdigit()));
    }
}
