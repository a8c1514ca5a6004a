//! Moments in JSON and in header fields, which are not the same each time.

use serde_json::Value;

/// What stands in the place of a moment: the one at which a transport's time begins.
pub(super) const SECONDS: u64 = 1_735_689_600;
pub(super) const RFC_3339: &str = "2025-01-01T00:00:00Z";
pub(super) const HTTP_DATE: &str = "Wed, 01 Jan 2025 00:00:00 GMT";

/// Whether members of this name say when something happened: `created`, `expires_at`, `updateTime`.
fn is_of_time(key: &str) -> bool {
    key == "created" || key.ends_with("_at") || key.ends_with("At") || key.ends_with("Time")
}

/// What stands in the place of a value, as JSON, when it is a moment.
pub(super) fn stable(key: &str, value: &Value) -> Option<String> {
    if !is_of_time(key) {
        return None;
    }
    match value {
        Value::Number(number) => match number.as_f64()? {
            // From 2001 to 2096, in seconds or milliseconds.
            seconds if (1e9..4e9).contains(&seconds) => Some(SECONDS.to_string()),
            millis if (1e12..4e12).contains(&millis) => Some((SECONDS * 1000).to_string()),
            _ => None,
        },
        Value::String(text) if is_rfc_3339(text) => Some(format!("\"{RFC_3339}\"")),
        _ => None,
    }
}

/// Whether what was recorded is such a stand-in, and the other value a moment of the same form.
pub(super) fn stands_for(key: &str, recorded: &Value, made: &Value) -> bool {
    let stable = stable(key, made).and_then(|it| serde_json::from_str(&it).ok());
    stable.is_some_and(|stable: Value| stable == *recorded)
}

/// `1994-11-06T08:49:37Z`, with any fraction and offset.
pub(super) fn is_rfc_3339(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = b"0000-00-00T00:00:00";
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        shape => byte == shape,
    };
    (20..=35).contains(&bytes.len())
        && bytes.iter().zip(shape).all(fits)
        && (text.ends_with('Z') || text[19..].contains(['+', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn moments_are_known_by_their_key_and_their_form() {
        let stable = |key, value| stable(key, &value);
        assert_eq!(
            stable("created", json!(1_770_933_892)).unwrap(),
            "1735689600"
        );
        assert_eq!(
            stable("created_at", json!(1_770_933_892_123_u64)).unwrap(),
            "1735689600000"
        );
        let text = stable("createTime", json!("2026-03-01T10:00:00.123+01:00"));
        assert_eq!(text.unwrap(), "\"2025-01-01T00:00:00Z\"");
        assert_eq!(stable("tokens", json!(1_770_933_892)), None);
        assert_eq!(stable("created", json!(12)), None);
        assert_eq!(stable("looked_at", json!("a painting")), None);
        assert_eq!(
            stable("created_at", json!("2026-03-01 and some more €")),
            None
        );
    }
}
