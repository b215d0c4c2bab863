#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# venv.sh [REQUIREMENTS]: prints the path of a Python environment that holds the requirements (tests/requirements.txt if none are named),
# its only line on stdout; makes it when it is missing. Other requirements are another environment: checkouts that differ share a cache.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements="${1:-tests/requirements.txt}"
cache="${WEIR_CACHE_DIR:-$HOME/.cache/weir}"
venv="$cache/venv-$(sha256sum "$requirements" | cut -c1-8)"
mkdir -p "$cache"
exec 9>"$cache/venv.lock"
flock 9  # two checkouts share the environment
if ! cmp -s "$requirements" "$venv/requirements.txt" || ! "$venv/bin/python" -c '' 2>/dev/null; then
  echo "venv: installing $requirements into $venv" >&2
  if ! { python3 -m venv --clear "$venv" &&
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements"; } >&2; then
    echo "venv: could not make the environment; it needs python3-venv and a reachable package index" >&2
    exit 3
  fi
  cp "$requirements" "$venv/requirements.txt"
fi
echo "$venv"
