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
packages=(g++ cmake ninja-build make git pkg-config protobuf-compiler libprotobuf-dev libfmt-dev libspdlog-dev libcli11-dev
  nlohmann-json3-dev libtomlplusplus-dev libgtest-dev libsodium-dev libicu-dev libedit-dev libboost-dev mold ccache python3-venv "$@")

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

# need TOOL OLDEST HOW: stops where a tool is missing or older than what the build was written for.
need() {
  local tool="$1" oldest="$2" how="$3" found
  if ! command -v "$tool" >/dev/null; then
    echo "setup: \`$tool\` $oldest or newer is wanted, found none on the PATH." >&2
    echo "  hint: $how" >&2
    exit 3
  fi
  found=$("$tool" --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1) || found=""
  if [ -z "$found" ] || [ "$(printf '%s\n%s\n' "$oldest" "$found" | sort -V | head -n 1)" != "$oldest" ]; then
    echo "setup: \`$tool\` $oldest or newer is wanted, found ${found:-one that does not run} at \`$(command -v "$tool")\`." >&2
    echo "  hint: $how" >&2
    exit 3
  fi
}
rust="rustup (https://rustup.rs) brings it: \`rustup toolchain install stable\`. Debian 12's own is too old."
need cargo 1.95 "$rust"
need rustc 1.95 "$rust"
need g++ 12 "your distribution's package, e.g. \`apt-get install g++\`; a package of Weir needs no compiler: docs/install.md."
need cmake 3.25 "your distribution's package, or \`pip install cmake\`."
need ninja 1.10 "your distribution's package ninja-build, or \`pip install ninja\`."
need protoc 3.21 "your distribution's package, e.g. \`apt-get install protobuf-compiler libprotobuf-dev\`."
need python3 3.11 "your distribution's package, with its venv and pip."

# Cargo's folder grows to 3 GB, its libraries to 1 GB, a build folder to 2 GB.
mkdir -p "$cache" 2>/dev/null || { echo "setup: a folder that can be written is wanted for downloads and libraries, found \`$cache\`." >&2
  echo "  hint: name another: WEIR_CACHE_DIR=DIR make" >&2; exit 3; }
free_gb=$(df -Pk "$cache" | awk 'NR == 2 {print int($4 / 1048576)}')
if [ ! -d "$cache/target" ] && [ "$free_gb" -lt 8 ]; then
  echo "setup: 8 GB of disk are wanted in \`$cache\`, found $free_gb GB free." >&2
  echo "  hint: name a folder with more: WEIR_CACHE_DIR=DIR make" >&2
  exit 3
fi

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
