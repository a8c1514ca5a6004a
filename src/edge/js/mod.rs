//! The JavaScript edge: what the npm package's TypeScript layer calls.
//!
//! The engine decides, JavaScript performs. A request crosses as one short line and is answered by
//! one number; bodies and replies stay on the JavaScript side, under numbers. Header fields and
//! bodies follow only when a rule looks at them, or a query does.

mod admission;
mod context;
mod convert;
mod decide;
mod faults;
mod functions;
mod limits;
mod lines;
mod play;
mod queries;
mod recent;
mod socket;
mod spec;
mod state;
mod time;
mod timeline;

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use js_sys::Function;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use self::admission::Admitted;
use self::convert::{block, finished, rule_number};
use self::decide::Decider;
use self::recent::Recent;
use self::spec::{Options, RuleSpec};
use crate::core::exchange::Delivered;
use crate::core::rules::{Action, Rule, Site};
use crate::core::{Core, ExchangeId, RuleId};
use crate::edge::js_values::{duration, thrown, to_json};
use crate::error::{Error, ErrorKind, Result};
use crate::matcher::{Matcher, conditions};
use crate::mode::Local;
use crate::model::captured::ResponseHead;
use crate::model::reply::Reply;
use crate::model::request::Request;
use crate::transport::MockTransport;
use crate::verify;

thread_local! {
    /// The request lines and the plain rules seen lately, by all engines.
    static LINES: RefCell<Recent<Request>> = const { RefCell::new(Recent::new()) };
    static PLAIN_RULES: RefCell<Recent<Matcher<Local>>> = const { RefCell::new(Recent::new()) };
}

/// The engine of one JavaScript `MockTransport`. Sequence numbers count requests from 1.
#[wasm_bindgen]
pub struct Engine {
    transport: MockTransport<Local>,
    decider: RefCell<Decider>,
    /// On a transport with limits.
    admitted: Arc<Admitted>,
    /// Where rules were registered: rules made in a loop share one text.
    sites: RefCell<HashSet<Arc<str>>>,
}

#[wasm_bindgen]
impl Engine {
    /// A new engine.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::new_without_default, reason = "JavaScript knows no `Default`")]
    pub fn new() -> Self {
        Self::of(MockTransport::new())
    }

    /// A new engine with options, given as JSON; limits as in [`limits`], the shares of damages that come
    /// by chance, and which date time begins at, in milliseconds since 1970.
    #[wasm_bindgen(js_name = withOptions)]
    pub fn with_options(
        options: &str,
        concurrency: &[f64],
        rates: &[f64],
        chaos: &[f64],
        epoch: f64,
    ) -> Result<Self, JsValue> {
        let builder = Options::parse(options).map(Options::builder);
        let transport = builder.and_then(|builder| {
            let builder = limits::with_limits(builder, concurrency, rates);
            let builder = builder.chaos(faults::chaos(chaos));
            builder.epoch(duration(epoch)).try_build()
        });
        transport.map(Self::of).map_err(thrown)
    }

    /// Forgets everything, as if `new` had made it just now.
    pub fn renew(&mut self) {
        self.transport.engine.settle(Core::renew);
        *self.decider.get_mut() = Decider::default();
        self.sites.get_mut().clear();
    }

    /// Says whom all engines ask: about predicates, a function of the number of a predicate and a
    /// sequence number; about other functions, one of their number. Both answer or throw. The third tells
    /// what a predicate asks, in parts: texts by four, or nothing.
    pub fn listen(test: Function, read: Function, explain: Function) {
        functions::listen(test, read, explain);
    }

    /// Registers a rule, given as JSON, with rate limits and a chaos of its own as `withOptions` takes
    /// them; its number.
    #[wasm_bindgen(js_name = addRule)]
    pub fn add_rule(
        &self,
        spec: &str,
        rates: &[f64],
        chaos: Option<Vec<f64>>,
    ) -> Result<f64, JsValue> {
        let rule = RuleSpec::parse(spec).and_then(|spec| {
            let site = self.site(&spec.site);
            let chaos = chaos.as_deref().map(faults::chaos);
            spec.register(&self.transport, site, rates, chaos)
        });
        rule.map(rule_number).map_err(thrown)
    }

    /// Registers a rule without further conditions, which always gives the same reply; its number.
    /// What most rules are, and cheaper than JSON. `METHOD TARGET`; an empty method means any.
    #[wasm_bindgen(js_name = addPlainRule)]
    pub fn add_plain_rule(&self, rule: &str, status: u16, reply: u32) -> Result<f64, JsValue> {
        self.register(plain(rule), status, reply).map_err(thrown)
    }

