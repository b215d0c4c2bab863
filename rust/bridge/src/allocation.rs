// SPDX-License-Identifier: Apache-2.0
//! The program's memory comes from mimalloc, the C++ half's too.

use std::alloc::{GlobalAlloc, Layout};

use libmimalloc_sys as mi;

/// To what mimalloc aligns every block that is at least as large (MI_MAX_ALIGN_SIZE in its types.h).
const USUAL_ALIGNMENT: usize = 16;

/// Asks for an alignment only where it is not had anyway: an aligned request of another size than a power of two takes mimalloc's slow
/// path and a larger block, and the planner's expressions are such (they hold 128-bit literals).
pub struct Allocator;

fn is_usual(size: usize, alignment: usize) -> bool {
    alignment <= USUAL_ALIGNMENT && alignment <= size
}

// SAFETY: mimalloc's functions keep the contract of GlobalAlloc; null means that there is no memory.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe {
            match is_usual(layout.size(), layout.align()) {
                true => mi::mi_malloc(layout.size()).cast(),
                false => mi::mi_malloc_aligned(layout.size(), layout.align()).cast(),
            }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        unsafe {
            match is_usual(layout.size(), layout.align()) {
                true => mi::mi_zalloc(layout.size()).cast(),
                false => mi::mi_zalloc_aligned(layout.size(), layout.align()).cast(),
            }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, _: Layout) {
        unsafe { mi::mi_free(memory.cast()) }
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        unsafe {
            match is_usual(size, layout.align()) {
                true => mi::mi_realloc(memory.cast(), size).cast(),
                false => mi::mi_realloc_aligned(memory.cast(), size, layout.align()).cast(),
            }
        }
    }
}
