//! Rules that answer from a cassette, or record onto it.

use std::future::Future;

use bytes::Bytes;
use http_body::Body as HttpBody;

use super::{When, registered};
use crate::cassette::Recorder;
use crate::cassette::recorder::OnCassette;
use crate::core::rules::Action;
use crate::error::{BoxError, Error, Part, Result};
use crate::flow::record::{Recording, Replaying};
use crate::matcher::Matcher;
use crate::mode::{AcceptPredicate, AcceptResponder, Mode};
use crate::rule::Rule;

impl<M: Mode> When<M> {
    /// Answers from a cassette. Registers the rule.
    ///
    /// Requests that the cassette does not have are not for the rule, unless its mode is
    /// [`Strict`](crate::cassette::RecordMode::Strict): then they fail as unmatched. A request that was
    /// recorded, but not as often as it is made, always does. The diagnosis names the nearest entries.
    ///
    /// ```
    /// use mockwire::cassette::{Cassette, Options, Recorder};
    /// use mockwire::sync::MockTransport;
    ///
    /// let cassette = r#"{"format": "mockwire-cassette", "version": 1, "entries": [
    ///   {"id": 1,
    ///    "request": {"method": "POST", "url": "https://api.test/v1", "body": {"json": {"model": "small"}}},
    ///    "response": {"status": 200, "body": {"text": "hello"}}}
    /// ]}"#;
    /// let recorder = Recorder::new(Cassette::parse(cassette)?, Options::new());
    /// let transport = MockTransport::new();
    /// transport.otherwise().replay(&recorder);
    ///
    /// let post = |body| http::Request::post("https://api.test/v1").body(body).unwrap();
    /// let response = transport.block_on(transport.call(post(r#"{ "model": "small" }"#)))?;
    /// assert_eq!(transport.block_on(response.into_body().text())?, "hello");
    ///
    /// let error = transport.block_on(transport.call(post(r#"{"model": "large"}"#))).unwrap_err();
    /// assert!(error.to_string().contains("✗ JSON /model  expected \"small\""));
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If a condition is malformed, the transport is disposed, or the mode of the recorder is one that
    /// records, which takes [`record`](Self::record).
    #[track_caller]
    pub fn replay(self, recorder: &Recorder<M>) -> Rule<M>
    where
        M: AcceptPredicate<OnCassette<M>> + AcceptResponder<Replaying<M>>,
    {
        registered(self.try_replay(recorder))
    }

    /// Like [`replay`](Self::replay), without the panic.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::ErrorKind::Invalid) for the first mistake in the conditions, and for a mode
    /// that records.
    pub fn try_replay(self, recorder: &Recorder<M>) -> Result<Rule<M>>
    where
        M: AcceptPredicate<OnCassette<M>> + AcceptResponder<Replaying<M>>,
    {
        if recorder.mode().records() {
            let mode = format!("{:?}", recorder.mode());
            let reason = "it needs a real transport: use `record`";
            return Err(Error::invalid(Part::Option, mode, reason));
        }
        let on_cassette = Matcher::custom("on the cassette", OnCassette(recorder.clone()));
        let responder = M::erase_responder(Replaying(recorder.clone()));
        self.and(on_cassette).register(Action::Handle(responder))
    }

    /// Answers from a cassette, or with what a real transport answers, which is recorded: as the
    /// recorder's [mode](crate::cassette::RecordMode) says. In a mode that does not record, this is
    /// [`replay`](Self::replay). Registers the rule.
    ///
    /// The transport is a closure as for [`passthrough`](Self::passthrough); see
    /// [`upstream`](crate::upstream) for those of reqwest and of tower.
    ///
    /// # Panics
    ///
    /// If a condition is malformed, or the transport is disposed.
    #[track_caller]
    pub fn record<F, A, B, E>(self, recorder: &Recorder<M>, upstream: F) -> Rule<M>
    where
        F: Fn(http::Request<Bytes>) -> A + 'static,
        A: Future<Output = Result<http::Response<B>, E>>,
        B: HttpBody<Error: Into<BoxError>>,
        E: Into<BoxError>,
        M: AcceptPredicate<OnCassette<M>>
            + AcceptResponder<Replaying<M>>
            + AcceptResponder<Recording<M, F>>,
    {
        if !recorder.mode().records() {
            return self.replay(recorder);
        }
        let recorder = recorder.clone();
        let responder = M::erase_responder(Recording { recorder, upstream });
        registered(self.register(Action::Handle(responder)))
    }
}
