# SPDX-License-Identifier: Apache-2.0
"""How views' tables are laid out: CLUSTER BY, properties that say how files are written, change feeds of views; and change feeds that views read.

Another reader (pyarrow, python deltalake) says what is in the files."""

import collections
import datetime
import decimal
import json
import random
import re
import unittest

import deltalake
import pyarrow
import pyarrow.parquet

from weir_project import Project, ProjectCase


class Layout(ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = Project(self.scratch / "project")
        self.project.write("weir.toml", '[project]\nname = "layout"\n[profiles.default.sql]\nallow = ["query", "dml", "ddl"]\n')
        self.project.write("sources/t.sql", "CREATE EXTERNAL TABLE t STORED AS DELTATABLE LOCATION 'data/t';\n")
        self.rows = pyarrow.table({"id": list(range(2000)), "k": [i * 7919 % 1000 for i in range(2000)], "p": [i % 2 for i in range(2000)]})
        deltalake.write_deltalake(self.project.folder / "data" / "t", self.rows, configuration={"delta.enableChangeDataFeed": "true"})

    def run_counts(self) -> tuple[int, int]:
        """Runs the project: how many views ran, and how many were reused."""
        text = self.project.succeed("run").text
        return int(re.search(r"(\d+) run", text)[1]), int(re.search(r"(\d+) reused", text)[1])

    def files(self, view: str) -> list:
        folder = self.project.table_path(view)
        return [pyarrow.parquet.ParquetFile(folder / path) for path in sorted(
            row["path"] for row in pyarrow.table(deltalake.DeltaTable(folder).get_add_actions(flatten=True)).to_pylist())]

    def view(self, name: str, clauses: str, query: str = "SELECT id, k, p FROM t") -> None:
        self.project.write(f"views/{name}.sql", f"CREATE MATERIALIZED VIEW {name} {clauses} AS\n{query}\n")

    def test_clustered_files_are_sorted_and_hold_the_same_rows(self):
        self.view("clustered", "CLUSTER BY (k, id)")
        self.view("parts", "PARTITIONED BY (p) CLUSTER BY (k)")
        self.view("plain", "")
        self.project.run()
        for view in ("clustered", "parts", "plain"):
            self.assertEqual(sorted(self.project.read(view)["id"].to_pylist()), list(range(2000)))
        pairs = self.files("clustered")[0].read().select(["k", "id"]).to_pylist()
        self.assertEqual(pairs, sorted(pairs, key=lambda row: (row["k"], row["id"])))
        for file in self.files("parts"):
            keys = file.read()["k"].to_pylist()
            self.assertEqual((len(keys), keys), (1000, sorted(keys)))
        # A layout is part of what a view is: another one is written anew, the same is not.
        self.assertEqual(self.run_counts(), (0, 3))
        self.view("clustered", "CLUSTER BY (id)")
        self.assertEqual(self.run_counts(), (1, 2))
        self.assertEqual(self.files("clustered")[0].read()["id"].to_pylist(), list(range(2000)))

    def test_properties_say_how_files_are_written(self):
        self.view("laid", "TBLPROPERTIES ('weir.compression' = 'snappy', 'weir.row_group_rows' = '500', 'weir.bloom_filter_columns' = 'k, id', "
                          "'weir.plain_columns' = 'p', 'delta.dataSkippingNumIndexedCols' = '1')")
        self.project.run()
        file = self.files("laid")[0]
        self.assertEqual(file.metadata.num_row_groups, 4)
        columns = {file.metadata.row_group(0).column(i).path_in_schema: file.metadata.row_group(0).column(i) for i in range(3)}
        self.assertEqual(columns["id"].compression, "SNAPPY")
        self.assertFalse(columns["p"].has_dictionary_page)
        add = next(json.loads(line)["add"] for line in
                   (self.project.table_path("laid") / "_delta_log" / f"{0:020}.json").read_text().splitlines() if '"add"' in line)
        self.assertEqual(set(json.loads(add["stats"])["minValues"]), {"id"})
        self.view("laid", "TBLPROPERTIES ('weir.row_group_rows' = 'many')")
        self.view("named", "TBLPROPERTIES ('weir.plain_columns' = 'p, kk', 'weir.change_feed' = 'difference')")
        outcome = self.project.weir("check")
        self.assertEqual(outcome.code, 1)
        self.assertIn("a whole number is wanted for the property `weir.row_group_rows`, found `many`", outcome.text)
        self.assertIn("the property `weir.plain_columns` names a column that the view does not have: `kk`", outcome.text)
        self.assertIn("`weir.change_feed` = 'difference' is set for a table without a change feed", outcome.text)
        self.assertEqual(outcome.text.count("W2027"), 3)

    def test_a_profile_says_how_tables_are_written(self):
        self.project.write("weir.toml", '[project]\nname = "layout"\n[profiles.default.tables]\n"weir.compression" = "gzip(4)"\n'
                                        'weir.row_group_rows = 700\n')
        self.view("usual", "CLUSTER BY (k)")
        self.view("own", "TBLPROPERTIES ('weir.compression' = 'snappy')")
        # Also where the plans are kept from an earlier run.
        for arguments in ([], ["--force"]):
            self.project.run(*arguments)
            for view, compression in (("usual", "GZIP"), ("own", "SNAPPY")):
                file = self.files(view)[0]
                self.assertEqual((file.metadata.row_group(0).column(0).compression, file.metadata.num_row_groups), (compression, 3))
        written = {row["view_name"]: json.loads(row["policy"]) for row in self.project.sql("SELECT view_name, policy FROM weir.writes")}
        self.assertEqual(written["usual"], {"target_file_size": 256 << 20, "compression": "gzip(4)", "statistics_columns": 32,
                                            "row_group_rows": 700, "sort_columns": ["k"]})
        self.assertEqual(written["own"]["compression"], "snappy")
        self.project.write("weir.toml", '[project]\nname = "layout"\n[profiles.default.tables]\n"weir.compresion" = "gzip"\n')
        outcome = self.project.weir("check")
        self.assertIn("weir.toml:4:1", outcome.text)
        self.assertIn("did you mean `weir.compression`?", outcome.text)
        self.project.write("weir.toml", '[project]\nname = "layout"\n[profiles.default.tables]\n"weir.row_group_rows" = "few"\n')
        self.assertIn("W1031", self.project.weir("check").text)

    def test_wrong_clustering_is_found_by_check(self):
        self.view("wrong", "CLUSTER BY (idd)")
        self.view("nested", "CLUSTER BY (l)", "SELECT id, [k] AS l FROM t")
        outcome = self.project.weir("check")
        self.assertEqual(outcome.code, 1)
        self.assertIn("views/wrong.sql:1:32", outcome.text)
        self.assertIn("CLUSTER BY names a column that the view does not have: `idd`", outcome.text)
        self.assertIn("did you mean `id`?", outcome.text)
        self.assertIn("CLUSTER BY takes columns that readers can skip files by, found l", outcome.text)

    def test_the_feed_of_a_view(self):
        self.view("fed", "TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')", "SELECT id, k FROM t WHERE id < 5")
        self.project.run()
        self.project.sql("DELETE FROM t WHERE id = 2")
        self.project.run()
        feed = pyarrow.table(deltalake.DeltaTable(self.project.table_path("fed")).load_cdf(starting_version=1)).to_pylist()
        counts = collections.Counter()
        for row in feed:
            counts[row["id"]] += 1 if row["_change_type"] == "insert" else -1
        self.assertEqual({i: n for i, n in counts.items() if n}, {2: -1})
        ours = self.project.sql("SELECT id, _change_type AS c FROM delta_cdf('fed', 1) ORDER BY id, c")
        self.assertEqual(len(ours), 9)

    def test_the_feed_of_a_view_that_is_compared_holds_what_differs(self):
        """Bags of rows with NULL, NaN, both zeros, nested values and repetitions; the feed of any two versions is the difference of bags."""
        draw = random.Random(11)
        kinds = pyarrow.schema([("k", pyarrow.int32()), ("f", pyarrow.float64()), ("s", pyarrow.string()), ("d", pyarrow.decimal128(9, 2)),
                                ("l", pyarrow.list_(pyarrow.float32())), ("r", pyarrow.struct([("a", pyarrow.string()), ("b", pyarrow.date32())])),
                                ("m", pyarrow.map_(pyarrow.string(), pyarrow.int64())), ("at", pyarrow.timestamp("us", "UTC")),
                                ("x", pyarrow.binary()), ("Odd-ü", pyarrow.bool_())])

        def row():
            def pick(*values):
                return draw.choice([None, *values])
            return {"k": pick(1, 2), "f": pick(0.0, -0.0, float("nan"), 1.5), "s": pick("", "NULL", "a'b", "Ü"), "d": pick(decimal.Decimal("1.50")),
                    "l": pick([], [None, -0.0], [0.0]), "r": pick({"a": None, "b": None}, {"a": "", "b": datetime.date(1, 1, 1)}),
                    "m": pick([], [("q", None)]), "at": pick(datetime.datetime(1960, 1, 1, tzinfo=datetime.timezone.utc)), "x": pick(b"", b"\xff"),
                    "Odd-ü": pick(True, False)}

        pool = [row() for _ in range(12)]
        source = self.project.folder / "data" / "bag.parquet"
        self.project.write("sources/bag.sql", "CREATE EXTERNAL TABLE bag STORED AS PARQUET LOCATION 'data/bag.parquet';\n")
        for name, clauses in (("compared", ""), ("parted", "PARTITIONED BY (k, \"Odd-ü\") ")):
            self.view(name, clauses + "TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', 'weir.change_feed' = 'difference')", "SELECT * FROM bag")
        bags = []
        for version in range(7):
            # The fifth has the rows of the fourth in another order.
            rows = [draw.choice(pool) for _ in range(draw.randrange(40))] if version != 5 else list(reversed(rows))
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, kinds), source)
            self.project.run("--force")
            bags.append(collections.Counter(repr(list(row.values())) for row in pyarrow.Table.from_pylist(rows, kinds).to_pylist()))
        for name in ("compared", "parted"):
            table = deltalake.DeltaTable(self.project.table_path(name))
            feed = pyarrow.table(table.load_cdf(starting_version=1)).to_pylist()
            for version in range(1, 7):
                signed = collections.Counter()
                of_version = [row for row in feed if row["_commit_version"] == version]
                for change in of_version:
                    signed[repr([change[field.name] for field in kinds])] += 1 if change["_change_type"] == "insert" else -1
                wanted = {key: bags[version][key] - bags[version - 1][key] for key in bags[version] | bags[version - 1]}
                self.assertEqual({key: n for key, n in signed.items() if n}, {key: n for key, n in wanted.items() if n}, f"{name} {version}")
                self.assertEqual(len(of_version), sum(map(abs, wanted.values())), f"{name} {version}: a row that stays is told")
            ours = self.project.sql(f"SELECT _commit_version AS v, count(*) AS n FROM delta_cdf('{name}', 1) GROUP BY 1 ORDER BY 1")
            self.assertEqual({row["v"]: row["n"] for row in ours}, dict(sorted(collections.Counter(row["_commit_version"] for row in feed).items())))
        # A second run does nothing, and columns that change tell by their files.
        self.assertEqual(self.run_counts(), (0, 2))
        self.view("compared", "TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', 'weir.change_feed' = 'difference')", "SELECT k FROM bag")
        self.project.run()
        self.assertEqual(self.project.read("compared").num_rows, sum(bags[-1].values()))

    def test_a_view_over_a_feed_runs_for_new_commits_only_and_keeps_history(self):
        self.project.write("views/history.sql", """
WITH states AS (
  SELECT id, k, _change_type IN ('delete', 'update_preimage') AS ends, _commit_version AS version FROM delta_cdf(t) WHERE id < 4)
SELECT s.id, s.k, s.version AS valid_from, min(e.version) AS valid_to
FROM states s LEFT JOIN states e ON e.ends AND e.id = s.id AND e.version > s.version
WHERE NOT s.ends GROUP BY s.id, s.k, s.version
""")
        self.project.run()
        self.assertEqual(self.run_counts(), (0, 1))
        self.project.sql("UPDATE t SET k = -1 WHERE id IN (1, 2)")
        self.project.sql("DELETE FROM t WHERE id = 2")
        self.project.sql("INSERT INTO t VALUES (2, 5, 0)")
        self.assertEqual(self.run_counts(), (1, 0))
        found = sorted((row["id"], row["k"], row["valid_from"], row["valid_to"]) for row in self.project.read("history").to_pylist())
        wanted = [(0, 0, 0, None), (1, -1, 1, None), (1, 919, 0, 1), (2, -1, 1, 2), (2, 838, 0, 1), (2, 5, 3, None), (3, 757, 0, None)]
        self.assertEqual(found, sorted(wanted, key=lambda row: row[:3]))
        deltalake.DeltaTable(self.project.folder / "data" / "t").optimize.compact()
        scans = self.project.weir("explain", "history", "--scans").text
        self.assertIn("#version=3&change=insert", scans)
        lineage = self.project.weir("lineage", "history.k").text
        self.assertIn("delta_cdf(t).k", lineage)

    def test_calls_that_cannot_be_pinned_are_refused(self):
        self.project.write("views/later.sql", "SELECT id FROM delta_cdf(t, '2024-01-01T00:00:00Z')")
        outcome = self.project.weir("check")
        self.assertEqual(outcome.code, 1)
        self.assertIn("a view may read the changes of a Delta source from one version", outcome.text)


if __name__ == "__main__":
    unittest.main()
