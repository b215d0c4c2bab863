# SPDX-License-Identifier: Apache-2.0
"""Bad input: each a clear error that names the thing and its place, with nothing lost or half written.

Each test builds a tiny project, breaks one thing, runs again, and looks at the exit code, at what the message says, and at the
tables: every table opens and holds what it held before, or (where the view itself runs anew) all of its new rows.

Exit codes: 1 the user's SQL, settings or data; 2 wrong use; 3 storage, memory, permissions.
"""

import datetime
import json
import os
import resource
import shlex
import shutil
import subprocess
import unittest

import deltalake
import pyarrow
import pyarrow.parquet

import weir_project
from weir_project import Outcome, Project, ProjectCase, obey_permissions

ITEMS = "CREATE EXTERNAL TABLE items (id BIGINT, name VARCHAR, price DOUBLE)\nSTORED AS CSV LOCATION 'data/items.csv'\n" \
        "OPTIONS ('has_header' 'true');\n"
ITEM_LINES = "id,name,price\n1,apple,0.5\n2,pear,0.75\n3,plum,0.25\n"


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, 64 * 1024))


class ErrorsCase(ProjectCase):
    """A project with one source and two views, built once."""

    def setUp(self):
        super().setUp()
        self.project = Project(self.scratch / "shop")
        self.project.write("weir.toml", '[project]\nname = "shop"\nwarehouse = "warehouse"\n')
        self.project.write("sources/items.sql", ITEMS)
        self.project.write("data/items.csv", ITEM_LINES)
        self.project.write("views/cheap.sql", "SELECT id, name, price\nFROM items\nWHERE price < 0.7\n")
        self.project.write("views/cheap_count.sql", "SELECT count(*) AS n FROM cheap\n")

    def build(self) -> None:
        summary = self.project.run()
        self.assertEqual(summary["views"]["run"], len(self.project.stored_views()))

    def assert_refused(self, code: int, *wanted: str, command=("run",), **options) -> Outcome:
        """Runs a command that must end with `code`, say each of `wanted` on stderr, and change no table."""
        before = self.project.all_files()
        outcome = self.project.weir(*command, **options)
        self.assertEqual(outcome.code, code, outcome.text)
        for text in wanted:
            self.assertIn(text.lower(), outcome.stderr.lower())
        self.assertNotIn("bug in weir", outcome.stderr.lower())
        self.assertNotIn("panic", outcome.stderr.lower())
        self.assertEqual(self.project.all_files(), before, "tables changed")
        return outcome

    def assert_mended(self) -> None:
        """The project runs once the fault is gone."""
        self.project.succeed("run")
        self.assertEqual(self.project.read("cheap").num_rows, 2)


