//! Comparing JSON values as values: `1` equals `1.0`, and the order of keys means nothing.

use serde_json::{Number, Value};

/// How an expected value is compared with an actual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Both say the same.
    Equal,
    /// The actual value says at least what the expected one says: objects may have further
    /// members and arrays further elements at their end, at any depth.
    Includes,
}

/// The first place where the values differ.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// A JSON Pointer (RFC 6901) from the root of the compared values; `""` is the root.
    pub(crate) pointer: String,
    /// `None` when nothing was expected there.
    pub(crate) expected: Option<Value>,
    /// `None` when nothing is there.
    pub(crate) actual: Option<Value>,
}

/// Whether `actual` is as expected.
pub(crate) fn matches(expected: &Value, actual: &Value, comparison: Comparison) -> bool {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            (comparison == Comparison::Includes || expected.len() == actual.len())
                && expected.iter().all(|(key, expected)| {
                    actual
                        .get(key)
                        .is_some_and(|actual| matches(expected, actual, comparison))
                })
        }
        (Value::Array(expected), Value::Array(actual)) => {
            lengths_agree(expected.len(), actual.len(), comparison)
                && expected
                    .iter()
                    .zip(actual)
                    .all(|(expected, actual)| matches(expected, actual, comparison))
        }
        (Value::Number(expected), Value::Number(actual)) => numbers_equal(expected, actual),
        (expected, actual) => expected == actual,
    }
}

/// Where `actual` first departs from what is expected; `None` when it does not.
pub(crate) fn first_difference(
    expected: &Value,
    actual: &Value,
    comparison: Comparison,
) -> Option<Difference> {
    let mut path = Vec::new();
    let (expected, actual) = differ(Some(expected), Some(actual), comparison, &mut path)?;
    Some(Difference {
        pointer: path
            .iter()
            .map(|step| format!("/{}", escape(step)))
            .collect(),
        expected: expected.cloned(),
        actual: actual.cloned(),
    })
}

/// What is expected and what is there, at the path that leads to the first difference.
type Pair<'a> = (Option<&'a Value>, Option<&'a Value>);

fn differ<'a>(
    expected: Option<&'a Value>,
    actual: Option<&'a Value>,
    comparison: Comparison,
    path: &mut Vec<String>,
) -> Option<Pair<'a>> {
    let mut inside = |step: String, expected, actual| {
        path.push(step);
        let difference = differ(expected, actual, comparison, path);
        if difference.is_none() {
            path.pop();
        }
        difference
    };
    match (expected, actual) {
        (Some(Value::Object(wanted)), Some(Value::Object(found))) => {
            let wanted_differs = wanted
                .iter()
                .find_map(|(key, value)| inside(key.clone(), Some(value), found.get(key)));
            wanted_differs.or_else(|| {
                let mut extra = found.iter().filter(|(key, _)| !wanted.contains_key(*key));
                extra.find_map(|(key, value)| inside(key.clone(), None, Some(value)))
            })
        }
        (Some(Value::Array(wanted)), Some(Value::Array(found))) => {
            let longest = wanted.len().max(found.len());
            (0..longest).find_map(|at| inside(at.to_string(), wanted.get(at), found.get(at)))
        }
        (Some(wanted), Some(found)) => {
            (!matches(wanted, found, comparison)).then_some((expected, actual))
        }
        (None, Some(_)) => (comparison == Comparison::Equal).then_some((expected, actual)),
        (_, None) => Some((expected, actual)),
    }
}

fn lengths_agree(expected: usize, actual: usize, comparison: Comparison) -> bool {
    match comparison {
        Comparison::Equal => expected == actual,
        Comparison::Includes => expected <= actual,
    }
}

/// Numbers are equal by value, however they are written: `1`, `1.0`, `1e0`.
fn numbers_equal(a: &Number, b: &Number) -> bool {
    match (a.is_f64(), b.is_f64()) {
        (false, false) => a == b,
        (true, true) => a.as_f64() == b.as_f64(),
        (true, false) => is_integer(a, b),
        (false, true) => is_integer(b, a),
    }
}

/// Whether a double is exactly this integer, of which the nearest double may be its neighbour's.
fn is_integer(double: &Number, integer: &Number) -> bool {
    /// 2 to the power of 64.
    const BEYOND: f64 = 18_446_744_073_709_551_616.0;
    let is_nearest = |double: &f64| integer.as_f64() == Some(*double) && *double < BEYOND;
    let double = double.as_f64().filter(is_nearest);
    double.is_some_and(|double| match integer.as_u64() {
        Some(integer) => double as u64 == integer,
        None => integer.as_i64() == Some(double as i64),
    })
}

/// One step of a JSON Pointer, escaped (RFC 6901 §3).
fn escape(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_compared_by_value() {
        assert!(matches(&json!(1), &json!(1.0), Comparison::Equal));
        assert!(matches(&json!([1e2]), &json!([100]), Comparison::Equal));
        assert!(!matches(
            &json!(9_007_199_254_740_993_u64),
            &json!(9_007_199_254_740_992_u64),
            Comparison::Equal
        ));
        assert!(!matches(
            &json!(9_007_199_254_740_993_u64),
            &json!(9_007_199_254_740_992.0),
            Comparison::Equal
        ));
        assert!(!matches(
            &json!(u64::MAX),
            &json!(18_446_744_073_709_551_616.0),
            Comparison::Equal
        ));
        assert!(matches(&json!(0), &json!(-0.0), Comparison::Equal));
        assert!(matches(&json!(-1), &json!(-1.0), Comparison::Equal));
        assert!(matches(&json!(1e300), &json!(1e300), Comparison::Equal));
    }

    #[test]
    fn a_difference_is_named_by_its_pointer() {
        let expected = json!({"a/b": [1, {"c": true}]});
        let actual = json!({"a/b": [1, {"c": false}], "d": 0});
        let difference = first_difference(&expected, &actual, Comparison::Includes).unwrap();
        assert_eq!(difference.pointer, "/a~1b/1/c");
        assert_eq!(difference.actual, Some(json!(false)));
    }

    #[test]
    fn what_is_extra_differs_only_when_equality_is_asked_for() {
        let (expected, actual) = (json!({"a": [1]}), json!({"a": [1, 2], "b": 0}));
        assert!(matches(&expected, &actual, Comparison::Includes));
        assert_eq!(
            first_difference(&expected, &actual, Comparison::Includes),
            None
        );
        let difference = first_difference(&expected, &actual, Comparison::Equal).unwrap();
        assert_eq!(
            (difference.pointer.as_str(), difference.expected),
            ("/a/1", None)
        );
    }
}
