// SPDX-License-Identifier: Apache-2.0
//
// Stands between a program and the disk (LD_PRELOAD). In: the environment. Out: a journal of what happened to files, in order, and one
// fault where it was asked for. Compiled by disk_faults.py, which explains both.
//
//   DISK_FAULTS_JOURNAL  the file that lines are appended to: <letter> TAB <path> [TAB <path>]
//   DISK_FAULTS_TRACKED  what is below this folder is in the journal
//   DISK_FAULTS_ROOT     what is below this folder may fail
//   DISK_FAULTS_PLAN     <kind>:<number>, counted from 1; empty: no fault
//
// Letters: C created, W written, F synced (a file or a folder), S all synced, R renamed, L linked, U removed, X failed here.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kDescriptors = 65536 };

static int journal = -1;
static const char* tracked_folder = "";
static const char* root_folder = "";
static char plan_kind[16];
static long plan_number = -1;
static atomic_long counted;
static atomic_uchar is_tracked[kDescriptors];

__attribute__((constructor)) static void Begin(void) {
  const char* path = getenv("DISK_FAULTS_JOURNAL");
  if (path == NULL) return;
  journal = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (journal < 0) abort();
  if (getenv("DISK_FAULTS_TRACKED") != NULL) tracked_folder = getenv("DISK_FAULTS_TRACKED");
  if (getenv("DISK_FAULTS_ROOT") != NULL) root_folder = getenv("DISK_FAULTS_ROOT");
  const char* plan = getenv("DISK_FAULTS_PLAN");
  if (plan != NULL && *plan != 0 && sscanf(plan, "%15[a-z]:%ld", plan_kind, &plan_number) != 2) abort();
  unsetenv("LD_PRELOAD");  // hooks and the like are other programs
}

static void Note(char letter, const char* path, const char* other) {
  if (journal < 0) return;
  char line[2 * PATH_MAX + 8];
  const int length = other == NULL ? snprintf(line, sizeof line, "%c\t%s\n", letter, path)
                                   : snprintf(line, sizeof line, "%c\t%s\t%s\n", letter, path, other);
  const int saved = errno;
  if (syscall(SYS_write, journal, line, (size_t)length) != length) abort();
  errno = saved;
}

