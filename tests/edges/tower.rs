//! A stack of `tower` on top of the mock: what a client built on services goes through.
#![cfg(not(target_arch = "wasm32"))]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full};
use mockwire::{Error, Fault, MockTransport, Mode, Outcome, Reply, Request, local, sync};
use serde_json::{Value, json};
use tower::retry::{Policy, Retry};
use tower::util::{BoxCloneService, MapErr, MapRequest};
use tower::{Service, ServiceBuilder, ServiceExt};

type Body = Full<Bytes>;

fn post(path: &str, body: Value) -> http::Request<Body> {
    http::Request::post(format!("https://api.test{path}"))
        .header("content-type", "application/json")
        .body(Full::from(body.to_string()))
        .unwrap()
}

fn get(path: &str) -> http::Request<Body> {
    let request = http::Request::get(format!("https://api.test{path}"));
    request.body(Full::default()).unwrap()
}

/// Retries what is worth it, at most so often, after what `retry-after` says. It waits in the
/// transport's time, so the captures tell how long it waited.
#[derive(Clone)]
struct Patient<M: Mode> {
    left: u32,
    transport: MockTransport<M>,
}

impl<M: Mode> Policy<http::Request<Body>, http::Response<mockwire::futures::Body<M>>, Error>
    for Patient<M>
{
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut http::Request<Body>,
        result: &mut Result<http::Response<mockwire::futures::Body<M>>, Error>,
    ) -> Option<Ready<()>> {
        let wait = match result {
            Ok(response) if response.status() == 429 => {
                let seconds = response.headers().get("retry-after")?.to_str().ok()?;
                Duration::from_secs(seconds.parse().ok()?)
            }
            Err(error) if error.is_fault() => Duration::from_millis(100),
            _ => return None,
        };
        self.left = self.left.checked_sub(1)?;
        self.transport.advance(wait);
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &http::Request<Body>) -> Option<http::Request<Body>> {
        Some(request.clone())
    }
}

/// A client's stack: it adds a header, retries, and maps errors on the way back.
type Stack<M> = MapRequest<
    MapErr<Retry<Patient<M>, MockTransport<M>>, fn(Error) -> String>,
    fn(http::Request<Body>) -> http::Request<Body>,
>;

fn stack<M: Mode>(transport: &MockTransport<M>) -> Stack<M> {
    let authorize: fn(http::Request<Body>) -> http::Request<Body> = |mut request| {
        let key = "secret".parse().unwrap();
        request.headers_mut().insert("x-api-key", key);
        request
    };
    let describe: fn(Error) -> String = |error| error.to_string();
    let patient = Patient {
        left: 2,
        transport: transport.clone(),
    };
    ServiceBuilder::new()
        .map_request(authorize)
        .map_err(describe)
        .retry(patient)
        .service(transport.clone())
}

/// The main job: a JSON message, a streamed one, a 429 and then success.
async fn main_job<M: Mode>(transport: MockTransport<M>) {
    transport
        .post("https://api.test/v1/messages")
        .header("x-api-key", "secret")
        .json_partial(json!({"stream": true}))
        .reply(
            Reply::stream(["data: Hel\n\n", "data: lo\n\n"])
                .header("content-type", "text/event-stream"),
        );
    transport
        .post("https://api.test/v1/messages")
        .reply_after_failures(
            1,
            Reply::status(429).header("retry-after", "7"),
            Reply::json(json!({"text": "hello"})),
        );
    let mut client = stack(&transport);

    let asked = json!({"model": "small"});
    let response = client
        .ready()
        .await
        .unwrap()
        .call(post("/v1/messages", asked.clone()))
        .await
        .unwrap();
    let message: Value = response.into_body().json().await.unwrap();
    assert_eq!(message, json!({"text": "hello"}));

    let asked_stream = json!({"model": "small", "stream": true});
    let call = client.call(post("/v1/messages", asked_stream.clone()));
    let response = call.await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let frames: Vec<_> = response
        .into_body()
        .map(|frame| frame.unwrap())
        .collect()
        .await;
    assert_eq!(frames, ["data: Hel\n\n", "data: lo\n\n"]);

    // What was sent, in order, with bodies, headers and the wait that the 429 asked for.
    let captured = transport.requests();
    let bodies: Vec<_> = captured
        .iter()
        .map(|it| Value::clone(&it.request.json_value().unwrap()))
        .collect();
    assert_eq!(bodies, [asked.clone(), asked, asked_stream]);
    for it in &captured {
        assert_eq!(it.request.header("x-api-key"), Some("secret"));
        assert_eq!(it.request.header("content-type"), Some("application/json"));
    }
    let statuses: Vec<_> = captured
        .iter()
        .map(|it| it.response.as_ref().unwrap().status.as_u16())
        .collect();
    assert_eq!(statuses, [429, 200, 200]);
    let waited = Duration::from_secs(7);
    let times: Vec<_> = captured.iter().map(|it| it.at).collect();
    assert_eq!(times, [Duration::ZERO, waited, waited]);
    transport.verify();
}

