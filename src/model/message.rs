//! Messages of a WebSocket connection (RFC 6455), and what was captured of them.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Part, Result};

/// How many bytes the payload of a control frame may have (RFC 6455 §5.5).
const CONTROL_BYTES: usize = 125;

/// How many bytes the reason of a close frame may have: its code takes two.
const REASON_BYTES: usize = CONTROL_BYTES - 2;

/// A message of a WebSocket connection (RFC 6455 §5.6), or one of its control frames (§5.5).
///
/// ```
/// use mockwire::Message;
///
/// assert_eq!(Message::from("hello").as_text(), Some("hello"));
/// assert!(Message::binary(vec![1, 2]).is_data());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
    /// Asks the other end for a pong; at most 125 bytes. It is answered without further ado.
    Ping(Bytes),
    /// The answer to a ping, with its payload; at most 125 bytes.
    Pong(Bytes),
    /// Begins or ends the closing handshake (§7).
    Close(Option<CloseFrame>),
}

/// What a close frame says (RFC 6455 §7.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// Why the connection is closed: 1000 is the normal end.
    pub code: u16,
    /// The same in words; at most 123 bytes.
    pub reason: String,
}

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    /// The client's end.
    Client,
    /// The server's end: a script, a handler, or the test.
    Server,
}

/// A message as the journal keeps it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SocketMessage {
    /// The number of the message on its transport, from 1, in the order of sending.
    pub number: u64,
    /// The connection: the number of the request that opened it.
    pub connection: u64,
    /// Who sent it.
    pub from: Side,
    /// When it was sent, in the transport's time.
    pub at: Duration,
    /// The message; text and bytes cut at the journal's cap on bodies.
    pub message: Message,
    /// How many bytes its payload had; more than are kept when the cap cut it.
    pub bytes: usize,
}

impl Side {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

impl Message {
    /// A text message.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    #[must_use]
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::Binary(bytes.into())
    }

    /// The text of a JSON value as a text message.
    #[must_use]
    pub fn json(value: impl Into<Value>) -> Self {
        Self::Text(value.into().to_string())
    }

    /// A close frame with a code and a reason.
    #[must_use]
    pub fn close(code: u16, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Close(Some(CloseFrame { code, reason }))
    }

    /// The text, if that is what it is.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The payload of text, bytes, ping or pong; nothing for a close frame.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => bytes,
            Self::Close(_) => &[],
        }
    }

    /// Whether it is text or bytes, and not a control frame.
    #[must_use]
    pub fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }

    /// Whether it is a close frame.
    #[must_use]
    pub fn is_close(&self) -> bool {
        matches!(self, Self::Close(_))
    }

    /// The message, if it may be sent.
    ///
    /// # Errors
    ///
    /// [`Part::Message`] for a control frame that is too long, or a close code that may not be
    /// sent.
    pub fn validate(self) -> Result<Self> {
        match self.mistake() {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    pub(crate) fn mistake(&self) -> Option<Error> {
        match self {
            Self::Text(_) | Self::Binary(_) | Self::Close(None) => None,
            Self::Ping(bytes) | Self::Pong(bytes) => (bytes.len() > CONTROL_BYTES).then(|| {
                let value = format!("{} bytes", bytes.len());
                let reason = "a ping or a pong has at most 125 bytes";
                Error::invalid(Part::Message, value, reason)
            }),
            Self::Close(Some(frame)) => frame.mistake(),
        }
    }

    /// The message with at most `cap` bytes of its payload; `None` when it has no more.
    pub(crate) fn cut(&self, cap: usize) -> Option<Self> {
        match self {
            Self::Text(text) if text.len() > cap => {
                let mut end = cap;
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                Some(Self::Text(text[..end].to_owned()))
            }
            Self::Binary(bytes) if bytes.len() > cap => {
                Some(Self::Binary(Bytes::copy_from_slice(&bytes[..cap])))
            }
            _ => None,
        }
    }
}

impl CloseFrame {
    /// Whether a code may be in a close frame (RFC 6455 §7.4, and the IANA registry): 1000 to
    /// 1003, 1007 to 1014, 3000 to 4999. 1005, 1006 and 1015 are never sent.
    #[must_use]
    pub fn is_sendable(code: u16) -> bool {
        matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    pub(crate) fn mistake(&self) -> Option<Error> {
        if !Self::is_sendable(self.code) {
            let reason = "a close code is 1000 to 1003, 1007 to 1014 or 3000 to 4999";
            return Some(Error::invalid(Part::Message, self.code.to_string(), reason));
        }
        (self.reason.len() > REASON_BYTES).then(|| {
            let reason = "the reason of a close frame has at most 123 bytes";
            Error::invalid(Part::Message, self.reason.clone(), reason)
        })
    }

    /// A frame whose reason is as long as it may be.
    pub(crate) fn fitting(code: u16, mut reason: String) -> Self {
        let mut end = reason.len().min(REASON_BYTES);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        reason.truncate(end);
        Self { code, reason }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::binary(bytes)
    }
}

impl From<&'static [u8]> for Message {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Binary(Bytes::from_static(bytes))
    }
}

impl From<Value> for Message {
    fn from(value: Value) -> Self {
        Self::json(value)
    }
}

/// `text "hello"`, `5 bytes`, `close 1000 "bye"`
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => {
                let mut shown: String = text.chars().take(200).collect();
                if shown.len() < text.len() {
                    shown.push('…');
                }
                write!(f, "text {shown:?}")
            }
            Self::Binary(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Ping(_) => f.write_str("a ping"),
            Self::Pong(_) => f.write_str("a pong"),
            Self::Close(None) => f.write_str("close without a code"),
            Self::Close(Some(CloseFrame { code, reason })) if reason.is_empty() => {
                write!(f, "close {code}")
            }
            Self::Close(Some(CloseFrame { code, reason })) => write!(f, "close {code} {reason:?}"),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

/// `client: text "hello"`
impl fmt::Display for SocketMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.from, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_close_codes_are_sent() {
        for code in [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4999] {
            assert!(CloseFrame::is_sendable(code), "{code}");
        }
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
            assert!(!CloseFrame::is_sendable(code), "{code}");
        }
    }

    #[test]
    fn control_frames_are_short() {
        assert!(Message::Ping(Bytes::from(vec![0; 125])).validate().is_ok());
        let error = Message::Pong(Bytes::from(vec![0; 126])).validate();
        assert_eq!(error.unwrap_err().code(), "MOCKWIRE_INVALID_MESSAGE");
        assert!(Message::close(1000, "r".repeat(123)).validate().is_ok());
        assert!(Message::close(1000, "r".repeat(124)).validate().is_err());
        let frame = CloseFrame::fitting(1008, "é".repeat(90));
        assert_eq!(frame.reason, "é".repeat(61));
    }

    #[test]
    fn text_is_cut_between_characters() {
        let cut = Message::text("aé").cut(2);
        assert_eq!(cut, Some(Message::text("a")));
        assert_eq!(Message::text("aé").cut(3), None);
    }
}
