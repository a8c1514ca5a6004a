//! From a recorded response to a reply.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::entry::{Entry, RecordedBody, RecordedEnd, RecordedResponse};
use crate::error::{Error, Part, Result};
use crate::model::reply::Reply;
use crate::model::script::Script;

/// How fast recorded responses are replayed, in the transport's time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Speed {
    /// Without any pause.
    #[default]
    Instant,
    /// As they were recorded.
    Real,
    /// So many times as fast as they were recorded: 2.0 takes half the time. Above 0.
    Scaled(f64),
}

impl Speed {
    pub(super) fn mistake(self) -> Option<Error> {
        match self {
            Self::Scaled(times) if !(times.is_finite() && times > 0.0) => {
                let reason = "a speed is a number above 0";
                let value = format!("Scaled({times})");
                Some(Error::invalid(Part::Option, value, reason))
            }
            _ => None,
        }
    }

    /// How long a pause is.
    fn of(self, pause: Duration) -> Duration {
        match self {
            Self::Instant => Duration::ZERO,
            Self::Real => pause,
            Self::Scaled(times) => {
                Duration::try_from_secs_f64(pause.as_secs_f64() / times).unwrap_or(Duration::MAX)
            }
        }
    }
}

impl Entry {
    /// The response as a reply, for a rule of one's own.
    ///
    /// A body that was cut off (by its client, by a failure, by the limit on bodies) ends with a reset
    /// of the connection: what would have followed is not known.
    ///
    /// ```
    /// use mockwire::cassette::{Entry, RecordedRequest, RecordedResponse, Speed};
    /// use mockwire::sync::MockTransport;
    ///
    /// let request = RecordedRequest::new(http::Method::GET, "https://api.test/".parse()?);
    /// let entry = Entry::new(request, RecordedResponse::new(http::StatusCode::ACCEPTED));
    ///
    /// let transport = MockTransport::new();
    /// transport.get("/").reply(entry.to_reply(Speed::Instant));
    /// # let request = http::Request::get("https://api.test/").body(())?;
    /// # assert_eq!(transport.block_on(transport.call(request)).unwrap().status(), 202);
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use]
    pub fn to_reply(&self, speed: Speed) -> Reply {
        let Self { response, .. } = self;
        let mut head = http::Response::new(());
        *head.status_mut() = response.status;
        *head.headers_mut() = response.headers.clone();
        let reply = match &response.body {
            RecordedBody::Whole(bytes) if is_plain(response) => {
                Reply::from(head.map(|()| bytes.clone()))
            }
            body => match script(body, response, speed) {
                Ok(script) => Reply::from(head).with_script(script),
                Err(error) => Reply::from(head).fail(error),
            },
        };
        reply.delay(speed.of(response.after))
    }
}

/// Whether the body is all there is to it.
fn is_plain(response: &RecordedResponse) -> bool {
    response.end == RecordedEnd::Clean && response.trailers.is_empty()
}

fn script(body: &RecordedBody, response: &RecordedResponse, speed: Speed) -> Result<Script> {
    let mut script = Script::new();
    match body {
        RecordedBody::Whole(bytes) => script = script.frame(bytes.clone()),
        RecordedBody::Frames(frames) => {
            for frame in frames {
                let pause = speed.of(frame.after);
                if !pause.is_zero() {
                    script = script.wait(pause);
                }
                script = script.frame(frame.bytes.clone());
            }
        }
    }
    for (name, value) in &response.trailers {
        let value = String::from_utf8_lossy(value.as_bytes());
        script = script.trailer(name.as_str(), &value);
    }
    if response.end != RecordedEnd::Clean {
        script = script.reset();
    }
    script.validate()
}
