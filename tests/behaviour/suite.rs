//! The suite: every file of this directory, once per mode.

// That each file is there twice is the point.
#![allow(clippy::duplicate_mod)]

/// `#[test]` by one name: natively the compiler's, as wasm32 that of wasm-bindgen.
#[cfg(not(target_arch = "wasm32"))]
use core::prelude::v1::test;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

mod support;

/// Single-threaded: `Rc` inside.
#[path = "."]
mod local {
    use super::{support, test};

    type Mode = mockwire::Local;
    use mockwire::local::{
        Body, Endpoint, Matcher, MockTransport, Recorder, RequestQueue, ServerSocket, Socket,
    };

    mod bad_input;
    mod cache;
    mod capture;
    mod cassette_record;
    mod cassette_replay;
    mod chaos_transcripts;
    mod chat;
    mod concurrency;
    mod damage;
    mod dialogues;
    mod dispose;
    mod from_exchange;
    mod handlers;
    mod held;
    mod limits_together;
    mod matching;
    mod outage;
    mod passthrough;
    mod permit_events;
    mod prompts;
    mod providers;
    mod providers_golden;
    mod rate_limits;
    mod redaction;
    mod replies;
    mod request_queue;
    mod scenario;
    mod scope;
    mod script;
    mod sequence;
    mod sessions;
    mod socket_scripts;
    mod sockets;
    mod sockets_context;
    mod sockets_endings;
    mod sockets_handshake;
    mod sockets_live;
    mod sockets_many;
    mod sockets_rate;
    mod state;
    mod streaming;
    mod time;
    mod timeline;
    mod timeline_golden;
    mod times;
    mod transcripts;
    mod unmatched;
    mod verdict;
    mod verify;
    mod wait;
}

/// Thread-safe: `Arc` inside.
#[path = "."]
mod sync {
    use super::{support, test};

    type Mode = mockwire::Threaded;
    use mockwire::sync::{
        Body, Endpoint, Matcher, MockTransport, Recorder, RequestQueue, ServerSocket, Socket,
    };

    mod bad_input;
    mod cache;
    mod capture;
    mod cassette_record;
    mod cassette_replay;
    mod chaos_transcripts;
    mod chat;
    mod concurrency;
    mod damage;
    mod dialogues;
    mod dispose;
    mod from_exchange;
    mod handlers;
    mod held;
    mod limits_together;
    mod matching;
    mod outage;
    mod passthrough;
    mod permit_events;
    mod prompts;
    mod providers;
    mod providers_golden;
    mod rate_limits;
    mod redaction;
    mod replies;
    mod request_queue;
    mod scenario;
    mod scope;
    mod script;
    mod sequence;
    mod sessions;
    mod socket_scripts;
    mod sockets;
    mod sockets_context;
    mod sockets_endings;
    mod sockets_handshake;
    mod sockets_live;
    mod sockets_many;
    mod sockets_rate;
    mod state;
    mod streaming;
    mod time;
    mod timeline;
    mod timeline_golden;
    mod times;
    mod transcripts;
    mod unmatched;
    mod verdict;
    mod verify;
    mod wait;
}
