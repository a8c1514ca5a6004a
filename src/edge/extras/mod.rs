//! The second module of the npm package: what no request needs while it is answered.
//!
//! One file for each entry point of the package (`mockwire/cache` has `cache.rs`, and
//! `pkg/src/extras/cache.ts`). What is here decides; values, promises and signals stay on the
//! JavaScript side, under numbers. Nothing here holds a transport: the time comes in with each call,
//! in milliseconds.

#![allow(
    missing_debug_implementations,
    reason = "JavaScript prints its own objects"
)]

mod aimock;
mod bells;
mod cache;
mod cassette;
mod fields;
mod providers;
mod queue;
mod sessions;
mod timeline;
mod verdict;
