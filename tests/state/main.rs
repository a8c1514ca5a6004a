//! What is remembered, against naive models of it, and under threads.
#![cfg(not(target_arch = "wasm32"))]

mod cache;
mod sessions;
