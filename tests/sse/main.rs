//! Server-sent events: what is written, what a client sees of it, and what a recording keeps.
//!
//! The rules are those of WHATWG HTML, "Server-sent events": §9.2.5 (the format) and §9.2.6 (what a
//! client makes of it).
#![cfg(not(target_arch = "wasm32"))]

mod encode;
mod json;
mod limits;
mod peers;
mod recording;
mod round_trip;
mod support;
mod whatwg;
