//! A mock transport for tests: it stands where the network would, and answers.
//!
//! A request goes in, an answer comes out: a status, header fields and a body that streams. No
//! socket, no port, no runtime, no waiting. Everything that happens is captured, and what did not
//! match says why.
//!
//! ```
//! use mockwire::{Reply, sync::MockTransport};
//! use serde_json::json;
//!
//! let transport = MockTransport::new();
//! transport
//!     .post("https://api.test/v1/messages")
//!     .json_partial(json!({"model": "small"}))
//!     .reply(Reply::json(json!({"text": "hello"})));
//!
//! let request = http::Request::post("https://api.test/v1/messages")
//!     .body(r#"{"model": "small", "max_tokens": 8}"#)?;
//! let response = transport.block_on(transport.call(request))?;
//! assert_eq!(response.status(), 200);
//!
//! let captured = transport.last_request().unwrap();
//! assert_eq!(captured.request.json_value()?["max_tokens"], 8);
//! transport.verify();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A tour
//!
//! * A [`MockTransport`] is the handle. [`sync::MockTransport`] is `Send + Sync`;
//!   [`local::MockTransport`] lives on one thread and takes any closure. One implementation.
//! * A rule is written in one chain: conditions, how often, the reply. [`When`] lists them all.
//! * A [`Reply`] is a value. [`When::reply_with`] and [`When::reply_async`] compute one,
//!   [`When::hold`] lets the test give it later, [`When::reply_sequence`] gives several.
//! * [`MockTransport::requests`] tells what was [`Captured`]; [`MockTransport::verify`] asserts it.
//!   An unmatched request is an [`Error`] whose [`Diagnosis`] names the nearest rules and why.
//! * [`MockTransport::verdict`] tells how a client behaved: retries, back-off, [what else](verdict).
//! * A [`cassette`] is recorded traffic: [`When::replay`], [`When::record`].
//! * Time is the transport's own: [`MockTransport::advance`], [`MockTransport::block_on`].
//! * [`MockTransport::timeline`] tells when everything happened; see [`timeline`].
//!
//! # With real clients
//!
//! `call` takes an `http::Request` and works on any executor. Features add edges:
//!
//! * `tower`: [`MockTransport`] is a `tower_service::Service`.
//! * `hyper`: connections in memory, under the clients of `hyper` and `hyper-util`.
//! * `reqwest`: [`sync::MockTransport`] is a `reqwest_middleware::Middleware`.
//! * `tungstenite`: a WebSocket connection as bytes, for clients over `futures-io` streams.
//!
//! and matchers: `regex`, `jsonpath`, `jsonschema`.

pub mod cassette;
mod core;
mod diagnosis;
mod edge;
mod engine;
mod error;
mod fault;
mod flow;
mod har;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod interleavings;
mod limits;
mod matcher;
mod mode;
mod model;
mod options;
mod outage;
pub mod providers;
mod queue;
mod rate_limit;
mod rule;
mod scope;
mod sim;
pub mod sse;
pub mod state;
mod time;
pub mod timeline;
mod timer;
mod transport;
pub mod verdict;
mod verify;
mod wake;
mod when;

pub use self::core::RuleId;
pub use self::diagnosis::{Check, Diagnosis, Exclusion, NearMiss};
#[cfg(all(feature = "tokio", not(target_arch = "wasm32")))]
pub use self::edge::tokio::TokioTimer;
pub use self::engine::Timing;
pub use self::error::{BoxError, Error, ErrorKind, Part, Result};
pub use self::fault::Fault;
pub use self::flow::accept::Handled;
pub use self::flow::answer::{By, Handler};
pub use self::flow::endpoint::Connected;
pub use self::flow::identify::Identify;
pub use self::matcher::conditions::*;
pub use self::matcher::reading::Reading;
pub use self::matcher::{Matcher, Predicate};
pub use self::mode::{
    AcceptFuture, AcceptIdentify, AcceptPredicate, AcceptReading, AcceptResponder,
    AcceptSocketHandler, AcceptStream, AcceptTask, AcceptTimer, AcceptValue, Local, Mode, Threaded,
};
pub use self::model::captured::{Captured, Outcome, ResponseHead};
pub use self::model::concurrency::{Concurrency, KeyConcurrency, PermitEvent, PermitEventKind};
pub use self::model::content::Content;
pub use self::model::damage::{Chaos, Damage};
pub use self::model::exchange::Exchange;
pub use self::model::message::{CloseFrame, Message, Side, SocketMessage};
pub use self::model::message_pattern::MessagePattern;
pub use self::model::priority::Priority;
pub use self::model::queue::{Completion, QueueStatus, Stop};
pub use self::model::random::Random;
pub use self::model::reply::Reply;
pub use self::model::request::Request;
pub use self::model::script::{Chunking, Ending, Rate, Script};
pub use self::model::sequence::SequenceEnd;
pub use self::model::socket_script::SocketScript;
pub use self::model::times::Times;
pub use self::options::Builder;
pub use self::queue::RequestQueue;
pub use self::rate_limit::RateLimit;
pub use self::rate_limit::headers::{RateHeaders, RetryAfter};
pub use self::timer::Timer;
pub use self::transport::MockTransport;
pub use self::verify::{Report, Unmet, UnmetMessage};
pub use self::when::When;

