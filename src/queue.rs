//! A queue of requests, or of anything that workers do: by priority, bounded, so many at once.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::join_all;

use crate::core::queue::{Next, Queue};
use crate::core::timeline::Tick;
use crate::engine::Engine;
use crate::error::Result;
use crate::flow::ending::Ending;
use crate::mode::{Cell, Mode};
use crate::model::priority::Priority;
use crate::model::queue::{Completion, QueueStatus, Stop};
use crate::transport::MockTransport;
use crate::wake::wake_all;

/// A queue of requests, or of anything else, that workers take from: the most urgent first, and in
/// order of arrival among equals. It spawns nothing: workers are whoever calls [`next`](Self::next)
/// or [`run`](Self::run).
///
/// It ends with its transport: once that is disposed, the items that wait are cancelled, and there is
/// none for workers any more. It refers to its transport: a rule whose handler has captured it keeps
/// both until the transport is reset or disposed.
///
/// Cloning gives another handle to the same queue. Use it through the aliases
/// [`sync::RequestQueue`](crate::sync::RequestQueue) and
/// [`local::RequestQueue`](crate::local::RequestQueue).
///
/// ```
/// use futures_util::join;
/// use mockwire::sync::{MockTransport, RequestQueue};
/// use mockwire::{Completion, Priority, Stop};
///
/// let transport = MockTransport::new();
/// transport.get("/{page}").reply("ok");
///
/// let queue = RequestQueue::new(&transport, 2).max_waiting(100);
/// let page = queue.push("/page", Priority::Normal)?;
/// queue.push("/prefetch", Priority::Low)?;
/// queue.push("/login", Priority::Critical)?;
/// queue.stop(Stop::Drain);
///
/// let work = queue.run(|path| {
///     let request = http::Request::get(format!("https://api.test{path}")).body(()).unwrap();
///     let call = transport.call(request);
///     async { drop(call.await.unwrap()) }
/// });
/// let (ended, ()) = transport.block_on(async { join!(page, work) });
/// assert_eq!(ended, Completion::Done);
/// let order: Vec<_> = transport.requests().iter().map(|it| it.request.path().to_owned()).collect();
/// assert_eq!(order, ["/login", "/page", "/prefetch"]);
/// # Ok::<(), mockwire::Error>(())
/// ```
pub struct RequestQueue<T: 'static, M: Mode> {
    shared: M::Ptr<Shared<T, M>>,
}

struct Shared<T: 'static, M: Mode> {
    /// For its time.
    engine: M::Ptr<Engine<M>>,
    queue: M::Cell<Queue<T>>,
}

impl<T: 'static, M: Mode> RequestQueue<T, M> {
    /// A queue of which so many items are worked on at once, on the time of this transport.
    ///
    /// # Panics
    ///
    /// If there are no workers.
    #[must_use]
    #[track_caller]
    pub fn new(transport: &MockTransport<M>, workers: usize) -> Self {
        assert!(workers > 0, "a queue without workers would never end");
        let shared = Shared {
            engine: transport.engine.clone(),
            queue: Cell::new(Queue::new(workers)),
        };
        Self {
            shared: shared.into(),
        }
    }

    /// How many items may wait. Any number unless this is called.
    #[must_use]
    pub fn max_waiting(self, items: usize) -> Self {
        self.with(|queue| queue.max_waiting = Some(items));
        self
    }

    /// Lets an item rise by one priority for each so long that it waits, in the transport's time, so
    /// that none waits for ever.
    ///
    /// # Panics
    ///
    /// If that takes no time.
    #[must_use]
    #[track_caller]
    pub fn ageing(self, step: Duration) -> Self {
        assert!(!step.is_zero(), "ageing takes time");
        self.with(|queue| queue.ageing = Some(step));
        self
    }

    /// Adds an item. Its ticket tells how it ends, and can cancel it; it need not be kept.
    ///
    /// # Errors
    ///
    /// [`QueueFull`](crate::ErrorKind::QueueFull) when as many wait as may,
    /// [`QueueStopped`](crate::ErrorKind::QueueStopped) after [`stop`](Self::stop),
    /// [`Disposed`](crate::ErrorKind::Disposed) when the transport is.
    pub fn push(&self, item: T, priority: Priority) -> Result<Ticket<T, M>> {
        let now = self.now()?;
        // The item of a refusal is dropped out here.
        let pushed = self.with(|queue| queue.push(item, priority, now));
        let (number, wake) = pushed.map_err(|(error, _)| error)?;
        wake_all(wake);
        Ok(Ticket {
            queue: self.clone(),
            number,
            ending: Ending::new(),
        })
    }

    /// The next item, once a worker is free for it; `None` once the queue was stopped and has none
    /// left, and when the transport is disposed. Whoever takes it says when it is [`done`](Running::done).
    ///
    /// ```
    /// # use mockwire::sync::{MockTransport, RequestQueue};
    /// # use mockwire::{Priority, Stop};
    /// # let transport = MockTransport::new();
    /// # let queue = RequestQueue::new(&transport, 2);
    /// # let ticket = queue.push("item", Priority::Normal)?;
    /// # queue.stop(Stop::Drain);
    /// # let worker = async {
    /// while let Some((item, running)) = queue.next().await {
    ///     println!("{item}");
    ///     running.done();
    /// }
    /// # };
    /// # transport.block_on(worker);
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    pub fn next(&self) -> NextItem<'_, T, M> {
        NextItem {
            queue: self,
            ending: Ending::new(),
        }
    }

    /// Works on the items, as many at once as there are workers, until the queue was stopped and all
    /// are over. Dropping the future gives up what it works on.
    pub async fn run<F, A>(&self, work: F)
    where
        F: Fn(T) -> A,
        A: Future<Output = ()>,
    {
        let worker = || async {
            while let Some((item, running)) = self.next().await {
                work(item).await;
                running.done();
            }
        };
        let workers = self.with(|queue| queue.workers);
        join_all((0..workers).map(|_| worker())).await;
    }

    /// Takes no more items. Stopping once more can only cancel what was to be drained.
    pub fn stop(&self, how: Stop) {
        let (items, wake) = self.with(|queue| queue.stop(how));
        wake_all(wake);
        drop(items);
    }

    /// How the queue stands.
    #[must_use]
    pub fn status(&self) -> QueueStatus {
        self.with(|queue| queue.status())
    }

    fn now(&self) -> Result<Tick> {
        let engine = &self.shared.engine;
        engine.follow_clock();
        engine.with(|core| core.ensure_alive().map(|()| core.timeline.now()))
    }

    /// Stops with its transport; until then, the end of that wakes whoever asks.
    fn end_with_transport(&self, ending: &mut Ending, cx: &Context<'_>) {
        if ending.poll(&self.shared.engine, cx).is_err() {
            self.stop(Stop::Cancel);
        }
    }

    fn with<R>(&self, f: impl FnOnce(&mut Queue<T>) -> R) -> R {
        self.shared.queue.with(f)
    }
}

