//! The body of a response: frames, delivered when they are asked for.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::StreamExt;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use serde::de::DeserializeOwned;

use super::play::Playing;
use crate::core::ExchangeId;
use crate::core::exchange::{Delivered, Waits};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Part, Result};
use crate::matcher::panic_message;
use crate::mode::Mode;
use crate::model::captured::Outcome;

/// The body of a response: a [`Stream`] of [`Bytes`] and an [`http_body::Body`].
///
/// Each frame is delivered when it is asked for. Dropping the body before its end cancels the
/// exchange: the journal says so, and how many bytes were delivered.
///
/// ```
/// use futures_util::StreamExt;
/// use mockwire::{Reply, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// transport.get("/count").reply(Reply::stream(["one ", "two"]));
///
/// let request = http::Request::get("https://api.test/count").body(())?;
/// transport.block_on(async {
///     let mut body = transport.call(request).await?.into_body();
///     assert_eq!(body.next().await.unwrap()?, "one ");
///     assert_eq!(body.next().await.unwrap()?, "two");
///     assert!(body.next().await.is_none());
///     Ok::<_, mockwire::Error>(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Body<M: Mode> {
    /// `None` once the exchange is over.
    exchange: Option<(M::Ptr<Engine<M>>, ExchangeId)>,
    source: Source<M>,
    delivered: u64,
    /// What was delivered, where the journal wants it.
    copy: Option<Box<Copy>>,
    /// The fields after the end, once it is reached.
    trailers: Option<Box<HeaderMap>>,
}

/// The beginning of what was delivered.
struct Copy {
    taken: Vec<Bytes>,
    /// How many bytes more are wanted.
    room: usize,
}

pub(crate) enum Source<M: Mode> {
    Done,
    Full(Bytes),
    Frames {
        frames: Arc<[Bytes]>,
        next: usize,
    },
    Live {
        frames: M::Live,
        /// How many the client has taken.
        taken: u64,
    },
    Script(Box<Playing<M>>),
}

impl<M: Mode> Body<M> {
    /// A body of which the journal keeps as many bytes as there is room for.
    pub(crate) fn new(
        engine: M::Ptr<Engine<M>>,
        id: ExchangeId,
        source: Source<M>,
        room: usize,
    ) -> Self {
        let taken = Vec::new();
        Self {
            exchange: Some((engine, id)),
            source,
            delivered: 0,
            copy: (room > 0).then(|| Box::new(Copy { taken, room })),
            trailers: None,
        }
    }

    /// The body of an exchange that is over already.
    pub(crate) fn empty() -> Self {
        Self {
            exchange: None,
            source: Source::Done,
            delivered: 0,
            copy: None,
            trailers: None,
        }
    }

    /// The whole body.
    ///
    /// # Errors
    ///
    /// Whatever ends the body early.
    pub async fn bytes(mut self) -> Result<Bytes> {
        let Some(first) = self.next().await.transpose()? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.next().await.transpose()? else {
            return Ok(first);
        };
        let mut whole = BytesMut::from(&*first);
        whole.extend_from_slice(&second);
        while let Some(frame) = self.next().await.transpose()? {
            whole.extend_from_slice(&frame);
        }
        Ok(whole.freeze())
    }

