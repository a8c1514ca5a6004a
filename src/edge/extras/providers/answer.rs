//! What a model says, as bytes.

use std::time::Duration;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use super::{ModelRequest, Provider, read};
use crate::edge::js_values::{duration, milliseconds, thrown, to_json};
use crate::model::exchange::Exchange;
use crate::model::reply::{Reply, ReplyBody};

/// What a model says whenever it is asked. What was written for a request is kept for the next one like
/// it.
#[wasm_bindgen]
pub struct AnswerMachine {
    reply: Reply,
}

#[wasm_bindgen]
impl AnswerMachine {
    /// What a provider's model says, given as JSON. Throws `{code, message}`.
    #[wasm_bindgen(constructor)]
    pub fn new(provider: &str, answer: &str) -> Result<Self, JsValue> {
        let provider = Provider::named(provider).map_err(thrown)?;
        let reply = (provider.reply)(read("an answer", answer)?);
        Ok(Self { reply })
    }

    /// The reply in an exchange: `[status, fields, delay, kind, content]`. The header fields are names and
    /// values in turns. The content is, by its kind:
    ///
    /// - `text`: a text;
    /// - `frames`: a list of bytes;
    /// - `script`: JSON.
    ///
    /// Times are milliseconds; `retry_after` is NaN unless a rate limit refuses. Throws `{code, message}`.
    pub fn reply(
        &self,
        request: &ModelRequest,
        sequence: f64,
        at: f64,
        epoch: f64,
        seed: f64,
        retry_after: f64,
    ) -> Result<Array, JsValue> {
        let exchange = Exchange {
            request: request.0.clone(),
            sequence: sequence as u64,
            at: duration(at),
            epoch: duration(epoch),
            seed: seed as u64,
            retry_after: (!retry_after.is_nan()).then(|| duration(retry_after)),
        };
        let reply = self.reply.clone().for_exchange(&exchange);
        let reply = reply.validate().map_err(thrown)?;
        let fields = Array::new();
        for (name, value) in reply.headers.iter() {
            fields.push(&name.as_str().into());
            fields.push(&latin1(value.as_bytes()).into());
        }
        let (kind, content) = content(&reply.body);
        let delay: Duration = reply.head_delay();
        Ok(Array::of5(
            &reply.status.as_u16().into(),
            &fields,
            &milliseconds(delay).into(),
            &kind.into(),
            &content,
        ))
    }
}

fn content(body: &ReplyBody) -> (&'static str, JsValue) {
    match body {
        ReplyBody::Frames(frames) => {
            let frames = frames.iter().map(|frame| Uint8Array::from(&**frame));
            ("frames", frames.collect::<Array>().into())
        }
        ReplyBody::Full(bytes) => ("text", String::from_utf8_lossy(bytes).as_ref().into()),
        ReplyBody::Script(script) => ("script", to_json(&**script).into()),
        // No provider replies in any other way.
        _ => ("text", JsValue::from_str("")),
    }
}

/// Header values as JavaScript has them: one character for each byte.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