    /// Remembers a rule as `addPlainRule` takes it, for `addKnownRule` of any engine; its number.
    #[wasm_bindgen(js_name = plainRule)]
    pub fn plain_rule(rule: &str) -> Result<usize, JsValue> {
        let rule = plain(rule);
        match rule.mistake() {
            Some(error) => Err(thrown(error)),
            None => Ok(PLAIN_RULES.with_borrow_mut(|rules| rules.add(rule))),
        }
    }

    /// As `addPlainRule`, by the number of a rule that was remembered, so that no text crosses;
    /// [`decide::FORGOTTEN`] when 1024 others came after it, [`decide::FAILED`] when it is refused.
    #[wasm_bindgen(js_name = addKnownRule)]
    pub fn add_known_rule(&self, rule: usize, status: u16, reply: u32) -> f64 {
        let Some(matcher) = PLAIN_RULES.with_borrow(|rules| rules.get(rule)) else {
            return decide::FORGOTTEN.into();
        };
        let registered = self.register(matcher, status, reply);
        registered.unwrap_or_else(|error| self.deciding(|decider| decider.fail(error)).into())
    }

    /// Says where a rule was registered, unless that was said before or the rule is gone.
    #[wasm_bindgen(js_name = nameSite)]
    pub fn name_site(&self, rule: f64, site: &str) {
        let site = self.site(site);
        self.transport.engine.with(|core| {
            let registered = core.rules.get(convert::rule_id(rule));
            if let Some(Site::Text(told)) = registered.map(|registered| &registered.rule.site) {
                told.get_or_init(|| site);
            }
        });
    }

    /// Removes a rule.
    #[wasm_bindgen(js_name = removeRule)]
    pub fn remove_rule(&self, rule: f64) -> Result<(), JsValue> {
        let rule = self.transport.rule(convert::rule_id(rule));
        rule.and_then(|rule| rule.remove()).map_err(thrown)
    }

    /// A request arrives: `METHOD URL`. The number of the reply to give, or [`decide::NEEDS`],
    /// [`decide::UNMATCHED`], [`decide::FAILED`].
    pub fn call(&self, line: &str) -> i32 {
        self.deciding(|decider| match lines::parse(line) {
            Ok(request) => decider.call(&self.transport, request),
            Err(error) => decider.fail(error),
        })
    }

    /// Remembers the line of a request, `METHOD URL`, for `callKnown` of any engine; its number.
    pub fn line(line: &str) -> Result<usize, JsValue> {
        let line = lines::parse(line).map_err(thrown)?;
        Ok(LINES.with_borrow_mut(|lines| lines.add(line)))
    }

    /// As `call`, by the number of a line that was remembered, so that no text crosses;
    /// [`decide::FORGOTTEN`] when 1024 other lines came after it: then no request has arrived.
    #[wasm_bindgen(js_name = callKnown)]
    pub fn call_known(&self, line: usize) -> i32 {
        let Some(request) = LINES.with_borrow(|lines| lines.get(line)) else {
            return decide::FORGOTTEN;
        };
        self.deciding(|decider| decider.call(&self.transport, request))
    }

    /// As `call`, for a request that has arrived, with its header fields and its body.
    pub fn decide(&self, sequence: f64, headers: &str, body: Vec<u8>) -> i32 {
        self.deciding(|decider| decider.decide(&self.transport, sequence as u64, headers, body))
    }

    /// Why the last decision was no reply, as JSON.
    #[wasm_bindgen(js_name = lastError)]
    pub fn last_error(&self) -> String {
        self.decider.borrow().last_error()
    }

    /// What the path captured of the last request that was decided, as JSON.
    pub fn params(&self, sequence: f64) -> String {
        self.decider.borrow().params(sequence as u64)
    }

    /// The text of a template reply for the last request that was decided.
    pub fn render(&self, sequence: f64, reply: u32) -> Result<String, JsValue> {
        let rendered = self.decider.borrow().render(sequence as u64, reply);
        rendered.map_err(thrown)
    }

    /// Gives a captured request the header fields and the body that no rule needed so far.
    pub fn hydrate(&self, sequence: f64, headers: &str, body: Vec<u8>) {
        decide::hydrate(&self.transport.engine, sequence as u64, headers, body);
    }

    /// The head of a reply that JavaScript made.
    pub fn answered(&self, sequence: f64, status: u16, headers: &str) -> Result<(), JsValue> {
        let status = http::StatusCode::from_u16(status).unwrap_or_default();
        let headers = block(headers).map_err(thrown)?;
        let head = Box::new(ResponseHead { status, headers });
        self.transport.engine.with(|core| {
            if let Some(exchange) = core.journal.exchange(sequence as u64) {
                core.begin(exchange, head);
            }
        });
        Ok(())
    }

