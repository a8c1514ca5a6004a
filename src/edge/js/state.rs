//! The state of the conversation: JavaScript keeps its values, and says what they are, so that
//! conditions see them.

use serde_json::Value;
use wasm_bindgen::prelude::wasm_bindgen;

use super::Engine;

#[wasm_bindgen]
impl Engine {
    /// Sets a value, given as JSON.
    #[wasm_bindgen(js_name = setState)]
    pub fn set_state(&self, key: &str, json: &str) {
        let value: Value = serde_json::from_str(json).unwrap_or_default();
        self.transport.state().set(key, value);
    }

    /// Takes a value away.
    #[wasm_bindgen(js_name = deleteState)]
    pub fn delete_state(&self, key: &str) {
        drop(self.transport.state().remove(key));
    }

    /// Forgets all values, and how many requests there were.
    #[wasm_bindgen(js_name = clearState)]
    pub fn clear_state(&self) {
        self.transport.state().clear();
    }

    /// How many requests have arrived, matched or not.
    #[wasm_bindgen(js_name = requestCount)]
    pub fn request_count(&self) -> f64 {
        self.transport.state().request_count() as f64
    }
}