#[test]
fn a_threaded_stack_does_the_main_job_on_any_thread() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    // `spawn` wants a future that is `Send`.
    let task = runtime.spawn(main_job(sync::MockTransport::new()));
    runtime.block_on(task).unwrap();
}

#[test]
fn a_local_stack_does_the_main_job() {
    let transport = local::MockTransport::new();
    transport.block_on(main_job(transport.clone()));
}

#[test]
fn a_threaded_stack_fits_where_send_is_asked_for() {
    let transport = sync::MockTransport::new();
    transport.get("/").reply("ok");
    let boxed: BoxCloneService<http::Request<Body>, _, _> = BoxCloneService::new(stack(&transport));
    fn is_send<T: Send>(_: &T) {}
    is_send(&boxed);
    let response = transport.block_on(boxed.oneshot(get("/"))).unwrap();
    assert_eq!(response.status(), 200);
}

#[test]
fn a_local_stack_may_capture_anything() {
    let transport = local::MockTransport::new();
    let seen = Rc::new(std::cell::RefCell::new(Vec::new()));
    let handler = seen.clone();
    transport.get("/{n}").reply_with(move |request: &Request| {
        let n = request.param("n").unwrap().to_owned();
        handler.borrow_mut().push(n);
        Reply::status(204)
    });
    for n in ["1", "2"] {
        let call = stack(&transport).oneshot(get(&format!("/{n}")));
        assert_eq!(transport.block_on(call).unwrap().status(), 204);
    }
    assert_eq!(*seen.borrow(), ["1", "2"]);
}

#[test]
fn a_retry_layer_sees_connection_faults() {
    let transport = sync::MockTransport::new();
    transport
        .get("/")
        .reply_after_failures(2, Fault::ConnectionReset, "at last");
    let call = stack(&transport).oneshot(get("/"));
    let response = transport.block_on(call).unwrap();
    let text = transport.block_on(response.into_body().text());
    assert_eq!(text.unwrap(), "at last");
    assert_eq!(transport.requests().len(), 3);

    // Negative control: it gives up after two retries, with the fault.
    transport.get("/down").reply(Fault::ConnectionRefused);
    let call = stack(&transport).oneshot(get("/down"));
    let error = transport.block_on(call).err().unwrap();
    assert!(error.contains("connection refused"), "{error}");
    let down = transport.requests_matching(mockwire::get("/down"));
    assert_eq!(down.len(), 3);
}

#[test]
fn an_unmatched_request_is_not_retried_and_says_why() {
    let transport = sync::MockTransport::new();
    transport.get("/other").reply("other");
    let error = transport.block_on(stack(&transport).oneshot(get("/")));
    let error = error.err().unwrap();
    assert!(
        error.contains("no rule matched GET https://api.test/"),
        "{error}"
    );
    assert!(error.contains("GET /other"), "{error}");
    assert_eq!(transport.requests().len(), 1);
}

