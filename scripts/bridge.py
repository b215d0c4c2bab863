#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the Rust half, rust/bridge, into one static library, and says how far it is.

Cargo decides what is stale within a checkout. Across checkouts the finished library is kept under a digest of everything that goes
into it (the sources under rust/, the compiler, its flags), so that a second checkout of the same sources links what the first one
built: what is laid into a build is a linker script of one line, INPUT(…), which changes when the library does. Expected times come from rust/build_costs.tsv, which `make build-costs` writes.
"""

import argparse
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RUST = ROOT / "rust"
COSTS = RUST / "build_costs.tsv"
KEPT_ARCHIVES = 4
TRUSTED_COST = 300.0  # of processor time, in seconds: what the costs foretell counts as much as so much that was measured
TICK_S = 1.0
LINE_EVERY_S = 30.0  # where nobody watches a terminal

# What Rust calls x86-64-v3, as Linux spells it in /proc/cpuinfo: every processor of a server or a laptop since 2013 to 2015.
V3_FLAGS = {"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"}
CARGO_HOME = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))


def target_cpu() -> str:
    """The processor to compile for: WEIR_TARGET_CPU, else what this one can; "" is Rust's default. No result depends on it: neither
    Rust nor its libraries fuse a multiplication with an addition of their own accord."""
    if "WEIR_TARGET_CPU" in os.environ:
        return os.environ["WEIR_TARGET_CPU"]
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    flags = {word for line in lines if line.startswith("flags") for word in line.partition(":")[2].split()}
    return "x86-64-v3" if flags >= V3_FLAGS else ""


def cxx_flags() -> str:
    """For Snappy: the processor, what its own build finds of the compiler, and calls within it that are not left to be resolved later."""
    cpu = target_cpu()
    found = ("ATTRIBUTE_ALWAYS_INLINE", "BUILTIN_CTZ", "BUILTIN_EXPECT", "BUILTIN_PREFETCH")
    flags = [os.environ.get("CXXFLAGS", ""), *([f"-march={cpu}"] if cpu else []), "-O2", "-DNDEBUG", "-fvisibility=hidden",
             *(f"-DHAVE_{name}=1" for name in found)]
    return " ".join(flags).strip()


def digest_of_inputs() -> str:
    """Of the paths and bytes under rust/, of Cargo's own settings, of the compiler, and of the variables that change what it writes."""
    digest = hashlib.sha256()
    sources = sorted(p for p in RUST.rglob("*") if p.is_file() and "target" not in p.relative_to(RUST).parts and p != COSTS)
    settings = [folder / name for folder in (*(p / ".cargo" for p in (RUST, *RUST.parents)), CARGO_HOME) for name in ("config", "config.toml")]
    for path in sources + [p for p in settings if p.is_file()]:
        data = path.read_bytes()
        name = path.relative_to(RUST) if path in sources else path.name
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    digest.update(subprocess.run(["rustc", "-vV"], cwd=RUST, check=True, capture_output=True).stdout)
    for name in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "CC", "CXX", "CFLAGS"):
        digest.update(f"{name}={os.environ.get(name, '')}\0".encode())
    digest.update(f"cpu={target_cpu()}\0cxx={cxx_flags()}\0".encode())
    return digest.hexdigest()[:24]


def keep(built: pathlib.Path, archive: pathlib.Path) -> None:
    """Lays Cargo's library beside the older ones, and drops the oldest. Cargo writes a new file each time, so a link is safe."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    laid = archive.with_name(f"{archive.name}.{os.getpid()}")
    os.link(built, laid)
    os.replace(laid, archive)
    kept = sorted((f for f in archive.parent.parent.iterdir() if f.is_dir()), key=lambda f: f.stat().st_mtime, reverse=True)
    for folder in kept[KEPT_ARCHIVES:]:
        shutil.rmtree(folder, ignore_errors=True)


def span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class Progress:
    """What is done of the crates, weighed by what each is known to cost. Threads: both pipes of Cargo report to it."""

    def __init__(self, names: set[str]):
        costs = {}
        if COSTS.exists():
            for line in COSTS.read_text().splitlines():
                if line and not line.startswith("#"):
                    name, seconds = line.split("\t")
                    costs[name] = float(seconds)
        self.cost = {name: costs.get(name, 0.3) for name in names}
        self.left = dict(self.cost)
        self.started = time.monotonic()
        self.built_cost = 0.0
        self.expected = False  # said what is to come
        self.running: list[str] = []
        self.lock = threading.Lock()
        self.terminal = sys.stderr.isatty()
        self.said = 0.0

    def expect(self) -> None:
        """Once, when it is known what is built already."""
        self.expected = True
        cores, ahead = os.cpu_count() or 1, sum(self.left.values())
        print(f"bridge: Cargo builds {len(self.left)} of {len(self.cost)} crates, which cost about {span(ahead)} of processor time, "
              f"here {span(ahead / cores)} on {cores} cores. Once: the result is kept.", file=sys.stderr, flush=True)

    def starts(self, name: str) -> None:
        with self.lock:
            self.running.append(name)

    def done(self, name: str, fresh: bool) -> None:
        with self.lock:
            cost = self.left.pop(name, 0.0)
            if not fresh:
                self.built_cost += cost
            if name in self.running:
                self.running.remove(name)

    def watch(self, ended: threading.Event) -> None:
        """Says every while how far it is, until the end."""
        while not ended.wait(TICK_S):
            if not self.expected and self.running:
                self.expect()
            if self.expected:
                self.say()
        if self.expected:
            self.say(last=True)

    def say(self, last: bool = False) -> None:
        with self.lock:
            now = time.monotonic()
            if not last and not self.terminal and now - self.said < LINE_EVERY_S:
                return
            self.said = now
            elapsed = now - self.started
            ahead = sum(self.left.values())
            # What was done so far says how fast this machine is, the more the longer it lasts.
            pace = (elapsed + TRUSTED_COST / (os.cpu_count() or 1)) / (self.built_cost + TRUSTED_COST)
            line = f"bridge: {len(self.cost) - len(self.left)} of {len(self.cost)} crates, {span(elapsed)}"
            if not last:
                line += f", about {span(ahead * pace)} to go"
                if self.running:
                    line += f"; now {', '.join(self.running[-2:])}"
                waiting = [n for n in self.left if n not in self.running]
                if waiting:
                    line += f"; then {max(waiting, key=lambda n: self.cost[n])}"
            if self.terminal:
                line = f"\r\x1b[K{line[:shutil.get_terminal_size().columns - 1]}"
            print(line, end="" if self.terminal and not last else "\n", file=sys.stderr, flush=True)


def crate_names() -> set[str]:
    tree = subprocess.run(["cargo", "tree", "--locked", "--prefix", "none", "--format", "{p}", "-e", "normal,build"],
                          cwd=RUST, check=True, capture_output=True, text=True).stdout
    return {" ".join(line.split()[:2]).replace(" v", " ") for line in tree.splitlines() if line.strip()}


def name_of(package_id: str) -> str:
    """`name version` of a package id such as registry+https://…#name@1.2.3 or path+file:///…/bridge#0.1.0."""
    path, _, tail = package_id.partition("#")
    name, at, version = tail.rpartition("@")
    return f"{name} {version}" if at else f"{path.rsplit('/', 1)[1]} {tail}"


