//! The options that limit what a transport does at once, and how to watch that.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::core::Core;
use crate::core::gate::{Gate, GateLimits};
use crate::core::rate::Rates;
use crate::error::{Error, ErrorKind, Part, Result};
use crate::flow::permits::PermitEvents;
use crate::matcher::panic_message;
use crate::mode::{AcceptReading, Mode};
use crate::model::priority::Priority;
use crate::model::request::Request;
use crate::options::Builder;
use crate::rate_limit::RateLimit;
use crate::transport::MockTransport;

/// The limits of a transport that has some.
pub(crate) struct Limits<M: Mode> {
    gate: Option<GateLimits>,
    key: Option<M::Reading<String>>,
    priority: Option<M::Reading<Priority>>,
    pub(crate) rates: Vec<RateLimit<M>>,
}

impl<M: Mode> Limits<M> {
    pub(crate) fn apply(&self, core: &mut Core<M>) {
        core.gate = self.gate.map(|limits| Box::new(Gate::new(limits)));
        if !self.rates.is_empty() {
            let of_all = Rates::new(self.rates.iter().map(RateLimit::kind));
            core.rates.get_or_insert_default().of_all = of_all;
        }
    }

    /// Under which key a request is counted, and how urgent it is.
    pub(crate) fn place(&self, request: &Request) -> Result<(String, Priority)> {
        let key = match &self.key {
            Some(key) => read(&**key, request)?,
            None if self.gate.is_some() => request.host().unwrap_or_default().to_ascii_lowercase(),
            None => String::new(),
        };
        let priority = self.priority.as_ref();
        let priority = priority.map_or(Ok(Priority::default()), |it| read(&**it, request));
        Ok((key, priority?))
    }
}

/// What a user's closure reads off a request. It may panic; it is called outside every borrow.
pub(crate) fn read<T>(
    reading: &(impl Fn(&Request) -> Result<T> + ?Sized),
    request: &Request,
) -> Result<T> {
    catch_unwind(AssertUnwindSafe(|| reading(request))).unwrap_or_else(|panic| {
        Err(Error::new(ErrorKind::HandlerPanicked {
            rule: "(limits)".to_owned(),
            message: panic_message(&*panic),
        }))
    })
}

impl<M: Mode> Builder<M> {
    /// At most so many exchanges at once, on the whole transport; more requests wait, in order of
    /// arrival. An exchange counts from its admission until it is over: done, failed, cancelled or
    /// dropped. A WebSocket connection counts as long as the client has it. A limit of `usize::MAX`
    /// limits nothing, and counts.
    ///
    /// A request that waits is captured already; the rules are asked once it is admitted.
    ///
    /// ```
    /// use std::time::Duration;
    /// use futures_util::future::join_all;
    /// use mockwire::{Reply, sync::MockTransport};
    ///
    /// let transport = MockTransport::builder().max_concurrent(2).build();
    /// transport.get("/").reply(Reply::status(204).delay(Duration::from_secs(1)));
    ///
    /// let get = || http::Request::get("https://api.test/").body(()).unwrap();
    /// transport.block_on(join_all((0..5).map(|_| transport.call(get()))));
    /// assert_eq!(transport.now(), Duration::from_secs(3));
    /// assert_eq!(transport.concurrency().unwrap().peak, 2);
    /// assert_eq!(transport.requests()[4].queued, Duration::from_secs(2));
    /// ```
    pub fn max_concurrent(mut self, exchanges: usize) -> Self {
        self.require("max_concurrent", exchanges);
        self.gate().total = Some(exchanges);
        self
    }

    /// At most so many exchanges at once with each host, or whatever
    /// [`concurrency_key`](Self::concurrency_key) tells apart. A request that waits for its host
    /// holds nothing that others need: a busy host does not delay an idle one.
    pub fn max_concurrent_per_host(mut self, exchanges: usize) -> Self {
        self.require("max_concurrent_per_host", exchanges);
        self.gate().per_key = Some(exchanges);
        self
    }

