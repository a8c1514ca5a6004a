//! The clients of `hyper` and `hyper-util`, over connections in memory.
#![cfg(not(target_arch = "wasm32"))]

#[path = "hyper/connecting.rs"]
mod connecting;
#[path = "hyper/endings.rs"]
mod endings;
#[path = "hyper/exchanges.rs"]
mod exchanges;
#[path = "hyper/without_tokio.rs"]
mod without_tokio;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client as HyperClient, Error as ClientError};
use hyper_util::rt::TokioExecutor;
use mockwire::futures::{Connecting, Connector, HttpStream};
use mockwire::sync::MockTransport;
use mockwire::{Error, Fault, Threaded};
use tower::Service;

type Client = HyperClient<Counting, Full<Bytes>>;

/// A connector that counts how often it is asked for a connection.
#[derive(Clone)]
struct Counting {
    connector: Connector<Threaded>,
    connections: Arc<AtomicUsize>,
}

impl Counting {
    fn to(transport: &MockTransport) -> Self {
        Self {
            connector: transport.connector(),
            connections: Arc::default(),
        }
    }

    fn count(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Service<http::Uri> for Counting {
    type Response = HttpStream<Threaded>;
    type Error = std::io::Error;
    type Future = Connecting<Threaded>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.connector.poll_ready(cx)
    }

    fn call(&mut self, origin: http::Uri) -> Connecting<Threaded> {
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.connector.call(origin)
    }
}

fn client(transport: &MockTransport) -> (Client, Counting) {
    let connector = Counting::to(transport);
    let client = HyperClient::builder(TokioExecutor::new()).build(connector.clone());
    (client, connector)
}

const URL: &str = "https://api.test/v1/messages";

fn get(url: &str) -> http::Request<Full<Bytes>> {
    http::Request::get(url).body(Full::default()).unwrap()
}

async fn text(body: Incoming) -> Result<String, hyper::Error> {
    let bytes = body.collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

/// The text of a response that comes well.
async fn fetch(client: &Client, url: &str) -> String {
    let response = client.request(get(url)).await.unwrap();
    text(response.into_body()).await.unwrap()
}

/// The next piece of a body.
async fn next(body: &mut Incoming) -> Option<Result<Bytes, hyper::Error>> {
    let frame = body.frame().await?;
    Some(frame.map(|frame| frame.into_data().unwrap()))
}

fn fault(error: &(dyn std::error::Error + 'static)) -> Option<Fault> {
    Error::find(error).and_then(Error::fault)
}

async fn failure(client: &Client, url: &str) -> ClientError {
    client.request(get(url)).await.unwrap_err()
}

/// Lets the other tasks go on until this is so.
async fn until(condition: impl Fn() -> bool) {
    for _ in 0..1000 {
        if condition() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it has not come to that");
}

fn is_send<T: Send>(_: &T) {}
fn is_sync<T: Sync>(_: &T) {}

#[test]
fn what_a_threaded_transport_makes_may_cross_threads() {
    let transport = MockTransport::new();
    let connector = transport.connector();
    is_send(&connector);
    is_sync(&connector);
    let connecting = connector.connect(URL.parse().unwrap());
    is_send(&connecting);
    is_sync(&connecting);
    let stream = transport.block_on(connecting).unwrap();
    is_send(&stream);
    let _: Pin<&HttpStream<Threaded>> = Pin::new(&stream);
}
