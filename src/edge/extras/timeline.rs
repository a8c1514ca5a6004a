//! What is made of a timeline: JavaScript gives it as JSON.

use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::edge::js_values::{thrown, to_json};
use crate::error::{Error, Part};
use crate::timeline::Timeline;

/// Writes timelines.
#[wasm_bindgen]
pub struct TimelineWriter;

#[wasm_bindgen]
impl TimelineWriter {
    /// As an HTTP archive.
    pub fn har(timeline: &str) -> Result<String, JsValue> {
        read(timeline).map(|timeline| timeline.to_har())
    }

    /// As a trace.
    #[wasm_bindgen(js_name = chromeTrace)]
    pub fn chrome_trace(timeline: &str) -> Result<String, JsValue> {
        read(timeline).map(|timeline| timeline.to_chrome_trace())
    }

    /// As a picture.
    pub fn waterfall(timeline: &str) -> Result<String, JsValue> {
        read(timeline).map(|timeline| timeline.to_svg())
    }

    /// Its retries, as JSON.
    pub fn retries(timeline: &str) -> Result<String, JsValue> {
        read(timeline).map(|timeline| to_json(&timeline.retries()))
    }
}

fn read(timeline: &str) -> Result<Timeline, JsValue> {
    serde_json::from_str(timeline).map_err(|error| {
        let shown: String = timeline.chars().take(64).collect();
        thrown(Error::invalid(Part::Json, shown, error.to_string()))
    })
}
