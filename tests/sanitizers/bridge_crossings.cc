// SPDX-License-Identifier: Apache-2.0
//
// What the thread sanitizer is told of the Rust half, which is compiled without it: its locks and
// channels are invisible, and what C++ hands from one thread to another through it would look like
// a race. In: each call that crosses the bridge, in either direction (the bridge's generated file is
// compiled with -finstrument-functions). Out: everything that went into the Rust half before
// happens before everything that comes out of it afterwards.
//
// Races among C++ alone are found as ever, unless both sides cross the bridge in between.

#include <sanitizer/tsan_interface.h>

namespace {
char rust_half;
}

extern "C" {

[[gnu::no_instrument_function]] void __cyg_profile_func_enter(void*, void*) {
  __tsan_acquire(&rust_half);
  __tsan_release(&rust_half);
}

[[gnu::no_instrument_function]] void __cyg_profile_func_exit(void*, void*) {
  __tsan_acquire(&rust_half);
  __tsan_release(&rust_half);
}
}
