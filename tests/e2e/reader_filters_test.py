# SPDX-License-Identifier: Apache-2.0
"""What the Parquet reader filters, and stops filtering, never shows in results. DuckDB reads the same files and says what is right."""

import random

import deltalake
import duckdb
import pyarrow

import weir_project
from duckdb_case import DuckdbCase

ROWS = 300_000  # more than the reader looks at before it decides

# Of a table whose first rows meet hardly any filter and whose last ones meet most, and the other way round.
QUERIES = {
    "most_first": "SELECT count(*) AS n, sum(value) AS total FROM events WHERE place < 250000 AND kind < 90",
    "few_first": "SELECT count(*) AS n, sum(value) AS total FROM events WHERE place > 250000",
    "rare": "SELECT id, note FROM events WHERE value = 4711 ORDER BY id",
    "rare_with_text": "SELECT id, note, kind FROM events WHERE value BETWEEN 10 AND 40 AND note LIKE '%7%' ORDER BY id",
    "nulls": "SELECT count(*) AS n, count(maybe) AS m FROM events WHERE maybe <> 3 OR value < 100",
    "null_only": "SELECT count(*) AS n FROM events WHERE maybe = 5 AND maybe <> 5",
    "in_list": "SELECT kind, count(*) AS n FROM events WHERE kind IN (1, 50, 99) GROUP BY kind ORDER BY kind",
    "between_columns": "SELECT count(*) AS n, min(note) AS least FROM events WHERE value < place",
    "not_simple": "SELECT count(*) AS n FROM events WHERE value % 7 = 3 AND kind < 20",
    "mixed": "SELECT count(*) AS n FROM (SELECT * FROM events WHERE abs(value) > 500000) AS e WHERE kind < 50 AND place > 1000",
    "dear_before_cheap": "SELECT id, kind FROM events WHERE note LIKE '%77%' AND note <> 'note 77' AND value < place AND kind = 7 AND value > 0 "
                         "ORDER BY id",
    "texts_in_list": "SELECT count(*) AS n, sum(value) AS total FROM events WHERE note IN ('note 1', 'note 12', 'note 123', 'note 1234') AND kind < 3",
    "null_tests": "SELECT count(*) AS n, min(note) AS least FROM events WHERE note NOT LIKE 'note 1%' AND maybe IS NULL AND kind IN (3, 4) AND value > 9",
    "null_test_and_text": "SELECT kind, max(note) AS most FROM events WHERE note > 'note 9' AND maybe IS NOT NULL AND value BETWEEN 0 AND 9999 "
                          "GROUP BY kind ORDER BY kind",
    "may_fail": "SELECT count(*) AS n FROM events WHERE maybe <> 0 AND 100 % maybe = 1 AND note LIKE '%5' AND kind < 9",
    "never_of_null": "SELECT count(*) AS n FROM events WHERE NOT (note = 'note 5' AND kind = 1) AND maybe NOT IN (1, 2) AND value < 1000",
    "order_with_ties": "SELECT kind, place, maybe, value, note FROM events ORDER BY kind, maybe NULLS FIRST, note, value, place LIMIT 40",
    "order_with_ties_of_null": "SELECT maybe, kind, value, note FROM events ORDER BY maybe DESC NULLS FIRST, kind DESC, note, value LIMIT 70 OFFSET 5",
    "join_few": "SELECT count(*) AS n, sum(e.value) AS total FROM events e JOIN few f ON e.kind = f.kind WHERE f.kind < 3",
    "join_most": "SELECT count(*) AS n, sum(e.value) AS total FROM events e JOIN few f ON e.kind = f.kind",
    "join_wide": "SELECT e.id, e.note FROM events e JOIN few f ON e.id = f.id WHERE e.kind < 95 ORDER BY e.id",
    "semi": "SELECT count(*) AS n FROM events WHERE id IN (SELECT id FROM few WHERE kind > 10)",
    "top": "SELECT id, value FROM events ORDER BY value DESC, id LIMIT 20",
    "least": "SELECT min(value) AS least, max(place) AS most FROM events WHERE kind > 2",
}


