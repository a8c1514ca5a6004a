//! Fixtures of aimock: which of them a request is meant by, and what they say. JavaScript makes the rules,
//! and has the model say it.

use std::cell::RefCell;

use http::{HeaderMap, Method, Uri, Version};
use js_sys::Array;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::edge::js_values::{thrown, to_json};
use crate::error::{Error, Part};
use crate::matcher::{Matcher, Subject};
use crate::mode::Local;
use crate::model::request::Request;
use crate::providers::aimock::{Api, Fixtures, UnsupportedFixtures};

/// The fixtures of a file that are understood, by their place from 0.
#[wasm_bindgen]
pub struct FixturesMachine {
    fixtures: Fixtures,
    matchers: Vec<Matcher<Local>>,
    unsupported: Option<UnsupportedFixtures>,
    /// The request that is asked about.
    request: RefCell<Option<Request>>,
}

#[wasm_bindgen]
impl FixturesMachine {
    /// What a text has.
    #[wasm_bindgen(constructor)]
    pub fn new(text: &str) -> Self {
        let (fixtures, unsupported) = match Fixtures::parse(text) {
            Ok(fixtures) => (fixtures, None),
            Err(error) => (error.supported.clone(), Some(error)),
        };
        Self {
            matchers: fixtures.matchers().collect(),
            fixtures,
            unsupported,
            request: RefCell::default(),
        }
    }

    /// How many there are.
    #[wasm_bindgen(getter)]
    pub fn length(&self) -> usize {
        self.fixtures.len()
    }

    /// What is not understood, in words; nothing when everything is.
    #[wasm_bindgen(getter)]
    pub fn report(&self) -> Option<String> {
        self.unsupported.as_ref().map(ToString::to_string)
    }

    /// What is not understood: number, member and reason in turns.
    #[wasm_bindgen(getter)]
    pub fn unsupported(&self) -> Array {
        let all = self.unsupported.iter().flat_map(|it| &it.unsupported);
        let told = all.flat_map(|it| {
            let number = it.fixture.to_string();
            [number, it.member.clone(), it.reason.clone()]
        });
        told.map(JsValue::from).collect()
    }

    /// What a fixture says: an answer as JSON.
    pub fn answer(&self, fixture: usize) -> String {
        self.fixtures
            .answer(fixture)
            .map(to_json)
            .unwrap_or_default()
    }

    /// Whether a fixture answers once.
    #[wasm_bindgen(js_name = isSequenced)]
    pub fn is_sequenced(&self, fixture: usize) -> bool {
        self.fixtures.is_sequenced(fixture)
    }

    /// Which value of `x-aimock-context` a fixture asks for.
    pub fn context(&self, fixture: usize) -> Option<String> {
        self.fixtures.context(fixture).map(str::to_owned)
    }

    /// What a fixture asks, in words.
    pub fn label(&self, fixture: usize) -> String {
        let matcher = self.matchers.get(fixture);
        matcher.map(|it| it.0.to_string()).unwrap_or_default()
    }

    /// The request that is asked about from now on. Throws `{code, message}`.
    pub fn take(&self, method: &str, url: &str, body: String) -> Result<(), JsValue> {
        let invalid =
            |part, value: &str, reason: String| thrown(Error::invalid(part, value, reason));
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|error| invalid(Part::Method, method, error.to_string()))?;
        let url: Uri = url
            .parse()
            .map_err(|error| invalid(Part::Url, url, format!("{error}")))?;
        let (version, headers) = (Version::HTTP_11, HeaderMap::new());
        let request = Request::new(method, url, version, headers, body.into());
        *self.request.borrow_mut() = Some(request);
        Ok(())
    }

    /// Whose request it is: 0 Anthropic, 1 Chat Completions, 2 Responses, 3 Gemini.
    pub fn api(&self) -> u8 {
        let request = self.request.borrow();
        request
            .as_ref()
            .map_or(0, |request| match Api::of(request) {
                Api::Anthropic => 0,
                Api::Chat => 1,
                Api::Responses => 2,
                Api::Gemini => 3,
            })
    }

    /// Whether a fixture is meant for the request. Throws `{code, message}`.
    pub fn test(&self, fixture: usize) -> Result<bool, JsValue> {
        match (&*self.request.borrow(), self.matchers.get(fixture)) {
            (Some(request), Some(matcher)) => {
                let mut subject = Subject::new(request, 0);
                matcher.test(&mut subject).map_err(thrown)
            }
            _ => Ok(false),
        }
    }

    /// Each thing that a fixture asks, what is expected, what was found, and a text where it passed; in
    /// turns.
    pub fn explain(&self, fixture: usize) -> Array {
        let request = self.request.borrow();
        let asked = request.as_ref().zip(self.matchers.get(fixture));
        let checks = asked.map(|(request, matcher)| matcher.explain(&Subject::new(request, 0)));
        let told = checks.into_iter().flatten().flat_map(|check| {
            let passed = if check.passed { "passed" } else { "" };
            [check.matcher, check.expected, check.actual, passed.into()]
        });
        told.map(JsValue::from).collect()
    }
}