class ProjectErrors(ErrorsCase):
    def test_missing_project_folder_is_named(self):
        self.project = Project(self.scratch / "nowhere")
        self.assert_refused(2, str(self.project.folder), "weir init")
        self.assertFalse(self.project.folder.exists())

    def test_folder_without_weir_toml_is_named(self):
        os.remove(self.project.folder / "weir.toml")
        self.assert_refused(2, "weir.toml", str(self.project.folder))

    def test_unreadable_weir_toml_is_named(self):
        self.build()
        os.chmod(self.project.folder / "weir.toml", 0)
        self.assert_refused(3, "weir.toml", "permission", preexec_fn=obey_permissions)
        os.chmod(self.project.folder / "weir.toml", 0o644)
        self.assert_mended()

    def test_unreadable_view_file_is_named(self):
        self.build()
        os.chmod(self.project.folder / "views" / "cheap.sql", 0)
        self.assert_refused(3, "views/cheap.sql", "permission", preexec_fn=obey_permissions)

    def test_unreadable_folder_of_views_is_named(self):
        self.project.write("views/more/extra.sql", "SELECT id FROM items\n")
        self.build()
        self.project.succeed("check")
        os.chmod(self.project.folder / "views" / "more", 0)
        for command in ("check", "run", "check", "plan"):
            with self.subTest(command):
                self.assert_refused(3, "views", "permission", command=(command,), preexec_fn=obey_permissions)
        os.chmod(self.project.folder / "views" / "more", 0o755)
        self.assert_mended()

    def test_toml_error_has_its_line_and_column(self):
        self.build()
        self.project.write("weir.toml", '[project]\nname = "shop\nwarehouse = "warehouse"\n')
        self.assert_refused(1, "weir.toml:2:", "toml")

    def test_unknown_key_gets_the_nearest_name(self):
        self.build()
        self.project.write("weir.toml", '[project]\nname = "shop"\nwarehouze = "warehouse"\n')
        self.assert_refused(1, "weir.toml:3:1", "`warehouze`", "`warehouse`")

    def test_unknown_engine_setting_gets_the_nearest_name(self):
        self.build()
        self.project.write("weir.toml", '[project]\nname = "shop"\n[profiles.default.settings]\n'
                                        '"datafusion.execution.batch_sise" = 100\n')
        self.assert_refused(1, "weir.toml:4:", "datafusion.execution.batch_sise", "datafusion.execution.batch_size")

    def test_wrong_value_of_a_setting_is_named(self):
        self.build()
        self.project.write("weir.toml", '[project]\nname = "shop"\n[profiles.default]\nmemory_limit = "plenty"\n')
        self.assert_refused(1, "weir.toml:4:", "memory_limit", "plenty")

    def test_unknown_command_is_wrong_use(self):
        self.assert_refused(2, command=("rum",))

    def test_unknown_option_is_wrong_use(self):
        self.assert_refused(2, "--forse", command=("run", "--forse"))

    def test_names_on_the_command_line_that_nothing_has(self):
        for command in (("run", "--select", "chaep"), ("plan", "--select", "chaep"), ("explain", "chaep"), ("lineage", "chaep")):
            with self.subTest(command):
                self.assert_refused(2, "`chaep`", "`cheap`", command=command)
        self.assert_refused(2, "`stable_hash46`", "`stable_hash64`", command=("functions", "stable_hash46"))
        self.assert_refused(2, "`no_nulls`", command=("test", "no_nulls"))
        self.assert_refused(2, "`defualt`", "`default`", command=("check", "--profile", "defualt"))

    def test_spill_directory_that_cannot_be_made_is_named(self):
        self.project.write("weir.toml", '[project]\nname = "shop"\n[profiles.default]\nspill_directory = "/proc/spill"\n')
        self.assert_refused(3, "`/proc/spill`", "spill_directory")

    def test_query_that_fails_in_weir_sql(self):
        self.build()
        self.assert_refused(1, "`chaep`", "`cheap`", command=("sql", "SELECT * FROM chaep"))


