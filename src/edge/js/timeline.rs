//! What only the engine knows of the times of exchanges and of hosts.

use wasm_bindgen::prelude::wasm_bindgen;

use super::Engine;
use crate::core::timeline::Tick;
use crate::edge::js_values::milliseconds;

#[wasm_bindgen]
impl Engine {
    /// Which date the transport's time begins at, in milliseconds since 1970.
    pub fn epoch(&self) -> f64 {
        milliseconds(self.transport.engine.settings.epoch)
    }

    /// What the limits did to a request: which limit on concurrency it waited for (`key` or `total`), its
    /// key, when it was admitted, and which rate limit has refused it, in words. Empty is what has not
    /// happened.
    pub fn noted(&self, sequence: f64) -> Vec<String> {
        let noted = self.transport.engine.with(|core| {
            let entry = core.journal.get_mut(sequence as u64);
            entry.map(|entry| entry.limits_met())
        });
        let (queued, refused) = noted.unwrap_or_default();
        let limit = match &queued {
            None => "",
            Some(queued) if queued.key.is_some() => "key",
            Some(_) => "total",
        };
        let (key, acquired) = queued.map_or((None, None), |it| (it.key, it.acquired));
        let told = [key, acquired.map(in_words), refused].map(Option::unwrap_or_default);
        std::iter::once(limit.to_owned()).chain(told).collect()
    }

    /// How many outages were forgotten; then of each host that was down: its name, from when, until when,
    /// whether it was killed, and the code of the failure. Empty is what has no end.
    pub fn outages(&self) -> Vec<String> {
        let (outages, dropped) = self.transport.engine.with(|core| {
            let now = core.timeline.now();
            core.endpoints.told(now)
        });
        let mut told = vec![dropped.to_string()];
        for outage in outages {
            let killed = if outage.killed { "killed" } else { "" };
            told.extend([
                outage.host,
                in_words(outage.from),
                outage.until.map(in_words).unwrap_or_default(),
                killed.to_owned(),
                outage.fault.code().to_owned(),
            ]);
        }
        told
    }
}

fn in_words(at: Tick) -> String {
    milliseconds(at).to_string()
}
