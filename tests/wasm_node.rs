//! The behaviour suite as wasm32, in Node.
#![cfg(target_arch = "wasm32")]

#[path = "behaviour/suite.rs"]
mod suite;
