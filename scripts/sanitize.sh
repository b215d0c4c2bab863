#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and runs the C++ tests under the address and undefined-behaviour sanitizers.
set -euo pipefail
cd "$(dirname "$0")/.."
build="${WEIR_SANITIZE_BUILD:-build-sanitize}"
cmake -G Ninja -B "$build" -S . -DWEIR_SANITIZE=address,undefined -DWEIR_CACHE_DIR="$WEIR_CACHE_DIR" >/dev/null
ninja -C "$build"
# Frames are several times as large here, and the tests read statements as deep as Weir takes.
ulimit -s 65536
# The Rust half allocates with its own allocator and keeps its runtime to the end: leaks are looked for in C++ only.
ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 ctest --test-dir "$build" --output-on-failure -j2 --no-tests=error
