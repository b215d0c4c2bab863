// SPDX-License-Identifier: Apache-2.0
//
// What compiled code asks of a new glibc and an older one (2.28) does not have, made of what it
// has. Linked into the packaged program and its C++ library only; packaging/glibc_stubs.py makes
// the linker ask for these. All of it is hidden, so that no other library on the user's machine is
// served by it.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define HIDDEN __attribute__((visibility("hidden")))

// 2.33 made functions of what had been wrappers of these; 1 is the version of struct stat on
// x86-64.
struct stat;
struct stat64;
enum { kStatVersion = 1 };
int __xstat(int, const char*, struct stat*);
int __lxstat(int, const char*, struct stat*);
int __fxstat(int, int, struct stat*);
int __fxstatat(int, int, const char*, struct stat*, int);
int __xstat64(int, const char*, struct stat64*);
int __lxstat64(int, const char*, struct stat64*);
int __fxstat64(int, int, struct stat64*);
int __fxstatat64(int, int, const char*, struct stat64*, int);
HIDDEN int stat(const char* path, struct stat* to) { return __xstat(kStatVersion, path, to); }
HIDDEN int lstat(const char* path, struct stat* to) { return __lxstat(kStatVersion, path, to); }
HIDDEN int fstat(int file, struct stat* to) { return __fxstat(kStatVersion, file, to); }
HIDDEN int fstatat(int folder, const char* path, struct stat* to, int flags) {
  return __fxstatat(kStatVersion, folder, path, to, flags);
}
HIDDEN int stat64(const char* path, struct stat64* to) { return __xstat64(kStatVersion, path, to); }
HIDDEN int lstat64(const char* path, struct stat64* to) {
  return __lxstat64(kStatVersion, path, to);
}
HIDDEN int fstat64(int file, struct stat64* to) { return __fxstat64(kStatVersion, file, to); }
HIDDEN int fstatat64(int folder, const char* path, struct stat64* to, int flags) {
  return __fxstatat64(kStatVersion, folder, path, to, flags);
}

// 2.32. False means: other threads may run, so that counts of shared_ptr are always atomic.
HIDDEN char __libc_single_threaded = 0;

// 2.36, used by std::random_device. Never fails there; here the kernel has no random numbers only
// before it has started up.
HIDDEN uint32_t arc4random(void) {
  uint32_t word;
  for (;;) {
    const ssize_t length = getrandom(&word, sizeof(word), 0);
    if (length == sizeof(word)) return word;
    if (length < 0 && errno != EINTR) abort();
  }
}

/// `at` of `clock`, as the same moment of the real-time clock.
static struct timespec OnRealTime(clockid_t clock, const struct timespec* at) {
  struct timespec now, real;
  clock_gettime(clock, &now);
  clock_gettime(CLOCK_REALTIME, &real);
  real.tv_sec += at->tv_sec - now.tv_sec;
  real.tv_nsec += at->tv_nsec - now.tv_nsec;
  if (real.tv_nsec < 0) {
    real.tv_nsec += 1000000000;
    real.tv_sec -= 1;
  } else if (real.tv_nsec >= 1000000000) {
    real.tv_nsec -= 1000000000;
    real.tv_sec += 1;
  }
  if (real.tv_sec < 0) real.tv_sec = real.tv_nsec = 0;
  return real;
}

// 2.30: the system's own where it has one. Else a step of the wall clock can wake a waiter early or
// late, as with every older C++ library; std::condition_variable looks at its own clock again.
HIDDEN int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                  clockid_t clock, const struct timespec* until) {
  typedef int Wait(pthread_cond_t*, pthread_mutex_t*, clockid_t, const struct timespec*);
  Wait* const wait = (Wait*)dlsym(RTLD_DEFAULT, "pthread_cond_clockwait");
  if (wait != NULL) return wait(condition, mutex, clock, until);
  if (clock == CLOCK_REALTIME) return pthread_cond_timedwait(condition, mutex, until);
  const struct timespec real = OnRealTime(clock, until);
  return pthread_cond_timedwait(condition, mutex, &real);
}