class ViewErrors(ErrorsCase):
    def assert_view_refused(self, path: str, text: str, *wanted: str) -> None:
        """Adds a bad view to a project that is built."""
        self.build()
        self.project.write(path, text)
        self.assert_refused(1, *wanted)
        self.assert_refused(1, *wanted, command=("check",))
        os.remove(self.project.folder / path)
        self.assert_mended()

    def test_empty_view_file(self):
        self.assert_view_refused("views/empty.sql", "-- nothing\n", "views/empty.sql")

    def test_two_statements_in_one_file(self):
        self.assert_view_refused("views/two.sql", "SELECT id FROM items;\nSELECT name FROM items;\n", "views/two.sql:2:1", "second")

    def test_two_views_of_one_name(self):
        self.assert_view_refused("views/other/cheap.sql", "SELECT id FROM items\n", "`cheap`", "views/cheap.sql",
                                 "views/other/cheap.sql")

    def test_view_that_shadows_a_source(self):
        self.assert_view_refused("views/items.sql", "SELECT 1 AS one\n", "`items`", "views/items.sql:1:1", "sources/items.sql:1:1")

    def test_unknown_column_gets_the_nearest_name(self):
        self.assert_view_refused("views/bad.sql", "SELECT id,\n  nam\nFROM items\n", "views/bad.sql:2:3", "nam", "name")

    def test_unknown_table_gets_the_nearest_name(self):
        self.assert_view_refused("views/bad.sql", "SELECT id\nFROM itens\n", "views/bad.sql:2:6", "`itens`", "`items`")

    def test_unknown_function_gets_the_nearest_name(self):
        self.assert_view_refused("views/bad.sql", "SELECT\n  stable_hash46(name) AS h\nFROM items\n", "views/bad.sql:2:3",
                                 "stable_hash46", "stable_hash64")

    def test_type_error_names_the_view_and_the_types(self):
        self.assert_view_refused("views/bad.sql", "SELECT id FROM items WHERE id\n", "views/bad.sql", "boolean", "int64")

    def test_syntax_error_has_its_place(self):
        self.assert_view_refused("views/bad.sql", "SELECT id\nFROM items\nWHERE WHERE id = 1\n", "views/bad.sql:3:13")

    def test_queries_that_are_too_deep(self):
        for levels in (2100, 20000):
            deep = {
                "operators": "SELECT id" + " + 1" * levels + " AS x FROM items",
                "alternatives": "SELECT id FROM items WHERE id = 0" + " OR id = 1" * levels,
                "casts": "SELECT id" + "::bigint" * levels + " AS x FROM items",
                "branches": "SELECT id FROM items" + " UNION ALL SELECT id FROM items" * levels,
                "joins": "SELECT count(*) AS n FROM items" + "".join(f", items i{i}" for i in range(levels)),
                "names": "WITH t0 AS (SELECT id FROM items)" + "".join(f", t{i} AS (SELECT id FROM t{i - 1})" for i in range(1, levels))
                         + " SELECT id FROM t1",
            }
            for kind, query in deep.items():
                with self.subTest(kind, levels=levels):
                    self.project.write("views/bad.sql", query + "\n")
                    self.assert_refused(1, "W2006", "views/bad.sql:1:1", "more levels", "IN (", command=("check",))
        (self.project.folder / "views/bad.sql").unlink()
        self.project.write("functions/sum.sql", "CREATE FUNCTION sums(x BIGINT) RETURNS BIGINT RETURN x" + " + 1" * 100000 + ";\n")
        self.assert_refused(1, "functions/sum.sql:", "more levels", command=("check",))

    def test_queries_that_are_nearly_too_deep(self):
        for kind, query in {"alternatives": "SELECT id FROM items WHERE id = 0" + " OR id = 1" * 1990,
                            "branches": "SELECT id FROM items" + " UNION ALL SELECT id FROM items" * 500,
                            "sets": "SELECT id FROM items" + " UNION SELECT id + 1 FROM items" * 100}.items():
            with self.subTest(kind):
                self.project.write("views/deep.sql", query + "\n")
                self.project.succeed("run", "--select", "deep")

    def test_unknown_partition_column(self):
        self.assert_view_refused("views/bad.sql", "CREATE MATERIALIZED VIEW bad PARTITIONED BY (nane) AS\nSELECT id, name FROM items\n",
                                 "views/bad.sql:1:", "`nane`", "`name`")

    def test_column_without_a_usable_name(self):
        self.assert_view_refused("views/bad.sql", "SELECT count(*) FROM items\n", "W2007", "`count(*)`", "AS")

    def test_two_columns_of_one_name(self):
        for query in ("SELECT id, id FROM items", "SELECT a.id, b.id FROM items a JOIN items b ON a.id = b.id",
                      "SELECT id, name AS ID FROM items"):
            with self.subTest(query):
                self.project.write("views/bad.sql", query + "\n")
                self.assert_refused(1, "W2007", "id`", "AS", command=("check",))

    def test_arguments_that_a_function_does_not_take(self):
        self.assert_view_refused("views/bad.sql", "SELECT sum(name) AS total FROM items\n", "`sum`", "`Utf8`", "CAST")

    def test_cycle_is_printed(self):
        self.build()
        for view, upstream in (("egg", "hen"), ("hen", "chick"), ("chick", "egg")):
            self.project.write(f"views/{view}.sql", f"SELECT id FROM {upstream}\n")
        outcome = self.assert_refused(1, "W2009", "views/chick.sql")
        circles = ("chick → egg → hen → chick", "egg → hen → chick → egg", "hen → chick → egg → hen")
        self.assertTrue(any(circle in outcome.stderr for circle in circles), outcome.stderr)

    def test_view_that_reads_itself(self):
        self.assert_view_refused("views/ouroboros.sql", "SELECT id FROM ouroboros\n", "W2009", "ouroboros → ouroboros")

    def test_all_errors_are_reported_at_once(self):
        self.build()
        self.project.write("views/a.sql", "SELECT nam FROM items\n")
        self.project.write("views/b.sql", "SELECT id FROM itens\n")
        self.project.write("views/c.sql", "")
        self.project.write("sources/more.sql", "CREATE EXTERNAL TABLE more STORED AS CSV LOCATION 'data/more.csv';\n")
        outcome = self.assert_refused(1, "views/a.sql:1:8", "views/b.sql:1:16", "views/c.sql", "sources/more.sql:1:1", "data/more.csv")
        self.assertGreaterEqual(outcome.stderr.count("error[W"), 4, outcome.stderr)

    def test_errors_as_json(self):
        self.project.write("views/a.sql", "SELECT nam FROM items\n")
        found = self.project.weir("check", "--format", "json").json()["diagnostics"]
        self.assertEqual([one["code"] for one in found], ["W2002"])
        self.assertIn("views/a.sql", json.dumps(found))


