//! Where foreign types come in and go out. Each feature adds one module here, and nothing else.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod clock;
#[cfg(target_arch = "wasm32")]
#[path = "no_clock.rs"]
pub(crate) mod clock;
#[cfg(all(feature = "js-extras", target_arch = "wasm32"))]
mod extras;
#[cfg(not(target_arch = "wasm32"))]
mod file;
#[cfg(all(feature = "hyper", not(target_arch = "wasm32")))]
pub(crate) mod hyper;
#[cfg(all(feature = "js", target_arch = "wasm32"))]
mod js;
#[cfg(all(any(feature = "js", feature = "js-extras"), target_arch = "wasm32"))]
#[cfg_attr(
    not(feature = "js"),
    allow(dead_code, reason = "extras need a part of it")
)]
mod js_values;
#[cfg(all(feature = "reqwest", not(target_arch = "wasm32")))]
mod reqwest;
#[cfg(not(target_arch = "wasm32"))]
mod store;
#[cfg(all(feature = "tokio", not(target_arch = "wasm32")))]
pub(crate) mod tokio;
#[cfg(feature = "tower")]
pub(crate) mod tower;
#[cfg(all(feature = "tungstenite", not(target_arch = "wasm32")))]
pub(crate) mod tungstenite;
#[cfg(all(feature = "reqwest", not(target_arch = "wasm32")))]
pub(crate) mod upstream_reqwest;
#[cfg(feature = "tower")]
pub(crate) mod upstream_tower;

/// The transport's own error in a foreign one that does not have it among its sources.
#[cfg(all(feature = "reqwest", not(target_arch = "wasm32")))]
pub(crate) use self::reqwest::inside;
#[cfg(not(all(feature = "reqwest", not(target_arch = "wasm32"))))]
pub(crate) fn inside<'a>(_: &'a (dyn std::error::Error + 'static)) -> Option<&'a crate::Error> {
    None
}
