//! The two ways of sharing one engine: [`Local`] (single-threaded) and [`Threaded`] (`Send + Sync`).
//!
//! This is the only file that names `Rc`, `Arc`, `RefCell` or `Mutex` for the engine's state.
//! Everything above it is written once, generic over [`Mode`]; whether a transport, a future or a
//! body is `Send` is inferred by the compiler from what the mode stores.

use std::any::Any;
use std::cell::RefCell;
use std::fmt::Debug;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http_body::Frame;

use crate::error::Error;
use crate::flow::accept::SocketHandler;
use crate::flow::answer::{Outgoing, Responder};
use crate::flow::identify::Identify;
use crate::matcher::Predicate;
use crate::model::request::Request;
use crate::timer::{AnyTimer, Timer};

#[cfg(all(test, not(target_arch = "wasm32")))]
pub(crate) mod modelled;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Local {}
    impl Sealed for super::Threaded {}
}

/// How a transport is shared: the one type parameter of [`MockTransport`](crate::MockTransport).
///
/// Sealed: the two modes are [`Local`] and [`Threaded`].
pub trait Mode: sealed::Sealed + Clone + Copy + Debug + Sized + 'static {
    /// Mutable state behind a shared reference: `RefCell<T>` or `Mutex<T>`.
    #[doc(hidden)]
    type Cell<T: 'static>: Cell<T>;
    /// A shared reference that owns: `Rc<T>` or `Arc<T>`.
    #[doc(hidden)]
    type Ptr<T: 'static>: Clone + Deref<Target = T> + From<T>;
    /// A user's predicate, erased.
    #[doc(hidden)]
    type Predicate: Clone + Deref<Target: Predicate>;
    /// A user's handler, erased.
    #[doc(hidden)]
    type Responder: Clone + Deref<Target: Responder<Self>>;
    /// What a user's closure reads off a request, erased.
    #[doc(hidden)]
    type Reading<T: 'static>: Clone + Deref<Target: Fn(&Request) -> Result<T, Error>>;
    /// The future of an asynchronous handler, erased.
    #[doc(hidden)]
    type Future: Future<Output = Outgoing<Self>> + Unpin;
    /// What says who a WebSocket connection belongs to, erased.
    #[doc(hidden)]
    type Identify: Clone + Deref<Target: Identify>;
    /// A user's handler of WebSocket connections, erased.
    #[doc(hidden)]
    type SocketHandler: Clone + Deref<Target: SocketHandler<Self>>;
    /// The future of such a handler, erased.
    #[doc(hidden)]
    type Task: Future<Output = Result<(), Error>> + Unpin;
    /// A response body that somebody else produces (a passed-through response), erased.
    #[doc(hidden)]
    type Live: Stream<Item = Result<Frame<Bytes>, Error>> + Unpin;
    /// What moves the time of a transport in real time, erased.
    #[doc(hidden)]
    type Timer: Deref<Target: AnyTimer<Self>>;
    /// A future of that timer, erased.
    #[doc(hidden)]
    type Sleep: Future<Output = ()> + Unpin;
    /// A user's value of any type, erased.
    #[doc(hidden)]
    type Value: Clone + Deref;
}

/// Access to mutable state, one short closure at a time.
///
/// The closure runs while the state is borrowed or locked, so it must never run foreign code:
/// handlers, predicates, wakers and the drop of user values all belong outside.
#[doc(hidden)]
#[allow(
    unreachable_pub,
    reason = "it is a bound of `Mode::Cell`, which Rust 1.85 does not see"
)]
pub trait Cell<T> {
    fn new(value: T) -> Self;
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R;
}

/// Which predicates a mode can keep: any closure for [`Local`], `Send + Sync` ones for [`Threaded`].
pub trait AcceptPredicate<F>: Mode {
    #[doc(hidden)]
    fn erase_predicate(predicate: F) -> Self::Predicate;
}

/// Which handlers a mode can keep: any closure for [`Local`], `Send + Sync` ones for [`Threaded`].
pub trait AcceptResponder<F>: Mode {
    #[doc(hidden)]
    fn erase_responder(responder: F) -> Self::Responder;
}

/// Which closures that read something off a request a mode can keep: any for [`Local`], `Send + Sync`
/// ones for [`Threaded`].
pub trait AcceptReading<F, T: 'static>: Mode {
    #[doc(hidden)]
    fn erase_reading(reading: F) -> Self::Reading<T>;
}

/// Which futures a mode can poll: any for [`Local`], `Send` ones for [`Threaded`].
pub trait AcceptFuture<F>: Mode {
    #[doc(hidden)]
    fn erase_future(future: F) -> Self::Future;
}

/// Which closures that say who a WebSocket connection belongs to a mode can keep: any for [`Local`],
/// `Send + Sync` ones for [`Threaded`].
pub trait AcceptIdentify<F>: Mode {
    #[doc(hidden)]
    fn erase_identify(identify: F) -> Self::Identify;
}

