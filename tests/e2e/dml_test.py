# SPDX-License-Identifier: Apache-2.0
"""Statements that write Delta tables: what they refuse and say, the rules of tables, and many writers of one table.

In: tables that python deltalake makes, which is also who reads what came of them."""

import datetime
import json
import os
import re
import subprocess
import unittest
from concurrent.futures import ThreadPoolExecutor

import deltalake
import pyarrow
import pyarrow.parquet

from sql_case import Anywhere
from weir_project import program

WRITERS, STATEMENTS_EACH = 10, 4


class Dml(Anywhere):
    def setUp(self):
        super().setUp()
        self.write("weir.toml", '[project]\nname = "dml"\nwarehouse = "wh"\n[profiles.default.sql]\nallow = ["query", "dml"]\n'
                                '[profiles.reader.sql]\nallow = ["query"]\n')
        self.write("sources/t.sql", "CREATE EXTERNAL TABLE t STORED AS DELTATABLE LOCATION 'table';\n")
        self.write("data/plain.csv", "id,n\n1,2\n")
        self.write("sources/plain.sql", "CREATE EXTERNAL TABLE plain STORED AS CSV LOCATION 'data/plain.csv';\n")
        self.write("views/big.sql", "SELECT id FROM t WHERE n > 1\n")

    def create(self, rows: pyarrow.Table, **options) -> None:
        deltalake.write_deltalake(self.scratch / "table", rows, **options)

    def read(self) -> list[dict]:
        rows = pyarrow.table(deltalake.QueryBuilder().register("t", deltalake.DeltaTable(self.scratch / "table")).execute("SELECT * FROM t"))
        return sorted(rows.to_pylist(), key=lambda row: str(row))

    def did(self, sql: str, *arguments: str) -> dict:
        return self.rows(sql, *arguments)[0]

    def simple(self) -> None:
        self.create(pyarrow.table({"id": pyarrow.array([1, 2, 3], pyarrow.int64()), "n": pyarrow.array([10, None, 30], pyarrow.int32())}))


