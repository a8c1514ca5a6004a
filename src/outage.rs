//! Endpoints that go down and come back.

use std::ops::{Bound, RangeBounds};
use std::time::Duration;

use crate::core::endpoints::Outage;
use crate::fault::Fault;
use crate::mode::Mode;
use crate::transport::MockTransport;
use crate::wake::wake_all;

impl<M: Mode> MockTransport<M> {
    /// Lets a host fail with this fault while the transport's time is in this range. Requests are
    /// captured and no rule is asked; exchanges that are going on are left alone.
    ///
    /// ```
    /// use std::time::Duration;
    /// use mockwire::{Fault, Reply, sync::MockTransport};
    ///
    /// let transport = MockTransport::new();
    /// transport.get("https://api.test/").reply(Reply::text("well"));
    /// let second = Duration::from_secs;
    /// transport.outage("api.test", second(10)..second(20), Fault::ConnectTimeout);
    ///
    /// let get = || http::Request::get("https://api.test/").body(()).unwrap();
    /// let mut answers = Vec::new();
    /// for _ in 0..3 {
    ///     answers.push(transport.block_on(transport.call(get())).is_ok());
    ///     transport.advance(second(10));
    /// }
    /// assert_eq!(answers, [true, false, true]);
    /// ```
    pub fn outage(&self, host: &str, during: impl RangeBounds<Duration>, fault: Fault) {
        // Time has nanoseconds, so that the ends of any range can be told exactly.
        let nanosecond = Duration::from_nanos(1);
        let from = match during.start_bound() {
            Bound::Included(from) => *from,
            Bound::Excluded(before) => before.saturating_add(nanosecond),
            Bound::Unbounded => Duration::ZERO,
        };
        let until = match during.end_bound() {
            Bound::Included(last) => Some(last.saturating_add(nanosecond)),
            Bound::Excluded(until) => Some(*until),
            Bound::Unbounded => None,
        };
        let host = host.to_ascii_lowercase();
        self.engine.with(|core| {
            core.endpoints.add(Outage {
                host,
                from,
                until,
                fault,
                killed: false,
            });
        });
    }

    /// Kills a host: exchanges that are going on there fail with a reset connection (as a dead
    /// peer's would, after what is on its way already), and later requests are refused, until
    /// [`restart`](Self::restart). WebSocket connections end with 1006. Nothing captured is lost.
    pub fn kill(&self, host: &str) {
        self.engine.follow_clock();
        let (lost, sockets, links, waiting) = self.engine.with(|core| {
            let sockets = core.kill_sockets(host);
            let lost = core.kill(host, Fault::ConnectionReset);
            (
                lost,
                sockets,
                core.kill_links(host),
                core.timeline.waiting(),
            )
        });
        for after in sockets {
            after.settle();
        }
        for exchange in lost {
            exchange.settle();
        }
        wake_all(links.into_iter().chain(waiting));
    }

    /// Starts a host again that was killed, or ends its outage.
    pub fn restart(&self, host: &str) {
        self.engine.follow_clock();
        self.engine.with(|core| {
            let now = core.timeline.now();
            core.timeline.note_activity();
            core.endpoints.restart(host, now);
        });
    }
}