static int IsBelow(const char* path, const char* folder) {
  const size_t length = strlen(folder);
  return length > 0 && path != NULL && strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/// The path behind a descriptor; returns 0 where it is no file below the tracked folder.
static int PathOf(int descriptor, char* path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return IsBelow(path, tracked_folder);
}

/// Whether the operation `kind` on `path` is to fail, or to take half a minute (`slow`). Kills the process where that is the plan; `half` is called before.
static int Fails(const char* kind, const char* path, void (*half)(void*), void* argument) {
  if (plan_number < 0 || !IsBelow(path, root_folder)) return 0;
  if (strcmp(plan_kind, "kill") == 0) {
    if (atomic_fetch_add(&counted, 1) + 1 != plan_number) return 0;
    if (half != NULL) half(argument);
    Note('X', path, NULL);
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
  }
  if (strcmp(plan_kind, "slow") == 0) {
    if (atomic_fetch_add(&counted, 1) + 1 != plan_number) return 0;
    Note('X', path, NULL);
    for (unsigned left = 30; left > 0;) left = sleep(left);
    return 0;
  }
  if (strcmp(plan_kind, "full") == 0) {
    if (strcmp(kind, "write") != 0 && strcmp(kind, "open") != 0) return 0;
    if (atomic_fetch_add(&counted, 1) + 1 < plan_number) return 0;
    errno = ENOSPC;
  } else {
    if (strcmp(kind, plan_kind) != 0 || atomic_fetch_add(&counted, 1) + 1 != plan_number) return 0;
    errno = EIO;
  }
  Note('X', path, NULL);
  return 1;
}

#define REAL(name, ...)                                   \
  static __typeof__(name)* real;                          \
  if (real == NULL) real = (__typeof__(name)*)dlsym(RTLD_NEXT, #name)

/// After an open: notes a new file, and which descriptors are of tracked files.
static int Opened(int descriptor, int flags, int is_new) {
  if (descriptor < 0 || descriptor >= kDescriptors || journal < 0) return descriptor;
  const int saved = errno;
  char path[PATH_MAX];
  const int tracked = PathOf(descriptor, path);
  atomic_store(&is_tracked[descriptor], (unsigned char)tracked);
  if (tracked && is_new) Note('C', path, NULL);
  if (tracked && !is_new && (flags & O_TRUNC)) Note('W', path, NULL);
  errno = saved;
  return descriptor;
}

static int IsWriting(int flags) { return (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT); }

#define DEFINE_OPEN(name)                                                                          \
  int name(const char* path, int flags, ...) {                                                     \
    REAL(name);                                                                                    \
    va_list arguments;                                                                             \
    va_start(arguments, flags);                                                                    \
    const int mode = va_arg(arguments, int);                                                       \
    va_end(arguments);                                                                             \
    if (IsWriting(flags) && Fails("open", path, NULL, NULL)) return -1;                            \
    const int is_new = (flags & O_CREAT) && faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0; \
    return Opened(real(path, flags, mode), flags, is_new);                                         \
  }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

#define DEFINE_OPENAT(name)                                                                       \
  int name(int folder, const char* path, int flags, ...) {                                        \
    REAL(name);                                                                                   \
    va_list arguments;                                                                            \
    va_start(arguments, flags);                                                                   \
    const int mode = va_arg(arguments, int);                                                      \
    va_end(arguments);                                                                            \
    if (IsWriting(flags) && Fails("open", path, NULL, NULL)) return -1;                           \
    const int is_new = (flags & O_CREAT) && faccessat(folder, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0; \
    return Opened(real(folder, path, flags, mode), flags, is_new);                                \
  }
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

#define DEFINE_FOPEN(name)                                                             \
  FILE* name(const char* path, const char* mode) {                                     \
    REAL(name);                                                                        \
    const int is_writing = strpbrk(mode, "wa+") != NULL;                               \
    if (is_writing && Fails("open", path, NULL, NULL)) return NULL;                    \
    const int is_new = is_writing && access(path, F_OK) != 0;                          \
    FILE* file = real(path, mode);                                                     \
    if (file != NULL) Opened(fileno(file), *mode == 'w' ? O_TRUNC : 0, is_new);        \
    return file;                                                                       \
  }
DEFINE_FOPEN(fopen)
DEFINE_FOPEN(fopen64)

int close(int descriptor) {
  REAL(close);
  if (descriptor >= 0 && descriptor < kDescriptors) atomic_store(&is_tracked[descriptor], 0);
  return real(descriptor);
}

struct Chunk {
  int descriptor;
  const void* bytes;
  size_t size;
};

/// A write that a kill cuts in two.
static void WriteHalf(void* argument) {
  const struct Chunk* chunk = argument;
  if (chunk->size > 1) (void)!syscall(SYS_write, chunk->descriptor, chunk->bytes, chunk->size / 2);
}

/// Returns whether a write must fail; notes it otherwise.
static int WriteFails(int descriptor, const void* bytes, size_t size) {
  if (journal < 0 || descriptor < 0 || descriptor >= kDescriptors || !atomic_load(&is_tracked[descriptor])) return 0;
  char path[PATH_MAX];
  if (!PathOf(descriptor, path)) return 0;
  struct Chunk chunk = {descriptor, bytes, size};
  if (Fails("write", path, WriteHalf, &chunk)) return 1;
  Note('W', path, NULL);
  return 0;
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
  REAL(write);
  return WriteFails(descriptor, bytes, size) ? -1 : real(descriptor, bytes, size);
}
ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  REAL(pwrite);
  return WriteFails(descriptor, bytes, 0) ? -1 : real(descriptor, bytes, size, offset);
}
ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t offset) {
  REAL(pwrite64);
  return WriteFails(descriptor, bytes, 0) ? -1 : real(descriptor, bytes, size, offset);
}
ssize_t writev(int descriptor, const struct iovec* parts, int count) {
  REAL(writev);
  return WriteFails(descriptor, parts->iov_base, count > 0 ? parts->iov_len : 0) ? -1 : real(descriptor, parts, count);
}
ssize_t pwritev(int descriptor, const struct iovec* parts, int count, off_t offset) {
  REAL(pwritev);
  return WriteFails(descriptor, NULL, 0) ? -1 : real(descriptor, parts, count, offset);
}
int ftruncate(int descriptor, off_t size) {
  REAL(ftruncate);
  return WriteFails(descriptor, NULL, 0) ? -1 : real(descriptor, size);
}
int ftruncate64(int descriptor, off64_t size) {
  REAL(ftruncate64);
  return WriteFails(descriptor, NULL, 0) ? -1 : real(descriptor, size);
}

#define DEFINE_SYNC(name, letter)                                                      \
  int name(int descriptor) {                                                           \
    REAL(name);                                                                        \
    char path[PATH_MAX];                                                               \
    if (journal < 0 || !PathOf(descriptor, path)) return real(descriptor);             \
    if (Fails("sync", path, NULL, NULL)) return -1;                                    \
    const int result = real(descriptor);                                               \
    if (result == 0) Note(letter, path, NULL);                                         \
    return result;                                                                     \
  }
DEFINE_SYNC(fsync, 'F')
DEFINE_SYNC(fdatasync, 'F')
DEFINE_SYNC(syncfs, 'S')

/// Notes what was done to names.
static int Moved(int result, char letter, const char* from, const char* to) {
  if (result == 0 && (IsBelow(from, tracked_folder) || (to != NULL && IsBelow(to, tracked_folder)))) Note(letter, from, to);
  return result;
}

int rename(const char* from, const char* to) {
  REAL(rename);
  return Fails("rename", to, NULL, NULL) ? -1 : Moved(real(from, to), 'R', from, to);
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) {
  REAL(renameat);
  return Fails("rename", to, NULL, NULL) ? -1 : Moved(real(from_folder, from, to_folder, to), 'R', from, to);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  REAL(renameat2);
  return Fails("rename", to, NULL, NULL) ? -1 : Moved(real(from_folder, from, to_folder, to, flags), 'R', from, to);
}
int link(const char* from, const char* to) {
  REAL(link);
  return Fails("link", to, NULL, NULL) ? -1 : Moved(real(from, to), 'L', from, to);
}
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) {
  REAL(linkat);
  return Fails("link", to, NULL, NULL) ? -1 : Moved(real(from_folder, from, to_folder, to, flags), 'L', from, to);
}
int unlink(const char* path) {
  REAL(unlink);
  return Fails("unlink", path, NULL, NULL) ? -1 : Moved(real(path), 'U', path, NULL);
}
int unlinkat(int folder, const char* path, int flags) {
  REAL(unlinkat);
  return Fails("unlink", path, NULL, NULL) ? -1 : Moved(real(folder, path, flags), 'U', path, NULL);
}
