//! Endpoints that are down: for a while, or until they are started again.

use std::collections::VecDeque;
use std::task::Waker;

use super::after::After;
use super::exchange::Lost;
use super::journal::Entry;
use super::socket::Ending;
use super::timeline::Tick;
use super::{Core, ExchangeId, SocketId};
use crate::fault::Fault;
use crate::mode::Mode;
use crate::model::captured::Outcome;
use crate::model::request::Request;

/// How many outages are remembered that were ended.
const ENDED: usize = 1024;

/// The outages of a transport.
#[derive(Default)]
pub(crate) struct Endpoints {
    outages: Vec<Outage>,
    /// Those that were ended, the oldest forgotten first.
    ended: VecDeque<Outage>,
    dropped: u64,
}

/// A host does not answer from one time to another.
#[derive(Clone, Debug)]
pub(crate) struct Outage {
    /// In lower case.
    pub(crate) host: String,
    pub(crate) from: Tick,
    /// For good, or until it is started again, when there is none.
    pub(crate) until: Option<Tick>,
    pub(crate) fault: Fault,
    /// Whether the host was killed, with what was going on there.
    pub(crate) killed: bool,
}

impl Endpoints {
    /// Whether none has been down.
    pub(crate) fn is_empty(&self) -> bool {
        self.outages.is_empty() && self.ended.is_empty() && self.dropped == 0
    }

    pub(crate) fn add(&mut self, outage: Outage) {
        self.outages.push(outage);
    }

    /// What a request meets now.
    #[inline]
    pub(crate) fn fault(&self, request: &Request, now: Tick) -> Option<Fault> {
        if self.outages.is_empty() {
            return None;
        }
        self.fault_of(request.host()?, now)
    }

    /// What a connection to a host meets now.
    #[cold]
    #[inline(never)]
    pub(super) fn fault_of(&self, host: &str, now: Tick) -> Option<Fault> {
        let is_down = |outage: &&Outage| {
            outage.host.eq_ignore_ascii_case(host)
                && outage.from <= now
                && outage.until.is_none_or(|until| now < until)
        };
        self.outages.iter().find(is_down).map(|outage| outage.fault)
    }

    /// Ends what is down now.
    pub(crate) fn restart(&mut self, host: &str, now: Tick) {
        for outage in &mut self.outages {
            if outage.host.eq_ignore_ascii_case(host) && outage.from <= now {
                outage.until = Some(outage.until.map_or(now, |until| until.min(now)));
            }
        }
        let going_on = |outage: &Outage| outage.until.is_none_or(|until| until > now);
        let (outages, ended): (Vec<_>, Vec<_>) = self.outages.drain(..).partition(going_on);
        self.outages = outages;
        self.ended.extend(ended);
        while self.ended.len() > ENDED {
            self.ended.pop_front();
            self.dropped += 1;
        }
    }

    /// What has been down up to now, in order of time, and how many outages were forgotten.
    pub(crate) fn told(&self, now: Tick) -> (Vec<Outage>, u64) {
        let begun = self.outages.iter().filter(|outage| outage.from <= now);
        let mut told: Vec<_> = self.ended.iter().chain(begun).cloned().collect();
        for outage in &mut told {
            outage.until = outage.until.filter(|until| *until <= now);
        }
        told.sort_by_key(|outage| outage.from);
        (told, self.dropped)
    }

    /// Forgets what is over.
    pub(crate) fn forget_ended(&mut self) {
        self.ended.clear();
        self.dropped = 0;
    }
}

impl<M: Mode> Core<M> {
    /// Takes a host down, with everything that is going on there. What is lost by that is woken,
    /// and dropped outside the borrow.
    pub(crate) fn kill(&mut self, host: &str, fault: Fault) -> Vec<Lost> {
        let now = self.timeline.now();
        self.timeline.note_activity();
        self.endpoints.add(Outage {
            host: host.to_ascii_lowercase(),
            from: now,
            until: None,
            fault: Fault::ConnectionRefused,
            killed: true,
        });
        let going_on = self.going_on_at(host).into_iter();
        // Those that wait go first, so that none of them is admitted only to be lost.
        let (inside, waiting): (Vec<_>, _) = going_on.partition(|id| self.is_admitted(*id));
        let going_on = waiting.into_iter().chain(inside);
        going_on.filter_map(|id| self.lose(id, fault)).collect()
    }

    /// What is going on with a host, as far as the journal knows.
    pub(crate) fn going_on_at(&mut self, host: &str) -> Vec<ExchangeId> {
        let (exchanges, journal) = (&self.exchanges, &mut self.journal);
        let going_on = exchanges.iter().filter(|(_, exchange)| {
            let entry = journal.get_mut(exchange.sequence());
            is_at(entry, host)
        });
        going_on.map(|(id, _)| id).collect()
    }

    /// Aborts the connections to a host, whose server is dead.
    pub(crate) fn kill_sockets(&mut self, host: &str) -> Vec<After> {
        let (Some(sockets), journal) = (&self.sockets, &mut self.journal) else {
            return Vec::new();
        };
        let killed = sockets.live.iter().filter(|(_, connection)| {
            let entry = journal.get_mut(connection.number);
            is_at(entry, host)
        });
        let killed: Vec<SocketId> = killed.map(|(id, _)| id).collect();
        let aborted = killed
            .into_iter()
            .filter_map(|id| self.end_socket(id, Ending::Aborted).ok());
        aborted.collect()
    }

    /// Ends the connections as bytes to a host, whose server is dead; returns whom to wake.
    pub(crate) fn kill_links(&mut self, host: &str) -> Vec<Waker> {
        self.links
            .as_mut()
            .map_or_else(Vec::new, |links| links.end(Some(host)))
    }

    /// An exchange fails although its client does not know yet.
    fn lose(&mut self, id: ExchangeId, fault: Fault) -> Option<Lost> {
        let exchange = self.exchanges.remove(id)?;
        let now = self.timeline.now();
        let sequence = exchange.sequence();
        if let Some(entry) = self.journal.get_mut(sequence) {
            entry.outcome = Outcome::Failed(fault.into());
            entry.note_end(now);
            entry.note_killed();
        }
        self.lost.insert(id, (fault, sequence));
        let admitted = self.free(id);
        Some(Lost { exchange, admitted })
    }
}

fn is_at(entry: Option<&mut Entry>, host: &str) -> bool {
    let requested = entry.and_then(|entry| entry.request.host());
    requested.is_some_and(|it| it.eq_ignore_ascii_case(host))
}
