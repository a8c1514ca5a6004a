//! Endpoints that are down: for a while, or until they are started again.

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

/// The outages of a transport.
#[derive(Default)]
pub(crate) struct Endpoints {
    outages: Vec<Outage>,
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
}

impl Endpoints {
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

    fn fault_of(&self, host: &str, now: Tick) -> Option<Fault> {
        let is_down = |outage: &&Outage| {
            outage.host.eq_ignore_ascii_case(host)
                && outage.from <= now
                && outage.until.is_none_or(|until| now < until)
        };
        self.outages.iter().find(is_down).map(|outage| outage.fault)
    }

    /// Ends what is down now.
    pub(crate) fn restart(&mut self, host: &str, now: Tick) {
        self.outages.retain_mut(|outage| {
            if outage.host.eq_ignore_ascii_case(host) && outage.from <= now {
                outage.until = Some(now);
            }
            outage.until.is_none_or(|until| until > now)
        });
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
        });
        let (exchanges, journal) = (&self.exchanges, &mut self.journal);
        let going_on = exchanges.iter().filter(|(_, exchange)| {
            let entry = journal.get_mut(exchange.sequence());
            is_at(entry, host)
        });
        let mut going_on: Vec<ExchangeId> = going_on.map(|(id, _)| id).collect();
        // Those that wait go first, so that none of them is admitted only to be lost.
        going_on.sort_by_key(|id| self.is_admitted(*id));
        let lost = going_on.into_iter().filter_map(|id| self.lose(id, fault));
        lost.collect()
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

    /// An exchange fails although its client does not know yet.
    fn lose(&mut self, id: ExchangeId, fault: Fault) -> Option<Lost> {
        let exchange = self.exchanges.remove(id)?;
        let sequence = exchange.sequence();
        if let Some(entry) = self.journal.get_mut(sequence) {
            entry.outcome = Outcome::Failed(fault.into());
        }
        self.lost.insert(id, (fault, sequence));
        let admitted = self.free(id);
        Some(Lost { exchange, admitted })
    }
}

fn is_at<M: Mode>(entry: Option<&mut Entry<M>>, host: &str) -> bool {
    let requested = entry.and_then(|entry| entry.request.host());
    requested.is_some_and(|it| it.eq_ignore_ascii_case(host))
}
