//! What JavaScript asks about captured requests and rules.

use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use super::{Engine, convert, plain, spec};
use crate::edge::js_values::thrown;
use crate::error::{Error, ErrorKind, Result};
use crate::matcher::{Matcher, Subject};
use crate::mode::Local;
use crate::model::request::Request;

#[wasm_bindgen]
impl Engine {
    /// The numbers of the captured requests that satisfy a condition, given as JSON.
    pub fn matching(&self, condition: &str) -> Result<Vec<f64>, JsValue> {
        let matcher = spec::condition(condition, &self.transport);
        let found = matcher.and_then(|matcher| self.numbers(&matcher));
        found.map_err(thrown)
    }

    /// As `matching`, for `METHOD TARGET`; an empty method means any. The line of a request decides, so that
    /// nothing else of it need be known.
    #[wasm_bindgen(js_name = matchingTarget)]
    pub fn matching_target(&self, target: &str) -> Result<Vec<f64>, JsValue> {
        self.numbers(&plain(target)).map_err(thrown)
    }

    /// A rule in words, and where it was registered: `POST /v1/messages at tests/chat.test.ts:12:4`.
    pub fn describe(&self, rule: f64) -> Result<String, JsValue> {
        let rule = convert::rule_id(rule);
        let known = self.transport.engine.with(|core| {
            let registered = core.rules.get(rule);
            registered.map(|registered| registered.rule.clone())
        });
        known
            .map(|rule| format!("{} at {}", rule.matcher, rule.site))
            .ok_or_else(|| thrown(Error::new(ErrorKind::StaleHandle { what: "rule" })))
    }

    /// How often a rule has answered.
    pub fn hits(&self, rule: f64) -> Result<f64, JsValue> {
        let rule = self.transport.rule(convert::rule_id(rule));
        rule.map(|rule| rule.calls() as f64).map_err(thrown)
    }
}

impl Engine {
    fn numbers(&self, matcher: &Matcher<Local>) -> Result<Vec<f64>> {
        if let Some(mistake) = matcher.mistake() {
            return Err(mistake);
        }
        let captured: Vec<(u64, Request)> = self.transport.engine.with(|core| {
            let entries = core.journal.since(0);
            entries
                .map(|(number, entry)| (number, entry.request.clone()))
                .collect()
        });
        let mut found = Vec::new();
        for (number, request) in captured {
            if matcher.test(&mut Subject::new(&request, number))? {
                found.push(number as f64);
            }
        }
        Ok(found)
    }
}
