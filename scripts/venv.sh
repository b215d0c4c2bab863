#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the path of a Python environment that holds tests/requirements.txt, its only line on stdout; makes it when it is missing.
# Other requirements are another environment: checkouts that differ in them share a cache.
set -euo pipefail
cd "$(dirname "$0")/.."

cache="${WEIR_CACHE_DIR:-$HOME/.cache/weir}"
venv="$cache/venv-$(sha256sum tests/requirements.txt | cut -c1-8)"
mkdir -p "$cache"
exec 9>"$cache/venv.lock"
flock 9  # two checkouts share the environment
if ! cmp -s tests/requirements.txt "$venv/requirements.txt" || ! "$venv/bin/python" -c '' 2>/dev/null; then
  echo "venv: installing tests/requirements.txt into $venv" >&2
  if ! { python3 -m venv --clear "$venv" &&
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt; } >&2; then
    echo "venv: could not make the environment; it needs python3-venv and a reachable package index" >&2
    exit 3
  fi
  cp tests/requirements.txt "$venv/requirements.txt"
fi
echo "$venv"