class ReaderFiltersTest(DuckdbCase):
    def setUp(self):
        super().setUp()
        self.project = weir_project.Project(self.scratch / "project")
        self.duckdb = duckdb.connect()
        draw = random.Random(7)
        events = pyarrow.table({
            "id": pyarrow.array(range(ROWS), pyarrow.int64()),
            "place": pyarrow.array(range(ROWS), pyarrow.int32()),
            "kind": pyarrow.array([draw.randrange(100) for _ in range(ROWS)], pyarrow.int64()),
            "value": pyarrow.array([draw.randrange(-1_000_000, 1_000_000) for _ in range(ROWS)], pyarrow.int64()),
            "maybe": pyarrow.array([None if draw.random() < 0.3 else draw.randrange(6) for _ in range(ROWS)], pyarrow.int32()),
            "note": pyarrow.array([f"note {draw.randrange(10**6)}" for _ in range(ROWS)])})
        few = pyarrow.table({"id": pyarrow.array([draw.randrange(ROWS) for _ in range(90)], pyarrow.int64()),
                             "kind": pyarrow.array(range(90), pyarrow.int64())})
        sources = []
        for name, rows in (("events", events), ("few", few)):
            properties = deltalake.WriterProperties(max_row_group_size=ROWS // 3)
            deltalake.write_deltalake(str(self.scratch / name), rows, writer_properties=properties)
            sources.append(f"CREATE EXTERNAL TABLE {name} STORED AS DELTATABLE LOCATION '{self.scratch / name}';\n")
            self.duckdb.register(name, rows)
        self.project.write("sources/tables.sql", "".join(sources))
        for name, query in QUERIES.items():
            self.project.write(f"views/{name}.sql", query + "\n")

    def check(self, settings: str) -> None:
        self.project.write("weir.toml", '[project]\nname = "filters"\n' + settings)
        self.project.run()
        self.assert_views_hold(self.project, QUERIES)

    def test_results_are_those_of_another_engine(self):
        self.check("")

    def test_so_they_are_with_several_partitions_and_small_batches(self):
        self.check('\n[profiles.default.settings]\n"datafusion.execution.target_partitions" = "3"\n'
                   '"datafusion.execution.batch_size" = "1000"\n')

    def test_so_they_are_without_filters_in_the_reader(self):
        self.check('\n[profiles.default.settings]\n"datafusion.execution.parquet.pushdown_filters" = "false"\n')

    def physical_plan(self, query: str) -> str:
        self.project.write("weir.toml", '[project]\nname = "filters"\n')
        return self.project.succeed("sql", f"EXPLAIN {query}").stdout.partition("physical_plan")[2]

    def test_cheap_conditions_come_first_and_those_that_may_fail_last(self):
        plan = self.physical_plan("SELECT id FROM events WHERE 100 / maybe > 3 AND note LIKE '%7%' AND note <> 'x' AND value < place AND id > 9 "
                                  "AND kind = 1")
        condition = plan.partition("predicate=")[2]
        places = [condition.index(part) for part in ("kind@2 = 1", "id@0 > 9", "note@5 != x", "LIKE", "CAST(place", "100 /")]
        self.assertEqual(places, sorted(places), condition)

    def test_what_a_long_order_finds_is_read_of_its_first_key(self):
        of_many = self.physical_plan("SELECT * FROM events ORDER BY place, kind, value, maybe, note, id LIMIT 5")
        self.assertRegex(of_many, r"predicate=of place@\d+ in DynamicFilter")
        of_few = self.physical_plan("SELECT * FROM events ORDER BY place, id LIMIT 5")
        self.assertRegex(of_few, r"predicate=DynamicFilter")
