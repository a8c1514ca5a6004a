//! The law of the house: no foreign code runs while the engine is borrowed or locked.
//!
//! Foreign code is whatever a user gives: handlers, predicates, futures, wakers, and the `Drop` of
//! everything that they own. Each test gives the transport such a value, whose code calls back into
//! the transport, and makes the transport run it. Under a borrow that is a panic (`RefCell already
//! borrowed`), under a lock a deadlock: then the watchdog ends the process with a message.
//!
//! One thing is not tested: the `clone` of a waker. To write one takes a `RawWaker`, which takes
//! `unsafe`, which this crate forbids. The clone of an `Arc`ed waker only counts.
#![cfg(not(target_arch = "wasm32"))]
// That the file is there twice is the point.
#![allow(clippy::duplicate_mod)]

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

/// Far more than any of these tests takes on any machine: it does not measure, it ends a deadlock.
const PATIENCE: Duration = Duration::from_secs(60);

thread_local! {
    /// What foreign code does on this thread. Thread-local, since a `Waker` and the owner of
    /// `Bytes` must be `Send`, which a single-threaded transport is not.
    static INTRUSION: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
    static INTRUSIONS: Cell<usize> = const { Cell::new(0) };
    static INTRUDING: Cell<bool> = const { Cell::new(false) };
}

/// Calls back into the transport, unless this is a call back already.
fn intrude() {
    let Some(intrusion) = INTRUSION.with_borrow(Clone::clone) else {
        return;
    };
    if INTRUDING.replace(true) {
        return;
    }
    intrusion();
    INTRUDING.set(false);
    INTRUSIONS.set(INTRUSIONS.get() + 1);
}

/// How often foreign code has called back and come back from it: what proves that a test is not
/// vacuous.
fn intrusions() -> usize {
    INTRUSIONS.get()
}

/// Runs a test under the watchdog, on a thread of its own that can hang alone.
fn watched(test: impl FnOnce() + Send + 'static) {
    let name = std::thread::current().name().map(str::to_owned);
    let name = name.unwrap_or_default();
    let (done, finished) = mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        let _done = done; // dropped when the test ends, also by a panic
        test();
        drop(INTRUSION.take());
    });
    if finished.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
        // Written directly: what `eprintln!` says in a test is lost when the process aborts.
        let message = format!("{name} has hung: foreign code ran while the engine was locked\n");
        let _ = std::io::stderr().write_all(message.as_bytes());
        std::process::abort();
    }
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Single-threaded: a violation panics.
#[path = "."]
mod local {
    use super::{INTRUSION, intrude, intrusions, watched};
    use mockwire::local::{Endpoint, MockTransport, RequestQueue, ServerSocket, Socket};
    type Mode = mockwire::Local;

    #[path = "reentry/mod.rs"]
    mod reentry;
}

/// Thread-safe: a violation deadlocks.
#[path = "."]
mod sync {
    use super::{INTRUSION, intrude, intrusions, watched};
    use mockwire::sync::{Endpoint, MockTransport, RequestQueue, ServerSocket, Socket};
    type Mode = mockwire::Threaded;

    #[path = "reentry/mod.rs"]
    mod reentry;
}
