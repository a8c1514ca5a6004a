//! Requests that go on to a transport that the host supplies.

use std::convert::Infallible;
use std::error::Error as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use http_body::Frame;
use http_body_util::Full;
use mockwire::{Outcome, Reply};

use super::support::{failure, fetch, get, post, send, with_header};
use super::{MockTransport, test};

/// A body that gives these results, one per poll.
struct Chunks(Vec<Result<&'static str, Broken>>);

#[derive(Clone, Debug, PartialEq)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the line is broken")
    }
}

impl std::error::Error for Broken {}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let chunk = self.0.remove(0);
        Poll::Ready(Some(
            chunk.map(|text| Frame::data(Bytes::from_static(text.as_bytes()))),
        ))
    }
}

#[test]
fn the_whole_request_goes_on_and_the_whole_response_comes_back() {
    let transport = MockTransport::new();
    transport
        .post("/real/**")
        .passthrough(|request: http::Request<Bytes>| async move {
            assert_eq!(request.method(), "POST");
            assert_eq!(request.uri(), "https://api.test/real/x?q=1");
            assert_eq!(request.headers()["x-h"], "v");
            let body = [b"echo ", &request.body()[..]].concat();
            let response = http::Response::builder().status(202).header("x-r", "w");
            Ok::<_, Infallible>(response.body(Full::new(Bytes::from(body))).unwrap())
        });
    let request = with_header(post("/real/x?q=1", "hi"), "x-h", "v");
    let response = send(&transport, request).unwrap();
    assert_eq!(response.status(), 202);
    assert_eq!(response.headers()["x-r"], "w");
    let text = transport.block_on(response.into_body().text());
    assert_eq!(text.unwrap(), "echo hi");
    let captured = transport.last_request().unwrap();
    assert_eq!((captured.outcome, captured.delivered), (Outcome::Done, 7));
    assert_eq!(captured.response.unwrap().status, 202);
}

#[test]
fn the_response_streams() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .passthrough(|_: http::Request<Bytes>| async {
            Ok::<_, Infallible>(http::Response::new(Chunks(vec![Ok("a"), Ok("b")])))
        });
    let mut body = send(&transport, get("/")).unwrap().into_body();
    transport.block_on(async {
        assert_eq!(body.next().await.unwrap().unwrap(), "a");
        assert_eq!(transport.in_flight(), 1);
        assert_eq!(body.next().await.unwrap().unwrap(), "b");
        assert!(body.next().await.is_none());
    });
    assert_eq!(transport.in_flight(), 0);
    assert_eq!(transport.last_request().unwrap().outcome, Outcome::Done);
}

#[test]
fn a_failing_transport_is_the_callers_error_with_its_source() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .passthrough(|_: http::Request<Bytes>| async {
            Err::<http::Response<Full<Bytes>>, _>(Broken)
        });
    let error = failure(&transport, get("/"));
    assert_eq!(error.code(), "MOCKWIRE_PASSTHROUGH_FAILED");
    assert_eq!(error.source().unwrap().downcast_ref(), Some(&Broken));
    assert_eq!(
        transport.last_request().unwrap().outcome,
        Outcome::Failed(error)
    );
}

#[test]
fn a_body_that_fails_midway_fails_midway() {
    let transport = MockTransport::new();
    transport
        .get("/")
        .passthrough(|_: http::Request<Bytes>| async {
            let chunks = Chunks(vec![Ok("abc"), Err(Broken), Ok("never")]);
            Ok::<_, Infallible>(http::Response::new(chunks))
        });
    let body = send(&transport, get("/")).unwrap().into_body();
    let frames: Vec<_> = transport.block_on(body.collect());
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0].as_ref().unwrap(), "abc");
    let error = frames[1].as_ref().unwrap_err();
    assert_eq!(error.source().unwrap().downcast_ref(), Some(&Broken));
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.outcome, Outcome::Failed(error.clone()));
    assert_eq!(captured.delivered, 3);
    assert_eq!(transport.in_flight(), 0);
}

#[test]
fn one_mock_may_pass_through_to_another() {
    let real = MockTransport::new();
    real.get("/").reply(Reply::stream(["re", "al"]));
    let transport = MockTransport::new();
    let upstream = real.clone();
    transport
        .on(mockwire::url("*"))
        .passthrough(move |request: http::Request<Bytes>| upstream.call(request));
    assert_eq!(fetch(&transport, get("/")).unwrap(), "real");
    assert_eq!(real.requests().len(), 1);
    // And its failures come through, with the inner diagnosis as the source.
    let error = failure(&transport, get("/nobody"));
    assert_eq!(error.code(), "MOCKWIRE_PASSTHROUGH_FAILED");
    let source = error.source().unwrap();
    let inner = source.downcast_ref::<mockwire::Error>().unwrap();
    assert!(inner.is_unmatched());
}

#[test]
fn dropping_the_call_cancels_what_was_passed_through() {
    let real = MockTransport::new();
    let _hold = real.get("/").hold();
    let transport = MockTransport::new();
    let upstream = real.clone();
    transport
        .on(mockwire::url("*"))
        .passthrough(move |request: http::Request<Bytes>| upstream.call(request));
    let mut call = transport.call(get("/"));
    assert!((&mut call).now_or_never().is_none());
    assert_eq!((transport.in_flight(), real.in_flight()), (1, 1));
    drop(call);
    assert_eq!((transport.in_flight(), real.in_flight()), (0, 0));
    assert_eq!(real.last_request().unwrap().outcome, Outcome::Cancelled);
}
