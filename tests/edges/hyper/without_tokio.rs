//! Connections are driven by whoever has them: no runtime is needed, and any will do.

use bytes::Bytes;
use futures::future::{Either, select};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::client::legacy::Client;
use mockwire::{Fault, MockTransport, Mode, Reply, Script};

use super::{URL, fault, get};

/// Asks over one connection, which is polled together with the exchange.
async fn exchange<M: Mode>(
    transport: &MockTransport<M>,
    path: &str,
) -> Result<Bytes, Box<dyn std::error::Error>> {
    let origin = "https://api.test".parse()?;
    let stream = transport.connector().connect(origin).await?;
    let (mut sender, connection) = http1::handshake(stream).await?;
    let request = http::Request::get(path).header("host", "api.test");
    let request = request.body(Full::<Bytes>::default())?;
    let exchange = Box::pin(async {
        let body = sender.send_request(request).await?.into_body();
        Ok::<_, hyper::Error>(body.collect().await?.to_bytes())
    });
    match select(exchange, connection).await {
        Either::Left((bytes, _)) => Ok(bytes?),
        Either::Right((closed, exchange)) => {
            closed?;
            Ok(exchange.await?)
        }
    }
}

fn asked_without_a_runtime<M: Mode>(transport: &MockTransport<M>) {
    let millis = std::time::Duration::from_millis;
    let script = Script::new().frame("one ").wait(millis(500)).frame("two");
    transport.get("/stream").reply(Reply::script(script));
    transport.get("/reset").reply(Fault::ConnectionReset);
    transport.get("/").reply("hello");
    let asked = |path| transport.block_on(exchange(transport, path));
    assert_eq!(asked("/").unwrap(), "hello");
    assert_eq!(asked("/stream").unwrap(), "one two");
    assert_eq!(transport.now(), millis(500));
    let error = asked("/reset").unwrap_err();
    assert_eq!(fault(&*error), Some(Fault::ConnectionReset));
    assert_eq!(transport.in_flight(), 0);
}

#[test]
fn under_the_transports_own_executor_in_both_modes() {
    asked_without_a_runtime(&mockwire::sync::MockTransport::new());
    asked_without_a_runtime(&mockwire::local::MockTransport::new());
}

#[test]
fn what_cannot_go_on_is_told() {
    let transport = mockwire::local::MockTransport::new();
    transport.get("/").reply(Reply::never());
    let asked = transport.try_block_on(exchange(&transport, "/"));
    assert_eq!(asked.unwrap_err().code(), "MOCKWIRE_STALLED");
}

/// smol, as what hyper asks of an executor.
#[derive(Clone)]
struct Smol;

impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for Smol {
    fn execute(&self, future: F) {
        smol::spawn(future).detach();
    }
}

#[test]
fn under_another_runtime() {
    let transport = mockwire::sync::MockTransport::new();
    transport.get(URL).reply("hello");
    let client = Client::builder(Smol).build(transport.connector());
    let body = smol::block_on(async {
        let response = client.request(get(URL)).await.unwrap();
        response.into_body().collect().await.unwrap().to_bytes()
    });
    assert_eq!(body, "hello");
}
