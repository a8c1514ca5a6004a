//! Plays a script: one frame after the other, each with its due time, made when it is asked for.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::step::Step;
use super::{Ending, Rate, Repeat, Script};
use crate::model::random::Random;

const NANOS_PER_SECOND: u128 = 1_000_000_000;
const BYTES_PER_TOKEN: u64 = 4;

/// What a script does next. Times count from its beginning.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Played {
    Frame {
        due: Duration,
        bytes: Bytes,
    },
    /// Goes on once this name is released; see [`Player::go_on`].
    Hold(String),
    End {
        due: Duration,
        ending: Ending,
    },
}

/// Where in a script one exchange is. No time and no chance of its own: the same script, seed and
/// sequence number always play alike.
#[derive(Clone, Debug)]
pub(crate) struct Player {
    script: Arc<Script>,
    random: Random,
    /// How often the steps were played, and where they are now.
    pass: u64,
    step: usize,
    /// What is to be cut into frames.
    text: Bytes,
    due: Duration,
    frames: u64,
    bytes: u64,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Steps,
    Terminal,
    Over,
}

impl Player {
    pub(crate) fn new(script: Arc<Script>, seed: u64, sequence: u64) -> Self {
        Self {
            script,
            random: Random::of_exchange(seed, sequence),
            pass: 0,
            step: 0,
            text: Bytes::new(),
            due: Duration::ZERO,
            frames: 0,
            bytes: 0,
            stage: Stage::Steps,
        }
    }

    /// All frames of a script that has an end, without their times.
    pub(super) fn frames_of(script: &Script) -> Vec<Bytes> {
        let mut player = Self::new(Arc::new(script.clone()), 0, 0);
        std::iter::from_fn(|| match player.next() {
            Played::Frame { bytes, .. } => Some(bytes),
            Played::Hold(_) | Played::End { .. } => None,
        })
        .collect()
    }

    pub(crate) fn script(&self) -> &Script {
        &self.script
    }

    /// What comes next. After the end it is the end again.
    pub(crate) fn next(&mut self) -> Played {
        loop {
            if self.is_cut() {
                self.text = Bytes::new();
                self.stage = Stage::Over;
            }
            if !self.text.is_empty() {
                return self.cut_frame();
            }
            match self.stage {
                Stage::Steps => {
                    if let Some(name) = self.take_step() {
                        return Played::Hold(name);
                    }
                }
                Stage::Terminal => {
                    self.stage = Stage::Over;
                    let Script {
                        terminal,
                        line_ending,
                        ..
                    } = &*self.script;
                    let terminal = terminal.as_ref().filter(|_| !self.script.without_terminal);
                    let text = terminal.and_then(|step| step.bytes(*line_ending));
                    self.text = text.unwrap_or_default();
                }
                Stage::Over => {
                    return Played::End {
                        due: self.due,
                        ending: self.script.end,
                    };
                }
            }
        }
    }

    /// What held it is released, so long after the beginning: what follows is due from then on.
    pub(crate) fn go_on(&mut self, at: Duration) {
        self.due = self.due.max(at);
    }

    fn is_cut(&self) -> bool {
        self.script.cut_at.is_some_and(|at| self.bytes >= at)
    }

    /// Takes the next step; the name, when it is a hold.
    fn take_step(&mut self) -> Option<String> {
        let script = self.script.clone();
        if matches!(script.repeat, Repeat::Times(times) if self.pass >= times) {
            self.stage = Stage::Terminal;
            return None;
        }
        let Some(step) = script.steps.get(self.step) else {
            self.pass += 1;
            self.step = 0;
            return None;
        };
        self.step += 1;
        match step {
            Step::Event(_) | Step::Frame(_) => {
                let first = step.bytes(script.line_ending).unwrap_or_default();
                self.text = if script.chunking.is_some() {
                    self.gather(&script, first)
                } else {
                    first
                };
            }
            Step::Hold(name) => return Some(name.clone()),
            Step::Wait(pause) => self.pause(*pause),
        }
        None
    }

    /// The bytes of this frame and of those that follow it at once.
    fn gather(&mut self, script: &Script, first: Bytes) -> Bytes {
        let following = script.steps[self.step..].iter();
        let following = following.map_while(|step| step.bytes(script.line_ending));
        let mut text = BytesMut::from(first);
        for bytes in following {
            text.extend_from_slice(&bytes);
            self.step += 1;
        }
        text.freeze()
    }

    /// Cuts the next frame off the text, and takes the time that it takes.
    fn cut_frame(&mut self) -> Played {
        let script = self.script.clone();
        let mut len = match &script.chunking {
            Some(chunking) => chunking.len(&self.text, self.frames, &mut self.random),
            None => self.text.len(),
        };
        if let Some(at) = script.cut_at {
            let left = usize::try_from(at - self.bytes).unwrap_or(usize::MAX);
            len = len.min(left);
        }
        let bytes = self.text.split_to(len);
        self.pause(if self.frames == 0 {
            script.first_byte
        } else {
            script.gap
        });
        if let Some(rate) = script.rate {
            self.pause(rate.time_of(len as u64));
        }
        self.frames += 1;
        self.bytes += len as u64;
        Played::Frame {
            due: self.due,
            bytes,
        }
    }

    fn pause(&mut self, pause: Duration) {
        let pause = if self.script.jitter > 0.0 && !pause.is_zero() {
            self.jittered(pause)
        } else {
            pause
        };
        self.due = self.due.saturating_add(pause);
    }

    /// In whole numbers, so that every machine comes to the same.
    fn jittered(&mut self, pause: Duration) -> Duration {
        const WHOLE: u64 = 1_000_000;
        let share = (self.script.jitter * WHOLE as f64).round() as u64;
        let factor = WHOLE - share + self.random.up_to(2 * share);
        let nanos = pause.as_nanos() * u128::from(factor) / u128::from(WHOLE);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl Rate {
    /// How long a frame of so many bytes takes.
    fn time_of(self, bytes: u64) -> Duration {
        let (amount, per_second) = match self {
            Self::BytesPerSecond(n) => (bytes, n),
            Self::FramesPerSecond(n) => (1, n),
            Self::TokensPerSecond(n) => (bytes.div_ceil(BYTES_PER_TOKEN), n),
        };
        let nanos = u128::from(amount) * NANOS_PER_SECOND / u128::from(per_second.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}
