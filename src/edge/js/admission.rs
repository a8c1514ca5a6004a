//! Requests of transports with limits. They arrive, and are decided once they are admitted: at once, or
//! when JavaScript hears that it is their turn.
//!
//! JavaScript names their exchanges by numbers of their own, as the journal may forget one that waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

use http::HeaderMap;
use wasm_bindgen::prelude::wasm_bindgen;

use super::convert::{exchange_id, exchange_number};
use super::decide::{self, Decider, WAITING};
use super::{Engine, lines};
use crate::core::ExchangeId;
use crate::core::exchange::Waits;
use crate::core::gate::Entered;
use crate::edge::js_values::milliseconds;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::decide::Decision;
use crate::flow::permits;
use crate::mode::Local;
use crate::model::concurrency::PermitEventKind;
use crate::model::request::Request;
use crate::wake::wake_all;

/// The numbers of the exchanges that have waited, and were woken.
#[derive(Default)]
pub(super) struct Admitted(Mutex<Vec<f64>>);

/// Wakes one who waits: JavaScript asks who that was.
struct Bell {
    exchange: ExchangeId,
    admitted: Arc<Admitted>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let number = exchange_number(self.exchange);
        self.admitted.list(|list| list.push(number));
    }
}

impl Admitted {
    fn list<T>(&self, f: impl FnOnce(&mut Vec<f64>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[wasm_bindgen]
impl Engine {
    /// A request arrives at a transport with limits: `METHOD URL`. The number of its exchange, or `FAILED`.
    pub fn arrive(&self, line: &str) -> f64 {
        match lines::parse(line).and_then(|request| self.note_arrival(request)) {
            Ok(exchange) => exchange_number(exchange),
            Err(error) => self.deciding(|decider| decider.fail(error)).into(),
        }
    }

    /// As `decide`, for a request that has arrived so: `WAITING` when it has to wait to be admitted, and
    /// then once more when it `is_admitted`.
    pub fn enter(
        &self,
        exchange: f64,
        sequence: f64,
        line: &str,
        headers: &str,
        body: Vec<u8>,
        is_admitted: bool,
    ) -> i32 {
        let (exchange, sequence) = (exchange_id(exchange), sequence as u64);
        self.deciding(|decider| {
            decider.begin(sequence);
            let engine = &self.transport.engine;
            let request = lines::parse(line);
            let request = request.and_then(|line| decide::whole(engine, &line, headers, body));
            let decided = request.and_then(|request| {
                if is_admitted {
                    return Ok(Some(self.go_on(decider, exchange, sequence, request)));
                }
                self.ask_gate(decider, exchange, sequence, request)
            });
            match decided {
                Ok(Some(answer)) => answer,
                Ok(None) => WAITING,
                Err(error) => decider.conclude(engine, exchange, Decision::Failed(error)),
            }
        })
    }

    /// As `finish`, by the number of the exchange.
    #[wasm_bindgen(js_name = finishExchange)]
    pub fn finish_exchange(&self, exchange: f64, outcome: u8, delivered: f64, detail: &str) {
        self.end(exchange_id(exchange), outcome, delivered, detail);
    }

    /// Which exchanges have waited, and are admitted since this was last asked.
    pub fn admitted(&self) -> Vec<f64> {
        self.admitted.list(std::mem::take)
    }

    /// What the limits say in the header fields of the last reply that was decided for: names and
    /// values in turns.
    pub fn fields(&self) -> Vec<String> {
        flat(self.decider.borrow().fields())
    }

    /// For how long a limit refuses the last request that was decided about, if one does; NaN when to try
    /// again never helps.
    #[wasm_bindgen(js_name = retryAfter)]
    pub fn retry_after(&self) -> f64 {
        let after = self.decider.borrow().retry_after();
        after.map_or(f64::NAN, milliseconds)
    }

    /// How the limits on concurrency stand: how many are available, in flight and waiting, and the peak;
    /// then the same for each key, after its name. Empty without limits; nothing is what has no limit.
    pub fn concurrency(&self) -> Vec<String> {
        let Some(all) = self.transport.concurrency() else {
            return Vec::new();
        };
        let mut told = Vec::new();
        let mut tell = |available: Option<usize>, counts: [usize; 3]| {
            told.push(available.map_or_else(String::new, |it| it.to_string()));
            told.extend(counts.map(|count| count.to_string()));
        };
        tell(all.available, [all.in_flight, all.waiting, all.peak]);
        for key in &all.keys {
            tell(key.available, [key.in_flight, key.waiting, key.peak]);
        }
        told.extend(all.keys.into_iter().map(|key| key.key));
        told
    }

    /// How long a request waited to be admitted, as far as the journal knows.
    pub fn queued(&self, sequence: f64) -> f64 {
        let queued = self.transport.engine.with(|core| {
            let entry = core.journal.get_mut(sequence as u64)?;
            Some(entry.queued_for())
        });
        queued.map_or(0.0, milliseconds)
    }

    /// Watches what happens to permits, from now on.
    #[wasm_bindgen(js_name = watchPermits)]
    pub fn watch_permits(&self) -> PermitEvents {
        PermitEvents(self.transport.permit_events())
    }
}

impl Engine {
    fn note_arrival(&self, request: Request) -> Result<ExchangeId> {
        let engine = &self.transport.engine;
        engine.with(|core| core.ensure_alive())?;
        let arrived = engine.with(|core| core.arrive(request, None));
        Ok(arrived.settle().0)
    }

    /// `None` when it has to wait.
    fn ask_gate(
        &self,
        decider: &mut Decider,
        exchange: ExchangeId,
        sequence: u64,
        request: Request,
    ) -> Result<Option<i32>> {
        let engine = &self.transport.engine;
        let kept = engine.kept_instead(&request);
        let kept = kept.unwrap_or_else(|| request.clone());
        drop(engine.with(|core| core.journal.replace_request(sequence, kept)));
        let limits = engine.settings.limits.as_ref();
        let place = limits.map(|it| it.place(&request)).transpose()?;
        let (entered, watching) =
            engine.with(|core| core.ask_gate(exchange, sequence, &request, place.as_ref()));
        wake_all(watching);
        match entered? {
            Entered::Admitted => Ok(Some(
                decider.decide_limited(engine, exchange, sequence, request),
            )),
            Entered::Full(waiting) => Err(Error::new(ErrorKind::QueueFull { waiting })),
            Entered::Waiting => {
                let admitted = self.admitted.clone();
                let mut bell = Some(Waker::from(Arc::new(Bell { exchange, admitted })));
                let parked = engine.with(|core| core.park(exchange, &mut bell, || Waits::Permit));
                parked.map(|()| None)
            }
        }
    }

    fn go_on(
        &self,
        decider: &mut Decider,
        exchange: ExchangeId,
        sequence: u64,
        request: Request,
    ) -> i32 {
        let engine = &self.transport.engine;
        // Its host may have gone down while it waited.
        match engine.with(|core| core.endpoints.fault(&request, core.timeline.now())) {
            Some(fault) => decider.conclude(engine, exchange, Decision::Failed(fault.into())),
            None => decider.decide_limited(engine, exchange, sequence, request),
        }
    }
}

/// What happens to permits: it has to be freed.
#[wasm_bindgen]
#[derive(Debug)]
pub struct PermitEvents(permits::PermitEvents<Local>);

#[wasm_bindgen]
impl PermitEvents {
    /// What has happened since this was last asked: kind, request, key and time, in turns.
    pub fn drain(&mut self) -> Vec<String> {
        let events = self.0.drain().into_iter().flat_map(|event| {
            let kind = match event.kind {
                PermitEventKind::Abandoned => "abandoned",
                PermitEventKind::Acquired => "acquired",
                PermitEventKind::Released => "released",
                PermitEventKind::Waiting => "waiting",
            };
            let at = event.at.as_nanos().to_string();
            [kind.to_owned(), event.sequence.to_string(), event.key, at]
        });
        events.collect()
    }

    /// How much was forgotten because nobody asked.
    pub fn missed(&self) -> f64 {
        self.0.missed() as f64
    }
}

fn flat(fields: &HeaderMap) -> Vec<String> {
    let texts = fields.iter().flat_map(|(name, value)| {
        let value = value.to_str().unwrap_or_default();
        [name.as_str().to_owned(), value.to_owned()]
    });
    texts.collect()
}
