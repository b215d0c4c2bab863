#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Writes the generated documentation: docs/functions.md, docs/guards.md, docs/artifacts.md, docs/lanes.md, the table of rooms in ARCHITECTURE.md.
set -euo pipefail
cd "$(dirname "$0")/.."
weir="${1:-build/weir}"
"$weir" functions --format json | python3 scripts/functions_md.py > docs/functions.md
"$weir" version --guards --format json | python3 scripts/guards_md.py > docs/guards.md
ninja -C "$(dirname "$weir")" artifacts_test >/dev/null
WEIR_ACCEPT=1 "$(dirname "$weir")/artifacts_test" --gtest_filter='ArtifactDocumentation.*' >/dev/null
python3 scripts/check_rooms.py --write
python=$(scripts/venv.sh)/bin/python
scripts/flights_data.sh
mapfile -t tpc < <("$python" scripts/fetch_tpc.py)
lanes=$("$python" scripts/lanes_md.py "$weir" "TPC-H=${tpc[0]}" "TPC-DS=${tpc[1]}" flights=examples/flights)
echo "$lanes" > docs/lanes.md
