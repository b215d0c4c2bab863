#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the Rust half from nothing and writes what each crate costs to rust/build_costs.tsv, which scripts/bridge.py foretells from.

The seconds are processor time, so that a busy machine changes them little. What runs between (build scripts with their C compilers,
linking, Cargo itself) is the last line. Takes as long as a first build; the ordinary target folder stays as it is.
"""

import argparse
import collections
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import bridge

LEAST_SECONDS = 1.0


def measure(arguments: list[str]) -> int:
    """As Cargo's wrapper of rustc: runs it, and appends what it took to the file that WEIR_BUILD_COSTS names."""
    code = subprocess.call(arguments, close_fds=False)  # the jobserver comes as open files
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    name, version = (os.environ.get(f"CARGO_PKG_{part}") for part in ("NAME", "VERSION"))
    if name and "--crate-name" in arguments:
        line = json.dumps({"crate": f"{name} {version}", "seconds": usage.ru_utime + usage.ru_stime, "peak_kb": usage.ru_maxrss})
        with open(os.environ["WEIR_BUILD_COSTS"], "a") as log:
            log.write(line + "\n")
    return code


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", type=pathlib.Path, help="Cargo's target folder for this; default: a temporary one")
    target = parser.parse_args().target
    with tempfile.TemporaryDirectory() as scratch:
        log = pathlib.Path(scratch) / "log"
        environment = bridge.cargo_environment(target or pathlib.Path(scratch) / "target")
        environment.update(WEIR_BUILD_COSTS=str(log), RUSTC_WRAPPER=str(pathlib.Path(__file__).resolve()))
        started = time.monotonic()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        code = subprocess.call(["cargo", "build", "--release", "--locked", "-p", "bridge"], cwd=bridge.RUST, env=environment)
        if code != 0:
            return code
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds, peak = collections.Counter(), collections.Counter()
        for line in log.read_text().splitlines():
            entry = json.loads(line)
            seconds[entry["crate"]] += entry["seconds"]
            peak[entry["crate"]] = max(peak[entry["crate"]], entry["peak_kb"])
    total = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    lines = ["# Processor seconds of each crate that costs a second or more, written by scripts/build_costs.py. All of it: "
             f"{total / 60:.1f} min in {(time.monotonic() - started) / 60:.1f} min."]
    for crate, cost in seconds.most_common():
        if cost >= LEAST_SECONDS:
            lines.append(f"{crate}\t{cost:.1f}")
    bridge.COSTS.write_text("\n".join(lines) + "\n")
    for crate, cost in seconds.most_common(30):
        print(f"{cost:8.1f} s {peak[crate] / 1024:7.0f} MB  {crate}")
    print(f"{total - sum(seconds.values()):8.1f} s             build scripts, C compilers, Cargo")
    print(lines[0][2:])
    return 0


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        sys.exit(measure(sys.argv[1:]))
    sys.exit(main())
