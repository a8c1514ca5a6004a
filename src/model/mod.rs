//! The values that go in and come out: plain data, no state and no sharing.

pub(crate) mod base64;
pub(crate) mod captured;
#[cfg(feature = "compression")]
pub(crate) mod compression;
pub(crate) mod concurrency;
pub(crate) mod connection;
pub(crate) mod connection_builder;
pub(crate) mod content;
pub(crate) mod damage;
pub(crate) mod date;
pub(crate) mod exchange;
pub(crate) mod from_exchange;
pub(crate) mod isolation_key;
pub(crate) mod json;
pub(crate) mod message;
pub(crate) mod message_pattern;
pub(crate) mod millis;
pub(crate) mod priority;
pub(crate) mod queue;
pub(crate) mod random;
pub(crate) mod redact;
pub(crate) mod reply;
mod reply_from;
pub(crate) mod request;
pub(crate) mod script;
pub(crate) mod sequence;
pub(crate) mod session;
pub(crate) mod socket_form;
pub(crate) mod socket_json;
pub(crate) mod socket_script;
pub(crate) mod template;
pub(crate) mod times;
pub(crate) mod urlencoded;
pub(crate) mod usage;
pub(crate) mod views;
