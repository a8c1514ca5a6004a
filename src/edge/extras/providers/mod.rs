//! What models are asked, and what they say. JavaScript has the rules and the replies; which requests
//! fit, why others do not, and what goes over the wire is decided here.

mod answer;
mod conversation;
mod dialogue;
mod prompt;

use std::sync::Arc;

use http::{Method, Uri, Version};
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::edge::js_values::thrown;
use crate::error::{Error, Part, Result};
use crate::matcher::Matcher;
use crate::matcher::explain::cut;
use crate::mode::Local;
use crate::model::reply::Reply;
use crate::model::request::Request;
use crate::providers::anthropic::Messages;
use crate::providers::gemini::GenerateContent;
use crate::providers::openai::{ChatCompletions, Responses};
use crate::providers::{Answer, Conversation, ModelApi, Prompt};

/// How much of a value is told that cannot be read.
const TOLD: usize = 200;

/// A provider, as a value.
#[derive(Clone, Copy)]
struct Provider {
    target: &'static str,
    also: fn() -> Matcher<Local>,
    conversation: fn(&Request) -> Result<Arc<Conversation>>,
    matcher: fn(&Prompt) -> Matcher<Local>,
    reply: fn(Answer) -> Reply,
}

impl Provider {
    fn of<A: ModelApi>() -> Self {
        Self {
            target: A::TARGET,
            also: A::also,
            conversation: A::conversation,
            matcher: Prompt::matcher::<Local, A>,
            reply: A::reply,
        }
    }

    /// The one that JavaScript knows by this name.
    fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "ChatCompletions" => Self::of::<ChatCompletions>(),
            "GenerateContent" => Self::of::<GenerateContent>(),
            "Messages" => Self::of::<Messages>(),
            "Responses" => Self::of::<Responses>(),
            other => {
                return Err(Error::invalid(
                    Part::Option,
                    other,
                    "there is no such provider",
                ));
            }
        })
    }
}

/// A request to a model. What it says is read once, for all who ask.
#[wasm_bindgen]
pub struct ModelRequest(Request);

#[wasm_bindgen]
impl ModelRequest {
    /// A request with this body.
    #[wasm_bindgen(constructor)]
    pub fn new(url: &str, body: String) -> Result<Self, JsValue> {
        let url: Uri = url.parse().map_err(|error: http::uri::InvalidUri| {
            thrown(Error::invalid(Part::Url, url, error.to_string()))
        })?;
        let (headers, body) = (Default::default(), body.into());
        let request = Request::new(Method::POST, url, Version::HTTP_11, headers, body);
        Ok(Self(request))
    }
}

/// A value that JavaScript gives as JSON.
fn read<T: DeserializeOwned>(what: &str, json: &str) -> Result<T, JsValue> {
    serde_json::from_str(json).map_err(|error| {
        let reason = format!("{what} cannot be read: {error}");
        thrown(Error::invalid(Part::Json, cut(json, TOLD), reason))
    })
}
