#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every test against a finished build and ends with the counts. WEIR_TEST_SCALE=full runs the long suites whole.
set -uo pipefail
cd "$(dirname "$0")/.."
build="${1:-build}"
failed=0

log=$(mktemp)
trap 'rm -f "$log"' EXIT
ctest --test-dir "$build" --output-on-failure -j2 --no-tests=error 2>&1 | tee "$log" || failed=1

venv=$(scripts/venv.sh) || exit 3
scripts/flights_data.sh
export WEIR="$PWD/$build/weir"
"$venv/bin/python" -m unittest discover -s tests/e2e -p '*_test.py' -v 2>&1 | tee -a "$log" || failed=1

"$venv/bin/python" -m unittest discover -s tests/slt -p '*_test.py' -v 2>&1 | tee -a "$log" || failed=1

"$venv/bin/python" -m unittest discover -s tests/readers -p '*_test.py' -v 2>&1 | tee -a "$log" || failed=1

"$venv/bin/python" -m unittest discover -s tests/fuzz -p '*_test.py' -v 2>&1 | tee -a "$log" || failed=1

# The counts of both, programs of ctest and cases of unittest, as the last line.
broken=$(grep -cE '^(FAIL|ERROR): |\*\*\*(Failed|Exception|Timeout|Not Run)' "$log")
passed=$(grep -cE ' \.\.\. ok$| Passed +[0-9.]+ sec' "$log")
echo "$passed passed, $broken failed"
exit $failed
