# SPDX-License-Identifier: Apache-2.0
"""`weir diff --data`: which rows differ between builds, runs and tables. A model in Python counts them."""

import collections
import json
import random
import unittest

import deltalake
import pyarrow
import pyarrow.parquet

from weir_project import Project, ProjectCase

SCHEMA = pyarrow.schema([
    ("id", pyarrow.int64()), ("Odd-kéy", pyarrow.string()), ("f", pyarrow.float64()), ("t", pyarrow.string()), ("l", pyarrow.list_(pyarrow.int32())),
    ("s", pyarrow.struct([("a", pyarrow.int64()), ("b", pyarrow.string())])), ("m", pyarrow.map_(pyarrow.string(), pyarrow.float32()))])


def random_rows(draw: random.Random, count: int, keyed: bool) -> list[dict]:
    def pick(*values):
        return draw.choice([None, *values])
    keys = [(number, odd) for number in (None, 1, 2, 3, 4, 5, 6, 7) for odd in (None, "", "NULL", "Ü'")]
    chosen = draw.sample(keys, count) if keyed else [draw.choice(keys[:6]) for _ in range(count)]
    return [{"id": number, "Odd-kéy": odd, "f": pick(0.0, -0.0, float("nan")), "t": pick("", "x"), "l": pick([], [None], [1]),
             "s": pick({"a": None, "b": None}, {"a": 1, "b": ""}), "m": pick([], [("k", 0.0)], [("k", -0.0)])} for number, odd in chosen]


