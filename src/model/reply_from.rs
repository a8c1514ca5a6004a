//! What stands for a reply: statuses, texts, JSON, faults, responses, and results of handlers.

use http::StatusCode;

use super::content::Content;
use super::reply::Reply;
use crate::error::{BoxError, Error, ErrorKind};
use crate::fault::Fault;

impl From<StatusCode> for Reply {
    fn from(status: StatusCode) -> Self {
        Self::status(status.as_u16())
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<serde_json::Value> for Reply {
    fn from(value: serde_json::Value) -> Self {
        Self::json(value)
    }
}

impl From<Fault> for Reply {
    fn from(fault: Fault) -> Self {
        Self::fault(fault)
    }
}

impl<B: Into<Content>> From<http::Response<B>> for Reply {
    fn from(response: http::Response<B>) -> Self {
        let (parts, body) = response.into_parts();
        let reply = Self::empty().with_status(parts.status.as_u16()).body(body);
        reply.with_headers(parts.headers)
    }
}

/// So that a handler can use `?`: a [`Fault`] is what the client sees, and any other error reaches the
/// caller as [`ErrorKind::HandlerFailed`].
impl<R: Into<Self>, E: Into<BoxError>> From<Result<R, E>> for Reply {
    fn from(result: Result<R, E>) -> Self {
        match result {
            Ok(reply) => reply.into(),
            Err(error) => match error.into().downcast::<Fault>() {
                Ok(fault) => Self::fault(*fault),
                Err(error) => {
                    let rule = String::new();
                    Self::empty().fail(Error::with_source(ErrorKind::HandlerFailed { rule }, error))
                }
            },
        }
    }
}
