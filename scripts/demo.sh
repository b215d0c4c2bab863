#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh [WEIR]: builds examples/flights in a scratch copy, builds it again, changes a source, and asks the artifacts what happened.
set -euo pipefail
here="$(dirname "$(realpath "$0")")"
if [ -d "$here/examples" ]; then  # in a package, which brings the data
  weir="$(realpath "${1:-$here/../../bin/weir}")"
  cd "$here"
else
  cd "$here/.."
  weir="$(realpath "${1:-build/weir}")"
  scripts/flights_data.sh
fi

demo="$(mktemp -d)/flights"
trap 'rm -rf "$(dirname "$demo")"' EXIT
mkdir -p "$demo"
cp -r examples/flights/weir.toml examples/flights/sources examples/flights/functions examples/flights/views examples/flights/tests "$demo/"
cp -r examples/flights/data "$demo/data"
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
ask() { printf '> %s\n' "$1"; "$weir" sql --project "$demo" "$1" 2>/dev/null; }

say "1. weir run: every view is built"
"$weir" run --project "$demo"

say "2. weir test: the data tests"
"$weir" test --project "$demo"

say "3. weir run again: nothing changed, so nothing runs"
"$weir" run --project "$demo"

say "4. one source file changes (a line is added to planes.csv): weir plan says what would run, and why"
tail -n 1 "$demo/data/planes.csv" | sed 's/^[^,]*/N00DEMO/' >> "$demo/data/planes.csv"
"$weir" plan --project "$demo"

say "5. weir run: exactly those views run"
"$weir" run --project "$demo"

say "6. what Weir decided is in tables too"
ask "SELECT r.run_id, r.state, r.views_run, r.views_reused, r.bytes_written FROM weir.runs r ORDER BY r.started_at"
ask "SELECT d.view_name, d.action, d.reason FROM weir.decisions d JOIN (SELECT max(run_id) AS run_id FROM weir.runs) last ON d.run_id = last.run_id WHERE d.action = 'run' ORDER BY d.view_name"
ask "SELECT DISTINCT l.output_column, l.input_table, l.input_column, l.use FROM weir.lineage l JOIN (SELECT min(run_id) AS run_id FROM weir.runs) first ON l.run_id = first.run_id WHERE l.view_name = 'daily_delays' ORDER BY 1, 2, 3, 4"