class DataDiff(ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = Project(self.scratch / "project")
        self.project.write("weir.toml", "[project]\nname = 'd'\n")
        self.project.write("sources/bag.sql", "CREATE EXTERNAL TABLE bag STORED AS PARQUET LOCATION 'data/bag.parquet';")
        self.project.write("views/v.sql", "SELECT * FROM bag")
        self.project.write("views/counted.sql", "SELECT count(*) AS n FROM v")
        (self.project.folder / "data").mkdir()

    def build(self, rows: list[dict]) -> tuple[str, list[dict]]:
        """Builds the project over the rows: the run's id, and the rows as another reader sees them."""
        table = pyarrow.Table.from_pylist(rows, SCHEMA)
        pyarrow.parquet.write_table(table, self.project.folder / "data" / "bag.parquet")
        run = self.project.run("--force")["run_id"]
        return run, table.to_pylist()

    def diff(self, *arguments: str) -> dict:
        outcome = self.project.weir("diff", "--data", "--format", "json", *arguments)
        self.assertEqual(outcome.code, 0, outcome.text)
        return outcome.json()

    def test_bags(self):
        draw = random.Random(3)
        builds = [self.build(random_rows(draw, draw.randrange(30), keyed=False)) for _ in range(5)]
        for (first, before), (second, after) in zip(builds, builds[1:]):
            was, now = (collections.Counter(map(repr, rows)) for rows in (before, after))
            found = self.diff(f"v@{first}", f"v@{second}", "--samples", "1000")
            self.assertEqual((found["removed"], found["added"], found["changed"]), ((was - now).total(), (now - was).total(), 0))
            self.assertEqual((found["before"]["rows"], found["after"]["rows"], found["same"]), (len(before), len(after), was == now))
            self.assertEqual((len(found["samples"]["removed"]), len(found["samples"]["added"])), (found["removed"], found["added"]))
            of_runs = self.diff(first, second)
            counted = {view["view"]: view for view in of_runs["views"]}
            self.assertEqual("v" in counted, was != now)
            self.assertEqual("counted" in counted, len(before) != len(after))
        same = self.diff(f"v@{builds[0][0]}", f"v@{builds[0][0]}")
        self.assertEqual((same["same"], same["removed"]), (True, 0))
        # The last two builds, and the table at another place.
        last, other = builds[-2:], self.scratch / "other place"
        deltalake.write_deltalake(other, pyarrow.Table.from_pylist(last[0][1], SCHEMA))
        for arguments in (("v",), (f"{other}@v0", "v"), (str(other), f"v@{last[1][0]}"), (f"{other.as_uri()}@v0", "v"), (f"{other}/../other place/", "v")):
            found = self.diff(*arguments)
            was, now = (collections.Counter(map(repr, rows)) for _, rows in last)
            self.assertEqual((found["removed"], found["added"]), ((was - now).total(), (now - was).total()), arguments)

    def test_by_key(self):
        draw = random.Random(5)
        for _ in range(4):
            (first, before), (second, after) = (self.build(random_rows(draw, draw.randrange(1, 32), keyed=True)) for _ in range(2))
            key = ["id", "Odd-kéy"]
            was, now = ({repr([row[name] for name in key]): row for row in rows} for rows in (before, after))
            both = [(was[k], now[k]) for k in was.keys() & now.keys()]
            columns = {name: sum(repr(a[name]) != repr(b[name]) for a, b in both) for name in SCHEMA.names if name not in key}
            found = self.diff(f"v@{first}", f"v@{second}", "--key", ",".join(key), "--samples", "1000")
            self.assertEqual(found["removed"], len(was.keys() - now.keys()))
            self.assertEqual(found["added"], len(now.keys() - was.keys()))
            self.assertEqual(found["changed"], sum(repr(a) != repr(b) for a, b in both))
            self.assertEqual(found["changed_columns"], {name: n for name, n in columns.items() if n})
            self.assertEqual({name: len(rows) for name, rows in found["samples"]["changed"].items()}, found["changed_columns"])
            for name, rows in found["samples"]["changed"].items():
                pairs = {repr([row[part] for part in key]): row for row in rows}
                self.assertEqual(len(pairs), len(rows))
                if name == "t":
                    self.assertEqual({k: (row["before"], row["after"]) for k, row in pairs.items()},
                                     {k: (was[k][name], now[k][name]) for k in was.keys() & now.keys() if was[k][name] != now[k][name]})

    def test_what_is_said(self):
        first, _ = self.build([{"id": 1, "t": "a"}, {"id": 1, "t": "b"}, {"id": 2, "t": "c"}])
        outcome = self.project.weir("diff", "--data", "v")
        self.assertIn("two builds of `v` are wanted, found one", outcome.text)
        second, _ = self.build([{"id": 1, "t": "a"}, {"id": 2, "t": "d"}])
        text = self.project.succeed("diff", "--data", "v").text
        self.assertRegex(text, rf"--- v@{first}  version 0, 3 rows\n\+\+\+ v@now  version 1, 2 rows\n2 rows removed, 1 added, 0 changed")
        self.assertEqual(self.project.weir("diff", "--data", "v", "--exit-code").code, 1)
        outcome = self.project.weir("diff", "--data", "v", "--key", "id")
        self.assertEqual(outcome.code, 1)
        self.assertIn("a key that each row has for itself is wanted, found 1 value that several rows have before: `id`", outcome.text)
        self.assertIn("did you mean `id`?", self.project.weir("diff", "--data", "v", "--key", "idd").text)
        self.assertIn("found two runs", self.project.weir("diff", "--data", first, second, "--key", "id").text)
        self.assertIn("the table `./x` alone", self.project.weir("diff", "--data", "./x").text)
        self.assertIn("did you mean `counted`?", self.project.weir("diff", "--data", "conted").text)
        outcome = self.project.weir("diff", "--data", "./nothing", "v")
        self.assertIn("`./nothing`", outcome.text)
        self.assertEqual(self.project.weir("diff", "v", "--key", "id").code, 2)
        # Columns that come, go and change.
        self.project.write("views/v.sql", "SELECT id AS key, CAST(t AS VARCHAR) AS t, 1 AS f FROM bag")
        self.project.run()
        found = json.loads(self.project.succeed("diff", "--data", "v", "--format", "json").stdout)
        self.assertEqual({(column["column"], column["before"] is None, column["after"] is None) for column in found["columns"]},
                         {("id", False, True), ("key", True, False), ("f", False, False)} | {(name, False, True) for name in SCHEMA.names
                                                                                             if name not in ("id", "t", "f")})
        self.assertEqual((found["removed"], found["added"], found["same"]), (0, 0, False))


if __name__ == "__main__":
    unittest.main()