    /// The whole body as text.
    ///
    /// # Errors
    ///
    /// Whatever ends the body early; [`Part::Body`] when it is not UTF-8.
    pub async fn text(self) -> Result<String> {
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into()).map_err(|error| {
            let shown = String::from_utf8_lossy(error.as_bytes())
                .chars()
                .take(64)
                .collect::<String>();
            Error::invalid(Part::Body, shown, format!("not UTF-8: {error}"))
        })
    }

    /// The whole body, parsed as JSON.
    ///
    /// # Errors
    ///
    /// Whatever ends the body early; [`Part::Json`] when it is not JSON or does not fit the type.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let bytes = self.bytes().await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let shown = String::from_utf8_lossy(&bytes)
                .chars()
                .take(64)
                .collect::<String>();
            Error::invalid(Part::Json, shown, error.to_string())
        })
    }

    #[inline]
    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        match &self.source {
            Source::Done => Poll::Ready(None),
            Source::Full(_) => Poll::Ready(Some(self.take_whole())),
            _ => self.poll_frames(cx),
        }
    }

    /// A full body is one frame.
    fn take_whole(&mut self) -> Result<Bytes> {
        let Source::Full(bytes) = std::mem::replace(&mut self.source, Source::Done) else {
            unreachable!("only called for such a body");
        };
        self.note_taken(&bytes);
        // The transport was disposed meanwhile: that is what the client must see.
        self.finish(Outcome::Done).map(|()| bytes)
    }

    fn poll_frames(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let frame = match &mut self.source {
            Source::Done | Source::Full(_) => return Poll::Ready(None),
            Source::Frames { frames, next } => {
                let frame = frames.get(*next).cloned();
                *next += 1;
                frame.map(Ok)
            }
            Source::Live { .. } | Source::Script(_) => match self.poll_timed(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(frame) => frame,
            },
        };
        match &frame {
            Some(Ok(bytes)) => self.note_taken(bytes),
            Some(Err(error)) => {
                let error = error.clone();
                self.end_source();
                let _ = self.finish(Outcome::Failed(error));
                return Poll::Ready(frame);
            }
            None => {}
        }
        if self.is_at_end() || frame.is_none() {
            self.end_source();
            // The transport was disposed meanwhile: that is what the client must see.
            if let Err(error) = self.finish(Outcome::Done) {
                return Poll::Ready(Some(Err(error)));
            }
        }
        Poll::Ready(frame)
    }

    /// The next frame of a body whose frames come in their own time.
    #[inline(never)]
    fn poll_timed(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let Some((engine, id)) = &self.exchange else {
            return Poll::Ready(None);
        };
        let (polled, taken) = match &mut self.source {
            Source::Live { frames, taken } => {
                let polled = match ready!(poll_live(engine, *id, frames, cx)) {
                    None => None,
                    Some(Err(error)) => Some(Err(error)),
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(bytes) => Some(Ok(bytes)),
                        // The fields after the body are the last there is of it.
                        Err(frame) => {
                            self.trailers = frame.into_trailers().ok().map(Box::new);
                            None
                        }
                    },
                };
                (Poll::Ready(polled), taken)
            }
            Source::Script(playing) => {
                let polled = playing.poll(engine, *id, cx);
                if let Poll::Ready(None) = polled {
                    self.trailers = playing.trailers().map(Box::new);
                }
                (polled, &mut playing.taken)
            }
            Source::Done | Source::Frames { .. } | Source::Full(_) => return Poll::Ready(None),
        };
        if let Poll::Ready(Some(Ok(bytes))) = &polled {
            *taken += 1;
            if *taken <= engine.settings.frames as u64 {
                engine.follow_clock();
                engine.with(|core| core.note_frame(*id, bytes.len()));
            }
        }
        polled
    }

    fn note_taken(&mut self, bytes: &Bytes) {
        self.delivered += bytes.len() as u64;
        if let Some(copy) = &mut self.copy {
            copy.take(bytes);
        }
    }

    fn is_at_end(&self) -> bool {
        match &self.source {
            Source::Done => true,
            Source::Frames { frames, next } => *next >= frames.len(),
            Source::Full(_) | Source::Live { .. } | Source::Script(_) => false,
        }
    }

    fn end_source(&mut self) {
        if matches!(self.source, Source::Live { .. } | Source::Script(_)) {
            self.leave_source();
        }
        self.source = Source::Done;
    }

    /// Nobody asks for frames any more that come in their own time.
    #[inline(never)]
    fn leave_source(&mut self) {
        let Some((engine, id)) = &self.exchange else {
            return;
        };
        let taken = match &mut self.source {
            Source::Script(playing) => {
                playing.leave(engine);
                playing.taken
            }
            Source::Live { taken, .. } => *taken,
            Source::Done | Source::Frames { .. } | Source::Full(_) => 0,
        };
        let dropped = taken.saturating_sub(engine.settings.frames as u64);
        if dropped > 0 {
            engine.with(|core| core.note_dropped_frames(*id, dropped));
        }
    }

    #[inline]
    fn finish(&mut self, outcome: Outcome) -> Result<()> {
        let Some((engine, id)) = self.exchange.take() else {
            return Ok(());
        };
        let mut delivered = Delivered {
            bytes: self.delivered,
            taken: self.copy.take().map(|copy| copy.taken.into()),
        };
        engine.finish(id, outcome, &mut delivered)
    }
}