class Statements(Dml):
    def test_what_a_statement_did_is_its_result(self):
        self.simple()
        self.assertEqual(self.did("DELETE FROM t WHERE id = 2"),
                         {"operation": "DELETE", "table_name": "t", "version": 1, "rows_inserted": 0, "rows_updated": 0, "rows_deleted": 1,
                          "files_added": 1, "files_removed": 1})
        self.assertEqual(self.did("DELETE FROM t WHERE id = 2")["version"], 1)  # nothing to do, no version
        self.assertEqual(self.did("TRUNCATE TABLE t")["rows_deleted"], 2)
        self.assertEqual(self.read(), [])
        self.assertEqual(deltalake.DeltaTable(self.scratch / "table").history(1)[0]["operation"], "TRUNCATE")

    def test_columns_by_name_and_new_ones(self):
        self.simple()
        self.did("INSERT INTO t BY NAME SELECT 40 AS n, 4 AS ID")
        self.did("INSERT INTO t BY NAME SELECT 5 AS id")
        self.assertIn("has no column `note`", self.failure("INSERT INTO t BY NAME SELECT 6 AS id, 'x' AS note"))
        self.assertEqual(self.did("INSERT WITH SCHEMA EVOLUTION INTO t SELECT named_struct('a', 1, 'Ü', [1.5]) AS \"Odd-näme\", 6 AS id, "
                                  "TIMESTAMP '2024-01-01' AS at UNION ALL SELECT NULL, 7, NULL")["rows_inserted"], 2)
        wanted = [{"id": number, "n": n, "Odd-näme": None, "at": None} for number, n in [(1, 10), (2, None), (3, 30), (4, 40), (5, None), (7, None)]]
        wanted.append({"id": 6, "n": None, "Odd-näme": {"a": 1, "Ü": [1.5]}, "at": datetime.datetime(2024, 1, 1)})
        table = deltalake.DeltaTable(self.scratch / "table")
        self.assertEqual([field.name for field in table.schema().fields], ["id", "n", "Odd-näme", "at"])
        found = self.rows("SELECT id, n, \"Odd-näme\"['a'] AS a, CAST(at AS VARCHAR) AS at FROM t ORDER BY id")
        self.assertEqual(found, [{"id": row["id"], "n": row["n"], "a": row["Odd-näme"] and 1, "at": row["at"] and "2024-01-01T00:00:00"}
                                 for row in sorted(wanted, key=lambda row: row["id"])])
        self.assertEqual(self.read(), sorted(wanted, key=str))
        # Nothing new: no other schema, hence an append like any other.
        self.did("INSERT WITH SCHEMA EVOLUTION INTO t SELECT 8 AS id")
        self.assertNotIn("metaData", (self.scratch / "table/_delta_log/00000000000000000004.json").read_text())
        self.did("INSERT WITH SCHEMA EVOLUTION OVERWRITE t SELECT true AS flag, 9 AS id")
        self.assertEqual(self.read(), [{"id": 9, "n": None, "Odd-näme": None, "at": None, "flag": True}])
        self.assertIn("`SCHEMA EVOLUTION` is wanted", self.failure("INSERT WITH SCHEMA INTO t SELECT 1 AS id"))
        self.assertIn("each column once", self.failure("INSERT INTO t BY NAME SELECT 1 AS id, 2 AS \"ID\""))

    def test_statements_that_follow_see_what_was_written(self):
        self.simple()
        found = self.answers(["INSERT INTO t VALUES (4, 40)", "SELECT count(*) AS n FROM t", "UPDATE t SET n = 0", "SELECT sum(n) AS n FROM t"])
        self.assertEqual((found[1], found[3]), ([{"n": 4}], [{"n": 0}]))

    def test_subqueries_see_the_table_as_it_was(self):
        self.simple()
        self.did("UPDATE t SET n = (SELECT max(n) FROM t) + t.id WHERE n IS NULL OR id IN (SELECT max(id) FROM t)")
        self.assertEqual(self.read(), [{"id": 1, "n": 10}, {"id": 2, "n": 32}, {"id": 3, "n": 33}])
        self.did("DELETE FROM t AS x WHERE EXISTS (SELECT 1 FROM t AS y WHERE y.n = x.n + 1)")
        self.assertEqual(self.read(), [{"id": 1, "n": 10}, {"id": 3, "n": 33}])
        self.did("INSERT INTO t SELECT id + 10, n FROM t")
        self.assertEqual([row["id"] for row in self.read()], [1, 11, 13, 3])

    def test_tables_by_their_path_and_other_dialects(self):
        self.simple()
        self.assertEqual(self.did("DELETE FROM './table' WHERE id = 1")["table_name"], "./table")
        self.did("UPDATE `./table` AS `x` SET `n` = 5 WHERE `x`.`id` = 3 AND \"a\" = 'a'", "--dialect", "mysql")
        self.assertEqual(self.read(), [{"id": 2, "n": None}, {"id": 3, "n": 5}])

    def test_a_source_of_a_merge_may_be_anything(self):
        self.simple()
        self.did("MERGE INTO t USING 'data/plain.csv' AS p ON t.id = p.id WHEN MATCHED AND t.n > 100 THEN DELETE WHEN MATCHED THEN UPDATE SET n = p.n")
        self.did("MERGE INTO t USING plain ON t.id = plain.id + 5 WHEN NOT MATCHED THEN INSERT (id) VALUES (plain.id + 5)")
        self.did("MERGE INTO t USING (SELECT id, n FROM t WHERE id = 2) AS s ON t.id = s.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED BY SOURCE AND "
                 "t.id = 3 THEN UPDATE SET n = CASE WHEN t.n > 1 THEN -1 END")
        self.assertEqual(self.read(), [{"id": 1, "n": 2}, {"id": 3, "n": -1}, {"id": 6, "n": None}])

    def test_files_are_removed_as_the_log_spells_them(self):
        """Others leave letters beyond ASCII in the log as they are."""
        self.create(pyarrow.table({"id": pyarrow.array([1, 2], pyarrow.int64()), "p": ["ü", "ü"]}), partition_by=["p"])
        log = self.scratch / "table" / "_delta_log" / f"{0:020}.json"
        folder = next((self.scratch / "table").glob("p=*"))
        folder.rename(self.scratch / "table" / "p=ü")
        spelled = re.sub(r'"path":"[^"]*/', '"path":"p=ü/', log.read_text())
        log.write_text(spelled)
        self.did("DELETE FROM t WHERE id = 1")
        actions = [json.loads(line) for line in (self.scratch / "table" / "_delta_log" / f"{1:020}.json").read_text().splitlines()]
        removed = [action["remove"]["path"] for action in actions if "remove" in action]
        self.assertEqual(removed, re.findall(r'"path":"([^"]*)"', spelled))
        self.assertEqual(self.rows("SELECT * FROM t"), [{"id": 2, "p": "ü"}])

    def test_a_merge_writes_only_the_files_that_it_must(self):
        for start in range(0, 100, 10):
            self.create(pyarrow.table({"id": pyarrow.array(range(start, start + 10), pyarrow.int64()), "n": pyarrow.array([0] * 10, pyarrow.int32())}),
                        mode="append")
        did = self.did("MERGE INTO t USING (VALUES (41), (43), (200)) AS s(id) ON t.id = s.id WHEN MATCHED THEN UPDATE SET n = 1 "
                       "WHEN NOT MATCHED THEN INSERT (id, n) VALUES (s.id, 2)")
        self.assertEqual((did["files_removed"], did["rows_updated"], did["rows_inserted"]), (1, 2, 1))

    def test_a_column_list_a_query_of_other_types_and_values_that_do_not_fit(self):
        self.simple()
        self.did("INSERT INTO t (n, id) SELECT '7', 4.0")
        self.assertIn({"id": 4, "n": 7}, self.read())
        before = self.read()
        self.assertIn("3000000000", self.failure("INSERT INTO t VALUES (5, 3000000000)"))
        self.assertIn("'x'", self.failure("UPDATE t SET n = 'x'"))
        self.assertEqual(self.read(), before)
        written = {path.name for path in (self.scratch / "table").glob("*.parquet")}
        self.assertEqual(written, {path.rsplit("/", 1)[-1] for path in deltalake.DeltaTable(self.scratch / "table").file_uris()})


