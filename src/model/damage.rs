//! What can go wrong with a reply: on purpose, or by chance.

use std::time::Duration;

use http::header;
use serde::{Deserialize, Serialize};

use super::millis;
use super::random::Random;
use super::reply::{Reply, ReplyBody, final_status};
use super::script::{Chunking, Ending, Script};
use crate::error::{Error, Part, Result};
use crate::fault::Fault;

/// What goes wrong with a reply: [`Reply::damaged`] does it each time, [`Chaos`] by chance.
///
/// In JSON: `{"fault": "connectionReset"}`, `{"resetAt": 40}`, `"malformed"`, ...
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Damage {
    /// The frame with this number, from 0, comes twice.
    DuplicateFrame(usize),
    /// There is no response, but this failure.
    Fault(Fault),
    /// The head comes so much later.
    Late(#[serde(with = "millis")] Duration),
    /// A byte in the middle of the body is one that UTF-8 does not have.
    Malformed,
    /// There is no response, ever.
    NoAnswer,
    /// The connection is reset after so many bytes of the body.
    ResetAt(u64),
    /// The body comes in pieces of so many bytes, with a pause before each.
    SlowDrip {
        /// How many bytes come at a time.
        bytes: usize,
        /// The pause.
        #[serde(with = "millis")]
        gap: Duration,
    },
    /// This status instead, without a body.
    Status(u16),
    /// The body ends after so many bytes, as if that were all.
    TruncateAt(u64),
    /// `content-length` says so many bytes more than come; then the connection is closed.
    WrongLength(u64),
}

/// Damage by chance, drawn from the transport's [`seed`](crate::Builder::seed) for each request.
///
/// ```
/// use mockwire::{Chaos, Damage, Fault, Reply, sync::MockTransport};
///
/// let chaos = Chaos::new()
///     .with(0.2, Damage::Status(503))
///     .with(0.1, Damage::Fault(Fault::ConnectionReset));
/// let transport = MockTransport::builder().seed(7).chaos(chaos).build();
/// transport.get("/").reply(Reply::text("well"));
///
/// let get = || http::Request::get("https://api.test/").body(()).unwrap();
/// let well = (0..1000).filter(|_| {
///     transport.block_on(transport.call(get())).is_ok_and(|it| it.status() == 200)
/// });
/// assert!((650..750).contains(&well.count()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Chaos(Vec<Chance>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Chance {
    share: f64,
    damage: Damage,
}

/// The finest share that chance can tell apart, as a part of a whole.
const WHOLE: u64 = 1_000_000_000;

impl Chaos {
    /// No damage.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// This damage to such a share of the requests: 0.1 is every tenth, by chance. A request meets
    /// at most one; together the shares are 1 at most.
    #[must_use]
    pub fn with(mut self, share: f64, damage: Damage) -> Self {
        self.0.push(Chance { share, damage });
        self
    }

    /// The chaos, unless it cannot be.
    ///
    /// # Errors
    ///
    /// [`Part::Option`] when a share is not from 0 to 1, when all of them are more than 1 together,
    /// or when a damage makes no sense: a drip of no bytes, a status out of range.
    pub fn validate(self) -> Result<Self> {
        let total: f64 = self.0.iter().map(|chance| chance.share).sum();
        let is_share = |share: f64| (0.0..=1.0).contains(&share);
        if !self.0.iter().all(|chance| is_share(chance.share)) || total > 1.0 + 1e-9 {
            let shares: Vec<_> = self.0.iter().map(|chance| chance.share).collect();
            let reason = "a share is from 0 to 1, and all of them are 1 at most";
            return Err(Error::invalid(Part::Option, format!("{shares:?}"), reason));
        }
        for chance in &self.0 {
            chance.damage.validate()?;
        }
        Ok(self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the request with this number meets.
    pub(crate) fn draw(&self, seed: u64, sequence: u64) -> Option<&Damage> {
        // Not the numbers that the request's script draws.
        let mut random = Random::of_exchange(!seed, sequence);
        let mut left = random.up_to(WHOLE - 1);
        self.0.iter().find_map(|chance| {
            let share = (chance.share * WHOLE as f64).round() as u64;
            if left < share {
                return Some(&chance.damage);
            }
            left -= share;
            None
        })
    }
}

impl Damage {
    pub(crate) fn validate(&self) -> Result<()> {
        match self {
            Self::SlowDrip { bytes: 0, .. } => {
                let reason = "it comes at least one byte at a time";
                Err(Error::invalid(Part::Option, format!("{self:?}"), reason))
            }
            Self::Status(status) => final_status(*status).map(drop),
            _ => Ok(()),
        }
    }

    /// Whether it is done to the body, which has to be known for that.
    pub(crate) fn is_of_body(&self) -> bool {
        !matches!(
            self,
            Self::Fault(_) | Self::Late(_) | Self::NoAnswer | Self::Status(_)
        )
    }
}

impl Reply {
    /// The reply with something wrong with it.
    ///
    /// ```
    /// use mockwire::{Damage, Reply};
    /// use serde_json::json;
    ///
    /// let cut = Reply::json(json!({"text": "hello"})).damaged(Damage::ResetAt(9));
    /// # let _ = cut;
    /// ```
    #[must_use]
    pub fn damaged(mut self, damage: Damage) -> Self {
        if let Err(error) = damage.validate() {
            return self.fail(error);
        }
        match damage {
            Damage::Fault(fault) => {
                self.body = ReplyBody::Fault(fault);
                self
            }
            Damage::Late(by) => {
                let delay = self.head_delay().saturating_add(by);
                self.delay(delay)
            }
            Damage::NoAnswer => {
                self.body = ReplyBody::Never;
                self
            }
            Damage::Status(status) => Self::status(status).delay(self.head_delay()),
            of_body => self.with_damaged_body(&of_body),
        }
    }

    fn with_damaged_body(self, damage: &Damage) -> Self {
        let script = match &self.body {
            ReplyBody::Empty => Script::new(),
            ReplyBody::Frames(frames) => Script::new().frames(frames.iter().cloned()),
            ReplyBody::Full(bytes) => Script::new().frame(bytes.clone()),
            ReplyBody::Script(script) => Script::clone(script),
            ReplyBody::External { .. } | ReplyBody::Fault(_) | ReplyBody::Never => return self,
            ReplyBody::FromExchange(_) | ReplyBody::Template(_) => {
                let reason = "the body is not known beforehand: \
                              use `reply_with`, and damage what it makes";
                let error = Error::invalid(Part::Option, format!("{damage:?}"), reason);
                return self.fail(error);
            }
        };
        let script = match damage {
            Damage::ResetAt(at) => script.cut_at(*at).ending(Ending::Reset),
            Damage::TruncateAt(at) => script.cut_at(*at).ending(Ending::Clean),
            Damage::SlowDrip { bytes, gap } => script
                .chunking(Chunking::Bytes(*bytes))
                .first_byte(*gap)
                .gap(*gap),
            Damage::Malformed => script.malformed(),
            Damage::DuplicateFrame(number) => script.duplicated(*number),
            Damage::WrongLength(more) => {
                let length = script.len().saturating_add(*more).to_string();
                let script = script.ending(Ending::Fault(Fault::ConnectionClosed));
                return self
                    .with_script(script)
                    .replace_header(header::CONTENT_LENGTH, &length);
            }
            Damage::Fault(_) | Damage::Late(_) | Damage::NoAnswer | Damage::Status(_) => script,
        };
        self.with_script(script)
    }
}
