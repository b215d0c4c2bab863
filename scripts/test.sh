#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every test against a finished build and ends with the counts. WEIR_TEST_SCALE=full runs the long suites whole.
set -uo pipefail
cd "$(dirname "$0")/.."
build="${1:-build}"
suites=(e2e slt readers differential fuzz)
failed=0

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
ctest --test-dir "$build" --output-on-failure -j2 --no-tests=error 2>&1 | tee "$logs/ctest.log" || failed=1

venv=$(scripts/venv.sh) || exit 3
scripts/flights_data.sh
export WEIR="$PWD/$build/weir"

# One process a file, two at a time; what a file prints stays together.
run_file() {
  local folder file log
  folder=$(dirname "$2")
  file=$(basename "$2")
  log="$3/$(basename "$folder")-$file.log"
  "$1" -m unittest discover -s "$folder" -p "$file" -v >"$log" 2>&1
  local code=$?
  cat "$log"
  return $code
}
export -f run_file
for suite in "${suites[@]}"; do ls tests/"$suite"/*_test.py; done |
  xargs -P 2 -I{} bash -c 'run_file "$@"' _ "$venv/bin/python" {} "$logs" || failed=1

# The counts of both, programs of ctest and cases of unittest, as the last line.
broken=$(cat "$logs"/*.log | grep -cE '^(FAIL|ERROR): |\*\*\*(Failed|Exception|Timeout|Not Run)')
passed=$(cat "$logs"/*.log | grep -cE ' \.\.\. ok$| Passed +[0-9.]+ sec')
skipped=$(cat "$logs"/*.log | grep -cE " \.\.\. skipped ")
echo "$passed passed, $broken failed, $skipped skipped"
exit $failed
