//! What callers poll: named futures and streams, so that `Send` is inferred.

pub(crate) mod admission;
pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod decide;
pub(crate) mod deliver;
pub(crate) mod due;
pub(crate) mod hold;
pub(crate) mod play;
pub(crate) mod respond;
pub(crate) mod sleep;
pub(crate) mod wait;
