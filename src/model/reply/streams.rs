//! Replies whose bodies come in frames.

use std::sync::Arc;

use serde::Serialize;

use super::{Reply, ReplyBody};
use crate::error::{Error, Part};
use crate::model::content::Content;
use crate::model::script::Script;
use crate::sse::Event;

impl Reply {
    /// 200 with a body that comes in these chunks, each one a frame of its own.
    #[must_use]
    pub fn stream<C: Into<Content>>(chunks: impl IntoIterator<Item = C>) -> Self {
        let frames = chunks.into_iter().map(|chunk| chunk.into().into_bytes());
        Self {
            body: ReplyBody::Frames(frames.filter(|frame| !frame.is_empty()).collect()),
            ..Self::empty()
        }
    }

    /// 200 with a body that plays this script; with `content-type: text/event-stream` when there
    /// are events in it.
    #[must_use]
    pub fn script(script: Script) -> Self {
        let script = match script.validate() {
            Ok(script) => script,
            Err(error) => return Self::empty().fail(error),
        };
        let reply = Self::empty();
        if script.has_events() {
            reply.content_type("text/event-stream").with_script(script)
        } else {
            reply.with_script(script)
        }
    }

    /// Replaces the body by a script that has been validated.
    pub(crate) fn with_script(self, script: Script) -> Self {
        let body = match script.plain_frames() {
            Some(frames) => ReplyBody::Frames(frames.into()),
            None => ReplyBody::Script(Arc::new(script)),
        };
        Self { body, ..self }
    }

    /// 200 with these server-sent events, each one a frame, and `content-type: text/event-stream`.
    ///
    /// ```
    /// use mockwire::{Reply, sse::Event};
    /// use serde_json::json;
    ///
    /// let deltas = ["Hel", "lo"].map(|text| Event::json(json!({"text": text})).named("delta"));
    /// let reply = Reply::events(deltas);
    /// # let _ = reply;
    /// ```
    ///
    /// For pauses and endings, give [`Reply::script`] a [`Script`].
    #[must_use]
    pub fn events<E: Into<Event>>(events: impl IntoIterator<Item = E>) -> Self {
        Self::script(Script::new().events(events))
    }

    /// 200 with these values as lines of JSON, each one a frame, and
    /// `content-type: application/x-ndjson`.
    ///
    /// ```
    /// use mockwire::Reply;
    /// use serde_json::json;
    ///
    /// let lines = Reply::ndjson([json!({"done": false}), json!({"done": true})]);
    /// # let _ = lines;
    /// ```
    #[must_use]
    pub fn ndjson<T: Serialize>(values: impl IntoIterator<Item = T>) -> Self {
        let lines = values.into_iter().map(|value| {
            let mut line = serde_json::to_vec(&value)?;
            line.push(b'\n');
            Ok(line)
        });
        match lines.collect::<Result<Vec<_>, serde_json::Error>>() {
            Ok(lines) => Self::stream(lines).content_type("application/x-ndjson"),
            Err(error) => Self::empty().fail(Error::invalid(
                Part::Json,
                std::any::type_name::<T>(),
                format!("cannot be serialised: {error}"),
            )),
        }
    }
}
