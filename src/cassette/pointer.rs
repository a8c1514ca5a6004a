//! Places in JSON: pointers (RFC 6901) in which `*` stands for any key or index.

use serde_json::Value;

use crate::error::{Error, Part, Result};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Any,
    Named(String),
}

impl Pointer {
    pub(super) fn parse(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let Some(steps) = text.strip_prefix('/') else {
            let reason = "a JSON pointer is empty or begins with `/` (RFC 6901 §3)";
            return Err(Error::invalid(Part::Json, text, reason));
        };
        let steps = steps.split('/').map(|step| match step {
            "*" => Step::Any,
            step => Step::Named(step.replace("~1", "/").replace("~0", "~")),
        });
        Ok(Self(steps.collect()))
    }

    /// Whether it leads to the value that these keys and indices lead to.
    pub(super) fn leads_to(&self, path: &[String]) -> bool {
        self.0.len() == path.len()
            && self.0.iter().zip(path).all(|(step, key)| match step {
                Step::Any => true,
                Step::Named(name) => name == key,
            })
    }

    /// Takes what it leads to out of a value: members go, elements become `null`.
    pub(super) fn take_out(&self, value: &mut Value) {
        take_out(&self.0, value);
    }
}

fn take_out(steps: &[Step], value: &mut Value) {
    let Some((step, rest)) = steps.split_first() else {
        *value = Value::Null;
        return;
    };
    let named = |key: &str| match step {
        Step::Any => true,
        Step::Named(name) => name == key,
    };
    match value {
        Value::Object(members) if rest.is_empty() => members.retain(|key, _| !named(key)),
        Value::Object(members) => {
            let found = members.iter_mut().filter(|(key, _)| named(key));
            found.for_each(|(_, value)| take_out(rest, value));
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter_mut().enumerate() {
                if named(&index.to_string()) {
                    take_out(rest, element);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::Pointer;
    use serde_json::json;

    #[test]
    fn what_a_pointer_leads_to_is_taken_out() {
        let value = json!({"a": [{"id": 1, "x": 2}, {"id": 3}], "b/c": {"~": 1}, "n": 0});
        let without = |pointer: &str| {
            let mut value = value.clone();
            Pointer::parse(pointer).unwrap().take_out(&mut value);
            value
        };
        assert_eq!(
            without("/a/*/id"),
            json!({"a": [{"x": 2}, {}], "b/c": {"~": 1}, "n": 0})
        );
        assert_eq!(without("/a/0")["a"], json!([null, {"id": 3}]));
        assert_eq!(without("/b~1c/~0")["b/c"], json!({}));
        assert_eq!(without("/n/deeper"), value);
        assert_eq!(without(""), json!(null));
        assert!(Pointer::parse("a").is_err());
    }
}
