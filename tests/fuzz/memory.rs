//! Counts the memory that a thread asks for, so that a test can say how much a reader needs.
//!
//! Counted are the bytes asked for, not what the allocator rounds them to; a block that grows
//! counts with its new size alone, because large blocks are moved by remapping pages.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes held now and at most. What a thread frees for another makes the first negative.
    static HELD: Cell<(i64, i64)> = const { Cell::new((0, 0)) };
}

/// The system's allocator, counting.
pub struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: i64) {
    // A thread that ends may free after its counter is gone: nobody asks any more.
    let _ = HELD.try_with(|held| {
        let (now, most) = held.get();
        let now = now + bytes;
        held.set((now, most.max(now)));
    });
}

// SAFETY: every call is handed on to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: as above; the block came from the system's allocator.
        unsafe { System.dealloc(block, layout) }
    }
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64);
        // SAFETY: as above; the block came from the system's allocator.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// What `work` returns, and the most bytes that this thread held meanwhile beyond what it held
/// before.
pub fn peak<R>(work: impl FnOnce() -> R) -> (R, u64) {
    let before = HELD.with(|held| {
        let (now, _) = held.get();
        held.set((now, now));
        now
    });
    let result = work();
    let most = HELD.with(|held| held.get().1);
    (result, (most - before).max(0) as u64)
}

#[test]
fn it_counts() {
    let (length, most) = peak(|| {
        let mut values = vec![0u8; 1000];
        values.reserve_exact(9000);
        drop(vec![1u8; 100]);
        values.len()
    });
    assert_eq!(length, 1000);
    assert!((10_000..10_200).contains(&most), "{most}");
    assert_eq!(peak(|| ()).1, 0);
}