/// An item that was added to a [`RequestQueue`]: a future of how it ends. Dropping it changes
/// nothing.
#[must_use = "without it nobody learns how the item ends; `drop` it if that is meant"]
pub struct Ticket<T: 'static, M: Mode> {
    queue: RequestQueue<T, M>,
    number: u64,
    ending: Ending,
}

impl<T: 'static, M: Mode> Ticket<T, M> {
    /// The number of the item in its queue, from 1, in order of arrival.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Takes the item out of the queue, if it waits still; then no worker ever gets it.
    pub fn cancel(&self) -> Option<T> {
        let (item, wake) = self.queue.with(|queue| queue.cancel(self.number))?;
        wake_all(wake);
        Some(item)
    }
}

impl<T: 'static, M: Mode> Future for Ticket<T, M> {
    type Output = Completion;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Completion> {
        let Self {
            queue,
            number,
            ending,
        } = &mut *self;
        queue.end_with_transport(ending, cx);
        let mut waker = Some(cx.waker().clone());
        let completion = queue.with(|queue| queue.completion(*number, &mut waker));
        completion.map_or(Poll::Pending, Poll::Ready)
    }
}

impl<T: 'static, M: Mode> Unpin for Ticket<T, M> {}

impl<T: 'static, M: Mode> Drop for Ticket<T, M> {
    fn drop(&mut self) {
        let waker = self.queue.with(|queue| queue.detach(self.number));
        drop(waker);
        self.ending.leave(&self.queue.shared.engine);
    }
}

/// The future that [`RequestQueue::next`] returns.
#[must_use = "futures do nothing unless polled"]
pub struct NextItem<'a, T: 'static, M: Mode> {
    queue: &'a RequestQueue<T, M>,
    ending: Ending,
}

impl<T: 'static, M: Mode> Future for NextItem<'_, T, M> {
    type Output = Option<(T, Running<T, M>)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { queue, ending } = &mut *self;
        queue.end_with_transport(ending, cx);
        let Ok(now) = queue.now() else {
            return Poll::Ready(None);
        };
        let mut waker = Some(cx.waker().clone());
        match queue.with(|queue| queue.next(now, &mut waker)) {
            Next::Later => Poll::Pending,
            Next::Never => Poll::Ready(None),
            Next::Item(number, item) => {
                let running = Running {
                    queue: queue.clone(),
                    number,
                    completion: Completion::Cancelled,
                };
                Poll::Ready(Some((item, running)))
            }
        }
    }
}

impl<T: 'static, M: Mode> Unpin for NextItem<'_, T, M> {}

impl<T: 'static, M: Mode> Drop for NextItem<'_, T, M> {
    fn drop(&mut self) {
        self.ending.leave(&self.queue.shared.engine);
    }
}

/// An item that a worker has taken: it takes up one of the workers until this is dropped. Dropped
/// without [`done`](Self::done), the item ends as cancelled.
#[must_use = "dropping it gives the item up: call `done` when it is done"]
pub struct Running<T: 'static, M: Mode> {
    queue: RequestQueue<T, M>,
    number: u64,
    completion: Completion,
}

impl<T: 'static, M: Mode> Running<T, M> {
    /// The number of the item in its queue.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The work is done.
    pub fn done(mut self) {
        self.completion = Completion::Done;
    }
}

impl<T: 'static, M: Mode> Drop for Running<T, M> {
    fn drop(&mut self) {
        let (number, completion) = (self.number, self.completion);
        let wake = self.queue.with(|queue| queue.finish(number, completion));
        wake_all(wake);
    }
}

impl<T: 'static, M: Mode> Clone for RequestQueue<T, M> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<T: 'static, M: Mode> fmt::Debug for RequestQueue<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestQueue").field(&self.status()).finish()
    }
}

impl<T: 'static, M: Mode> fmt::Debug for Ticket<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket(#{})", self.number)
    }
}

impl<T: 'static, M: Mode> fmt::Debug for NextItem<'_, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NextItem({:?})", self.queue)
    }
}

impl<T: 'static, M: Mode> fmt::Debug for Running<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Running(#{})", self.number)
    }
}
