//! Bytes of a message body, from whatever a test has at hand.

use bytes::Bytes;

/// The content of a request or a reply (RFC 9110 §6.4): some bytes, perhaps none.
///
/// Made with `into()` from `()`, strings, byte vectors, [`Bytes`] and JSON values:
///
/// ```
/// use mockwire::Content;
///
/// assert_eq!(Content::from("hello").as_bytes(), b"hello");
/// assert!(Content::from(()).as_bytes().is_empty());
/// assert_eq!(Content::from(serde_json::json!({"a": 1})).as_bytes(), br#"{"a":1}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content(Bytes);

impl Content {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl From<()> for Content {
    fn from((): ()) -> Self {
        Self::default()
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<&'static str> for Content {
    fn from(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }
}

impl From<&'static [u8]> for Content {
    fn from(bytes: &'static [u8]) -> Self {
        Self(Bytes::from_static(bytes))
    }
}

impl<const N: usize> From<&'static [u8; N]> for Content {
    fn from(bytes: &'static [u8; N]) -> Self {
        Self(Bytes::from_static(bytes))
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<serde_json::Value> for Content {
    fn from(value: serde_json::Value) -> Self {
        Self(value.to_string().into())
    }
}
