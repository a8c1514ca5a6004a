//! The same traffic makes the same file here and in JavaScript, to the byte: `tests/js/cassette.test.mjs`
//! compares with the same one. `MOCKWIRE_BLESS=1` writes it anew.

use std::future::Pending;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mockwire::cassette::{Cassette, RecordMode};
use mockwire::sync::{MockTransport, Recorder};
use mockwire::{Reply, Timer};
use serde::Deserialize;

use super::support::{fetch, recorded, recording};

#[derive(Deserialize)]
struct Exchange {
    request: Request,
    response: Response,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    pieces: Vec<String>,
}

/// Whenever somebody looks, it is five milliseconds later.
struct Ticking(AtomicU64);

impl Timer for Ticking {
    type Sleep = Pending<()>;

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(5, Ordering::Relaxed))
    }

    fn sleep(&self, _: Duration) -> Self::Sleep {
        std::future::pending()
    }
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/cassettes")
        .join(name)
}

#[test]
fn the_same_traffic_makes_the_same_file_as_in_javascript() {
    let traffic = std::fs::read_to_string(fixture("traffic.json")).unwrap();
    let traffic: Vec<Exchange> = serde_json::from_str(&traffic).unwrap();
    let recorder = Recorder::new(Cassette::new(), recording(RecordMode::Record));
    let recorder = recorder.timer(Ticking(AtomicU64::new(0)));
    for Exchange { request, response } in traffic {
        let real = MockTransport::new();
        let reply = match response.pieces {
            pieces if pieces.is_empty() => Reply::status(response.status),
            pieces => Reply::stream(pieces),
        };
        let reply = reply.with_status(response.status);
        let fields = response.headers.iter();
        let reply = fields.fold(reply, |reply, (name, value)| reply.header(name, value));
        real.otherwise().reply(reply);
        let transport = recorded(&real, &recorder);
        let mut made = http::Request::builder()
            .method(request.method.as_str())
            .uri(&request.url);
        for (name, value) in &request.headers {
            made = made.header(name, value);
        }
        fetch(&transport, made.body(request.body).unwrap());
    }
    let text = recorder.cassette().to_json();
    if std::env::var_os("MOCKWIRE_BLESS").is_some() {
        std::fs::write(fixture("recorded.json"), &text).unwrap();
    }
    assert_eq!(
        text,
        std::fs::read_to_string(fixture("recorded.json")).unwrap()
    );
    for secret in ["golden-0123456789", "golden-abcdefgh", "hunter2"] {
        assert!(!text.contains(secret), "{secret}");
    }
}
