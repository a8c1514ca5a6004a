//! Base64 (RFC 4648 §4), for basic authentication and for binary messages in JSON.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes in base64, padded.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = (group >> (18 - 6 * at)) & 63;
            let padding = at > chunk.len();
            text.push(if padding {
                '='
            } else {
                char::from(ALPHABET[digit as usize])
            });
        }
    }
    text
}

/// The bytes that padded base64 stands for; `None` when it is malformed.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    if text.len() % 4 != 0 {
        return None;
    }
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    if padding > 2 {
        return None;
    }
    let digits = &text[..text.len() - padding];
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in digits.chunks(4) {
        let mut group = 0;
        for at in 0..4 {
            group = group << 6 | chunk.get(at).map_or(Some(0), |digit| value(*digit))?;
        }
        let whole = chunk.len() * 6 / 8;
        // What does not fill a byte has to be zero, so that each value has one form.
        if group & ((1 << (24 - 8 * whole)) - 1) != 0 {
            return None;
        }
        bytes.extend_from_slice(&group.to_be_bytes()[1..=whole]);
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u32> {
    let at = ALPHABET.iter().position(|known| *known == digit)?;
    u32::try_from(at).ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_vectors_of_rfc_4648() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, encoded) in vectors {
            assert_eq!(super::encode(plain.as_bytes()), encoded);
            assert_eq!(super::decode(encoded).unwrap(), plain.as_bytes());
        }
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for text in [
            "Z", "Zg", "Zg=", "Zh==", "Z===", "Zm=v", "Zm9 ", "====", "Zm9vY===",
        ] {
            assert_eq!(super::decode(text), None, "{text}");
        }
    }
}
