// SPDX-License-Identifier: Apache-2.0
//
// C++ takes memory from the allocator that the engine's small blocks have, too (mimalloc): planning
// a project makes many small objects on several threads, for which it is faster than the C
// library's, which makes the large ones. Part of the program only, so that tests run under the
// sanitizers' own allocators.

#include <cstddef>
#include <cstdlib>
#include <new>

#include <arrow/memory_pool.h>

extern "C" {
// As in mimalloc.h; they are in the bridge's archive. Null where there is no memory.
void* mi_malloc(size_t size);
void* mi_malloc_aligned(size_t size, size_t alignment);
void mi_free(void* memory);
void mi_option_set_default(int option, long value);  // what the environment sets wins
}

namespace {

/// mi_option_purge_delay, in the versions 2 and 3: how many milliseconds freed memory is kept
/// before it is given back. After mimalloc's 10 it is taken again at once, and cleared for that;
/// after 1000 a tenth more is held, for nothing.
constexpr int kPurgeDelay = 15;
[[maybe_unused]] const bool keeps_freed_memory = (mi_option_set_default(kPurgeDelay, 100), true);

/// Arrow's library has an allocator of its own, which keeps much as well: buffers that C++ makes
/// come from the C library, too. Arrow reads the variable when it is first asked; what the user has
/// set stands.
bool LetArrowUseTheCLibrary() {
  static constexpr char kPool[] = "ARROW_DEFAULT_MEMORY_POOL";
  if (std::getenv(kPool) != nullptr) return false;
  setenv(kPool, "system", /*overwrite=*/1);
  arrow::default_memory_pool();
  unsetenv(kPool);
  return true;
}
[[maybe_unused]] const bool arrow_uses_the_c_library = LetArrowUseTheCLibrary();

void* OrThrow(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void* Aligned(size_t size, std::align_val_t alignment) {
  return mi_malloc_aligned(size, static_cast<size_t>(alignment));
}

}  // namespace

void* operator new(size_t size) { return OrThrow(mi_malloc(size)); }
void* operator new[](size_t size) { return OrThrow(mi_malloc(size)); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return mi_malloc(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return mi_malloc(size); }
void* operator new(size_t size, std::align_val_t a) { return OrThrow(Aligned(size, a)); }
void* operator new[](size_t size, std::align_val_t a) { return OrThrow(Aligned(size, a)); }
void* operator new(size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  return Aligned(size, a);
}
void* operator new[](size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  return Aligned(size, a);
}

void operator delete(void* memory) noexcept { mi_free(memory); }
void operator delete[](void* memory) noexcept { mi_free(memory); }
void operator delete(void* memory, size_t) noexcept { mi_free(memory); }
void operator delete[](void* memory, size_t) noexcept { mi_free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { mi_free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { mi_free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { mi_free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { mi_free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { mi_free(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { mi_free(memory); }
