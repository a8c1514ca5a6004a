//! Scripts, played for JavaScript in batches of frames.

use std::sync::Arc;

use js_sys::{Array, Float64Array, Uint8Array};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use super::faults;
use super::spec::parse;
use crate::edge::js_values::{duration, milliseconds, thrown};
use crate::fault::Fault;
use crate::model::script::player::{self, Played};
use crate::model::script::{Ending, Script};
use crate::sse::{Event, LineEnding};

/// A batch ends when it has so many bytes, or more.
const ENOUGH_BYTES: usize = 1 << 16;

/// A script on its way to one client. It knows no time: it says when things are due.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Player {
    player: player::Player,
    is_constant: bool,
}

#[wasm_bindgen]
impl Player {
    /// Begins a script, given as JSON, for the request with this number; with what is wrong with it, as
    /// [`faults::damages`] has it.
    #[wasm_bindgen(constructor)]
    pub fn new(script: &str, damages: &[f64], seed: f64, sequence: f64) -> Result<Self, JsValue> {
        let script: Script = parse(script).and_then(Script::validate).map_err(thrown)?;
        let script = faults::damages(damages).fold(script, |script, it| script.damaged(&it));
        let is_constant = script.is_finite() && !script.draws();
        Ok(Self {
            player: player::Player::new(Arc::new(script), seed as u64, sequence as u64),
            is_constant,
        })
    }

    /// Whether it comes to an end, and is the same for every seed and request.
    #[wasm_bindgen(getter, js_name = isConstant)]
    pub fn is_constant(&self) -> bool {
        self.is_constant
    }

    /// How many bytes the steps give, played once.
    #[wasm_bindgen(getter)]
    pub fn length(&self) -> f64 {
        self.player.script().len() as f64
    }

    /// What comes next, at most so many frames: `[bytes, plan, kind, word, due]`. The bytes of all
    /// frames; when each is due, and how long it is, in turns; then what follows:
    ///
    /// - `more`: frames;
    /// - `hold`: nothing until the name `word` is released, then `goOn`;
    /// - `end`: the end at `due`: `clean`, `stall`, or with the failure of this code.
    pub fn batch(&mut self, frames: usize) -> Array {
        let (mut bytes, mut plan) = (Vec::new(), Vec::new());
        let (kind, word, due) = loop {
            if plan.len() >= 2 * frames || bytes.len() >= ENOUGH_BYTES {
                break ("more", String::new(), 0.0);
            }
            match self.player.next() {
                Played::Frame { due, bytes: frame } => {
                    plan.extend([milliseconds(due), frame.len() as f64]);
                    bytes.extend_from_slice(&frame);
                }
                Played::Hold(name) => break ("hold", name, 0.0),
                Played::End { due, ending } => {
                    break ("end", word_of(ending).to_owned(), milliseconds(due));
                }
            }
        };
        Array::of5(
            &Uint8Array::from(&*bytes),
            &Float64Array::from(&*plan),
            &kind.into(),
            &word.into(),
            &due.into(),
        )
    }

    /// What held it was released, so long after its beginning.
    #[wasm_bindgen(js_name = goOn)]
    pub fn go_on(&mut self, at: f64) {
        self.player.go_on(duration(at));
    }

    /// The bytes of a server-sent event, given as JSON.
    #[wasm_bindgen(js_name = encodeEvent)]
    pub fn encode_event(event: &str) -> Result<Vec<u8>, JsValue> {
        let bytes = parse::<Event>(event).and_then(|event| event.encode(LineEnding::Lf));
        bytes.map(Into::into).map_err(thrown)
    }
}

fn word_of(ending: Ending) -> &'static str {
    match ending {
        Ending::Clean => "clean",
        Ending::Fault(fault) => fault.code(),
        Ending::Reset => Fault::ConnectionReset.code(),
        Ending::Stall => "stall",
    }
}