class SourceErrors(ErrorsCase):
    def test_unknown_option_gets_the_nearest_name(self):
        self.build()
        self.project.write("sources/items.sql", ITEMS.replace("has_header", "has_heather"))
        self.assert_refused(1, "sources/items.sql:3:10", "`has_heather`", "`has_header`")

    def test_readers_of_a_broken_source_are_not_blamed(self):
        for ddl in (ITEMS.replace("has_header", "has_heather"), ITEMS.replace("items.csv", "nothing.csv")):
            with self.subTest(ddl):
                self.project.write("sources/items.sql", ddl)
                self.assertNotIn("W2001", self.assert_refused(1, "sources/items.sql", "1 error,").stderr)

    def test_unbounded_source(self):
        self.project.write("sources/items.sql", ITEMS.replace("CREATE EXTERNAL", "CREATE UNBOUNDED EXTERNAL"))
        self.assert_refused(1, "W3006", "UNBOUNDED", "sources/items.sql:1:1")

    def test_access_options_belong_into_weir_toml(self):
        self.project.write("sources/items.sql", "CREATE EXTERNAL TABLE items STORED AS DELTATABLE LOCATION 's3://shop/items'\n"
                                                "OPTIONS ('aws_secret_access_key' 'open-sesame');\n")
        outcome = self.assert_refused(1, "W3006", "`aws_secret_access_key`", '[object_stores."s3://shop"]')
        self.assertNotIn("open-sesame", outcome.text)

    def test_object_store_that_weir_toml_does_not_describe(self):
        self.project.write("sources/items.sql", "CREATE EXTERNAL TABLE items STORED AS DELTATABLE LOCATION 's3://shop/items';\n")
        self.assert_refused(1, "W3001", '[object_stores."s3://shop"]')

    def test_warehouse_that_weir_toml_does_not_describe_is_named_once(self):
        self.project.write("weir.toml", '[project]\nname = "p"\nwarehouse = "s3://lake/tables"\n')
        self.project.write("views/dear.sql", "SELECT id FROM items WHERE price > 0.6\n")
        for command in (("check",), ("run",), ("plan",)):
            outcome = self.project.weir(*command)
            self.assertEqual(outcome.code, 1, outcome)
            self.assertEqual(outcome.text.count("error["), 1, outcome)
            for part in ("W3001", "weir.toml", "the warehouse: ", "`s3://lake`", '[object_stores."s3://lake"]'):
                self.assertIn(part, outcome.text)

    def test_warehouse_that_weir_toml_does_not_describe_is_named_though_no_view_is_read(self):
        self.project.write("weir.toml", '[project]\nname = "p"\nwarehouse = "s3://lake/tables"\n')
        shutil.rmtree(self.project.folder / "views")
        self.project.write("views/dear.sql", "SELECT id FROM items WHERE price > 0.6\n")
        outcome = self.project.weir("check")
        self.assertEqual(outcome.code, 1, outcome)
        self.assertEqual(outcome.text.count("error["), 1, outcome)
        self.assertIn("W3001", outcome.text)

    def test_missing_file_is_named(self):
        self.build()
        os.remove(self.project.folder / "data" / "items.csv")
        self.assert_refused(1, "`items`", "data/items.csv", "sources/items.sql:1:1")
        self.project.write("data/items.csv", ITEM_LINES)
        self.assert_mended()

    def test_unreadable_csv_is_named(self):
        self.build()
        self.project.write("data/items.csv", ITEM_LINES + "4,fig,0.1\n")
        os.chmod(self.project.folder / "data" / "items.csv", 0)
        self.assert_refused(3, "items.csv", "permission", preexec_fn=obey_permissions)

    def test_csv_line_with_too_few_fields(self):
        self.build()
        self.project.write("data/items.csv", ITEM_LINES + "4,fi")
        self.assert_refused(1, "cheap", "items.csv", "line 5")
        self.project.write("data/items.csv", ITEM_LINES)
        self.assert_mended()

    def test_csv_value_of_another_type(self):
        self.build()
        self.project.write("data/items.csv", ITEM_LINES + "four,fig,0.1\n")
        self.assert_refused(1, "cheap", "items.csv", "line 5", "`id`", "`four`", "int64")

    def test_failed_view_blocks_its_readers_only(self):
        self.project.write("views/plain.sql", "SELECT 1 AS one\n")
        self.build()
        self.project.write("data/items.csv", ITEM_LINES + "4,fi")
        self.project.write("views/plain.sql", "SELECT 2 AS one\n")
        summary = self.project.weir("run", "--format", "json").json()
        self.assertEqual(summary["state"], "failed")
        self.assertEqual(summary["views"], {"run": 1, "reused": 0, "failed": 1, "blocked": 1})
        self.assertEqual(self.project.read("plain").to_pylist(), [{"one": 2}])
        self.assertEqual(self.project.read("cheap_count").to_pylist(), [{"n": 2}])

    def test_division_by_zero_at_run_time(self):
        self.build()
        self.project.write("views/broken.sql", "SELECT id / (id - id) AS ratio FROM items\n")
        self.assert_refused(1, "broken", "divide by zero")
        self.assertEqual(self.project.log_files("broken"), [])

    def test_truncated_parquet_is_named(self):
        self.project.write("sources/big.sql", "CREATE EXTERNAL TABLE big STORED AS PARQUET LOCATION 'data/big.parquet';\n")
        self.project.write("views/bigger.sql", "SELECT id + 1 AS id FROM big\n")
        file = self.project.folder / "data" / "big.parquet"
        pyarrow.parquet.write_table(pyarrow.table({"id": list(range(10000))}), file)
        self.build()
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        self.assert_refused(3, "big.parquet")
        file.write_bytes(whole)
        self.assert_mended()

    def test_file_that_is_no_parquet_is_named(self):
        self.project.write("sources/big.sql", "CREATE EXTERNAL TABLE big STORED AS PARQUET LOCATION 'data/big.parquet';\n")
        self.project.write("views/bigger.sql", "SELECT * FROM big\n")
        self.project.write("data/big.parquet", "id\n1\n2\n")
        self.assert_refused(3, "big.parquet")