class Refusals(Dml):
    def refused(self, sql: str, message: str, *arguments: str, code: int = 1) -> None:
        self.assertIn(message, self.failure(sql, *arguments, code=code), sql)

    def test_what_is_not_to_be_written_is_refused_by_name(self):
        self.simple()
        self.weir("run")
        self.refused("DELETE FROM t", "the profile `reader` does not allow statements of the kind `dml`, found `DELETE`", "--profile", "reader")
        self.refused("DELETE FROM plain", "found a source of csv files: `plain`")
        self.refused("INSERT INTO big VALUES (1)", "found a view: `big`")
        self.refused("DELETE FROM weir.runs", "found what runs recorded: `weir.runs`")
        self.refused("DELETE FROM 'data/plain.csv'", "found csv files: `data/plain.csv`")
        self.write("sources/t.sql", "CREATE EXTERNAL TABLE t STORED AS DELTATABLE LOCATION 'table' OPTIONS ('version' '0');\n")
        self.refused("DELETE FROM t", "found a source that is pinned: `t`")
        self.assertEqual(len(self.read()), 3)

    def test_errors_name_the_place(self):
        self.simple()
        self.refused("UPDATE t SET m = 1", "line 1, column 14")
        self.refused("UPDATE t SET m = 1", "the table `t` has no column `m`")
        self.refused("UPDATE t SET n = 1,\n  n = 2", "line 2, column 3")
        self.refused("DELETE FROM t WHERE\n  idd = 1", "line 2, column 3")
        self.refused("DELETE FROM t WHERE\n  idd = 1", "did you mean `id`?")
        self.refused("UPDATE t SET n = 1 FROM plain WHERE t.id = plain.id", "MERGE INTO … USING … ON …")
        self.refused("DELETE t WHERE id = 1", "`FROM` is wanted, found `t`")
        self.refused("INSERT INTO t VALUES (1)", "a query with 2 columns is wanted for the table `t`, found one with 1")
        self.refused("INSERT INTO t (id, no) VALUES (1, 2)", "the table `t` has no column `no`")
        self.refused("MERGE INTO t USING plain ON t.id = plain.id WHEN MATCHED THEN", "`UPDATE` or `DELETE` is wanted")
        self.refused("MERGE INTO t USING (VALUES (1, 1), (1, 2)) AS s(id, n) ON t.id = s.id WHEN MATCHED THEN UPDATE SET *",
                     "found 1 that is found by several and would be updated: `t`")
        self.refused("MERGE INTO t USING (VALUES (1)) AS s(id) ON t.id = s.id WHEN MATCHED THEN UPDATE SET *", "which has no `n`")

    def test_tables_with_rules_that_are_not_kept(self):
        for configuration, feature in (({"delta.columnMapping.mode": "name"}, "columnMapping"),):
            with self.subTest(feature):
                deltalake.DeltaTable.create(self.scratch / "table", pyarrow.schema([("id", pyarrow.int64())]), configuration=configuration)
                self.refused("INSERT INTO t VALUES (1)", f"the table feature `{feature}`: `t`", code=3)
        self.write("far/_delta_log/00000000000000000000.json", "\n".join(json.dumps(action) for action in [
            {"protocol": {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["rowTracking", "domainMetadata"]}},
            {"metaData": {"id": "x", "format": {"provider": "parquet", "options": {}}, "partitionColumns": [], "configuration": {},
                          "schemaString": '{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]}'}}]))
        self.refused("INSERT INTO './far' VALUES (1)", "the table feature `rowTracking`: `./far`", code=3)
        self.assertEqual([path.name for path in (self.scratch / "far").iterdir()], ["_delta_log"])


