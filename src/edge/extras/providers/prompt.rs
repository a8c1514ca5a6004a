//! Which requests are meant.

use js_sys::Array;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use super::{ModelRequest, Provider, read};
use crate::edge::js_values::thrown;
use crate::matcher::{Matcher, Subject};
use crate::mode::Local;
use crate::providers::Prompt;

/// What is asked of the requests to a provider, besides their target.
#[wasm_bindgen]
pub struct PromptMachine {
    matcher: Matcher<Local>,
}

#[wasm_bindgen]
impl PromptMachine {
    /// A prompt, given as JSON; at a target of the test's own, or at the provider's. Throws
    /// `{code, message}`.
    #[wasm_bindgen(constructor)]
    pub fn new(provider: &str, prompt: &str, at_own_target: bool) -> Result<Self, JsValue> {
        let provider = Provider::named(provider).map_err(thrown)?;
        let prompt = (provider.matcher)(&read::<Prompt>("a prompt", prompt)?);
        let matcher = if at_own_target {
            prompt
        } else {
            (provider.also)().and(prompt)
        };
        Ok(Self { matcher })
    }

    /// Where the requests to a provider go. Throws `{code, message}`.
    pub fn target(provider: &str) -> Result<String, JsValue> {
        let provider = Provider::named(provider).map_err(thrown)?;
        Ok(provider.target.to_owned())
    }

    /// Whether it asks nothing at all.
    #[wasm_bindgen(getter, js_name = isEmpty)]
    pub fn is_empty(&self) -> bool {
        self.matcher.required().is_empty()
    }

    /// In words.
    #[wasm_bindgen(getter)]
    pub fn label(&self) -> String {
        self.matcher.0.to_string()
    }

    /// Whether a request is meant. Throws `{code, message}`.
    pub fn test(&self, request: &ModelRequest) -> Result<bool, JsValue> {
        let mut subject = Subject::new(&request.0, 0);
        self.matcher.test(&mut subject).map_err(thrown)
    }

    /// Each thing that it asks, what is expected, what was found, and a text where it passed; in turns.
    pub fn explain(&self, request: &ModelRequest) -> Array {
        let checks = self.matcher.explain(&Subject::new(&request.0, 0));
        let told = checks.into_iter().flat_map(|check| {
            let passed = if check.passed { "passed" } else { "" };
            [check.matcher, check.expected, check.actual, passed.into()]
        });
        told.map(JsValue::from).collect()
    }
}