def cargo_environment(target: pathlib.Path) -> dict[str, str]:
    """Where this machine keeps the sources of crates is nobody's business: no path of it gets into the library."""
    subprocess.run(["cargo", "fetch", "--locked", "--quiet"], cwd=RUST, check=True)
    places = [f"--remap-path-prefix={folder}=/crates" for folder in sorted((CARGO_HOME / "registry" / "src").glob("*/"))]
    cpu = target_cpu()
    flags = "\x1f".join([*os.environ.get("RUSTFLAGS", "").split(), *([f"-Ctarget-cpu={cpu}"] if cpu else []), *places])
    return dict(os.environ, CARGO_TARGET_DIR=str(target), CARGO_ENCODED_RUSTFLAGS=flags, CXXFLAGS=cxx_flags())


def cargo_build(target: pathlib.Path) -> int:
    environment = cargo_environment(target)
    progress = Progress(crate_names())
    command = ["cargo", "build", "--release", "--locked", "--message-format=json-render-diagnostics", "-p", "bridge"]
    cargo = subprocess.Popen(command, cwd=RUST, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def read_words():
        for line in cargo.stderr:
            words = line.split()
            if words and words[0] == "Compiling" and len(words) >= 3:
                progress.starts(f"{words[1]} {words[2].lstrip('v')}")
            elif words and words[0] not in ("Finished", "Downloaded", "Downloading", "Locking", "Updating"):
                sys.stderr.write(line)
    words = threading.Thread(target=read_words, daemon=True)
    words.start()
    ended = threading.Event()
    watching = threading.Thread(target=progress.watch, args=(ended,), daemon=True)
    watching.start()
    try:
        for line in cargo.stdout:
            message = json.loads(line)
            if message["reason"] == "compiler-artifact" and "custom-build" not in message["target"]["kind"]:
                progress.done(name_of(message["package_id"]), message["fresh"])
        words.join()
        code = cargo.wait()
    finally:
        cargo.terminate()  # where this was interrupted
    ended.set()
    watching.join()
    return code


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=pathlib.Path, required=True, help="holds Cargo's target folder and the kept libraries")
    parser.add_argument("--archive", type=pathlib.Path, required=True, help="the linker script to write")
    arguments = parser.parse_args()

    kept = arguments.cache / "bridge"
    archive = kept / digest_of_inputs() / "libbridge.a"
    if not archive.exists():
        # A processor that was asked for has a folder of its own: Cargo keeps the crates of one in a folder.
        target = arguments.cache / "-".join(["target", *filter(None, [os.environ.get("WEIR_TARGET_CPU")])])
        target.mkdir(parents=True, exist_ok=True)
        # The library has one name for all checkouts: nobody else may build before it is kept.
        with open(target / "weir.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Nor may Cargo, which goes by times, take what another checkout built since for this one's.
            os.utime(RUST / "bridge" / "src" / "lib.rs")
            code = cargo_build(target)
            if code != 0:
                print("bridge: Cargo failed; its messages stand above.", file=sys.stderr)
                return code
            keep(target / "release" / "libbridge.a", archive)
    os.utime(archive.parent)
    script = f"INPUT({archive})\n"
    if not arguments.archive.exists() or arguments.archive.read_text() != script:
        arguments.archive.parent.mkdir(parents=True, exist_ok=True)
        arguments.archive.write_text(script)
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
