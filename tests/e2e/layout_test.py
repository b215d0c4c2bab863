# SPDX-License-Identifier: Apache-2.0
"""How views' tables are laid out: CLUSTER BY, properties that say how files are written, change feeds of views; and change feeds that views read.

Another reader (pyarrow, python deltalake) says what is in the files."""

import collections
import json
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
        outcome = self.project.weir("run", "--force")
        self.assertEqual(outcome.code, 1)
        self.assertIn("a whole number is wanted for the property `weir.row_group_rows`, found `many`", outcome.text)

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
