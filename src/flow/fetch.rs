//! One fetch for all who ask for a value that is not there.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::core::cache::{Asked, FlightId, Landing};
use crate::mode::{Cell, Mode};
use crate::state::cache::{Cache, Weight};
use crate::wake::wake_all;

/// The future that [`Cache::get_or_fetch`](crate::state::Cache::get_or_fetch) returns.
///
/// Dropping it while it fetches lets the next one fetch.
#[must_use = "futures do nothing unless polled"]
pub struct GetOrFetch<M: Mode, V: 'static, F, A> {
    cache: Cache<M, V>,
    key: Arc<str>,
    /// Until it is called.
    fetch: Option<F>,
    stage: Stage<A>,
}

enum Stage<A> {
    Ask,
    /// Another one fetches.
    Wait(FlightId, u64),
    Fetch(FlightId, Option<Pin<Box<A>>>),
    Over,
}

impl<M, V, F, A> GetOrFetch<M, V, F, A>
where
    M: Mode,
{
    pub(crate) fn new(cache: Cache<M, V>, key: Arc<str>, fetch: F) -> Self {
        Self {
            cache,
            key,
            fetch: Some(fetch),
            stage: Stage::Ask,
        }
    }
}

impl<M, V, F, A, E> GetOrFetch<M, V, F, A>
where
    M: Mode,
    V: Clone + Weight + 'static,
    F: FnOnce() -> A,
    A: Future<Output = Result<V, E>>,
{
    /// Keeps what was fetched, for all who wait.
    fn land(&mut self, flight: FlightId, value: &V) {
        let bytes = value.weight();
        let kept = M::Ptr::<V>::from(value.clone());
        let left = self
            .cache
            .current(|values| values.land(flight, kept, bytes));
        self.stage = Stage::Over;
        left.settle();
    }
}

impl<M, V, F, A, E> Future for GetOrFetch<M, V, F, A>
where
    M: Mode,
    V: Clone + Weight + 'static,
    F: FnOnce() -> A,
    A: Future<Output = Result<V, E>>,
{
    type Output = Result<V, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            match &mut this.stage {
                Stage::Ask => {
                    let key = &this.key;
                    match this.cache.current(|values| values.ask(key)) {
                        Asked::Hit(value) => {
                            this.stage = Stage::Over;
                            return Poll::Ready(Ok((*value).clone()));
                        }
                        Asked::Wait(flight, number) => this.stage = Stage::Wait(flight, number),
                        Asked::Fetch(flight) => {
                            // First of all: should the closure panic, the flight is over.
                            this.stage = Stage::Fetch(flight, None);
                            let Some(fetch) = this.fetch.take() else {
                                unreachable!("whoever fetches is over with it");
                            };
                            this.stage = Stage::Fetch(flight, Some(Box::pin(fetch())));
                        }
                    }
                }
                Stage::Wait(flight, number) => {
                    let (flight, number) = (*flight, *number);
                    let waker = cx.waker().clone();
                    let look = |waker| {
                        let values = &this.cache.values;
                        values.with(|values| values.look(flight, number, waker))
                    };
                    match look(waker) {
                        Landing::Landed(value, left) => {
                            this.stage = Stage::Over;
                            drop(left);
                            return Poll::Ready(Ok((*value).clone()));
                        }
                        Landing::Flying(_was) => return Poll::Pending,
                        Landing::Gone => this.stage = Stage::Ask,
                    }
                }
                Stage::Fetch(flight, future) => {
                    let flight = *flight;
                    let Some(future) = future else {
                        panic!("a `GetOrFetch` was polled after its fetch had panicked");
                    };
                    let Poll::Ready(fetched) = future.as_mut().poll(cx) else {
                        return Poll::Pending;
                    };
                    match &fetched {
                        Ok(value) => this.land(flight, value),
                        Err(_) => this.leave(),
                    }
                    return Poll::Ready(fetched);
                }
                Stage::Over => panic!("a `GetOrFetch` was polled after it had completed"),
            }
        }
    }
}

impl<M: Mode, V, F, A> GetOrFetch<M, V, F, A> {
    /// Gives up: the fetch, or the wait for another's.
    fn leave(&mut self) {
        let values = &self.cache.values;
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Fetch(flight, future) => {
                drop(future);
                let wake = values.with(|values| values.crash(flight));
                wake_all(wake);
            }
            Stage::Wait(flight, number) => {
                drop(values.with(|values| values.leave(flight, number)));
            }
            Stage::Ask | Stage::Over => {}
        }
    }
}

impl<M: Mode, V, F, A> Unpin for GetOrFetch<M, V, F, A> {}

impl<M: Mode, V, F, A> Drop for GetOrFetch<M, V, F, A> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<M: Mode, V, F, A> fmt::Debug for GetOrFetch<M, V, F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Ask => "not asked yet",
            Stage::Wait(..) => "another one fetches it",
            Stage::Fetch(..) => "fetching",
            Stage::Over => "over",
        };
        write!(f, "GetOrFetch({:?}, {stage})", self.key)
    }
}