class Rules(Dml):
    def make(self, fields: list[dict], configuration: dict, writer: int = 4) -> None:
        schema = json.dumps({"type": "struct", "fields": [{"nullable": True, "metadata": {}, **field} for field in fields]})
        self.write("table/_delta_log/00000000000000000000.json", "\n".join(json.dumps(action) for action in [
            {"protocol": {"minReaderVersion": 1, "minWriterVersion": writer}},
            {"metaData": {"id": "x", "format": {"provider": "parquet", "options": {}}, "partitionColumns": [], "configuration": configuration,
                          "schemaString": schema}}]))

    def test_not_null_and_checks_hold_on_every_path(self):
        self.make([{"name": "id", "type": "long", "nullable": False}, {"name": "n", "type": "integer"},
                   {"name": "m", "type": "integer", "metadata": {"delta.invariants": '{"expression": {"expression": "m < 9"}}'}}],
                  {"delta.constraints.positive": "n > 0"})
        self.did("INSERT INTO t VALUES (1, 1, 1), (2, 2, 2)")
        for sql, message in (("INSERT INTO t VALUES (NULL, 1, 1)", "the column `id` of the table `t`, which is NOT NULL"),
                             ("UPDATE t SET id = NULL WHERE n = 1", "which is NOT NULL"),
                             ("INSERT INTO t VALUES (3, -1, 1)", "the constraint `positive` of the table `t`"),
                             ("INSERT INTO t VALUES (3, NULL, 1)", "the constraint `positive`"),
                             ("UPDATE t SET n = n - 1 WHERE id = 1", "found id = 1, n = 0, m = 1"),
                             ("INSERT INTO t VALUES (3, 1, 9)", "the constraint `m` of the table `t`"),
                             ("INSERT OVERWRITE t VALUES (3, 0, 1)", "the constraint `positive`"),
                             ("MERGE INTO t USING (VALUES (7)) AS s(id) ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id, n, m) VALUES (s.id, 0, 0)",
                              "the constraint `positive`")):
            self.assertIn(message, self.failure(sql), sql)
        self.assertEqual(self.read(), [{"id": 1, "n": 1, "m": 1}, {"id": 2, "n": 2, "m": 2}])

    def test_not_null_within_structs_and_lists(self):
        inner = {"type": "struct", "fields": [{"name": "a", "type": "long", "nullable": False, "metadata": {}}]}
        self.make([{"name": "s", "type": inner}, {"name": "l", "type": {"type": "array", "elementType": "long", "containsNull": False}}], {})
        self.did("INSERT INTO t VALUES (named_struct('a', 1), [1, 2]), (NULL, NULL)")
        self.assertIn("the column `s.a`", self.failure("INSERT INTO t VALUES (named_struct('a', CAST(NULL AS BIGINT)), [1])"))
        self.assertIn("the column `l.element`", self.failure("INSERT INTO t VALUES (named_struct('a', 2), [1, NULL])"))

    def test_generated_columns_are_computed_and_checked(self):
        self.make([{"name": "n", "type": "integer"},
                   {"name": "double n", "type": "integer", "metadata": {"delta.generationExpression": "n * 2"}},
                   {"name": "s", "type": "string"}], {})
        self.did("INSERT INTO t VALUES (1, 'a'), (NULL, 'b')")
        self.did("INSERT INTO t (\"double n\", n) VALUES (6, 3)")
        self.assertIn("the generated column `double n`", self.failure("INSERT INTO t (\"double n\", n) VALUES (7, 3)"))
        self.did("UPDATE t SET n = 10 WHERE s = 'a'")
        self.did("MERGE INTO t USING (VALUES (3, 'x'), (4, 'y')) AS v(n, s) ON t.n = v.n WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *")
        self.assertIn("computed from others", self.failure("UPDATE t SET \"double n\" = 1"))
        self.assertEqual(self.read(), [{"n": 10, "double n": 20, "s": "a"}, {"n": 3, "double n": 6, "s": "x"}, {"n": 4, "double n": 8, "s": "y"},
                                       {"n": None, "double n": None, "s": "b"}])

    def test_append_only_tables(self):
        self.make([{"name": "n", "type": "integer"}], {"delta.appendOnly": "true"})
        self.did("INSERT INTO t VALUES (1)")
        for sql in ("DELETE FROM t", "UPDATE t SET n = 2", "INSERT OVERWRITE t VALUES (2)", "TRUNCATE t"):
            self.assertIn("may only be added", self.failure(sql), sql)


