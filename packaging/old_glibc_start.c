// SPDX-License-Identifier: Apache-2.0
//
// The start of the packaged program on any glibc. Before 2.34 a program brought the function that
// runs its constructors, and today's crt1.o passes none; a glibc that is newer calls what it is
// given. Linked with --wrap=__libc_start_main.

#include <stddef.h>

typedef int Main(int, char**, char**);
typedef void Constructor(int, char**, char**);

int __real___libc_start_main(Main*, int, char**, Constructor*, void (*)(void), void (*)(void),
                             void*);

extern Constructor* const __init_array_start[] __attribute__((visibility("hidden")));
extern Constructor* const __init_array_end[] __attribute__((visibility("hidden")));
extern void _init(void);

static void RunConstructors(int argc, char** argv, char** environment) {
  _init();
  for (Constructor* const* each = __init_array_start; each != __init_array_end; ++each)
    (*each)(argc, argv, environment);
}

/// Destructors are the loader's business in every version.
static void RunNothing(void) {}

int __wrap___libc_start_main(Main* main, int argc, char** argv, Constructor* init,
                             void (*fini)(void), void (*loader_fini)(void), void* stack_end) {
  (void)init;
  (void)fini;
  return __real___libc_start_main(main, argc, argv, RunConstructors, RunNothing, loader_fini,
                                  stack_end);
}
