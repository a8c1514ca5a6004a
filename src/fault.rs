//! Failures that a test scripts.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

/// A failure that a test scripts: what the client sees instead of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Fault {
    /// The peer closed the connection before the response was complete.
    ConnectionClosed,
    /// Nobody listens at that address.
    ConnectionRefused,
    /// The peer reset the connection.
    ConnectionReset,
    /// The connection could not be made in time.
    ConnectTimeout,
    /// The host name does not resolve.
    DnsFailure,
    /// What the peer sent is not HTTP.
    MalformedResponse,
    /// The response did not come in time.
    Timeout,
    /// The TLS handshake failed.
    TlsFailure,
}

impl Fault {
    /// The name that clients look at (`error.cause.code` in Node.js), or the nearest there is.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ConnectTimeout => "UND_ERR_CONNECT_TIMEOUT",
            Self::ConnectionClosed => "UND_ERR_SOCKET",
            Self::ConnectionRefused => "ECONNREFUSED",
            Self::ConnectionReset => "ECONNRESET",
            Self::DnsFailure => "ENOTFOUND",
            Self::MalformedResponse => "HPE_INVALID_CONSTANT",
            Self::Timeout => "ETIMEDOUT",
            Self::TlsFailure => "ERR_TLS_HANDSHAKE_TIMEOUT",
        }
    }

    /// Whether the failure comes before a connection exists, so that nothing was sent.
    #[must_use]
    pub fn is_connect(self) -> bool {
        matches!(
            self,
            Self::ConnectTimeout | Self::ConnectionRefused | Self::DnsFailure | Self::TlsFailure
        )
    }

    /// Whether the failure is that time ran out.
    #[must_use]
    pub fn is_timeout(self) -> bool {
        matches!(self, Self::ConnectTimeout | Self::Timeout)
    }

    /// The kind of I/O error that a client meets over a socket, or the nearest there is.
    #[must_use]
    pub fn io_kind(self) -> io::ErrorKind {
        match self {
            Self::ConnectTimeout | Self::Timeout => io::ErrorKind::TimedOut,
            Self::ConnectionClosed => io::ErrorKind::UnexpectedEof,
            Self::ConnectionRefused => io::ErrorKind::ConnectionRefused,
            Self::ConnectionReset => io::ErrorKind::ConnectionReset,
            Self::DnsFailure => io::ErrorKind::Other,
            Self::MalformedResponse | Self::TlsFailure => io::ErrorKind::InvalidData,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConnectTimeout => "connect timeout (scripted)",
            Self::ConnectionClosed => "connection closed by peer (scripted)",
            Self::ConnectionRefused => "connection refused (scripted)",
            Self::ConnectionReset => "connection reset by peer (scripted)",
            Self::DnsFailure => "host name not found (scripted)",
            Self::MalformedResponse => "malformed response (scripted)",
            Self::Timeout => "timed out (scripted)",
            Self::TlsFailure => "TLS handshake failed (scripted)",
        })
    }
}

impl std::error::Error for Fault {}
