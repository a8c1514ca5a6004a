//! mockwire, behind the interface the goals use: the only file that calls it.

use bytes::Bytes;
use futures_util::{FutureExt, Sink, SinkExt, Stream};
use http::Request;
use http_body_util::{BodyExt, Full};
use mockwire::futures::{Body, Hold, ServerSocket, Socket};
use mockwire::{AcceptPredicate, Message, MockTransport, Mode, Reply, Script, SocketScript};
use serde_json::json;
use tower_service::Service;

use crate::fixtures;

/// The single-threaded transport.
pub type Local = mockwire::local::MockTransport;
/// The `Send + Sync` transport.
pub type Sync = mockwire::sync::MockTransport;

/// The connections of a transport, for a real client.
#[must_use]
pub fn connector(transport: &Sync) -> mockwire::futures::Connector<mockwire::Threaded> {
    transport.connector()
}

/// Anything that answers in process.
pub trait Transport {
    /// Sends `request` and collects the whole reply.
    async fn round_trip(&self, request: Request<Bytes>) -> Bytes;

    /// How many requests were recorded.
    fn recorded(&self) -> usize;
}

/// What a registered mock asks for beyond its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A header with a fixed value.
    Header,
    /// A member the JSON body must have.
    Json,
    /// A closure over the request.
    Predicate,
}

impl Condition {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Header, Self::Json, Self::Predicate];
}

/// A mock transport under test. All replies are 200, JSON, [`crate::fixtures::REPLY`].
pub trait Subject: Transport + Clone {
    /// `local` or `sync`.
    const MODE: &'static str;
    /// The mode itself.
    type Mode: Mode;
    /// A rule's reply, prepared once and shared.
    type Reply: Clone;
    /// The transport as a tower service.
    type Service: Transport;
    /// The end from which held requests are taken and answered.
    type Hold;
    /// The client's end of a WebSocket connection.
    type Socket: Stream<Item = mockwire::Result<Message>>
        + Sink<Message, Error = mockwire::Error>
        + Unpin;

    /// A transport without rules.
    fn new() -> Self;
    /// The reply all rules give.
    fn reply() -> Self::Reply;
    /// Registers `POST path`.
    fn serve(&self, path: &str, reply: Self::Reply);
    /// Registers `POST path` with a condition that [`crate::fixtures::request`] does not satisfy.
    fn serve_if(&self, path: &str, condition: Condition, reply: Self::Reply);
    /// The same transport, called through `tower_service::Service`.
    fn service(&self) -> Self::Service;
    /// The body of the `n`th recorded request, as kept.
    fn recorded_body(&self, n: usize) -> Bytes;
    /// Registers `POST path`, to be answered later.
    fn hold(&self, path: &str) -> Self::Hold;
    /// How many requests are on their way, not answered yet.
    fn in_flight(&self) -> usize;
    /// Runs a future on the transport's own executor.
    fn run<F: Future>(&self, future: F) -> F::Output;
    /// Registers a stream, which plays a script for each request.
    fn stream(&self, script: Script);
    /// The body of a request for it.
    fn open(&self) -> Body<Self::Mode>;
    /// Answers the requests that wait, each with its own body, and says how many there were.
    fn release(hold: &Self::Hold) -> usize;
    /// Opens a WebSocket whose script sends everything back.
    fn echo(&self) -> Self::Socket;
    /// The same, where a handler does.
    fn echo_by_handler(&self) -> Self::Socket;
}

/// A closure that both modes accept.
type Test = fn(&mockwire::Request) -> bool;

impl<M: Mode> Transport for MockTransport<M> {
    async fn round_trip(&self, request: Request<Bytes>) -> Bytes {
        let response = self.call(request).await.expect("a rule matches");
        response
            .into_body()
            .collect()
            .await
            .expect("a whole body")
            .to_bytes()
    }

    fn recorded(&self) -> usize {
        self.requests().len()
    }
}

/// A transport called as a tower service, with a body that has to be read.
#[derive(Clone, Debug)]
pub struct ViaTower<M: Mode>(MockTransport<M>);