#[test]
fn a_dropped_call_or_body_is_noted() {
    let transport = sync::MockTransport::new();
    let _hold = transport.get("/held").hold();
    transport.get("/stream").reply(Reply::stream(["a", "b"]));
    let mut call = Box::pin(stack(&transport).oneshot(get("/held")));
    assert!(call.as_mut().now_or_never().is_none());
    assert_eq!(transport.in_flight(), 1);
    drop(call);
    assert_eq!(
        transport.last_request().unwrap().outcome,
        Outcome::Cancelled
    );
    let call = stack(&transport).oneshot(get("/stream"));
    let mut body = transport.block_on(call).unwrap().into_body();
    transport.block_on(body.next()).unwrap().unwrap();
    drop(body);
    let captured = transport.last_request().unwrap();
    assert_eq!(
        (captured.outcome, captured.delivered),
        (Outcome::Cancelled, 1)
    );
    assert_eq!(transport.in_flight(), 0);
}

#[test]
fn any_body_is_read_to_its_end_before_the_request_arrives() {
    let transport = sync::MockTransport::new();
    transport.post("/").reply("ok");
    let request = || http::Request::post("https://api.test/");
    let frames =
        ["on", "", "e bo", "dy"].map(|text| Ok::<_, Infallible>(Frame::data(Bytes::from(text))));
    let streamed = http_body_util::StreamBody::new(futures::stream::iter(frames));
    let call = transport.clone().oneshot(request().body(streamed).unwrap());
    transport.block_on(call).unwrap();
    assert_eq!(transport.last_request().unwrap().request.body(), "one body");
    // A body that is not there, and one that comes boxed.
    let call = transport
        .clone()
        .oneshot(request().body(Empty::<Bytes>::new()).unwrap());
    transport.block_on(call).unwrap();
    assert_eq!(transport.last_request().unwrap().request.body(), "");
    let boxed = Full::new(Bytes::from("boxed")).boxed();
    let call = transport.clone().oneshot(request().body(boxed).unwrap());
    transport.block_on(call).unwrap();
    assert_eq!(transport.last_request().unwrap().request.body(), "boxed");
}

#[test]
fn trailers_of_a_request_do_no_harm() {
    let transport = sync::MockTransport::new();
    transport.post("/").reply("ok");
    let trailers = http::HeaderMap::from_iter([(
        http::HeaderName::from_static("checksum"),
        http::HeaderValue::from_static("1"),
    )]);
    let frames = [Frame::data(Bytes::from("body")), Frame::trailers(trailers)];
    let body =
        http_body_util::StreamBody::new(futures::stream::iter(frames.map(Ok::<_, Infallible>)));
    let request = http::Request::post("https://api.test/").body(body).unwrap();
    transport
        .block_on(transport.clone().oneshot(request))
        .unwrap();
    assert_eq!(transport.last_request().unwrap().request.body(), "body");
}

#[test]
fn a_body_that_fails_is_the_callers_error_and_no_request() {
    struct Broken;
    impl http_body::Body for Broken {
        type Data = Bytes;
        type Error = std::io::Error;
        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            Poll::Ready(Some(Err(std::io::Error::other("the disk is gone"))))
        }
    }
    let transport = sync::MockTransport::new();
    transport.post("/").reply("ok");
    let request = http::Request::post("https://api.test/")
        .body(Broken)
        .unwrap();
    let error = transport
        .block_on(transport.clone().oneshot(request))
        .unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_INVALID_BODY");
    assert!(error.to_string().contains("the disk is gone"), "{error}");
    assert!(transport.requests().is_empty());
}

#[test]
fn a_stack_may_stand_behind_a_passthrough() {
    // A mock in front of a stack in front of a mock: what a test that records would use.
    let real = sync::MockTransport::new();
    real.get("/").header("x-api-key", "secret").reply("real");
    let upstream = stack(&real);
    let transport = sync::MockTransport::new();
    let calls = Arc::new(Mutex::new(0));
    let counter = calls.clone();
    transport
        .on(mockwire::url("*"))
        .passthrough(move |request: http::Request<Bytes>| {
            *counter.lock().unwrap() += 1;
            upstream.clone().oneshot(request.map(Full::new))
        });
    let call = transport.clone().oneshot(get("/"));
    let response = transport.block_on(call).unwrap();
    let text = transport.block_on(response.into_body().text());
    assert_eq!(text.unwrap(), "real");
    assert_eq!(*calls.lock().unwrap(), 1);
}
