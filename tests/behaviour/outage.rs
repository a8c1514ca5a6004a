//! Endpoints that are down: for a while, or killed and started again.

use std::time::Duration;

use futures::{FutureExt, SinkExt, StreamExt};
use mockwire::{Fault, Outcome, Reply, Script, SocketScript, Timing};

use super::support::{fetch, get, send};
use super::{MockTransport, test};

const OTHER: &str = "https://other.test/";

fn transport() -> MockTransport {
    let transport = MockTransport::new();
    transport.get("/").reply("well");
    transport
}

#[test]
fn an_outage_lasts_as_long_as_it_says() {
    let transport = transport();
    let millis = Duration::from_millis;
    transport.outage("API.test", millis(10)..millis(20), Fault::DnsFailure);
    transport.outage("api.test", millis(30)..=millis(30), Fault::Timeout);
    let mut seen = Vec::new();
    for at in [0, 9, 10, 19, 20, 29, 30, 31] {
        transport.advance(millis(at) - transport.now());
        let code = fetch(&transport, get("/")).map_err(|error| error.code());
        seen.push((at, code.err().unwrap_or("well")));
        assert_eq!(fetch(&transport, get(OTHER)).unwrap(), "well");
    }
    let down = [(10, "ENOTFOUND"), (19, "ENOTFOUND"), (30, "ETIMEDOUT")];
    let were_down: Vec<_> = seen
        .into_iter()
        .filter(|(_, code)| *code != "well")
        .collect();
    assert_eq!(were_down, down);
    // All are captured; those that failed had no rule, so nothing was used up.
    let captured = transport.requests();
    assert_eq!(captured.len(), 16);
    assert_eq!(captured.iter().filter(|it| it.rule.is_none()).count(), 3);
    transport.verify();
}

#[test]
fn a_killed_host_fails_what_is_going_on_and_refuses_what_comes() {
    let transport = MockTransport::builder().timing(Timing::Manual).build();
    let gap = Duration::from_millis(10);
    let script = Script::new().frames(["a", "b", "c"]).gap(gap);
    transport.get("/stream").reply(Reply::script(script));
    transport.get("/late").reply(Reply::text("late").delay(gap));
    transport
        .get("/async")
        .reply_async(|_| futures::future::pending::<Reply>());
    let hold = transport.get("/held").hold();
    transport
        .get("https://other.test/late")
        .reply(Reply::text("late").delay(gap));

    let mut body = send(&transport, get("/stream")).unwrap().into_body();
    assert_eq!(body.next().now_or_never().unwrap().unwrap().unwrap(), "a");
    let calls = ["/late", "/async", "/held"].map(|path| transport.call(get(path)));
    let mut calls = futures::future::join_all(calls);
    assert!((&mut calls).now_or_never().is_none());
    let mut other = transport.call(get("https://other.test/late"));
    assert!((&mut other).now_or_never().is_none());
    let mut next = body.next();
    assert!((&mut next).now_or_never().is_none());
    let held = hold.next().now_or_never().unwrap().unwrap();

    transport.kill("api.test");
    let broken = next.now_or_never().unwrap().unwrap().unwrap_err();
    assert_eq!(broken.fault(), Some(Fault::ConnectionReset));
    for call in calls.now_or_never().expect("they were woken") {
        assert_eq!(
            call.map(drop).unwrap_err().fault(),
            Some(Fault::ConnectionReset)
        );
    }
    assert!(held.reply(Reply::text("too late")).is_err());
    let refused = send(&transport, get("/late")).map(drop).unwrap_err();
    assert_eq!(refused.fault(), Some(Fault::ConnectionRefused));
    // The other host knows nothing of it.
    transport.advance(gap);
    assert_eq!(other.now_or_never().unwrap().unwrap().status(), 200);

    transport.restart("api.test");
    let again = transport.call(get("/late"));
    futures::pin_mut!(again);
    assert!(again.as_mut().now_or_never().is_none());
    transport.advance(gap);
    assert!(again.now_or_never().unwrap().is_ok());

    drop(body);
    let captured = transport.requests();
    assert_eq!(captured.len(), 7);
    assert!(
        captured[..4]
            .iter()
            .all(|it| matches!(it.outcome, Outcome::Failed(_))),
        "{captured:?}"
    );
    assert_eq!(captured[0].delivered, 1);
    assert_eq!(transport.in_flight(), 0);
}

#[test]
fn a_response_that_was_on_its_way_is_cut_off() {
    let transport = transport();
    let response = send(&transport, get("/")).unwrap();
    transport.kill("api.test");
    let error = transport.block_on(response.into_body().text()).unwrap_err();
    assert_eq!(error.fault(), Some(Fault::ConnectionReset));
    assert!(transport.last_request().unwrap().outcome.as_str() == "failed");
    transport.restart("api.test");
    assert_eq!(fetch(&transport, get("/")).unwrap(), "well");
}

#[test]
fn connections_of_a_killed_host_end_with_1006() {
    let transport = MockTransport::new();
    transport
        .websocket("wss://api.test/chat")
        .accept(SocketScript::new().echo());
    let connect = || {
        let request = http::Request::get("wss://api.test/chat").body(()).unwrap();
        transport.block_on(transport.connect(request))
    };
    let mut socket = connect().unwrap();
    transport.block_on(async {
        socket.send("hello".into()).await.unwrap();
        assert_eq!(
            socket.next().await.unwrap().unwrap().as_text(),
            Some("hello")
        );
        transport.kill("api.test");
        assert!(socket.next().await.unwrap().is_err());
        assert!(socket.next().await.is_none());
    });
    assert!(connect().unwrap_err().is_fault());
    transport.restart("api.test");
    assert!(connect().is_ok());
}

#[test]
fn a_connection_that_is_being_made_fails_with_its_host() {
    let transport = MockTransport::builder().timing(Timing::Manual).build();
    let delay = Duration::from_millis(10);
    let chat = SocketScript::new().open_after(delay);
    transport.websocket("wss://api.test/chat").accept(chat);
    let request = http::Request::get("wss://api.test/chat").body(()).unwrap();
    let mut connect = transport.connect(request);
    assert!((&mut connect).now_or_never().is_none());
    transport.kill("api.test");
    let error = connect.now_or_never().unwrap().unwrap_err();
    assert_eq!(error.fault(), Some(Fault::ConnectionReset));
    transport.advance(delay);
    let captured = transport.last_request().unwrap();
    assert_eq!((captured.response, transport.in_flight()), (None, 0));
}