/// Which handlers of WebSocket connections a mode can keep: any closure for [`Local`],
/// `Send + Sync` ones for [`Threaded`].
pub trait AcceptSocketHandler<F>: Mode {
    #[doc(hidden)]
    fn erase_socket_handler(handler: F) -> Self::SocketHandler;
}

/// Which futures of such handlers a mode can poll: any for [`Local`], `Send` ones for [`Threaded`].
pub trait AcceptTask<F>: Mode {
    #[doc(hidden)]
    fn erase_task(task: F) -> Self::Task;
}

/// Which streams of a body's frames a mode can pass through: any for [`Local`], `Send` ones for [`Threaded`].
pub trait AcceptStream<S>: Mode {
    #[doc(hidden)]
    fn erase_stream(stream: S) -> Self::Live;
}

/// Which timers a mode can keep: any for [`Local`], `Send + Sync` ones for [`Threaded`].
pub trait AcceptTimer<T>: Mode {
    #[doc(hidden)]
    fn erase_timer(timer: T) -> Self::Timer;
}

/// Which values a mode can keep: any for [`Local`], `Send + Sync` ones for [`Threaded`].
pub trait AcceptValue<T>: Mode {
    #[doc(hidden)]
    fn erase_value(value: T) -> Self::Value;
    #[doc(hidden)]
    fn value_ref(value: &Self::Value) -> Option<&T>;
}

/// Which of a timer's futures a mode can poll: any for [`Local`], `Send` ones for [`Threaded`].
#[doc(hidden)]
pub trait AcceptSleep<S>: Mode {
    fn erase_sleep(sleep: S) -> Self::Sleep;
}

/// Single-threaded: `Rc` inside, handlers and predicates may capture anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local;

/// Thread-safe: `Arc` inside, the transport is `Send + Sync` and its futures are `Send`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threaded;

impl Mode for Local {
    type Cell<T: 'static> = RefCell<T>;
    type Ptr<T: 'static> = Rc<T>;
    type Predicate = Rc<dyn Predicate>;
    type Responder = Rc<dyn Responder<Self>>;
    type Reading<T: 'static> = Rc<dyn Fn(&Request) -> Result<T, Error>>;
    type Future = Pin<Box<dyn Future<Output = Outgoing<Self>>>>;
    type Identify = Rc<dyn Identify>;
    type SocketHandler = Rc<dyn SocketHandler<Self>>;
    type Task = Pin<Box<dyn Future<Output = Result<(), Error>>>>;
    type Live = Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Error>>>>;
    type Timer = Rc<dyn AnyTimer<Self>>;
    type Sleep = Pin<Box<dyn Future<Output = ()>>>;
    type Value = Rc<dyn Any>;
}

impl Mode for Threaded {
    type Cell<T: 'static> = Mutex<T>;
    type Ptr<T: 'static> = Arc<T>;
    type Predicate = Arc<dyn Predicate + Send + Sync>;
    type Responder = Arc<dyn Responder<Self> + Send + Sync>;
    type Reading<T: 'static> = Arc<dyn Fn(&Request) -> Result<T, Error> + Send + Sync>;
    type Future = Exclusive<Pin<Box<dyn Future<Output = Outgoing<Self>> + Send>>>;
    type Identify = Arc<dyn Identify + Send + Sync>;
    type SocketHandler = Arc<dyn SocketHandler<Self> + Send + Sync>;
    type Task = Exclusive<Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>>;
    type Live = Exclusive<Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Error>> + Send>>>;
    type Timer = Arc<dyn AnyTimer<Self> + Send + Sync>;
    type Sleep = Exclusive<Pin<Box<dyn Future<Output = ()> + Send>>>;
    type Value = Arc<dyn Any + Send + Sync>;
}

impl<T> Cell<T> for RefCell<T> {
    fn new(value: T) -> Self {
        Self::new(value)
    }

    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.borrow_mut())
    }
}

impl<T> Cell<T> for Mutex<T> {
    fn new(value: T) -> Self {
        Self::new(value)
    }

    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let mut guard = match self.try_lock() {
            Ok(guard) => guard,
            Err(_) => contended(self),
        };
        f(&mut guard)
    }
}

/// How often a thread looks for a lock that another one has, before it goes to sleep.
const LOOKS: usize = 256;

/// Takes a lock that another thread has. That one lets go within a microsecond, as no foreign code runs
/// under it: less than sleep takes, and than it costs that other thread to wake a sleeper.
#[cold]
#[inline(never)]
fn contended<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    for _ in 0..LOOKS {
        match mutex.try_lock() {
            Ok(guard) => return guard,
            // For the same reason, a poisoned lock still guards whole state.
            Err(TryLockError::Poisoned(guard)) => return guard.into_inner(),
            Err(TryLockError::WouldBlock) => std::hint::spin_loop(),
        }
    }
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<F: Predicate + 'static> AcceptPredicate<F> for Local {
    fn erase_predicate(predicate: F) -> Self::Predicate {
        Rc::new(predicate)
    }
}

