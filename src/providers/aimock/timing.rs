//! How a fixture says that a stream goes.

use std::time::Duration;

use serde_json::Value;

use super::super::{Answer, Split};
use super::report::Report;
use crate::{Rate, Script};

/// How a stream goes.
#[derive(Default)]
pub(super) struct Timing {
    pub(super) split: Option<Split>,
    pub(super) latency: Duration,
    first: Option<Duration>,
    gap: Option<Duration>,
    rate: Option<u64>,
    jitter: f64,
    pub(super) speed: Option<f64>,
}

impl Timing {
    pub(super) fn of(self, answer: Answer) -> Answer {
        let speed = self.speed.unwrap_or(1.0);
        let scaled = |it: Duration| {
            Duration::try_from_secs_f64(it.as_secs_f64() / speed).unwrap_or(Duration::MAX)
        };
        let mut script = Script::new()
            .gap(scaled(self.gap.unwrap_or(self.latency)))
            .jitter(self.jitter);
        if let Some(first) = self.first {
            script = script.first_byte(scaled(first));
        }
        if let Some(rate) = self.rate {
            script = script.gap(Duration::ZERO).rate(Rate::TokensPerSecond(rate));
        }
        let answer = match self.split {
            Some(split) => answer.split(split),
            None => answer,
        };
        answer.delay(scaled(self.latency)).script(script)
    }
}

pub(super) fn profile(value: &Value, timing: &mut Timing, report: &mut Report) {
    let members = report.expect("streamingProfile", "an object", value.as_object());
    for (name, value) in members.into_iter().flatten() {
        let member = format!("streamingProfile.{name}");
        match name.as_str() {
            "ttft" => timing.first = Some(report.millis(&member, value)),
            "tps" => {
                let rate = report.number(&member, value).round() as u64;
                timing.rate = report.expect(&member, "at least 1", Some(rate).filter(|it| *it > 0));
            }
            "jitter" => {
                let share = value.as_f64().filter(|it| (0.0..=1.0).contains(it));
                timing.jitter = report
                    .expect(&member, "a number from 0 to 1", share)
                    .unwrap_or_default();
            }
            _ => report.unknown(&member),
        }
    }
}

pub(super) fn recorded(value: &Value, timing: &mut Timing, report: &mut Report) {
    let members = report.expect("recordedTimings", "an object", value.as_object());
    for (name, value) in members.into_iter().flatten() {
        let member = format!("recordedTimings.{name}");
        match name.as_str() {
            "ttftMs" => timing.first = Some(report.millis(&member, value)),
            "interChunkDelaysMs" => {
                let delays = report.expect(&member, "a list", value.as_array());
                let delays = delays.map_or(&[][..], Vec::as_slice);
                let delays: Vec<_> = delays.iter().map(|it| report.millis(&member, it)).collect();
                let count = u32::try_from(delays.len()).unwrap_or(u32::MAX).max(1);
                timing.gap = Some(delays.iter().sum::<Duration>() / count);
            }
            "totalDurationMs" => {}
            _ => report.unknown(&member),
        }
    }
}