/// The next frame of a body that somebody else produces; an error when the transport was reset or
/// disposed, or what produces it panics.
fn poll_live<M: Mode>(
    engine: &Engine<M>,
    id: ExchangeId,
    frames: &mut M::Live,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>>>> {
    // Park first: who resets the transport then wakes.
    let mut waker = Some(cx.waker().clone());
    if let Err(error) = engine.with(|core| core.park(id, &mut waker, || Waits::Stream)) {
        return Poll::Ready(Some(Err(error)));
    }
    let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(frames).poll_next(cx)));
    let frame = match polled {
        Ok(Poll::Pending) => return Poll::Pending,
        Ok(Poll::Ready(frame)) => frame,
        Err(panic) => Some(Err(Error::new(ErrorKind::HandlerPanicked {
            rule: String::new(),
            message: panic_message(&*panic),
        }))),
    };
    if let Err(error) = engine.with(|core| core.ensure_going_on(id)) {
        return Poll::Ready(Some(Err(error)));
    }
    Poll::Ready(frame.map(|frame| frame.map_err(|error| error.in_rule(&site(engine, id)))))
}

/// Where the rule was registered that answers; empty when nobody knows any more.
fn site<M: Mode>(engine: &Engine<M>, id: ExchangeId) -> String {
    let site = engine.with(|core| {
        let rule = core.entry(id)?.rule?;
        Some(core.rules.get(rule)?.rule.site.clone())
    });
    site.map(|site| site.to_string()).unwrap_or_default()
}

impl Copy {
    fn take(&mut self, bytes: &Bytes) {
        let kept = bytes.len().min(self.room);
        if kept > 0 {
            // A part is copied: it would keep all of the frame in memory.
            self.taken.push(if kept == bytes.len() {
                bytes.clone()
            } else {
                Bytes::copy_from_slice(&bytes[..kept])
            });
            self.room -= kept;
        }
    }
}

impl<M: Mode> Stream for Body<M> {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        self.poll_bytes(cx)
    }
}

impl<M: Mode> HttpBody for Body<M> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        let frame = self.poll_bytes(cx);
        frame.map(|frame| match frame {
            Some(bytes) => Some(bytes.map(Frame::data)),
            None => self
                .trailers
                .take()
                .map(|fields| Ok(Frame::trailers(*fields))),
        })
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.source, Source::Done) && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Done => SizeHint::with_exact(0),
            Source::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            // A streamed body comes without a length, as it does from a server.
            Source::Frames { .. } | Source::Live { .. } | Source::Script(_) => SizeHint::default(),
        }
    }
}

impl<M: Mode> Unpin for Body<M> {}

impl<M: Mode> Drop for Body<M> {
    fn drop(&mut self) {
        if self.exchange.is_some() {
            self.end_source();
            let _ = self.finish(Outcome::Cancelled);
        }
    }
}

impl<M: Mode> fmt::Debug for Body<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("delivered", &self.delivered)
            .field("over", &self.exchange.is_none())
            .finish_non_exhaustive()
    }
}
