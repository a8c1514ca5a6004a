//! What is remembered from one request to the next.
//!
//! * [`State`]: what a conversation remembers, which handlers, predicates and conditions share.
//! * [`Cache`]: values that are kept for a while, fetched once however many ask for them.

pub(crate) mod cache;
pub(crate) mod conversation;
pub(crate) mod store;

pub use self::cache::{Cache, Weight};
pub use self::conversation::State;
pub use crate::core::cache::{CacheLimits, CacheStats};