impl<F: Predicate + Send + Sync + 'static> AcceptPredicate<F> for Threaded {
    fn erase_predicate(predicate: F) -> Self::Predicate {
        Arc::new(predicate)
    }
}

impl<F: Responder<Self> + 'static> AcceptResponder<F> for Local {
    fn erase_responder(responder: F) -> Self::Responder {
        Rc::new(responder)
    }
}

impl<F: Responder<Self> + Send + Sync + 'static> AcceptResponder<F> for Threaded {
    fn erase_responder(responder: F) -> Self::Responder {
        Arc::new(responder)
    }
}

impl<F: Fn(&Request) -> T + 'static, T: 'static> AcceptReading<F, T> for Local {
    fn erase_reading(reading: F) -> Self::Reading<T> {
        Rc::new(move |request: &Request| Ok(reading(request)))
    }
}

impl<F, T> AcceptReading<F, T> for Threaded
where
    F: Fn(&Request) -> T + Send + Sync + 'static,
    T: 'static,
{
    fn erase_reading(reading: F) -> Self::Reading<T> {
        Arc::new(move |request: &Request| Ok(reading(request)))
    }
}

impl<F: Future<Output = Outgoing<Self>> + 'static> AcceptFuture<F> for Local {
    fn erase_future(future: F) -> Self::Future {
        Box::pin(future)
    }
}

impl<F: Future<Output = Outgoing<Self>> + Send + 'static> AcceptFuture<F> for Threaded {
    fn erase_future(future: F) -> Self::Future {
        Exclusive::new(Box::pin(future))
    }
}

impl<F: Identify + 'static> AcceptIdentify<F> for Local {
    fn erase_identify(identify: F) -> Self::Identify {
        Rc::new(identify)
    }
}

impl<F: Identify + Send + Sync + 'static> AcceptIdentify<F> for Threaded {
    fn erase_identify(identify: F) -> Self::Identify {
        Arc::new(identify)
    }
}

impl<F: SocketHandler<Self> + 'static> AcceptSocketHandler<F> for Local {
    fn erase_socket_handler(handler: F) -> Self::SocketHandler {
        Rc::new(handler)
    }
}

impl<F: SocketHandler<Self> + Send + Sync + 'static> AcceptSocketHandler<F> for Threaded {
    fn erase_socket_handler(handler: F) -> Self::SocketHandler {
        Arc::new(handler)
    }
}

impl<F: Future<Output = Result<(), Error>> + 'static> AcceptTask<F> for Local {
    fn erase_task(task: F) -> Self::Task {
        Box::pin(task)
    }
}

impl<F: Future<Output = Result<(), Error>> + Send + 'static> AcceptTask<F> for Threaded {
    fn erase_task(task: F) -> Self::Task {
        Exclusive::new(Box::pin(task))
    }
}

impl<S: Stream<Item = Result<Frame<Bytes>, Error>> + 'static> AcceptStream<S> for Local {
    fn erase_stream(stream: S) -> Self::Live {
        Box::pin(stream)
    }
}

impl<S: Stream<Item = Result<Frame<Bytes>, Error>> + Send + 'static> AcceptStream<S> for Threaded {
    fn erase_stream(stream: S) -> Self::Live {
        Exclusive::new(Box::pin(stream))
    }
}

impl<T: Timer> AcceptTimer<T> for Local {
    fn erase_timer(timer: T) -> Self::Timer {
        Rc::new(timer)
    }
}

impl<T: Timer<Sleep: Send> + Send + Sync> AcceptTimer<T> for Threaded {
    fn erase_timer(timer: T) -> Self::Timer {
        Arc::new(timer)
    }
}

impl<S: Future<Output = ()> + 'static> AcceptSleep<S> for Local {
    fn erase_sleep(sleep: S) -> Self::Sleep {
        Box::pin(sleep)
    }
}

impl<S: Future<Output = ()> + Send + 'static> AcceptSleep<S> for Threaded {
    fn erase_sleep(sleep: S) -> Self::Sleep {
        Exclusive::new(Box::pin(sleep))
    }
}

impl<T: 'static> AcceptValue<T> for Local {
    fn erase_value(value: T) -> Self::Value {
        Rc::new(value)
    }

    fn value_ref(value: &Self::Value) -> Option<&T> {
        value.downcast_ref()
    }
}

impl<T: Send + Sync + 'static> AcceptValue<T> for Threaded {
    fn erase_value(value: T) -> Self::Value {
        Arc::new(value)
    }

    fn value_ref(value: &Self::Value) -> Option<&T> {
        value.downcast_ref()
    }
}

/// Makes a `Send` value `Sync` by only ever touching it through `&mut`: the lock is never taken.
#[doc(hidden)]
#[derive(Debug)]
pub struct Exclusive<T>(Mutex<T>);

impl<T> Exclusive<T> {
    fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    fn inner_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Future + Unpin> Future for Exclusive<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        Pin::new(self.inner_mut()).poll(cx)
    }
}

impl<S: Stream + Unpin> Stream for Exclusive<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        Pin::new(self.inner_mut()).poll_next(cx)
    }
}
