#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Brings what a build needs: Debian packages (as root or with sudo), and the Arrow C++ libraries out of the pyarrow wheel.
# Safe to run again; does nothing when everything is there. Arguments are further Debian packages to bring.
set -euo pipefail
cd "$(dirname "$0")/.."

cache="${WEIR_CACHE_DIR:-$HOME/.cache/weir}"
arrow_version=26.0.1
arrow_dir="$cache/arrow-$arrow_version"
cxxbridge_version=1.0.205
cxxbridge_dir="$cache/cxxbridge-$cxxbridge_version"
packages=(g++ cmake ninja-build make git pkg-config protobuf-compiler libprotobuf-dev libfmt-dev libcli11-dev
  nlohmann-json3-dev libtomlplusplus-dev libgtest-dev libsodium-dev libicu-dev libedit-dev mold ccache python3-venv "$@")

missing=()
if command -v dpkg-query >/dev/null; then
  for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo -n"
    if [ -z "$sudo" ] || sudo -n true 2>/dev/null; then
      echo "setup: installing ${missing[*]}"
      $sudo apt-get update -qq
      DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    else
      echo "setup: these Debian packages are missing, and installing them needs root:" >&2
      echo "  apt-get install ${missing[*]}" >&2
      exit 3
    fi
  fi
fi
for tool in cargo cmake ninja g++ protoc python3; do
  if ! command -v "$tool" >/dev/null; then
    echo "setup: \`$tool\` is not on the PATH. README.md lists what a build needs." >&2
    exit 3
  fi
done

if [ ! -e "$arrow_dir/pyarrow/include/arrow/api.h" ]; then
  echo "setup: fetching Arrow C++ $arrow_version (from the pyarrow wheel)"
  mkdir -p "$cache"
  download=$(mktemp -d)
  trap 'rm -rf "$download"' EXIT
  python3 -m pip download --quiet --no-deps --only-binary :all: --python-version 3.11 --implementation cp --abi cp311 \
    --platform manylinux_2_28_"$(uname -m)" -d "$download" "pyarrow==$arrow_version"
  python3 -m zipfile -e "$download"/pyarrow-*.whl "$download/unpacked"
  rm -rf "$arrow_dir"
  mkdir -p "$arrow_dir"
  # Only what C++ needs: headers and the core library.
  mkdir -p "$arrow_dir/pyarrow"
  cp -r "$download/unpacked/pyarrow/include" "$arrow_dir/pyarrow/include"
  cp "$download"/unpacked/pyarrow/libarrow.so.* "$arrow_dir/pyarrow/"
fi

if [ ! -x "$cxxbridge_dir/bin/cxxbridge" ]; then
  echo "setup: building cxxbridge $cxxbridge_version, which writes the C++ face of the Rust half"
  cargo install --quiet --locked --debug "cxxbridge-cmd@$cxxbridge_version" --root "$cxxbridge_dir"
fi
