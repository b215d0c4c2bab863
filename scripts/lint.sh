#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Format, includes, size limits, clang-tidy and clippy. Every finding is an error.
set -uo pipefail
cd "$(dirname "$0")/.."
build="${1:-build}"
failed=0
git ls-files 'src/*.h' 'src/*.cc' | xargs clang-format --dry-run --Werror || failed=1
python3 scripts/check_rooms.py || failed=1
(cd rust && cargo fmt --check && CARGO_TARGET_DIR="$WEIR_CACHE_DIR/target" cargo clippy --release --locked --quiet -- -D warnings) || failed=1
git ls-files 'src/*.cc' | grep -v _test.cc | xargs clang-tidy -p "$build" --quiet || failed=1
exit $failed
