//! What goes wrong on purpose: by chance, with a reply, or with a host.

use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use super::Engine;
use super::convert::rule_id;
use super::spec::parse;
use crate::edge::js_values::{duration, thrown};
use crate::error::Result;
use crate::fault::Fault;
use crate::model::damage::{Chaos, Damage};

#[wasm_bindgen]
impl Engine {
    /// The code of a fault, which is JSON.
    #[wasm_bindgen(js_name = faultCode)]
    pub fn fault_code(fault: &str) -> Result<String, JsValue> {
        let fault: Fault = parse(fault).map_err(thrown)?;
        Ok(fault.code().to_owned())
    }

    /// Throws when damages make no sense; see [`damages`].
    #[wasm_bindgen(js_name = checkDamages)]
    pub fn check_damages(numbers: &[f64]) -> Result<(), JsValue> {
        let checked = damages(numbers).try_for_each(|damage| damage.validate());
        checked.map_err(thrown)
    }

    /// Which damage chance does to the reply of this rule to the request with this number: its place in
    /// the chaos of the rule, or else of the transport; -1 for none.
    pub fn damage(&self, sequence: f64, rule: f64) -> i32 {
        let engine = &self.transport.engine;
        let seed = engine.settings.seed;
        let rule = engine.with(|core| Some(core.rules.get(rule_id(rule))?.rule.clone()));
        let of_rule = rule.as_ref().and_then(|rule| rule.chaos());
        let chaos = of_rule.unwrap_or(&engine.settings.chaos);
        let drawn = chaos.draw_place(seed, sequence as u64);
        drawn
            .and_then(|place| i32::try_from(place).ok())
            .unwrap_or(-1)
    }

    /// Lets a host fail with a fault, which is JSON, from one time to another.
    pub fn outage(&self, host: &str, from: f64, until: f64, fault: &str) -> Result<(), JsValue> {
        let fault = parse(fault).map_err(thrown)?;
        self.transport
            .outage(host, duration(from)..duration(until), fault);
        Ok(())
    }

    /// Kills a host; the numbers of the exchanges that are lost.
    pub fn kill(&self, host: &str) -> Vec<f64> {
        let engine = &self.transport.engine;
        let lost = engine.with(|core| {
            let going_on = core.going_on_at(host).into_iter();
            let numbers = going_on.filter_map(|id| Some(core.exchanges.get(id)?.sequence()));
            numbers.collect::<Vec<_>>()
        });
        self.transport.kill(host);
        lost.into_iter().map(|sequence| sequence as f64).collect()
    }

    /// Starts a host again, or ends its outage.
    pub fn restart(&self, host: &str) {
        self.transport.restart(host);
    }
}

/// The damages that need the engine, as JavaScript sends them: each as the place of its name in a list, how
/// much of it, and a pause.
pub(super) fn damages(numbers: &[f64]) -> impl Iterator<Item = Damage> {
    numbers.chunks_exact(3).map(|numbers| {
        let [kind, amount, gap] = std::array::from_fn(|place| numbers[place]);
        match kind as u8 {
            0 => Damage::DuplicateFrame(amount as usize),
            1 => Damage::Malformed,
            2 => Damage::ResetAt(amount as u64),
            3 => Damage::SlowDrip {
                bytes: amount as usize,
                gap: duration(gap),
            },
            4 => Damage::TruncateAt(amount as u64),
            5 => Damage::WrongLength(amount as u64),
            6 => Damage::Status(amount as u16),
            _ => Damage::NoAnswer,
        }
    })
}

/// A chaos of these shares. JavaScript knows what each does, and asks for its place.
pub(super) fn chaos(shares: &[f64]) -> Chaos {
    let damage = Damage::NoAnswer;
    let shares = shares.iter();
    shares.fold(Chaos::new(), |chaos, share| {
        chaos.with(*share, damage.clone())
    })
}
