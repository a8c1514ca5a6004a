//! Foreign code that calls back into its transport, in every place where there is some.

mod limits;
mod rules;
mod sockets;
mod state;
mod values;
mod waits;

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use futures::FutureExt;
use mockwire::{Reply, Request};

use super::{
    Endpoint, INTRUSION, MockTransport, Mode, RequestQueue, ServerSocket, Socket, intrude,
    intrusions, watched,
};

/// A value of the user: calls into the transport when it is dropped.
#[derive(Debug)]
struct Owned;

impl Drop for Owned {
    fn drop(&mut self) {
        intrude();
    }
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        b"owned"
    }
}

impl std::fmt::Display for Owned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("owned")
    }
}

impl std::error::Error for Owned {}

impl<'de> serde::Deserialize<'de> for Owned {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        intrude(); // parsing is foreign code as well
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// A waker that calls into the transport when it is woken and when it is dropped.
struct Intruder;

impl Wake for Intruder {
    fn wake(self: Arc<Self>) {
        intrude();
    }
}

impl Drop for Intruder {
    fn drop(&mut self) {
        intrude();
    }
}

fn intruder() -> Waker {
    Waker::from(Arc::new(Intruder))
}

/// Bytes that call into the transport when the last of them is dropped.
fn owned_bytes() -> Bytes {
    Bytes::from_owner(Owned)
}

/// Makes foreign code use this transport, in every way that takes the lock.
fn arm(transport: &MockTransport) {
    let transport = transport.clone();
    let intrusion = move || {
        let _ = transport.in_flight();
        let _ = transport.requests();
        let _ = transport.now();
        let _ = transport.scenario("s");
        let _ = transport.is_disposed();
        let _ = transport.concurrency();
        transport.set_scenario("intruded", "yes");
        transport.state().update("intruded", |_| true);
        transport.state().put(true);
        let _ = transport.try_verify();
        let _ = transport.call(get()).now_or_never();
        let _ = format!("{transport:?}");
    };
    drop(INTRUSION.replace(Some(Rc::new(intrusion))));
}

/// A transport that its foreign code uses.
fn armed() -> MockTransport {
    // The intrusion makes requests of its own: what no rule matches is no failure here.
    let transport = MockTransport::new();
    arm(&transport);
    transport
}

fn get() -> http::Request<()> {
    http::Request::get("https://api.test/intruded")
        .body(())
        .unwrap()
}

fn request(body: impl Into<mockwire::Content>) -> http::Request<mockwire::Content> {
    http::Request::post("https://api.test/")
        .body(body.into())
        .unwrap()
}

fn fetch(transport: &MockTransport) -> mockwire::Result<Bytes> {
    transport.block_on(async { transport.call(request(())).await?.into_body().bytes().await })
}

/// Polls once, with a waker that intrudes.
fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    let waker = intruder();
    Pin::new(future).poll(&mut Context::from_waker(&waker))
}

/// What took place in `f` that foreign code came of.
#[track_caller]
fn assert_intrudes<R>(what: &str, f: impl FnOnce() -> R) -> R {
    let before = intrusions();
    let result = f();
    assert!(intrusions() > before, "no foreign code ran: {what}");
    result
}

/// A handler that owns a value of the user.
fn handler() -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    let owned = Owned;
    move |_| {
        let _ = &owned;
        Reply::text("handled")
    }
}

/// A predicate that owns a value of the user.
fn predicate() -> impl Fn(&Request) -> bool + Send + Sync + 'static {
    let owned = Owned;
    move |_| {
        let _ = &owned;
        true
    }
}