    /// The end of an exchange: 0 done, 1 cancelled, 2 failed. A second end changes nothing.
    pub fn finish(&self, sequence: f64, outcome: u8, delivered: f64, detail: &str) {
        let engine = &self.transport.engine;
        let exchange = engine.with(|core| core.journal.exchange(sequence as u64));
        if let Some(exchange) = exchange {
            self.end(exchange, outcome, delivered, detail);
        }
    }

    /// How many captures had to go because the journal was full.
    pub fn dropped(&self) -> f64 {
        self.transport.dropped_requests() as f64
    }

    /// The report of what is not as expected, as JSON; empty when all is well.
    pub fn verify(&self) -> String {
        self.report(verify::verify(&self.transport.engine, None))
    }

    /// As `verify`, for these rules alone.
    #[wasm_bindgen(js_name = verifyRules)]
    pub fn verify_rules(&self, rules: &[f64]) -> String {
        let of: Vec<RuleId> = rules.iter().map(|rule| convert::rule_id(*rule)).collect();
        self.report(verify::verify(&self.transport.engine, Some(&of)))
    }

    /// Forgets the captures; rules stay, and the numbers go on.
    pub fn clear(&self) {
        self.transport.clear();
    }

    /// Forgets rules, captures and scenario states, and counts from 1 again. Nobody stands
    /// in line any more; time goes on from where it is.
    pub fn reset(&self) {
        self.transport.reset();
        self.admitted();
        *self.decider.borrow_mut() = Decider::default();
    }

    /// Moves a scenario to a state.
    #[wasm_bindgen(js_name = setScenario)]
    pub fn set_scenario(&self, name: &str, state: &str) {
        self.transport.set_scenario(name, state);
    }

    /// The state of a scenario.
    pub fn scenario(&self, name: &str) -> String {
        self.transport.scenario(name)
    }
}

impl Engine {
    fn of(transport: MockTransport<Local>) -> Self {
        Self {
            transport,
            decider: RefCell::default(),
            admitted: Arc::default(),
            sites: RefCell::default(),
        }
    }

    fn register(&self, matcher: Matcher<Local>, status: u16, reply: u32) -> Result<f64> {
        if let Some(mistake) = matcher.mistake() {
            return Err(mistake);
        }
        let answer = Reply::status(status).validate()?.external(reply);
        let site = Site::Text(OnceLock::new());
        let rule = Rc::new(Rule::plain(matcher, Action::Reply(answer), site));
        // Kept here, too: a rule that is refused is dropped outside the borrow.
        let id = self
            .transport
            .engine
            .with(|core| core.add_rule(rule.clone()))?;
        Ok(rule_number(id))
    }

    fn end(&self, exchange: ExchangeId, outcome: u8, delivered: f64, detail: &str) {
        let outcome = finished(outcome, detail);
        let delivered = &mut Delivered {
            bytes: delivered as u64,
            taken: None,
        };
        let _ = self.transport.engine.finish(exchange, outcome, delivered);
    }

    /// Runs a decision with its own decider: predicates may come back to the engine meanwhile.
    fn deciding(&self, f: impl FnOnce(&mut Decider) -> i32) -> i32 {
        let mut decider = Decider::default();
        let answer = f(&mut decider);
        *self.decider.borrow_mut() = decider;
        answer
    }

    fn site(&self, text: &str) -> Arc<str> {
        let mut sites = self.sites.borrow_mut();
        if let Some(known) = sites.get(text) {
            return known.clone();
        }
        let site: Arc<str> = text.into();
        sites.insert(site.clone());
        site
    }

    fn report(&self, verdict: Result<(), verify::Report>) -> String {
        match verdict {
            Ok(()) => String::new(),
            Err(report) => to_json(&convert::Report::of(&report)),
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Engine").field(&self.transport).finish()
    }
}

/// `METHOD TARGET`; an empty method means any.
fn plain(rule: &str) -> Matcher<Local> {
    match rule.split_once(' ') {
        Some(("", target)) => conditions::url(target),
        Some((method, target)) => conditions::on(method, target),
        None => conditions::url(rule),
    }
}

/// What JavaScript says went wrong on its side.
fn failed(detail: &str) -> Error {
    Error::with_source(
        ErrorKind::HandlerFailed {
            rule: String::new(),
        },
        detail,
    )
}