/// The futures and handles that methods return, so that they can be named.
pub mod futures {
    #[cfg(all(feature = "hyper", not(target_arch = "wasm32")))]
    pub use crate::edge::hyper::{Connecting, Connector, HttpStream};
    #[cfg(feature = "tower")]
    pub use crate::edge::tower::CallService;
    #[cfg(all(feature = "tungstenite", not(target_arch = "wasm32")))]
    pub use crate::edge::tungstenite::Duplex;
    pub use crate::flow::body::Body;
    pub use crate::flow::connect::Connect;
    pub use crate::flow::endpoint::{Endpoint, NextSocket};
    pub use crate::flow::fetch::GetOrFetch;
    pub use crate::flow::hold::{Held, Hold, NextHeld};
    pub use crate::flow::permits::PermitEvents;
    pub use crate::flow::receipt::Receipt;
    pub use crate::flow::respond::Respond;
    pub use crate::flow::sleep::Sleep;
    pub use crate::flow::socket::{ServerSocket, Socket};
    pub use crate::flow::turn::{Interrupted, NextTurn};
    pub use crate::flow::wait::WaitForRequests;
    pub use crate::flow::wait_for_message::WaitForMessage;
    pub use crate::queue::{NextItem, Running, Ticket};
    pub use crate::rule::Rule;
    pub use crate::scope::Scope;
}

/// Real transports that requests go on to, to be [recorded](When::record) or
/// [passed through](When::passthrough): those of `tower` and of `reqwest`, with the features of these
/// names. Without them, a closure is one.
pub mod upstream {
    #[cfg(all(feature = "reqwest", not(target_arch = "wasm32")))]
    pub use crate::edge::upstream_reqwest::reqwest;
    #[cfg(feature = "tower")]
    pub use crate::edge::upstream_tower::{CallUpstream, tower};
}

/// Who connections belong to, and what passes over them. WebSocket connections have it by themselves
/// ([`When::identify`], [`Connected`]); as values it is there for any other.
pub mod connections {
    pub use crate::core::connection_rate::ConnectionRate;
    pub use crate::core::connections::{ConnectionKey, Connections};
    pub use crate::model::connection::{AgeWarning, ConnectionContext, ConnectionInfo, Traffic};
    pub use crate::model::connection_builder::ConnectionBuilder;
    pub use crate::model::isolation_key::IsolationKey;
}

/// The thread-safe transport: `Send + Sync`, with `Send` futures and bodies.
pub mod sync {
    /// A thread-safe [`MockTransport`](crate::MockTransport).
    pub type MockTransport = crate::MockTransport<crate::Threaded>;
    /// The [`Body`](crate::futures::Body) of a thread-safe transport's response.
    pub type Body = crate::futures::Body<crate::Threaded>;
    /// A [`Matcher`](crate::Matcher) for a thread-safe transport.
    pub type Matcher = crate::Matcher<crate::Threaded>;
    /// A handle to a [`Rule`](crate::futures::Rule) of a thread-safe transport.
    pub type Rule = crate::futures::Rule<crate::Threaded>;
    /// A thread-safe [`RequestQueue`](crate::RequestQueue).
    pub type RequestQueue<T> = crate::RequestQueue<T, crate::Threaded>;
    /// A thread-safe [`Recorder`](crate::cassette::Recorder) of cassettes.
    pub type Recorder = crate::cassette::Recorder<crate::Threaded>;
    /// The client's end of a WebSocket connection of a thread-safe transport.
    pub type Socket = crate::futures::Socket<crate::Threaded>;
    /// The server's end of a WebSocket connection of a thread-safe transport.
    pub type ServerSocket = crate::futures::ServerSocket<crate::Threaded>;
    /// A rule of a thread-safe transport that opens WebSocket connections.
    pub type Endpoint = crate::futures::Endpoint<crate::Threaded>;
}

/// The single-threaded transport: handlers and predicates may capture anything.
pub mod local {
    /// A single-threaded [`MockTransport`](crate::MockTransport).
    pub type MockTransport = crate::MockTransport<crate::Local>;
    /// The [`Body`](crate::futures::Body) of a single-threaded transport's response.
    pub type Body = crate::futures::Body<crate::Local>;
    /// A [`Matcher`](crate::Matcher) for a single-threaded transport.
    pub type Matcher = crate::Matcher<crate::Local>;
    /// A handle to a [`Rule`](crate::futures::Rule) of a single-threaded transport.
    pub type Rule = crate::futures::Rule<crate::Local>;
    /// A single-threaded [`RequestQueue`](crate::RequestQueue).
    pub type RequestQueue<T> = crate::RequestQueue<T, crate::Local>;
    /// A single-threaded [`Recorder`](crate::cassette::Recorder) of cassettes.
    pub type Recorder = crate::cassette::Recorder<crate::Local>;
    /// The client's end of a WebSocket connection of a single-threaded transport.
    pub type Socket = crate::futures::Socket<crate::Local>;
    /// The server's end of a WebSocket connection of a single-threaded transport.
    pub type ServerSocket = crate::futures::ServerSocket<crate::Local>;
    /// A rule of a single-threaded transport that opens WebSocket connections.
    pub type Endpoint = crate::futures::Endpoint<crate::Local>;
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The code of the guides, compiled and run.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../docs/guides/aimock.md")]
    struct Aimock;
    #[doc = include_str!("../docs/guides/anthropic.md")]
    struct Anthropic;
    #[doc = include_str!("../docs/guides/gemini.md")]
    struct Gemini;
    #[doc = include_str!("../docs/guides/openai-chat.md")]
    struct OpenAiChat;
    #[doc = include_str!("../docs/guides/openai-responses.md")]
    struct OpenAiResponses;
}