class Definitions(Dml):
    def setUp(self):
        super().setUp()
        self.write("weir.toml", '[project]\nname = "dml"\nwarehouse = "wh"\n[profiles.default.sql]\nallow = ["query", "dml", "ddl"]\n')

    def test_checkpoints_of_version_two(self):
        self.did("CREATE TABLE './v2' (id BIGINT) STORED AS DELTATABLE TBLPROPERTIES ('delta.checkpointPolicy' = 'v2', "
                 "'delta.checkpointInterval' = '2')")
        for number in range(5):
            self.did(f"INSERT INTO './v2' VALUES ({number})")
        checkpoint = pyarrow.parquet.read_table(self.scratch / "v2/_delta_log/00000000000000000004.checkpoint.parquet")
        self.assertEqual(sum(row["checkpointMetadata"] is not None for row in checkpoint.to_pylist()), 1)
        (self.scratch / "v2/_delta_log/00000000000000000003.json").unlink()
        self.assertEqual(self.rows("SELECT count(*) AS n, sum(id) AS s FROM './v2'"), [{"n": 5, "s": 10}])
        theirs = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(self.scratch / "v2")).execute("SELECT count(*) AS n FROM t")
        self.assertEqual(pyarrow.table(theirs).to_pylist(), [{"n": 5}])

    def test_a_table_with_all_that_can_be_said_of_it(self):
        self.did("CREATE TABLE t (id BIGINT NOT NULL COMMENT 'the key', \"Ab\" DECIMAL(10, 2), s STRUCT<x INT, y VARCHAR>, l ARRAY<INT>, day DATE, "
                 "moment TIMESTAMP, twice BIGINT GENERATED ALWAYS AS (id * 2), CONSTRAINT positive CHECK (id > 0)) STORED AS DELTATABLE "
                 "PARTITIONED BY (day) COMMENT 'all of it' TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', 'owner' = 'ops')")
        table = deltalake.DeltaTable(self.scratch / "table")
        self.assertEqual(table.metadata().partition_columns, ["day"])
        self.assertEqual(table.metadata().description, "all of it")
        self.assertEqual(table.metadata().configuration["owner"], "ops")
        fields = {field.name: field for field in table.schema().fields}
        self.assertFalse(fields["id"].nullable)
        self.assertEqual(fields["id"].metadata["comment"], "the key")
        self.assertEqual(fields["twice"].metadata["delta.generationExpression"], "id * 2")
        types = {name: str(field.type) for name, field in fields.items()}
        self.assertIn("decimal(10,2)", types["Ab"])
        self.assertIn("timestamp_ntz", types["moment"])
        self.assertLessEqual({"changeDataFeed", "checkConstraints", "generatedColumns", "timestampNtz"}, set(table.protocol().writer_features))
        self.did("INSERT INTO t (id, day, s, l) VALUES (4, DATE '2024-01-02', named_struct('x', 1, 'y', 'z'), [1, NULL])")
        self.assertIn("the constraint `positive`", self.failure("INSERT INTO t (id) VALUES (0)"))
        self.assertEqual(self.read()[0]["twice"], 8)
        self.assertIn("found one: `t`", self.failure("CREATE TABLE t (id BIGINT) STORED AS DELTATABLE"))
        self.assertEqual(self.did("CREATE TABLE IF NOT EXISTS t (id BIGINT) STORED AS DELTATABLE")["version"], 1)

    def test_a_table_from_a_query_and_its_replacement(self):
        did = self.did("CREATE TABLE 'new/place' USING DELTA PARTITIONED BY (p) AS SELECT i AS n, CASE WHEN i % 2 = 0 THEN 'even' END AS p, "
                       "CAST(i AS TINYINT UNSIGNED) AS tiny, TIMESTAMP '2024-01-01' AS at FROM generate_series(1, 5) AS g(i)")
        self.assertEqual((did["operation"], did["version"], did["rows_inserted"]), ("CREATE TABLE", 0, 5))
        table = deltalake.DeltaTable(self.scratch / "new" / "place")
        found = pyarrow.table(deltalake.QueryBuilder().register("t", table).execute("SELECT n, p, tiny FROM t ORDER BY n")).to_pylist()
        self.assertEqual(found, [{"n": i, "p": None if i % 2 else "even", "tiny": i} for i in range(1, 6)])
        did = self.did("CREATE OR REPLACE TABLE ignored STORED AS DELTATABLE LOCATION 'new/place' AS SELECT 'x' AS only")
        self.assertEqual((did["version"], did["rows_inserted"], did["files_removed"]), (1, 1, 2))
        replaced = deltalake.DeltaTable(self.scratch / "new" / "place")
        self.assertEqual(replaced.metadata().id, table.metadata().id)
        self.assertEqual(self.rows("SELECT * FROM './new/place'"), [{"only": "x"}])
        self.assertEqual(self.rows("SELECT count(*) AS n FROM './new/place' VERSION AS OF 0"), [{"n": 5}])

    def test_tables_are_altered(self):
        self.simple()
        self.did("ALTER TABLE t ADD COLUMNS (s VARCHAR COMMENT 'late', d DECIMAL(5, 1))")
        self.did("INSERT INTO t VALUES (4, 4, 'x', 1.5)")
        self.assertEqual([(row["s"], row["d"] and float(row["d"])) for row in self.read()], [(None, None)] * 3 + [("x", 1.5)])
        self.assertIn("found 1 for which it is not true: `n > 1`", self.failure("ALTER TABLE t ADD CONSTRAINT big CHECK (n > 1)"))
        self.did("DELETE FROM t WHERE n IS NULL")
        self.did("ALTER TABLE t ADD CONSTRAINT big CHECK (n > 1)")
        self.assertIn("the constraint `big`", self.failure("UPDATE t SET n = 0"))
        self.did("ALTER TABLE t DROP CONSTRAINT big")
        self.did("ALTER TABLE t SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', owner = 'me')")
        self.did("UPDATE t SET n = 0 WHERE id = 1")
        self.assertEqual(self.rows("SELECT n, _change_type AS c FROM delta_cdf(t, 6) ORDER BY n"),
                         [{"n": 0, "c": "update_postimage"}, {"n": 10, "c": "update_preimage"}])
        self.did("ALTER TABLE t UNSET TBLPROPERTIES (owner)")
        self.assertEqual(deltalake.DeltaTable(self.scratch / "table").metadata().configuration, {"delta.enableChangeDataFeed": "true"})
        for sql, message in (("ALTER TABLE t DROP CONSTRAINT big", "has no constraint `big`"),
                             ("ALTER TABLE t UNSET TBLPROPERTIES (owner)", "has no property `owner`"),
                             ("ALTER TABLE t ADD COLUMN n INT", "found `n`"),
                             ("ALTER TABLE t ADD COLUMN m INT NOT NULL", "without NOT NULL"),
                             ("ALTER TABLE t RENAME COLUMN n TO m", "column mapping"),
                             ("ALTER TABLE t DROP COLUMN n", "column mapping"),
                             ("ALTER TABLE t SET TBLPROPERTIES ('delta.enableRowTracking' = 'true')", "`delta.enableRowTracking` = `true`"),
                             ("CREATE TABLE x (a WRONG) USING DELTA LOCATION 'x'", "Unsupported SQL type WRONG"),
                             ("CREATE TABLE x (a INT) USING DELTA", "the place of the table is wanted"),
                             ("CREATE TABLE x (a INTERVAL) USING DELTA LOCATION 'x'", "a"),
                             ("CREATE TABLE x (a INT) USING DELTA LOCATION 'x' PARTITIONED BY (b)", "found `b`"),
                             ("CREATE TABLE x (a INT, CONSTRAINT c CHECK (z > 1)) USING DELTA LOCATION 'x'", "is not understood")):
            self.assertIn(message, self.failure(sql, code=3 if "not understood" in message else 1), sql)
        self.assertFalse((self.scratch / "x").exists())