impl<M: Mode> Transport for ViaTower<M> {
    async fn round_trip(&self, request: Request<Bytes>) -> Bytes {
        let response = Service::call(&mut self.0.clone(), request.map(Full::new)).await;
        let body = response.expect("a rule matches").into_body();
        body.collect().await.expect("a whole body").to_bytes()
    }

    fn recorded(&self) -> usize {
        self.0.requests().len()
    }
}

/// What cannot be said of all modes at once.
pub trait Named: Mode {
    /// `local` or `sync`.
    const NAME: &'static str;
    /// Registers a handler that sends everything back.
    fn echo(transport: &MockTransport<Self>);
}

impl Named for mockwire::Local {
    const NAME: &'static str = "local";

    fn echo(transport: &MockTransport<Self>) {
        transport.websocket(SOCKET).accept_with(send_back::<Self>);
    }
}

impl Named for mockwire::Threaded {
    const NAME: &'static str = "sync";

    fn echo(transport: &MockTransport<Self>) {
        transport.websocket(SOCKET).accept_with(send_back::<Self>);
    }
}

/// Where WebSockets are.
const SOCKET: &str = "wss://api.test/echo";

async fn send_back<M: Mode>(mut socket: ServerSocket<M>) -> mockwire::Result<()> {
    // Not at the top: a body can be collected in two ways then.
    use futures_util::StreamExt;
    while let Some(message) = socket.next().await.transpose()? {
        socket.send(message).await?;
    }
    Ok(())
}

fn connect<M: Mode>(transport: &MockTransport<M>) -> Socket<M> {
    let request = Request::get(SOCKET).body(()).expect("a request");
    let connected = transport.connect(request).now_or_never();
    connected.expect("opens at once").expect("a rule matches")
}

impl<M: Named + AcceptPredicate<Test>> Subject for MockTransport<M> {
    const MODE: &'static str = M::NAME;
    type Mode = M;
    type Reply = Reply;
    type Service = ViaTower<M>;
    type Hold = Hold<M>;
    type Socket = Socket<M>;

    fn new() -> Self {
        Self::new()
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        self.block_on(future)
    }

    fn stream(&self, script: Script) {
        self.get("/stream").reply(Reply::script(script));
    }

    fn open(&self) -> Body<M> {
        let request = Request::get("https://api.test/stream").body(());
        let call = self.call(request.expect("a request"));
        let response = self.block_on(call).expect("a rule matches");
        response.into_body()
    }

    fn reply() -> Reply {
        Reply::bytes(fixtures::REPLY).header("content-type", "application/json")
    }

    fn serve(&self, path: &str, reply: Reply) {
        self.post(path).reply(reply);
    }

    fn serve_if(&self, path: &str, condition: Condition, reply: Reply) {
        let rule = self.post(path);
        let rule = match condition {
            Condition::Header => rule.header("x-plan", "trial"),
            Condition::Json => rule.json_partial(json!({"stream": true})),
            Condition::Predicate => {
                let never: Test = |request| request.body_len() == usize::MAX;
                rule.matching(never)
            }
        };
        rule.reply(reply);
    }

    fn service(&self) -> ViaTower<M> {
        ViaTower(self.clone())
    }

    fn recorded_body(&self, n: usize) -> Bytes {
        self.requests()[n].request.body().clone()
    }

    fn hold(&self, path: &str) -> Hold<M> {
        self.post(path).hold()
    }

    fn in_flight(&self) -> usize {
        self.in_flight()
    }

    fn release(hold: &Hold<M>) -> usize {
        let waiting = std::iter::from_fn(|| hold.next().now_or_never());
        waiting
            .map(|held| {
                let held = held.expect("the rule is there");
                let body = held.request().body().clone();
                held.reply(Reply::bytes(body)).expect("the caller is there");
            })
            .count()
    }
    fn echo(&self) -> Socket<M> {
        self.websocket(SOCKET).accept(SocketScript::new().echo());
        connect(self)
    }

    fn echo_by_handler(&self) -> Socket<M> {
        M::echo(self);
        connect(self)
    }
}
