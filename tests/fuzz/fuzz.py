# SPDX-License-Identifier: Apache-2.0
"""Feeds the program damaged input and watches how it ends.

    python tests/fuzz/fuzz.py [--target NAME] [--seed N] [--rounds N | --seconds S] [--keep FOLDER]

It must end by itself, with one of its exit codes, in bounded time and memory, and without a word of a panic or a bug. A round is one
project with many cases. What fails is cut down to the cases that are needed and kept.
"""

import argparse
import os
import pathlib
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import targets

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEIR = str(pathlib.Path(os.environ.get("WEIR", ROOT / "build" / "weir")).resolve())
CODES = (0, 1, 2, 3)
SECONDS = 120
MEMORY_BYTES = 2 << 30
WORDS_OF_BUGS = ("panicked", "stack backtrace", "RUST_BACKTRACE", "this is a bug", "terminate called", "internal check failed", "rust::", "Sanitizer")


def spare_the_machine() -> None:
    """What takes far more memory than it may is stopped by that, before the system stops others."""
    resource.setrlimit(resource.RLIMIT_DATA, (4 * MEMORY_BYTES, 4 * MEMORY_BYTES))


def run(folder: pathlib.Path, command: list[str]) -> str | None:
    """What is wrong with how a command ends; None if nothing is."""
    with tempfile.TemporaryFile() as output:
        started = subprocess.Popen([WEIR, command[0], "--project", str(folder), *command[1:]], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   preexec_fn=spare_the_machine)
        deadline = time.monotonic() + SECONDS
        while True:
            pid, status, usage = os.wait4(started.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                started.kill()
                os.wait4(started.pid, 0)
                return f"weir {' '.join(command)} did not end within {SECONDS} s"
            time.sleep(0.005)
        started.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    if started.returncode not in CODES:
        return f"weir {' '.join(command)} ended with {started.returncode}\n{text[-3000:]}"
    if usage.ru_maxrss * 1024 > MEMORY_BYTES:
        return f"weir {' '.join(command)} took {usage.ru_maxrss >> 10} MiB"
    lower = text.lower()
    for word in WORDS_OF_BUGS:
        at = lower.find(word.lower())
        if at >= 0:
            return f"weir {' '.join(command)} speaks of a bug\n{text[max(0, at - 1500):at + 1500]}"
    return None


def run_all(folder: pathlib.Path, commands: list[list[str]]) -> str | None:
    for command in commands:
        if wrong := run(folder, command):
            return wrong
    return None


def cases_of(folder: pathlib.Path) -> list[str]:
    return sorted(path.stem for path in (folder / "views").glob("*.sql"))


def without(folder: pathlib.Path, copy: pathlib.Path, names: set[str]) -> None:
    """A copy of the project with only the named views, and the sources that are theirs."""
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("warehouse", ".weir"))
    for file in (copy / "views").glob("*.sql"):
        if file.stem not in names:
            file.unlink()
            source = copy / "sources" / f"{file.stem.removeprefix('v_')}.sql"
            if source.stem != file.stem and source.exists():
                source.unlink()


def cut_down(folder: pathlib.Path, commands, scratch: pathlib.Path) -> tuple[pathlib.Path, str]:
    """Halves the cases as long as the smaller project still fails."""
    names, smallest = cases_of(folder), folder
    step = 0
    while len(names) > 1:
        half = len(names) // 2
        for part in (names[:half], names[half:]):
            step += 1
            copy = scratch / f"cut{step}"
            without(folder, copy, set(part))
            if run_all(copy, commands):
                names, smallest = part, copy
                break
        else:
            break
    fresh = scratch / "smallest"
    without(smallest, fresh, set(names))
    return fresh, run_all(fresh, commands) or "it failed with all cases together, and not when it was run again"


def one_round(name: str, seed: int, keep: pathlib.Path | None = None) -> str | None:
    """What is wrong with one round; None if nothing is. The same name and seed are the same project."""
    rng = random.Random(f"{name} {seed}")
    target = targets.TARGETS[name]()
    with tempfile.TemporaryDirectory(prefix="weir-fuzz-") as scratch:
        folder = pathlib.Path(scratch) / "project"
        folder.mkdir()
        target.fill(folder, rng, target.count)
        original = pathlib.Path(scratch) / "original"
        shutil.copytree(folder, original)
        wrong = run_all(folder, target.commands)
        if wrong is None:
            return None
        smallest, again = cut_down(original, target.commands, pathlib.Path(scratch))
        if keep is not None:
            shutil.copytree(smallest, keep / f"{name}-{seed}", dirs_exist_ok=True)
        return f"{name}, seed {seed}: {wrong}\ncut down to {cases_of(smallest)}: {again}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=sorted(targets.TARGETS), action="append")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, help="instead of rounds")
    parser.add_argument("--keep", type=pathlib.Path)
    options = parser.parse_args()
    names = options.target or sorted(targets.TARGETS)
    end = time.monotonic() + options.seconds if options.seconds else None
    rounds, failed = 0, 0
    while time.monotonic() < end if end else rounds < options.rounds * len(names):
        name, seed = names[rounds % len(names)], options.seed + rounds // len(names)
        rounds += 1
        if wrong := one_round(name, seed, options.keep):
            failed += 1
            print(wrong, flush=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    print(f"{rounds} rounds of {', '.join(names)} from seed {options.seed}: {failed} failed; at most {peak} MiB")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
