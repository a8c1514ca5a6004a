//! Which turn of a dialogue a request is.

use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use super::{ModelRequest, Provider, read};
use crate::edge::js_values::{thrown, to_json};
use crate::providers::{AmbiguousTurn, Dialogue};

/// A dialogue, whose turns are rules of JavaScript's.
#[wasm_bindgen]
pub struct DialogueMachine {
    dialogue: Dialogue,
    provider: Provider,
}

#[wasm_bindgen]
impl DialogueMachine {
    /// A dialogue, given as JSON. Throws `{code, message}`.
    #[wasm_bindgen(constructor)]
    pub fn new(provider: &str, dialogue: &str) -> Result<Self, JsValue> {
        Ok(Self {
            dialogue: read("a dialogue", dialogue)?,
            provider: Provider::named(provider).map_err(thrown)?,
        })
    }

    /// What each turn asks, as JSON, which one it is included.
    pub fn prompts(&self) -> Vec<String> {
        self.dialogue.prompts().map(|it| to_json(&it)).collect()
    }

    /// Of a dialogue that is told by a scenario: the state in which each turn comes, and the one after it,
    /// in turns. Else nothing.
    pub fn states(&self) -> Vec<String> {
        let states = self.dialogue.states().unwrap_or_default();
        states.into_iter().flatten().collect()
    }

    /// Whether a request may fit more than one turn.
    #[wasm_bindgen(getter, js_name = mayBeAmbiguous)]
    pub fn may_be_ambiguous(&self) -> bool {
        self.dialogue.may_be_ambiguous()
    }

    /// The turns that a request fits, from 1; where they may come in any order.
    pub fn fitting(&self, request: &ModelRequest) -> Vec<u32> {
        let conversation = (self.provider.conversation)(&request.0);
        let turns = conversation.map(|it| self.dialogue.fitting(&it));
        let turns = turns.unwrap_or_default().into_iter();
        turns
            .map(|turn| u32::try_from(turn).unwrap_or(u32::MAX))
            .collect()
    }

    /// Why a request that fits several turns is not answered.
    pub fn ambiguous(&self, turns: Vec<u32>) -> String {
        let turns = turns.into_iter().map(|turn| turn as usize).collect();
        AmbiguousTurn { turns }.to_string()
    }
}
