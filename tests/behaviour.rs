//! What the transport does, as one suite that runs once per mode: a difference between the modes
//! is a bug, and this is where it shows. `wasm_node.rs` and `wasm_browser.rs` run it as wasm32.
#![cfg(not(target_arch = "wasm32"))]

#[path = "behaviour/suite.rs"]
mod suite;
