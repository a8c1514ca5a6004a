//! Requests that wait until the test replies.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::core::{ExchangeId, RuleId};
use crate::engine::Engine;
use crate::error::Result;
use crate::fault::Fault;
use crate::mode::Mode;
use crate::model::reply::Reply;
use crate::model::request::Request;

/// The requests that a rule holds: made by [`When::hold`](crate::When::hold).
///
/// ```
/// use mockwire::{Reply, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// let hold = transport.get("/slow").hold();
///
/// let request = http::Request::get("https://api.test/slow").body(())?;
/// let call = transport.call(request);
/// let test = async {
///     let held = hold.next().await?;
///     assert_eq!(held.request().path(), "/slow");
///     held.reply(Reply::text("at last"))
/// };
/// let (response, replied) = transport.block_on(async { futures::join!(call, test) });
/// replied?;
/// assert_eq!(response?.status(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Hold<M: Mode> {
    engine: M::Ptr<Engine<M>>,
    rule: RuleId,
}

impl<M: Mode> Hold<M> {
    pub(crate) fn new(engine: M::Ptr<Engine<M>>, rule: RuleId) -> Self {
        Self { engine, rule }
    }

    /// The rule that holds.
    #[must_use]
    pub fn rule(&self) -> RuleId {
        self.rule
    }

    /// The oldest held request that nobody has taken yet; waits until there is one.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](crate::ErrorKind::StaleHandle) when the rule is gone.
    pub fn next(&self) -> NextHeld<'_, M> {
        NextHeld { hold: self }
    }
}

/// The future that [`Hold::next`] returns. Dropping it takes nothing.
#[must_use = "futures do nothing unless polled"]
pub struct NextHeld<'a, M: Mode> {
    hold: &'a Hold<M>,
}

impl<M: Mode> Future for NextHeld<'_, M> {
    type Output = Result<Held<M>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Hold { engine, rule } = self.hold;
        let mut waker = Some(cx.waker().clone());
        match engine.with(|core| core.next_held(*rule, &mut waker)) {
            Ok(None) => Poll::Pending,
            Ok(Some((exchange, request))) => Poll::Ready(Ok(Held {
                engine: engine.clone(),
                exchange: Some(exchange),
                request,
            })),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

/// A request that waits for the test's reply. Dropped without one, the caller gets
/// [`HeldDropped`](crate::ErrorKind::HeldDropped).
#[must_use = "a held request that is dropped fails its caller"]
pub struct Held<M: Mode> {
    engine: M::Ptr<Engine<M>>,
    exchange: Option<ExchangeId>,
    request: Request,
}

impl<M: Mode> Held<M> {
    /// The request.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Replies.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](crate::ErrorKind::StaleHandle) when the caller has gone meanwhile, and what
    /// [`Reply::validate`] finds: then the caller fails as for one that is dropped.
    pub fn reply(mut self, reply: impl Into<Reply>) -> Result<()> {
        let mut reply = Some(reply.into().validate()?);
        let Some(exchange) = self.exchange.take() else {
            return Ok(());
        };
        let waker = self
            .engine
            .with(|core| core.release(exchange, &mut reply))?;
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Fails the call.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](crate::ErrorKind::StaleHandle) when the caller has gone meanwhile.
    pub fn fail(self, fault: Fault) -> Result<()> {
        self.reply(fault)
    }
}

impl<M: Mode> Drop for Held<M> {
    fn drop(&mut self) {
        let Some(exchange) = self.exchange.take() else {
            return;
        };
        if let Some(waker) = self.engine.with(|core| core.drop_held(exchange)) {
            waker.wake();
        }
    }
}

impl<M: Mode> fmt::Debug for Hold<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hold").field(&self.rule).finish()
    }
}

impl<M: Mode> fmt::Debug for NextHeld<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NextHeld").field(&self.hold.rule).finish()
    }
}

impl<M: Mode> fmt::Debug for Held<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.request).finish()
    }
}
