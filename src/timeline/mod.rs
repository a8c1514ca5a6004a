//! What has happened on a transport, and when, as a value: to be asserted, kept, and looked at.
//!
//! Every exchange has a timeline: its arrival, where it was queued and why, the rule that was found,
//! the head, the frames, and the end with its cause; WebSocket connections with what both ends have
//! said; and when hosts were down. It is always on, and costs a plain request nothing: what happens on
//! the tick of its arrival is told from that.
//!
//! ```
//! use std::time::Duration;
//! use mockwire::timeline::{Cause, Outcome};
//! use mockwire::{Reply, Script, sync::MockTransport};
//!
//! let millis = Duration::from_millis;
//! let transport = MockTransport::new();
//! let script = Script::new().frames(["a", "b"]).gap(millis(40)).reset();
//! transport.get("/stream").reply(Reply::script(script).delay(millis(100)));
//!
//! let request = http::Request::get("https://api.test/stream").body(())?;
//! let lost = transport.block_on(async { transport.call(request).await?.into_body().bytes().await });
//! assert!(lost.is_err());
//!
//! let entry = &transport.timeline().entries[0];
//! assert_eq!(entry.head.as_ref().unwrap().at, millis(100));
//! let frames: Vec<_> = entry.frames.iter().map(|frame| frame.at).collect();
//! assert_eq!(frames, [millis(100), millis(140)]);
//! let end = entry.end.as_ref().unwrap();
//! assert_eq!((end.outcome, end.cause), (Outcome::Failed, Some(Cause::Fault)));
//! assert_eq!(end.code.as_deref(), Some("ECONNRESET"));
//! # Ok::<(), http::Error>(())
//! ```
//!
//! To be kept or looked at, a [`Timeline`] is written as JSON ([`to_json`](Timeline::to_json)), as an HTTP
//! archive for browsers' developer tools ([`to_har`](Timeline::to_har)), as a trace for Perfetto
//! ([`to_chrome_trace`](Timeline::to_chrome_trace)), and as a picture ([`to_svg`](Timeline::to_svg)).
//! `examples/timeline.rs` makes all four.

mod har;
mod record;
mod retries;
mod svg;
mod trace;
mod value;
mod words;

pub use self::retries::Retry;
pub use self::value::{
    Body, Cause, End, Entry, Frame, Head, Limit, Matched, MessageKind, Outage, Outcome, Queued,
    Requested, Said, Timeline,
};