class DeltaErrors(ErrorsCase):
    def setUp(self):
        super().setUp()
        self.delta = self.project.folder / "data" / "stock"
        for number in range(3):
            deltalake.write_deltalake(str(self.delta), pyarrow.table({"id": [number], "pieces": [number * 10]}), mode="append")
        self.declare()
        self.project.write("views/in_stock.sql", "SELECT id, pieces FROM stock WHERE pieces > 0\n")

    def declare(self, options: str = "") -> None:
        self.project.write("sources/stock.sql", f"CREATE EXTERNAL TABLE stock STORED AS DELTATABLE LOCATION 'data/stock'{options};\n")

    def log(self, version: int):
        return self.delta / "_delta_log" / f"{version:020}.json"

    def test_log_with_a_hole(self):
        self.build()
        hidden = self.log(1).read_bytes()
        os.remove(self.log(1))
        self.assert_refused(3, "stock", "sources/stock.sql:1:1", "version 0 is followed by version 2")
        self.log(1).write_bytes(hidden)
        self.assert_mended()

    def test_unsupported_feature_is_named(self):
        self.build()
        protocol = {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["teleportation"],
                                 "writerFeatures": ["teleportation"]}}
        self.log(3).write_text(json.dumps(protocol) + "\n")
        self.assert_refused(3, "stock", "teleportation")
        os.remove(self.log(3))
        self.assert_mended()

    def test_missing_version_is_named(self):
        self.build()
        self.declare(" OPTIONS ('version' '17')")
        self.assert_refused(1, "stock", "17", "sources/stock.sql:1:1")

    def date_log(self, *minutes: int) -> None:
        """Each version is written in this minute after noon of 2026-01-31."""
        noon = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.timezone.utc).timestamp()
        for version, minute in enumerate(minutes):
            os.utime(self.log(version), (noon + minute * 60, noon + minute * 60))

    def test_timestamp_before_the_first_commit(self):
        self.date_log(0, 1, 2)
        for time in ("2026-01-31T11:59:59Z", "2026-01-31T11:59:59.999999999Z", "2026-01-31T13:59:59.9+02:00", "0001-01-01T00:00:00Z"):
            self.declare(f" OPTIONS ('timestamp' '{time}')")
            self.assert_refused(1, "W3001", "source `stock`", "sources/stock.sql:1:1", "a timestamp from 2026-01-31T12:00:00.000Z on is wanted",
                                "(version 0)", f"found `{time}`", "leave the option 'timestamp' out")

    def test_timestamp_before_the_oldest_commit_that_is_left(self):
        self.date_log(0, 1, 2)
        deltalake.DeltaTable(str(self.delta), version=1).create_checkpoint()
        os.remove(self.log(0))
        self.declare(" OPTIONS ('timestamp' '2026-01-31T12:00:30Z')")
        self.assert_refused(1, "W3001", "a timestamp from 2026-01-31T12:01:00.000Z on is wanted", "(version 1)")

    def test_timestamps_from_the_first_commit_on_are_read(self):
        self.date_log(0, 1, 2)
        for time, pieces in (("2026-01-31T12:00:00Z", []), ("2026-01-31T12:01:00Z", [10]), ("2026-01-31T14:01:59.5+02:00", [10]),
                             ("2027-01-01T00:00:00Z", [10, 20])):
            self.declare(f" OPTIONS ('timestamp' '{time}')")
            self.project.run()
            self.assertEqual(sorted(row["pieces"] for row in self.project.read("in_stock").to_pylist()), pieces, time)

    def test_pinned_version_is_read(self):
        self.declare(" OPTIONS ('version' '1')")
        self.build()
        self.assertEqual(self.project.read("in_stock").to_pylist(), [{"id": 1, "pieces": 10}])

    def test_folder_that_is_no_delta_table(self):
        self.project.write("sources/stock.sql", "CREATE EXTERNAL TABLE stock STORED AS DELTATABLE LOCATION 'data/nothing';\n")
        self.assert_refused(1, "stock", "data/nothing", "sources/stock.sql:1:1")
        self.assertFalse((self.project.folder / "data" / "nothing").exists())

    def test_missing_data_file_is_named(self):
        self.build()
        file = deltalake.DeltaTable(str(self.delta)).file_uris()[0].removeprefix("file://")
        os.remove(file)
        deltalake.write_deltalake(str(self.delta), pyarrow.table({"id": [9], "pieces": [90]}), mode="append")
        self.assert_refused(3, "in_stock", os.path.basename(file))


