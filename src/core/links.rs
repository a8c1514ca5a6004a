//! HTTP connections that are open as bytes: they end with their host.

use std::task::Waker;

use slotmap::{SlotMap, new_key_type};

use super::Core;
use crate::mode::Mode;

new_key_type! {
    /// Names an HTTP connection that is open. Stale once it is over.
    pub(crate) struct LinkId;
}

/// The connections of a transport.
#[derive(Default)]
pub(crate) struct Links {
    open: SlotMap<LinkId, Link>,
}

pub(crate) struct Link {
    host: String,
    /// Who is to be told when the host dies.
    waker: Waker,
}

impl Links {
    /// Ends those to a host, or to all; returns what is to be woken outside the borrow.
    pub(super) fn end(&mut self, host: Option<&str>) -> Vec<Waker> {
        let is_there = |link: &Link| host.is_none_or(|host| link.host.eq_ignore_ascii_case(host));
        let open = self.open.iter();
        let ended: Vec<LinkId> = open
            .filter(|(_, link)| is_there(link))
            .map(|(id, _)| id)
            .collect();
        let ended = ended.into_iter().filter_map(|id| self.open.remove(id));
        ended.map(|link| link.waker).collect()
    }
}

impl<M: Mode> Core<M> {
    pub(crate) fn open_link(&mut self, host: String, waker: Waker) -> LinkId {
        let links = self.links.get_or_insert_default();
        links.open.insert(Link { host, waker })
    }

    /// Whether a connection is there still: its host has not died since, and is not down now.
    pub(crate) fn is_link_up(&self, id: LinkId) -> bool {
        let links = self.links.as_ref();
        let link = links.and_then(|links| links.open.get(id));
        let now = self.timeline.now();
        link.is_some_and(|link| self.endpoints.fault_of(&link.host, now).is_none())
    }

    /// A connection is over. What is left of it is dropped outside the borrow.
    pub(crate) fn close_link(&mut self, id: LinkId) -> Option<Link> {
        self.links.as_mut()?.open.remove(id)
    }
}
