//! What these tests share: cassettes to try things with, and a directory that goes with the test.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mockwire::cassette::{
    Cassette, Entry, Frame, Options, RecordMode, RecordedBody, RecordedEnd, RecordedRequest,
    RecordedResponse,
};
use mockwire::sync::{MockTransport, Recorder};

/// A directory of its own for each, removed when dropped.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mockwire-cassettes-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The names of the files in it.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A cassette with one entry of each kind.
pub(crate) fn sample() -> Cassette {
    let millis = Duration::from_millis;
    let mut cassette = Cassette::new();
    let mut request = RecordedRequest::new(
        http::Method::POST,
        "https://api.test/v1/messages?beta=true".parse().unwrap(),
    );
    request
        .headers
        .insert("content-type", "application/json".parse().unwrap());
    request
        .headers
        .append("accept", "text/event-stream".parse().unwrap());
    request.headers.append("accept", "*/*".parse().unwrap());
    request.body = r#"{"stream":true,"n":1.50,"model":"small"}"#.into();
    let mut response = RecordedResponse::new(http::StatusCode::OK);
    response.after = millis(300);
    response
        .headers
        .insert("content-type", "text/event-stream".parse().unwrap());
    response
        .trailers
        .insert("x-checksum", "é".as_bytes().try_into().unwrap());
    response.body = RecordedBody::Frames(vec![
        Frame::new(millis(1), "event: delta\ndata: {\"b\":1,\"a\":\"€\"}\n\n"),
        Frame::new(millis(20), ": ping\n\n"),
        Frame::new(
            Duration::from_micros(1500),
            "id: 1\nretry: 9\ndata: two\ndata: lines\n\n",
        ),
        Frame::new(millis(0), "data:[DONE]\n\n"),
        Frame::new(millis(0), &b"\xFF\x00"[..]),
        Frame::new(millis(0), "data: cut o"),
    ]);
    response.end = RecordedEnd::Cut;
    cassette.entries.push(Entry::new(request, response));
    let bodies: [&[u8]; 8] = [
        b"",
        b"text\r\n",
        b"\xFF\xFE",
        b"[]",
        b"{\n  \"indented\": [\n    1e3\n  ]\n}\n",
        b"{ \"odd\" : 1 }",
        b"\"a scalar\"",
        b"{\"a\":{\"b\":\"\\u00e9\\/\"}}",
    ];
    for body in bodies {
        let url = "https://api.test/whole".parse().unwrap();
        let mut request = RecordedRequest::new(http::Method::PUT, url);
        request.body = bytes::Bytes::from_static(body);
        let mut response = RecordedResponse::new(http::StatusCode::CREATED);
        response.body = RecordedBody::Whole(bytes::Bytes::from_static(body));
        cassette.entries.push(Entry::new(request, response));
    }
    cassette
}

pub(crate) fn recording(mode: RecordMode) -> Options {
    Options::new().mode(mode)
}

/// A transport that records what this one answers.
pub(crate) fn recorded(real: &MockTransport, recorder: &Recorder) -> MockTransport {
    let transport = MockTransport::new();
    let real = real.clone();
    transport
        .otherwise()
        .record(recorder, move |request| real.call(request));
    transport
}

/// Makes a request, and takes all of the response.
pub(crate) fn fetch(transport: &MockTransport, request: http::Request<String>) -> String {
    let text = async { transport.call(request).await?.into_body().text().await };
    transport.block_on(text).unwrap()
}

pub(crate) fn get(url: &str) -> http::Request<String> {
    http::Request::get(url).body(String::new()).unwrap()
}

pub(crate) fn load(path: &Path) -> Cassette {
    Cassette::load(path).unwrap()
}
