//! The ends of a rule that replies.

use std::future::Future;

use bytes::Bytes;
use futures_core::Stream;
use http_body::Body as HttpBody;

use super::{When, registered};
use crate::core::rules::Action;
use crate::error::{BoxError, Error, Part, Result};
use crate::flow::answer::{By, Eventual, Handler, Immediate, Passthrough, Streaming};
use crate::flow::hold::Hold;
use crate::mode::{AcceptResponder, Mode};
use crate::model::content::Content;
use crate::model::reply::Reply;
use crate::model::request::Request;
use crate::model::sequence::SequenceEnd;
use crate::rule::Rule;

impl<M: Mode> When<M> {
    /// Answers with this reply, each time. Registers the rule.
    ///
    /// # Panics
    ///
    /// If a condition or the reply is malformed, or the transport is disposed; see
    /// [`try_reply`](Self::try_reply).
    #[track_caller]
    pub fn reply(self, reply: impl Into<Reply>) -> Rule<M> {
        registered(self.try_reply(reply))
    }

    /// Like [`reply`](Self::reply), without the panic.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::ErrorKind::Invalid) for the first mistake in the conditions or the reply.
    pub fn try_reply(self, reply: impl Into<Reply>) -> Result<Rule<M>> {
        let reply = reply.into().validate()?;
        self.register(Action::Reply(reply))
    }

    /// Answers with these replies, one after the other. Registers the rule.
    ///
    /// # Panics
    ///
    /// If a condition or a reply is malformed, there is no reply, or the transport is disposed.
    #[track_caller]
    pub fn reply_sequence<R: Into<Reply>>(
        self,
        replies: impl IntoIterator<Item = R>,
        end: SequenceEnd,
    ) -> Rule<M> {
        registered(self.try_reply_sequence(replies, end))
    }

    /// Like [`reply_sequence`](Self::reply_sequence), without the panic.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::ErrorKind::Invalid) for the first mistake.
    pub fn try_reply_sequence<R: Into<Reply>>(
        self,
        replies: impl IntoIterator<Item = R>,
        end: SequenceEnd,
    ) -> Result<Rule<M>> {
        let replies = replies.into_iter().map(|reply| reply.into().validate());
        let replies = replies.collect::<Result<Box<[_]>>>()?;
        if replies.is_empty() {
            let reason = "a sequence needs at least one reply";
            return Err(Error::invalid(Part::Option, "[]", reason));
        }
        self.register(Action::Sequence { replies, end })
    }

    /// Fails this many times, then succeeds for good: what a client's retries are tested with.
    ///
    /// ```
    /// use mockwire::{Reply, sync::MockTransport};
    ///
    /// let transport = MockTransport::new();
    /// transport.get("/flaky").reply_after_failures(2, Reply::status(503), Reply::text("ok"));
    ///
    /// let status = || {
    ///     let request = http::Request::get("https://api.test/flaky").body(()).unwrap();
    ///     transport.block_on(transport.call(request)).unwrap().status().as_u16()
    /// };
    /// assert_eq!([status(), status(), status(), status()], [503, 503, 200, 200]);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`reply_sequence`](Self::reply_sequence).
    #[track_caller]
    pub fn reply_after_failures(
        self,
        failures: usize,
        failure: impl Into<Reply>,
        success: impl Into<Reply>,
    ) -> Rule<M> {
        let mut replies = vec![failure.into(); failures];
        replies.push(success.into());
        self.reply_sequence(replies, SequenceEnd::RepeatLast)
    }

    /// Answers with what the closure makes of the request. Registers the rule.
    ///
    /// The closure runs outside every lock: it may use the transport, and a slow one delays nobody
    /// else. It may return a `Result`; an error reaches the caller as
    /// [`HandlerFailed`](crate::ErrorKind::HandlerFailed), a panic as
    /// [`HandlerPanicked`](crate::ErrorKind::HandlerPanicked).
    ///
    /// # Panics
    ///
    /// If a condition is malformed, or the transport is disposed.
    #[track_caller]
    pub fn reply_with<F, R>(self, handler: F) -> Rule<M>
    where
        F: Fn(&Request) -> R + 'static,
        R: Into<Reply>,
        M: AcceptResponder<Immediate<F>>,
    {
        let responder = M::erase_responder(Immediate(handler));
        registered(self.register(Action::Handle(responder)))
    }

