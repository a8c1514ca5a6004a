//! Server-sent events, both ways: values to text, and text to values.
//!
//! The format is that of WHATWG HTML, "Server-sent events": §9.2.5 says how a stream is written,
//! §9.2.6 how a client reads it. Nothing in here knows of time or of transports.
//!
//! ```
//! use mockwire::sse::{self, Event, LineEnding, Reader};
//! use serde_json::json;
//!
//! let events = [
//!     Event::json(json!({"text": "Hel"})).named("delta").id("1"),
//!     Event::new().comment("keep-alive"),
//!     Event::data("[DONE]"),
//! ];
//! let text = sse::encode(&events, LineEnding::Lf)?;
//! assert_eq!(
//!     text,
//!     "event: delta\nid: 1\ndata: {\"text\":\"Hel\"}\n\n: keep-alive\n\ndata: [DONE]\n\n"
//! );
//!
//! // What a client makes of it: comments are not for it, and the last id stays.
//! let mut reader = Reader::new();
//! reader.push(&text);
//! let seen = reader.collect::<Result<Vec<_>, _>>()?;
//! assert_eq!((&*seen[0].event, &*seen[0].data), ("delta", r#"{"text":"Hel"}"#));
//! assert_eq!((&*seen[1].event, &*seen[1].last_event_id), ("message", "1"));
//!
//! // What a recording holds: everything.
//! let recorded = sse::parse(&text);
//! assert!(recorded.events().eq(&events));
//! # Ok::<(), mockwire::Error>(())
//! ```

mod encode;
mod event;
mod json;
mod parser;
mod reader;
mod scan;

pub use self::encode::{LineEnding, encode};
pub use self::event::Event;
pub use self::parser::{Block, Parsed, Parser, parse};
pub use self::reader::{Message, Reader};
