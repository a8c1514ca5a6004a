//! What callers poll: named futures and streams, so that `Send` is inferred.

pub(crate) mod accept;
pub(crate) mod admission;
pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod connect;
pub(crate) mod decide;
pub(crate) mod deliver;
pub(crate) mod due;
pub(crate) mod end;
pub(crate) mod ending;
pub(crate) mod endpoint;
pub(crate) mod fetch;
pub(crate) mod handshake;
pub(crate) mod hold;
pub(crate) mod identify;
pub(crate) mod permits;
pub(crate) mod play;
pub(crate) mod receipt;
pub(crate) mod record;
pub(crate) mod respond;
pub(crate) mod sleep;
pub(crate) mod socket;
pub(crate) mod turn;
pub(crate) mod wait;
pub(crate) mod wait_for_message;
pub(crate) mod wakers;
