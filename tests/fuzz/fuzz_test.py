# SPDX-License-Identifier: Apache-2.0
"""A seeded part of the fuzzing of the whole program; ten minutes of it under WEIR_TEST_SCALE=full."""

import os
import pathlib
import random
import tempfile
import time
import unittest

import fuzz
import targets

FULL_SCALE = os.environ.get("WEIR_TEST_SCALE") == "full"
SECONDS_EACH = 600 / len(targets.TARGETS)
ROUNDS = {"project": 25}
KEPT = pathlib.Path(__file__).resolve().parent / "kept"


class FuzzTest(unittest.TestCase):
    maxDiff = None


def add_target(name: str) -> None:
    def test(self):
        end = time.monotonic() + SECONDS_EACH
        seed = 0
        while time.monotonic() < end if FULL_SCALE else seed < ROUNDS.get(name, 2):
            with self.subTest(seed=seed):
                self.assertIsNone(fuzz.one_round(name, seed))
            seed += 1

    setattr(FuzzTest, f"test_{name}", test)


for target in targets.TARGETS:
    add_target(target)


class KeptFilesTest(unittest.TestCase):
    """Each has brought the program down once."""

    def test_parquet_files(self):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            targets.toml(folder)
            for file in sorted(KEPT.glob("*.parquet")):
                targets.write(folder, f"data/{file.name}", file.read_bytes())
                targets.table(folder, file.stem, "PARQUET", f"data/{file.name}")
            self.assertTrue(list((folder / "sources").iterdir()))
            self.assertIsNone(fuzz.run_all(folder, targets.Parquet.commands))


class FuzzerTest(unittest.TestCase):
    """The fuzzer itself sees what it shall see."""

    def test_a_seed_is_always_the_same_project(self):
        self.assertEqual(*(targets.damage.text("SELECT a FROM t WHERE b", random.Random(5)) for _ in range(2)))

    def test_signals_panics_and_unknown_codes_are_seen(self):
        original = fuzz.WEIR
        self.addCleanup(setattr, fuzz, "WEIR", original)
        with tempfile.TemporaryDirectory() as scratch:
            for body, seen in (("kill -SEGV $$", "ended with -11"), ("exit 101", "ended with 101"), ("echo thread panicked at x", "speaks of a bug"), ("exit 1", None)):
                program = pathlib.Path(scratch) / "program"
                program.write_text(f"#!/bin/sh\n{body}\n")
                program.chmod(0o755)
                fuzz.WEIR = str(program)
                wrong = fuzz.run(pathlib.Path(scratch), ["check"])
                self.assertTrue(wrong is None if seen is None else seen in (wrong or ""), f"{body}: {wrong}")


if __name__ == "__main__":
    unittest.main()
