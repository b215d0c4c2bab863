// SPDX-License-Identifier: Apache-2.0
//
// The C++ library in the package is linked anew, from the compiler's libstdc++_pic.a, which leaves
// out old versions of functions. Arrow's library, which an older compiler made, wants this one of
// them.

#include <condition_variable>
#include <mutex>

// As it was before GLIBCXX_3.4.30: declared not to throw.
extern "C" void WaitOfGlibcxx3411(std::condition_variable* condition,
                                  std::unique_lock<std::mutex>& lock) noexcept {
  condition->wait(lock);
}
asm(".symver WaitOfGlibcxx3411, "
    "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE@GLIBCXX_3.4.11");
