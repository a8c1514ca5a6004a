//! What is remembered from one request to the next.
//!
//! * [`State`]: what a conversation remembers; handlers, predicates and conditions share it.
//! * [`Cache`]: values that are kept for a while, fetched once however many ask for them.
//! * [`Sessions`]: who talks to whom, each with a [`State`] and messages that are answered in order.

pub(crate) mod cache;
pub(crate) mod conversation;
pub(crate) mod sessions;
pub(crate) mod store;

pub use self::cache::{Cache, Weight};
pub use self::conversation::State;
pub use self::sessions::{Reservation, Session, Sessions};
pub use crate::core::cache::{CacheLimits, CacheStats};
pub use crate::flow::turn::Turn;
pub use crate::model::session::{Answer, Burst, Message, SessionInfo, SessionKey, SessionOptions};