    /// What to tell apart instead of hosts: an account, a model, a route.
    ///
    /// ```
    /// use mockwire::{Reply, Request, sync::MockTransport};
    ///
    /// let account = |request: &Request| request.header("x-account").unwrap_or_default().to_owned();
    /// let transport = MockTransport::builder()
    ///     .max_concurrent_per_host(1)
    ///     .concurrency_key(account)
    ///     .build();
    /// # transport.get("/").reply("");
    /// # let request = http::Request::get("https://api.test/").header("x-account", "ada").body(()).unwrap();
    /// # transport.block_on(transport.call(request)).unwrap();
    /// # assert_eq!(transport.concurrency().unwrap().key("ada").unwrap().peak, 1);
    /// ```
    pub fn concurrency_key<F>(mut self, key: F) -> Self
    where
        F: Fn(&Request) -> String + 'static,
        M: AcceptReading<F, String>,
    {
        self.gate();
        self.limits().key = Some(M::erase_reading(key));
        self
    }

    /// How many requests may wait, on the whole transport; others fail with
    /// [`QueueFull`](ErrorKind::QueueFull). Any number unless this is called.
    pub fn max_waiting(mut self, requests: usize) -> Self {
        self.gate().waiting = Some(requests);
        self
    }

    /// How urgent a request is: among those that wait, the most urgent is admitted first.
    pub fn priority_of<F>(mut self, priority: F) -> Self
    where
        F: Fn(&Request) -> Priority + 'static,
        M: AcceptReading<F, Priority>,
    {
        self.gate();
        self.limits().priority = Some(M::erase_reading(priority));
        self
    }

    /// Lets a request rise by one priority for each so long that it waits, in the transport's time,
    /// so that none waits for ever.
    pub fn ageing(mut self, step: Duration) -> Self {
        self.require("ageing", usize::from(!step.is_zero()));
        self.gate().ageing = Some(step);
        self
    }

    /// As `concurrency_key` and `priority_of`, with readings that may fail.
    #[cfg(all(feature = "js", target_arch = "wasm32"))]
    pub(crate) fn concurrency_readings(
        mut self,
        key: Option<M::Reading<String>>,
        priority: Option<M::Reading<Priority>>,
    ) -> Self {
        self.gate();
        let limits = self.limits();
        (limits.key, limits.priority) = (key, priority);
        self
    }

    /// Limits how fast the transport answers: what is too much is refused with 429, before any rule is
    /// asked. More than one limit apply together. See [`RateLimit`].
    pub fn rate_limit(mut self, limit: RateLimit<M>) -> Self {
        if let Some(error) = limit.mistake() {
            self.mistake.get_or_insert(error);
        }
        self.limits().rates.push(limit);
        self
    }

    /// Which date the transport's time begins at: how long after 1970-01-01, in UTC. That is what
    /// the dates in header fields are told by; 2025-01-01 unless said otherwise.
    pub fn epoch(mut self, since_1970: Duration) -> Self {
        self.settings.epoch = since_1970;
        self
    }

    fn limits(&mut self) -> &mut Limits<M> {
        self.settings.limits.get_or_insert_with(|| {
            Box::new(Limits {
                gate: None,
                key: None,
                priority: None,
                rates: Vec::new(),
            })
        })
    }

    fn gate(&mut self) -> &mut GateLimits {
        self.limits().gate.get_or_insert_default()
    }

    fn require(&mut self, option: &str, value: usize) {
        if value == 0 {
            let reason = "zero would let nothing through, ever";
            let error = Error::invalid(Part::Option, format!("{option}(0)"), reason);
            self.mistake.get_or_insert(error);
        }
    }
}

impl<M: Mode> MockTransport<M> {
    /// What happens from now on to the permits of a transport with limits on concurrency: a stream of
    /// who waits, acquires, releases, and gives up waiting, in order. Without limits nothing ever comes.
    ///
    /// ```
    /// use mockwire::PermitEventKind::{Acquired, Released, Waiting};
    /// use mockwire::{Reply, sync::MockTransport};
    ///
    /// let transport = MockTransport::builder().max_concurrent(1).build();
    /// transport.get("/").reply(Reply::status(204).delay(std::time::Duration::from_secs(1)));
    /// let mut events = transport.permit_events();
    ///
    /// let get = || transport.call(http::Request::get("https://api.test/").body(()).unwrap());
    /// transport.block_on(futures_util::future::join(get(), get()));
    /// let told = events.drain().into_iter().map(|event| (event.sequence, event.kind));
    /// let told: Vec<_> = told.collect();
    /// assert_eq!(told, [(1, Acquired), (2, Waiting), (1, Released), (2, Acquired), (2, Released)]);
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    pub fn permit_events(&self) -> PermitEvents<M> {
        PermitEvents::new(self.engine.clone())
    }
}

impl<M: Mode> fmt::Debug for Limits<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.gate.fmt(f)
    }
}
