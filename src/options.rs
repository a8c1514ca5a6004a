//! The options of a transport.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderName;
use http_body::Body as HttpBody;

use crate::engine::{Settings, Timing, Unmatched};
use crate::error::{BoxError, Error, Part, Result};
use crate::flow::answer::Passthrough;
use crate::matcher::conditions::header_name;
use crate::mode::{AcceptResponder, AcceptTimer, Mode};
use crate::model::damage::Chaos;
use crate::model::reply::final_status;
use crate::transport::MockTransport;

/// The options of a transport; made by [`MockTransport::builder`].
///
/// ```
/// use mockwire::{Timing, sync::MockTransport};
///
/// let transport = MockTransport::builder()
///     .unmatched_status(404)
///     .redact("x-session")
///     .timing(Timing::Manual)
///     .build();
/// assert_eq!(transport.timing(), Timing::Manual);
/// ```
#[must_use = "an option does nothing until `build`"]
pub struct Builder<M: Mode> {
    pub(crate) settings: Settings<M>,
    pub(crate) mistake: Option<Error>,
}

impl<M: Mode> Builder<M> {
    pub(crate) fn new() -> Self {
        Self {
            settings: Settings::default(),
            mistake: None,
        }
    }

    /// Answers requests that match no rule with this status, instead of with an error. They still
    /// fail verification, unless [`allow_unmatched`](Self::allow_unmatched) says otherwise.
    pub fn unmatched_status(mut self, status: u16) -> Self {
        match final_status(status) {
            Ok(status) => self.settings.unmatched = Unmatched::Reply(status),
            Err(error) => {
                self.mistake.get_or_insert(error);
            }
        }
        self
    }

    /// Passes requests that match no rule through to another transport, which the host supplies.
    /// They count as matched.
    pub fn unmatched_passthrough<F, A, B, E>(mut self, transport: F) -> Self
    where
        F: Fn(http::Request<Bytes>) -> A + 'static,
        A: Future<Output = Result<http::Response<B>, E>>,
        B: HttpBody<Error: Into<BoxError>>,
        E: Into<BoxError>,
        M: AcceptResponder<Passthrough<F>>,
    {
        let responder = M::erase_responder(Passthrough(transport));
        self.settings.unmatched = Unmatched::Handle(responder);
        self
    }

    /// Lets verification pass although requests matched no rule.
    pub fn allow_unmatched(mut self) -> Self {
        self.settings.allow_unmatched = true;
        self
    }

    /// Who moves the transport's time.
    pub fn timing(mut self, timing: Timing) -> Self {
        self.settings.timing = timing;
        self
    }

    /// Lets a runtime's clock move the transport's time: [`Timing::Real`].
    pub fn timer<T>(mut self, timer: T) -> Self
    where
        M: AcceptTimer<T>,
    {
        self.settings.timing = Timing::Real;
        self.settings.timer = Some(M::erase_timer(timer));
        self
    }

    /// Where the random numbers of scripts come from: for one seed, each request meets the same, on
    /// every machine, natively and in WebAssembly. 0 unless said otherwise.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// What goes wrong by chance, with any rule's replies.
    pub fn chaos(mut self, chaos: Chaos) -> Self {
        match chaos.validate() {
            Ok(chaos) => self.settings.chaos = chaos,
            Err(error) => {
                self.mistake.get_or_insert(error);
            }
        }
        self
    }

    /// How many exchanges the journal keeps; the oldest go first, and are counted. 16,384 unless
    /// said otherwise.
    pub fn max_requests(mut self, requests: usize) -> Self {
        self.settings.requests = requests;
        self
    }

    /// How many bytes of each request body the journal keeps. 1 MiB unless said otherwise. Matchers
    /// and handlers always see the whole body.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.settings.body_bytes = bytes;
        self
    }

    /// How many frames of each streamed body the [`timeline`](MockTransport::timeline) tells one by
    /// one; later ones are counted. 1,024 unless said otherwise.
    pub fn max_frames(mut self, frames: usize) -> Self {
        self.settings.frames = frames;
        self
    }

    /// Compresses the captured bodies that are larger than this; 256 KiB is a good threshold. Never,
    /// unless this is called: it trades time for memory.
    #[cfg(feature = "compression")]
    pub fn compress_bodies_above(mut self, bytes: usize) -> Self {
        self.settings.compress_above = Some(bytes);
        self
    }

    /// Never prints the values of this header field. `authorization`, `x-api-key`, `cookie`,
    /// `set-cookie` and their like are never printed anyway.
    pub fn redact(mut self, header: &str) -> Self {
        match header_name(header) {
            Ok(name) => self.settings.redact.push(name),
            Err(error) => {
                self.mistake.get_or_insert(error);
            }
        }
        self
    }

    /// The transport.
    ///
    /// # Panics
    ///
    /// If an option is malformed; see [`try_build`](Self::try_build).
    #[must_use]
    #[track_caller]
    pub fn build(self) -> MockTransport<M> {
        match self.try_build() {
            Ok(transport) => transport,
            Err(error) => panic!("{error}"),
        }
    }

    /// The transport.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::ErrorKind::Invalid) for the first malformed option.
    pub fn try_build(self) -> Result<MockTransport<M>> {
        let mut settings = self.settings;
        match (self.mistake, settings.timing, &settings.timer) {
            (Some(error), ..) => Err(error),
            (None, Timing::Real, None) => {
                let reason = "real time needs a timer: call `timer`";
                Err(Error::invalid(Part::Option, "Timing::Real", reason))
            }
            (None, timing, _) => {
                settings.timer = settings.timer.filter(|_| timing == Timing::Real);
                Ok(MockTransport::with_settings(settings))
            }
        }
    }
}

impl<M: Mode> Default for Settings<M> {
    fn default() -> Self {
        Self {
            unmatched: Unmatched::Error,
            allow_unmatched: false,
            timing: Timing::default(),
            timer: None,
            seed: 0,
            epoch: Duration::from_secs(1_735_689_600), // 2025-01-01
            limits: None,
            chaos: Chaos::new(),
            requests: 16_384,
            body_bytes: 1 << 20,
            frames: 1024,
            #[cfg(feature = "compression")]
            compress_above: None,
            redact: Vec::new(),
        }
    }
}

impl<M: Mode> fmt::Debug for Builder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redact: &[HeaderName] = &self.settings.redact;
        f.debug_struct("Builder")
            .field("timing", &self.settings.timing)
            .field("seed", &self.settings.seed)
            .field("max_requests", &self.settings.requests)
            .field("max_body_bytes", &self.settings.body_bytes)
            .field("max_frames", &self.settings.frames)
            .field("redact", &redact)
            .finish_non_exhaustive()
    }
}
