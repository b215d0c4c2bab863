// SPDX-License-Identifier: Apache-2.0
//
// What the thread sanitizer is told of the Rust half, which is compiled without it: its locks and
// channels are invisible, and what C++ hands from one thread to another through it would look like
// a race. In: each call that crosses the bridge, in either direction (the bridge's generated file is
// compiled with -finstrument-functions), and each batch of a stream that it gives out. Out:
// everything that went into the Rust half before happens before everything that comes out of it
// afterwards.
//
// Races among C++ alone are found as ever, unless both sides cross the bridge in between.

#include <memory>

#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <sanitizer/tsan_interface.h>

namespace {

char rust_half;

[[gnu::no_instrument_function]] void Cross() {
  __tsan_acquire(&rust_half);
  __tsan_release(&rust_half);
}

ArrowArrayStream* Inner(ArrowArrayStream* stream) {
  return static_cast<ArrowArrayStream*>(stream->private_data);
}

/// The stream, each of whose batches crosses the bridge.
ArrowArrayStream Crossing(ArrowArrayStream* stream) {
  auto inner = std::make_unique<ArrowArrayStream>(*stream);
  stream->release = nullptr;
  return {.get_schema = [](ArrowArrayStream* self, ArrowSchema* out) {
            return Inner(self)->get_schema(Inner(self), out);
          },
          .get_next = [](ArrowArrayStream* self, ArrowArray* out) {
            Cross();
            const int failed = Inner(self)->get_next(Inner(self), out);
            Cross();
            return failed;
          },
          .get_last_error = [](ArrowArrayStream* self) {
            return Inner(self)->get_last_error(Inner(self));
          },
          .release = [](ArrowArrayStream* self) {
            const std::unique_ptr<ArrowArrayStream> inner(Inner(self));
            inner->release(inner.get());
            self->release = nullptr;
          },
          .private_data = inner.release()};
}

using Reader = arrow::Result<std::shared_ptr<arrow::RecordBatchReader>>;

}  // namespace

extern "C" {

[[gnu::no_instrument_function]] void __cyg_profile_func_enter(void*, void*) { Cross(); }
[[gnu::no_instrument_function]] void __cyg_profile_func_exit(void*, void*) { Cross(); }
}

// The linker puts the second in the place of the first (--wrap).
Reader ImportReader(ArrowArrayStream* stream) asm(
    "__real__ZN5arrow23ImportRecordBatchReaderEP16ArrowArrayStream");
Reader ImportCrossingReader(ArrowArrayStream* stream) asm(
    "__wrap__ZN5arrow23ImportRecordBatchReaderEP16ArrowArrayStream");

Reader ImportCrossingReader(ArrowArrayStream* stream) {
  ArrowArrayStream crossing = Crossing(stream);
  return ImportReader(&crossing);
}
