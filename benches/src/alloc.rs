//! An allocator that counts exactly what the current thread asks for.
//!
//! Counters are per thread, so a peer's server threads are not in the figures, and cost two
//! plain adds: cheap enough to leave on while timing, and the same for everyone.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::Sub;

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

/// What a thread has allocated so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls to `alloc`, and to `realloc` that grew or shrank a block.
    pub allocations: i64,
    /// Bytes asked for in those calls.
    pub bytes: i64,
    /// Bytes asked for and not yet given back.
    pub live: i64,
}

thread_local! {
    static TALLY: Cell<Tally> = const { Cell::new(Tally { allocations: 0, bytes: 0, live: 0 }) };
}

impl Sub for Tally {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            allocations: self.allocations - earlier.allocations,
            bytes: self.bytes - earlier.bytes,
            live: self.live - earlier.live,
        }
    }
}

/// This thread's tally now.
#[must_use]
pub fn now() -> Tally {
    TALLY.with(Cell::get)
}

/// Runs `work` and returns what it allocated next to what it returned.
pub fn counted<T>(work: impl FnOnce() -> T) -> (T, Tally) {
    let before = now();
    let value = work();
    (value, now() - before)
}

/// Asks the allocator to keep freed memory, so that the page faults after one lane's large
/// free are not charged to the lane that runs next. No effect outside glibc.
pub fn keep_freed_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt only sets tunables; it is called before any other thread exists.
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
    }
}

fn count(allocations: i64, asked: usize, freed: usize) {
    #[allow(
        clippy::cast_possible_wrap,
        reason = "no allocation reaches i64::MAX bytes"
    )]
    let (asked, freed) = (asked as i64, freed as i64);
    // A thread that is being torn down no longer has a tally: its last frees go uncounted.
    let _ = TALLY.try_with(|tally| {
        let seen = tally.get();
        tally.set(Tally {
            allocations: seen.allocations + allocations,
            bytes: seen.bytes + asked,
            live: seen.live + asked - freed,
        });
    });
}

// SAFETY: every call is handed to `System` unchanged; counting touches only a thread-local
// `Cell` with a const initialiser and no destructor, so it neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size(), 0);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size(), 0);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, 0, layout.size());
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(1, new_size, layout.size());
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}
