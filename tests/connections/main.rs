//! Who connections belong to: contexts, keys that keep them apart, many of them at once, how fast
//! they may be made.
#![cfg(not(target_arch = "wasm32"))]

mod context;
mod isolation;
mod many;
mod rate;
