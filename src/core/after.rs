//! What a change of a WebSocket connection leaves to be woken and dropped.

use std::task::Waker;

use super::exchange::Exchange;
use super::sockets::Connection;
use crate::model::message::Message;
use crate::wake::wake_all;

/// What the caller wakes and drops once the borrow is over.
#[derive(Default)]
#[must_use = "wakers must be woken and values dropped outside the borrow"]
pub(crate) struct After {
    pub(super) wake: [Option<Waker>; 4],
    /// Apart, as most of the time there is none.
    pub(super) remains: Option<Box<Remains>>,
}

#[derive(Default)]
#[allow(dead_code, reason = "most of it is there to be dropped")]
pub(super) struct Remains {
    pub(super) watchers: Vec<Waker>,
    pub(super) litter: Vec<Message>,
    pub(super) replaced: Option<Waker>,
    pub(super) gone: Option<Box<Connection>>,
    pub(super) over: Option<Exchange>,
    /// Who is admitted instead of the exchange that is over, and who watches that.
    pub(super) admitted: Vec<Waker>,
}

impl After {
    /// Wakes, then drops.
    pub(crate) fn settle(self) {
        let Self { wake, mut remains } = self;
        let mut others = Vec::new();
        if let Some(remains) = &mut remains {
            others.append(&mut remains.watchers);
            others.append(&mut remains.admitted);
        }
        wake_all(wake.into_iter().flatten().chain(others));
    }

    pub(super) fn remains(&mut self) -> &mut Remains {
        self.remains.get_or_insert_default()
    }
}
