// SPDX-License-Identifier: Apache-2.0
//
// Debian has toml++ as a shared library only, which asks for a new glibc; its body stands in its
// headers.

#define TOML_IMPLEMENTATION
#include <toml++/toml.h>
