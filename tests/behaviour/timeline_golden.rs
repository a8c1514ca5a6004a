//! One run, in which everything happens that a timeline tells of, as JSON: the same natively, in
//! WebAssembly and in JavaScript. `timeline.json` says what it is.

use std::time::Duration;

use futures::future::join;
use mockwire::{Fault, RateLimit, Reply, Script};

use super::support::{failure, fetch, get, post, send, with_header};
use super::{MockTransport, test};

const EXPECTED: &str = include_str!("timeline.json");

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn text(text: &str) -> Reply {
    Reply::text(text.to_owned()).header("content-type", "text/plain")
}

fn transport() -> MockTransport {
    let transport = MockTransport::builder().max_concurrent(2).build();
    transport.post("/plain").reply(text("plain"));
    transport.get("/late").reply(text("late").delay(millis(40)));
    let frames = Script::new().frames(["one", "three"]).gap(millis(10));
    transport
        .get("/stream")
        .reply(Reply::script(frames.clone()));
    transport.get("/reset").reply(Reply::script(frames.reset()));
    transport
        .get("/fault")
        .reply(Reply::fault(Fault::ConnectTimeout).delay(millis(5)));
    transport
        .get("/limited")
        .rate_limit(RateLimit::fixed_window(1, millis(90)))
        .reply(Reply::status(204));
    transport
}

fn play(transport: &MockTransport) {
    let plain = || with_header(post("/plain", "ask"), "authorization", "Bearer secret");
    fetch(transport, plain()).unwrap();
    let pair = || {
        let late = || async {
            let response = transport.call(get("/late")).await.unwrap();
            response.into_body().text().await.unwrap()
        };
        join(join(late(), late()), late())
    };
    transport.block_on(pair());
    fetch(transport, get("/stream")).unwrap();
    fetch(transport, get("/reset")).unwrap_err();
    failure(transport, get("/fault"));
    failure(transport, get("/nowhere"));
    for _ in 0..2 {
        send(transport, get("/limited")).unwrap();
    }
    // The client gives up in the midst of the body.
    drop(send(transport, get("/stream")).unwrap());
    transport.kill("api.test");
    failure(transport, plain());
    transport.advance(millis(100));
    transport.restart("api.test");
    fetch(transport, plain()).unwrap();
    drop(send(transport, get("/late")).unwrap());
}

/// Where rules were registered is left out.
fn told(transport: &MockTransport) -> String {
    let mut timeline = transport.timeline();
    for entry in &mut timeline.entries {
        if let Some(matched) = &mut entry.matched {
            matched.site.clear();
        }
    }
    timeline.to_json() + "\n"
}

#[test]
fn a_timeline_is_the_same_in_every_world() {
    let transport = transport();
    play(&transport);
    let told = told(&transport);
    #[cfg(not(target_arch = "wasm32"))]
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/behaviour/timeline.json");
        std::fs::write(file, &told).unwrap();
        return;
    }
    assert_eq!(told, EXPECTED);
}
