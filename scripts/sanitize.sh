#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and runs the C++ tests under sanitizers: all of them under the address and undefined-behaviour sanitizers, and those of rooms that
# have threads under the thread sanitizer. Arguments (`memory`, `threads`) choose one of the two.
set -euo pipefail
cd "$(dirname "$0")/.."

memory() {
  local build="${WEIR_SANITIZE_BUILD:-build-sanitize}"
  cmake -G Ninja -B "$build" -S . -DWEIR_SANITIZE=address,undefined -DWEIR_CACHE_DIR="$WEIR_CACHE_DIR" >/dev/null
  ninja -C "$build"
  # Frames are several times as large here, and the tests read statements as deep as Weir takes.
  ulimit -s 65536
  # The Rust half allocates with its own allocator and keeps its runtime to the end: leaks are looked for in C++ only.
  ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 ctest --test-dir "$build" --output-on-failure -j2 --no-tests=error
}

# The rooms whose code runs on several threads: scheduler, deadlines, landings, locks and their heartbeats (run), the status line and senders
# (watch), callbacks that the engine makes from its threads (engine), processes that are waited for (base). Of the Rust half the sanitizer
# sees where it is entered and left (tests/sanitizers/bridge_crossings.cc).
threads() {
  local build="${WEIR_THREAD_SANITIZE_BUILD:-build-sanitize-threads}"
  local rooms=(base engine run watch) still=()
  # The sanitizer's own memory must not be where the system put the program.
  if setarch -R true 2>/dev/null; then still=(setarch -R); fi
  cmake -G Ninja -B "$build" -S . -DWEIR_SANITIZE=thread -DWEIR_CACHE_DIR="$WEIR_CACHE_DIR" >/dev/null
  ninja -C "$build" "${rooms[@]/%/_test}"
  # Arrow's own allocator hands memory from thread to thread unseen; malloc is watched. The Rust half keeps its threads to the end.
  TSAN_OPTIONS="suppressions=$PWD/tests/sanitizers/threads.txt second_deadlock_stack=1 history_size=4 report_thread_leaks=0" \
    ARROW_DEFAULT_MEMORY_POOL=system \
    "${still[@]}" ctest --test-dir "$build" --output-on-failure --no-tests=error -R "^($(IFS='|'; echo "${rooms[*]}"))\$"
}

for part in "${@:-memory threads}"; do
  for each in $part; do "$each"; done
done