class ManyWriters(Dml):
    def test_many_writers_of_one_table_end_as_one_after_the_other(self):
        ids = pyarrow.array([*range(5), *range(100, 100 + WRITERS)], pyarrow.int64())
        self.create(pyarrow.table({"id": ids, "n": pyarrow.array([0] * len(ids), pyarrow.int32())}))
        environment = {**os.environ, "XDG_STATE_HOME": str(self.scratch / ".state")}

        def run(writer: int) -> list[str]:
            failures = []
            for i in range(STATEMENTS_EACH):
                sql = [f"UPDATE t SET n = n + 1 WHERE id = {i}",
                       f"INSERT INTO t VALUES ({1000 + writer * 10 + i}, 1)",
                       "MERGE INTO t USING (VALUES (50)) AS s(id) ON t.id = s.id WHEN MATCHED THEN UPDATE SET n = t.n + 1 "
                       "WHEN NOT MATCHED THEN INSERT (id, n) VALUES (s.id, 1)",
                       f"DELETE FROM t WHERE id = {100 + writer}"][(writer + i) % 4]
                done = subprocess.run([program(), "sql", sql], cwd=self.scratch, env=environment, capture_output=True, text=True, timeout=300, check=False)
                if done.returncode:
                    failures.append(f"{sql}\n{done.stderr}")
            return failures

        with ThreadPoolExecutor(WRITERS) as pool:
            failures = [failure for each in pool.map(run, range(WRITERS)) for failure in each]
        self.assertEqual(failures, [])
        kinds = [(writer + i) % 4 for writer in range(WRITERS) for i in range(STATEMENTS_EACH)]
        rows = self.read()
        self.assertEqual(sum(row["n"] for row in rows if row["id"] < 5), kinds.count(0))
        self.assertEqual(sum(row["id"] >= 1000 for row in rows), kinds.count(1))
        self.assertEqual([row["n"] for row in rows if row["id"] == 50], [kinds.count(2)])
        self.assertEqual([row for row in rows if 100 <= row["id"] < 1000], [])

    def test_vectors_of_statements_that_were_beaten_leave_no_files(self):
        self.create(pyarrow.table({"id": pyarrow.array(range(400), pyarrow.int64())}), configuration={"delta.enableDeletionVectors": "true"})
        environment = {**os.environ, "XDG_STATE_HOME": str(self.scratch / ".state")}
        running = [subprocess.Popen([program(), "sql", f"DELETE FROM t WHERE id = {i}"], cwd=self.scratch, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                   for i in range(8)]
        self.assertEqual([each.wait(120) for each in running], [0] * 8)
        self.assertEqual(self.rows("SELECT count(*) AS n, min(id) AS least FROM t"), [{"n": 392, "least": 8}])
        files = sorted(path.name for path in (self.scratch / "table").glob("deletion_vector_*.bin"))
        self.assertEqual(len(files), 8, "one file of vectors a version")
        self.assertEqual(len(self.read()), 392)


if __name__ == "__main__":
    unittest.main()
