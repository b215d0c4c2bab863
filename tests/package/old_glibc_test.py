# SPDX-License-Identifier: Apache-2.0
"""packaging/old_glibc.c where the system has none of what it stands in for: glibc 2.28, which no empty system here has."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent / "packaging" / "old_glibc.c"

PROGRAM = r"""
#include <dlfcn.h>
#include <stdio.h>
#define dlsym(handle, name) NULL
#include "%s"
#undef dlsym

static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int awake = 0;

static void* Wake(void* nothing) {
  pthread_mutex_lock(&mutex);
  awake = 1;
  pthread_cond_signal(&condition);
  pthread_mutex_unlock(&mutex);
  return nothing;
}

static long Now(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1000000000L + now.tv_nsec;
}

/// What waiting until `ms` from now on `clock` gave, and for how long it waited.
static int WaitFor(clockid_t clock, long ms, long* waited_ms) {
  const long start = Now(CLOCK_MONOTONIC), until = Now(clock) + ms * 1000000L;
  const struct timespec at = {until / 1000000000L, until %% 1000000000L};
  const int code = pthread_cond_clockwait(&condition, &mutex, clock, &at);
  *waited_ms = (Now(CLOCK_MONOTONIC) - start) / 1000000L;
  return code;
}

int main(void) {
  long waited;
  pthread_t thread;
  pthread_mutex_lock(&mutex);
  const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME};
  for (int i = 0; i < 2; ++i) {
    if (WaitFor(clocks[i], 40, &waited) != ETIMEDOUT || waited < 39 || waited > 5000) return 10 + i;
    if (WaitFor(clocks[i], -40, &waited) != ETIMEDOUT || waited > 5000) return 20 + i;
  }
  const struct timespec long_ago = {0, 0};
  if (pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &long_ago) != ETIMEDOUT) return 30;
  pthread_create(&thread, NULL, Wake, NULL);
  while (!awake)
    if (WaitFor(CLOCK_MONOTONIC, 60000, &waited) != 0) return 31;
  pthread_mutex_unlock(&mutex);
  pthread_join(thread, NULL);
  return arc4random() == arc4random() && arc4random() == arc4random() ? 32 : 0;
}
"""


class OldGlibcTest(unittest.TestCase):
    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.scratch)

    def run_program(self, text):
        (self.scratch / "program.c").write_text(text)
        subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-pthread", "-o", self.scratch / "program", self.scratch / "program.c"], check=True)
        self.assertEqual(subprocess.run([self.scratch / "program"], timeout=120).returncode, 0)

    def test_a_wait_on_another_clock_ends_when_it_should(self):
        self.run_program(PROGRAM % SOURCE)

    def test_stat_and_its_likes_are_the_systems(self):
        # The system's <sys/stat.h> on one side, the file on the other.
        (self.scratch / "old.c").write_text(f'#include "{SOURCE}"\n')
        (self.scratch / "program.c").write_text(r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char** argv) {
  struct stat wanted, found[4];
  struct stat64 large[4];
  memset(found, 1, sizeof(found));
  if (syscall(SYS_newfstatat, AT_FDCWD, argv[0], &wanted, 0) != 0) return 1;
  const int file = open(argv[0], O_RDONLY);
  if (stat(argv[0], &found[0]) || lstat(argv[0], &found[1]) || fstat(file, &found[2]) || fstatat(AT_FDCWD, argv[0], &found[3], 0)) return 2;
  if (stat64(argv[0], &large[0]) || lstat64(argv[0], &large[1]) || fstat64(file, &large[2]) || fstatat64(AT_FDCWD, argv[0], &large[3], 0)) return 3;
  for (int i = 0; i < 4; ++i) {
    if (found[i].st_ino != wanted.st_ino || found[i].st_size != wanted.st_size || found[i].st_mtim.tv_nsec != wanted.st_mtim.tv_nsec) return 10 + i;
    if (large[i].st_ino != wanted.st_ino || large[i].st_size != wanted.st_size || large[i].st_mode != wanted.st_mode) return 20 + i;
  }
  return stat("/no/such/file", &found[0]) == -1 ? 0 : 4;
}
""")
        stubs = self.scratch / "stubs"
        subprocess.run(["python3", SOURCE.with_name("glibc_stubs.py"), "--glibc", "2.28", "--out", stubs], check=True)
        start = SOURCE.with_name("old_glibc_start.c")
        subprocess.run(["cc", "-O1", "-no-pie", "-nodefaultlibs", "-Wl,--wrap=__libc_start_main", "-o", self.scratch / "program",
                        self.scratch / "program.c", self.scratch / "old.c", start, f"-L{stubs}", "-lc"], check=True)
        self.assertEqual(subprocess.run([self.scratch / "program"], cwd=self.scratch).returncode, 0)
        symbols = subprocess.run(["objdump", "-T", self.scratch / "program"], check=True, capture_output=True, text=True).stdout
        self.assertIn("__fxstatat64", symbols)
        self.assertNotRegex(symbols, r"GLIBC_2\.(29|3[0-9])")

    def test_names_of_one_variable_stay_at_one_address(self):
        subprocess.run(["python3", SOURCE.with_name("glibc_stubs.py"), "--glibc", "2.28", "--out", self.scratch], check=True)
        table = subprocess.run(["nm", "-D", self.scratch / "libc_stub.so"], check=True, capture_output=True, text=True).stdout
        addresses = {line.split()[2].split("@")[0]: line.split()[0] for line in table.splitlines() if len(line.split()) == 3}
        self.assertEqual(addresses["environ"], addresses["__environ"])
        self.assertNotEqual(addresses["stdout"], addresses["stderr"])
        self.assertIn("pthread_create", addresses)
        self.assertNotIn("pthread_cond_clockwait", addresses)  # 2.30
        self.assertNotIn("fstat", addresses)  # 2.33


if __name__ == "__main__":
    unittest.main()
