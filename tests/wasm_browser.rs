//! The behaviour suite as wasm32, in a browser.
#![cfg(target_arch = "wasm32")]

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

#[path = "behaviour/suite.rs"]
mod suite;
