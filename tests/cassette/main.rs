//! Cassettes as files: what is written, what is read back, what is not, and what is never written.
#![cfg(not(target_arch = "wasm32"))]

mod broken;
mod files;
mod format;
mod golden;
mod har;
mod parallel;
mod secrets;
mod support;
