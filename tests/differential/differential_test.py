# SPDX-License-Identifier: Apache-2.0
"""Random queries have the rows and the types in Weir that they have in DuckDB and SQLite, and the cases that once had not have them now.

1,000 queries of fixed seeds; 20,000 with WEIR_TEST_SCALE=full. A difference is looked into with `run.py --seed N --queries 250`, which makes
it small; docs/differences.md lists what the dialects differ in by design.
"""

import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import cases
import compare
import metamorphic
from batch import Batch
from engines import Answer, WeirEngine

QUERIES_A_BATCH = 250
FIRST_SEED = 1
BATCHES = 80 if os.environ.get("WEIR_TEST_SCALE") == "full" else 4


class RandomQueries(unittest.TestCase):
    def test_each_seed(self):
        for seed in range(FIRST_SEED, FIRST_SEED + BATCHES):
            with self.subTest(seed=seed):
                batch = Batch(seed, QUERIES_A_BATCH)
                verdicts = batch.run()
                different = [f"{v.name} ({batch.settings}) {v.kind}: {v.message[:500]}" for v in verdicts if v.is_difference]
                self.assertEqual(different, [], f"python tests/differential/run.py --seed {seed} --queries {QUERIES_A_BATCH} shows them small")
                agreed = sum(v.kind == "agree" and v.wanted.error is None for v in verdicts)
                self.assertGreater(agreed, 0.85 * len(verdicts), "too few queries are answered at all")


class KeptCases(unittest.TestCase):
    """Each was a wrong table once."""

    def test_each_case(self):
        paths = sorted(cases.FOLDER.glob("*.json"))
        self.assertTrue(paths)
        for path in paths:
            case = cases.read(path)
            for arguments in ((), ("--by-lane",)):
                with self.subTest(case=path.stem, arguments=arguments), tempfile.TemporaryDirectory(prefix="weir-case-") as folder:
                    engine = WeirEngine(case.tables, pathlib.Path(folder), metamorphic.SETTINGS[case.settings], arguments)
                    found = engine.ask_all({"case": case.query})["case"]
                    self.assertIsNone(found.error)
                    self.assertEqual(list(found.types), case.types)
                    wanted = compare.rows(Answer(rows=tuple(case.rows)), case.types, 12)
                    self.assertEqual(compare.rows(found, case.types, 12), wanted)


if __name__ == "__main__":
    unittest.main()
