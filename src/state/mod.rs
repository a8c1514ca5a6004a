//! What is remembered from one request to the next, in the transport's own time.

pub(crate) mod conversation;
pub(crate) mod store;

pub use self::conversation::State;