class EnvironmentErrors(ErrorsCase):
    def write_many_items(self, rows: int) -> None:
        """Rows that neither compress nor aggregate well."""
        lines = (f"{number},{number * 2654435761 % 2**61:x}{number * 40503 % 2**31:x},{number % 1000 / 1001}\n"
                 for number in range(rows))
        self.project.write("data/items.csv", "id,name,price\n" + "".join(lines))

    def test_warehouse_without_permission(self):
        self.build()
        self.project.write("data/items.csv", ITEM_LINES + "4,fig,0.1\n")
        folders = [self.project.warehouse, *(path for path in self.project.warehouse.glob("**/*") if path.is_dir())]
        for folder in folders:
            os.chmod(folder, 0o555)
        try:
            self.assert_refused(3, "warehouse", "permission", preexec_fn=obey_permissions)
        finally:
            for folder in folders:
                os.chmod(folder, 0o755)
        summary = self.project.run()
        self.assertEqual(summary["views"]["failed"], 0)
        self.assertEqual(self.project.read("cheap").num_rows, 3)

    def test_warehouse_that_is_a_file(self):
        self.project.write("warehouse", "not a folder")
        outcome = self.project.weir("run")
        self.assertEqual(outcome.code, 3, outcome.text)
        self.assertIn("warehouse", outcome.stderr)
        self.assertEqual((self.project.folder / "warehouse").read_text(), "not a folder")

    def test_files_that_cannot_grow(self):
        """Every write beyond 64 kB fails in the middle of a file, as it does on a disk that fills up."""
        self.build()
        self.write_many_items(50_000)
        before = self.project.read("cheap").to_pylist(), self.project.log_files("cheap")
        # Python ignores SIGXFSZ; so must the program, to see the error instead of being killed.
        outcome = self.project.weir("run", preexec_fn=limit_file_size, restore_signals=False)
        self.assertEqual(outcome.code, 3, outcome.text)
        self.assertIn("cheap", outcome.stderr)
        self.assertEqual((self.project.read("cheap").to_pylist(), self.project.log_files("cheap")), before)
        self.assert_all_rows_after_mending(50_000)

    def test_full_disk(self):
        """The warehouse on a small file system of its own, which fills up. Where that needs rights we have not, see the test above:
        this one then shows that a run on a disk with room is whole."""
        self.write_many_items(50_000)
        run = f"{shlex.quote(weir_project.program())} run --project {shlex.quote(str(self.project.folder))}"
        csv = shlex.quote(str(self.project.folder / "data" / "items.csv"))
        warehouse = shlex.quote(str(self.project.warehouse))
        os.mkdir(self.project.warehouse)
        can_mount = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0
        if can_mount:
            script = (f"mount -t tmpfs -o size=512k none {warehouse} && cp {csv} {csv}.many && head -4 {csv}.many > {csv} && "
                      f"{run} && mv {csv}.many {csv} && {{ {run}; echo code $?; }} && cp -r {warehouse} {warehouse}.survived")
            done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)
            self.assertIn("code 3", done.stdout, done.stdout + done.stderr)
            self.assertIn("space", done.stderr.lower())
            survived = self.project.warehouse.with_name("warehouse.survived") / "cheap"
            self.assertEqual(deltalake.DeltaTable(str(survived)).to_pyarrow_table().num_rows, 3)
        self.assert_all_rows_after_mending(50_000)

    def assert_all_rows_after_mending(self, rows: int) -> None:
        self.project.succeed("run")
        wanted = sum(1 for number in range(rows) if number % 1000 / 1001 < 0.7)
        self.assertEqual(self.project.read("cheap").num_rows, wanted)
        self.assertEqual(self.project.read("cheap_count").to_pylist(), [{"n": wanted}])

    def test_memory_limit_too_small(self):
        """Either the operators spill and the result is right, or the message says which of them needed how much."""
        self.build()
        self.write_many_items(300_000)
        self.project.write("weir.toml", '[project]\nname = "shop"\n[profiles.default]\nmemory_limit = "8MB"\nthreads = 2\n')
        self.project.write("views/names.sql", "SELECT name, count(*) AS n, max(id) AS last_id FROM items GROUP BY name\n")
        self.project.write("views/paired.sql", "SELECT a.id, b.name FROM items a JOIN items b ON a.name = b.name\n")
        outcome = self.project.weir("run")
        if outcome.code == 0:
            self.assertEqual(self.project.read("names").num_rows, 300_000)
            self.assertEqual(self.project.read("paired").num_rows, 300_000)
            return
        self.assertEqual(outcome.code, 3, outcome.text)
        self.assertRegex(outcome.stderr.lower(), r"(names|paired)")
        self.assertRegex(outcome.stderr, r"(?i)memory")
        self.assertRegex(outcome.stderr, r"(?i)(hashjoin|groupedhashaggregate|sort|repartition)", "the operator is not named")
        self.assertRegex(outcome.stderr, r"\d+(\.\d+)? ?[kMG]?i?B", "what it needed is not said")
        for name in ("names", "paired"):
            self.assertIn(len(self.project.log_files(name)), (0, 1))
            if self.project.log_files(name):
                self.assertEqual(self.project.read(name).num_rows, 300_000)


if __name__ == "__main__":
    unittest.main()
