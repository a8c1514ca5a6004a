//! Values that cross in both modules of the npm package: errors, times, keys, JSON.

use std::time::Duration;

use js_sys::Reflect;
use serde::Serialize;
use slotmap::{Key, KeyData};
use wasm_bindgen::JsValue;

use crate::error::Error;

/// An `Error` with a `code`, to be thrown.
pub(super) fn thrown(error: Error) -> JsValue {
    let thrown = js_sys::Error::new(&error.to_string());
    let code = JsValue::from_str(error.code());
    // A fresh error object takes any property.
    let _ = Reflect::set(&thrown, &JsValue::from_str("code"), &code);
    thrown.into()
}

pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Endless times are very late ones.
pub(super) fn duration(milliseconds: f64) -> Duration {
    Duration::from_nanos((milliseconds * NANOSECONDS).round() as u64)
}

/// The way back: exact for what came from JavaScript, if that is less than a hundred days.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / NANOSECONDS
}

/// Of one millisecond.
const NANOSECONDS: f64 = 1e6;

/// A key as a number that JavaScript can hold exactly, and a small one where no other had its place
/// before. A generation is odd, and below 2^21 it fits.
pub(super) fn number(key: impl Key) -> f64 {
    (key.data().as_ffi() - FIRST_GENERATION) as f64
}

/// The way back.
pub(super) fn key<K: Key>(number: f64) -> K {
    KeyData::from_ffi(number as u64 + FIRST_GENERATION).into()
}

/// JavaScript's header values are byte strings: one character for each byte.
pub(super) fn latin1(text: &str) -> Vec<u8> {
    if text.is_ascii() {
        return text.as_bytes().to_vec();
    }
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect()
}

/// The generation of a key that is the first at its place, where `as_ffi` puts it.
const FIRST_GENERATION: u64 = 1 << 32;