    /// Answers with what a handler of a type of its own gives; see
    /// [`reply_with`](Self::reply_with) for closures. Registers the rule.
    ///
    /// ```
    /// use mockwire::{Handler, Reply, Request, sync::MockTransport};
    ///
    /// /// What a protocol's module wraps a user's closure in.
    /// struct Shout<F>(F);
    ///
    /// impl<F: Fn(&str) -> String> Handler for Shout<F> {
    ///     fn reply(&self, request: &Request) -> Reply {
    ///         Reply::from(request.text().map(|text| (self.0)(text).to_uppercase()))
    ///     }
    /// }
    ///
    /// let transport = MockTransport::new();
    /// transport.post("/shout").reply_by(Shout(|text: &str| format!("{text}!")));
    /// # let request = http::Request::post("https://api.test/shout").body("hi").unwrap();
    /// # let text = transport.block_on(async { transport.call(request).await?.into_body().text().await })?;
    /// # assert_eq!(text, "HI!");
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If a condition is malformed, or the transport is disposed.
    #[track_caller]
    pub fn reply_by<H>(self, handler: H) -> Rule<M>
    where
        H: Handler + 'static,
        M: AcceptResponder<By<H>>,
    {
        let responder = M::erase_responder(By(handler));
        registered(self.register(Action::Handle(responder)))
    }

    /// Answers with what the closure's future gives. Registers the rule.
    ///
    /// The future is polled by whoever polls the call, and dropped with it.
    ///
    /// ```
    /// use mockwire::{Reply, Request, sync::MockTransport};
    ///
    /// let transport = MockTransport::new();
    /// transport.post("/echo").reply_async(|request: Request| async move {
    ///     let text = request.text()?.to_owned();
    ///     Ok::<_, mockwire::Error>(Reply::text(text))
    /// });
    /// # let request = http::Request::post("https://api.test/echo").body("hi").unwrap();
    /// # let response = transport.block_on(transport.call(request))?;
    /// # assert_eq!(transport.block_on(response.into_body().text())?, "hi");
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If a condition is malformed, or the transport is disposed.
    #[track_caller]
    pub fn reply_async<F, A>(self, handler: F) -> Rule<M>
    where
        F: Fn(Request) -> A + 'static,
        A: Future<Output: Into<Reply>>,
        M: AcceptResponder<Eventual<F>>,
    {
        let responder = M::erase_responder(Eventual(handler));
        registered(self.register(Action::Handle(responder)))
    }

    /// Answers with this head, and a body whose frames the closure's stream gives, each when the
    /// client asks for it. Registers the rule. The stream is dropped with the body.
    ///
    /// What it fails with ends the body: a [`Fault`](crate::Fault) as what it is, anything else as
    /// [`HandlerFailed`](crate::ErrorKind::HandlerFailed), a panic as
    /// [`HandlerPanicked`](crate::ErrorKind::HandlerPanicked).
    ///
    /// ```
    /// use futures_util::stream;
    /// use mockwire::{Fault, Reply, sync::MockTransport};
    ///
    /// let transport = MockTransport::new();
    /// transport.get("/count").reply_stream(Reply::status(200), |_| {
    ///     stream::iter([Ok("one "), Ok("two "), Err(Fault::ConnectionReset)])
    /// });
    /// # let request = http::Request::get("https://api.test/count").body(()).unwrap();
    /// # let body = transport.block_on(transport.call(request))?.into_body();
    /// # assert!(transport.block_on(body.text()).unwrap_err().is_fault());
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If a condition or the head is malformed, or the transport is disposed.
    #[track_caller]
    pub fn reply_stream<F, S, C, E>(self, head: impl Into<Reply>, frames: F) -> Rule<M>
    where
        F: Fn(&Request) -> S + 'static,
        S: Stream<Item = Result<C, E>>,
        C: Into<Content>,
        E: Into<BoxError>,
        M: AcceptResponder<Streaming<F>>,
    {
        let registered_head = head.into().validate();
        registered(registered_head.and_then(|head| {
            let responder = M::erase_responder(Streaming { head, frames });
            self.register(Action::Handle(responder))
        }))
    }

    /// Keeps each request until the test replies to it. Registers the rule.
    ///
    /// # Panics
    ///
    /// If a condition is malformed, or the transport is disposed.
    #[track_caller]
    pub fn hold(self) -> Hold<M> {
        let rule = registered(self.register(Action::Hold));
        Hold::new(rule.transport().engine.clone(), rule.id())
    }

    /// Passes each request through to another transport, which the host supplies: a closure that
    /// makes a response of a request. Registers the rule. The response's body streams.
    ///
    /// # Panics
    ///
    /// If a condition is malformed, or the transport is disposed.
    #[track_caller]
    pub fn passthrough<F, A, B, E>(self, transport: F) -> Rule<M>
    where
        F: Fn(http::Request<Bytes>) -> A + 'static,
        A: Future<Output = Result<http::Response<B>, E>>,
        B: HttpBody<Error: Into<BoxError>>,
        E: Into<BoxError>,
        M: AcceptResponder<Passthrough<F>>,
    {
        let responder = M::erase_responder(Passthrough(transport));
        registered(self.register(Action::Handle(responder)))
    }
}
