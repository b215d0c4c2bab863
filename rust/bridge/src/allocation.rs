// SPDX-License-Identifier: Apache-2.0
//! Where memory comes from. Small blocks come from mimalloc, as those of the C++ half do: planning makes many, on several threads. Large
//! ones, the buffers of rows, come from the C library, which gives them back to the system when they are freed: mimalloc keeps pages by
//! size and thread, half as much again as is in use.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use libmimalloc_sys as mi;

/// Blocks of so many bytes and more are large. A column of 8,192 numbers has 32 or 64 KiB.
const LARGE: usize = 16 << 10;

/// To what mimalloc aligns every block that is at least as large (MI_MAX_ALIGN_SIZE in its types.h).
const USUAL_ALIGNMENT: usize = 16;

static LARGE_BYTES: AtomicUsize = AtomicUsize::new(0);

/// The bytes of all large blocks now: what queries hold, whether the engine accounts for it or not.
pub fn large_bytes() -> usize {
    LARGE_BYTES.load(Ordering::Relaxed)
}

pub struct Allocator;

/// Asks for an alignment only where it is not had anyway: an aligned request of another size than a power of two takes mimalloc's slow
/// path and a larger block, and the planner's expressions are such (they hold 128-bit literals).
fn is_usual(size: usize, alignment: usize) -> bool {
    alignment <= USUAL_ALIGNMENT && alignment <= size
}

/// Counts a large block that was made, or how much one grew; null was not.
#[inline]
fn made(memory: *mut u8, size: usize) -> *mut u8 {
    if !memory.is_null() {
        LARGE_BYTES.fetch_add(size, Ordering::Relaxed);
    }
    memory
}

// SAFETY: a block's size says who made it, so it goes back there; both keep the contract of GlobalAlloc; null means that there is no memory.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe {
            if layout.size() >= LARGE {
                return made(System.alloc(layout), layout.size());
            }
            match is_usual(layout.size(), layout.align()) {
                true => mi::mi_malloc(layout.size()).cast(),
                false => mi::mi_malloc_aligned(layout.size(), layout.align()).cast(),
            }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        unsafe {
            if layout.size() >= LARGE {
                return made(System.alloc_zeroed(layout), layout.size());
            }
            match is_usual(layout.size(), layout.align()) {
                true => mi::mi_zalloc(layout.size()).cast(),
                false => mi::mi_zalloc_aligned(layout.size(), layout.align()).cast(),
            }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe {
            if layout.size() >= LARGE {
                LARGE_BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
                return System.dealloc(memory, layout);
            }
            mi::mi_free(memory.cast())
        }
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        unsafe {
            match (layout.size() >= LARGE, size >= LARGE) {
                (true, true) => {
                    let moved = System.realloc(memory, layout, size);
                    // Wraps where the block shrinks.
                    made(moved, size.wrapping_sub(layout.size()))
                }
                (false, false) => match is_usual(size, layout.align()) {
                    true => mi::mi_realloc(memory.cast(), size).cast(),
                    false => mi::mi_realloc_aligned(memory.cast(), size, layout.align()).cast(),
                },
                _ => {
                    let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
                    if !moved.is_null() {
                        moved.copy_from_nonoverlapping(memory, size.min(layout.size()));
                        self.dealloc(memory, layout);
                    }
                    moved
                }
            }
        }
    }
}
