# SPDX-License-Identifier: Apache-2.0
"""`weir sql` without a project: files, patterns, folders, Delta tables and URLs by their path, as DuckDB and pyarrow read them.

In: files that DuckDB, pyarrow and python deltalake write into a scratch folder. Weir's rows come as a Parquet file, which pyarrow reads,
or as JSON; both are compared with what the other readers see. Delta tables of others: ../shared/delta_tables, where they are there.
"""

import bz2
import gzip
import importlib.util
import json
import lzma
import os
import pathlib
import re
import unittest

import boto3
import deltalake
import duckdb
import pyarrow
import pyarrow.parquet

from bucket_server import serve_buckets
from sql_case import Anywhere, bag, of_duckdb, quoted, random_rows
from weir_project import ROOT, obey_permissions

FOREIGN = pathlib.Path(os.environ.get("WEIR_FOREIGN_TABLES", ROOT.parent / "shared" / "delta_tables"))

ODD_NAMES = ["a b", "it's", 'quo"te', "größe", "数据", "100%", "a%20b", "a#b", "what?", "x[1]", "[ab", "star*", "semi;colon", "-dash", "UPPER", "x.y.z",
             "plus+&=", "back`tick", "brace{}", "tilde~", "comma,", "a\\b", "e\u0301", "👍🏽", "select"]


class Files(Anywhere):
    def test_parquet_files_have_the_rows_that_duckdb_sees(self):
        for seed in range(4):
            file = self.scratch / f"t{seed}.parquet"
            duckdb.sql(f"COPY ({random_rows(seed, 200)}) TO {quoted(file)}")
            self.assertEqual(bag(self.table(f"SELECT * FROM 't{seed}.parquet'")), bag(of_duckdb(f"FROM {quoted(file)}")))
        query = "SELECT tiny, count(*), min(dec), max(moment), count(DISTINCT txt) FROM {} GROUP BY tiny"
        self.assertEqual(bag(self.table(query.format("'*.parquet'"))), bag(of_duckdb(query.format(quoted(self.scratch / "t?.parquet")))))

    def test_nested_values_of_parquet_files(self):
        file = self.scratch / "nested.parquet"
        duckdb.sql(f"""COPY (SELECT i, [i, NULL, i + 1] AS l, {{'a': i, 'b': 'x' || i}} AS s, [{{'k': [i]}}] AS ls FROM range(50) r(i)
                       UNION ALL SELECT NULL, NULL, NULL, NULL UNION ALL SELECT -1, [], {{'a': NULL, 'b': NULL}}, []) TO {quoted(file)}""")
        self.assertEqual(bag(self.table("SELECT * FROM 'nested.parquet'")), bag(of_duckdb(f"FROM {quoted(file)}")))
        self.assertEqual(self.rows("SELECT sum(s['a']) AS a, count(l) AS l FROM 'nested.parquet'"), [{"a": 1225, "l": 51}])

    def test_csv_files_have_the_rows_that_duckdb_sees(self):
        text = "n, tiny, big, dec::DOUBLE AS dec, dbl, flag, txt, day, moment"
        for seed in range(10, 14):
            file = self.scratch / f"t{seed}.csv"
            duckdb.sql(f"COPY (SELECT {text} FROM ({random_rows(seed, 120)})) TO {quoted(file)} (HEADER, FORCE_QUOTE (txt))")
            # An empty text is NULL in CSV files that are read here, quoted or not.
            types = "{'n': 'BIGINT', 'tiny': 'BIGINT', 'big': 'BIGINT', 'dec': 'DOUBLE', 'dbl': 'DOUBLE', 'flag': 'BOOLEAN', 'txt': 'VARCHAR'}"
            read = f"read_csv({quoted(file)}, header = true, types = {types}, delim = ',', quote = '\"', escape = '\"')"
            wanted = of_duckdb(f"SELECT * REPLACE (nullif(txt, '') AS txt) FROM {read}")
            self.assertEqual(bag(self.table(f"SELECT * FROM '{file.name}'")), bag(wanted), file.name)

    def test_json_files_have_the_rows_that_duckdb_sees(self):
        columns = "n, small, flag, txt, day::VARCHAR AS day, [n, n + 1] AS l, {'a': n, 'b': txt} AS s"
        for ending, option in (("ndjson", "false"), ("jsonl", "false"), ("json", "false"), ("json", "true")):
            file = self.scratch / f"t_{option}.{ending}"
            duckdb.sql(f"COPY (SELECT {columns} FROM ({random_rows(21, 100)})) TO {quoted(file)} (FORMAT json, ARRAY {option})")
            wanted = of_duckdb(f"SELECT {columns} FROM ({random_rows(21, 100)})")
            names = ", ".join(wanted.schema.names)
            self.assertEqual(bag(self.table(f"SELECT {names} FROM '{file.name}'")), bag(wanted), file.name)

    def test_files_with_odd_names(self):
        queries, wanted = [], []
        for number, name in enumerate(ODD_NAMES):
            self.write(f"odd/{name}.csv", f"n,m\n{number},x\n")
            duckdb.sql(f"SELECT {number} AS n, 'x' AS m").write_parquet(str(self.scratch / f"p_{number}.parquet"))
            (self.scratch / f"p_{number}.parquet").rename(self.scratch / "odd" / f"{name}.parquet")
            self.write(f"odd/in {name}/f.ndjson", f'{{"n": {number}, "m": "x"}}\n')
            for path in (f"odd/{name}.csv", f"odd/{name}.parquet", f"odd/in {name}/", f"odd/in {name}/f.ndjson"):
                queries.append(f"SELECT n, m FROM {quoted(path)}")
                wanted.append([{"n": number, "m": "x"}])
        self.assertEqual(self.answers(queries), wanted)
        for number, name in enumerate(ODD_NAMES[:3]):
            path = '"' + f"odd/{name}.csv".replace('"', '""') + '"'
            self.assertEqual(self.rows(f"SELECT n FROM {path}"), [{"n": number}])

    def test_compressed_files(self):
        text = b"a,b\n1,x\n2,y\n"
        lines = b'{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n'
        array = b'[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]'
        zstd = pyarrow.Codec("zstd")
        queries = []
        for ending, compress in ((".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress),
                                 (".zst", lambda data: zstd.compress(data, asbytes=True)), ("", bytes)):
            for name, data in (("t.csv", text), ("t.TSV", text.replace(b",", b"\t")), ("t.ndjson", lines), ("t.json", lines), ("u.json", array)):
                self.write(name + ending, compress(data))
                queries.append(f"SELECT a, b FROM '{name}{ending}'")
        self.assertEqual(self.answers(queries), [[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]] * len(queries))

    def test_files_without_rows(self):
        self.write("header.csv", "a,b\n")
        duckdb.sql("SELECT 1 AS a, 'x' AS b WHERE false").write_parquet(str(self.scratch / "none.parquet"))
        self.write("some/1.csv", "a,b\n1,x\n")
        self.write("some/2.csv", "")
        for name in ("header.csv", "none.parquet"):
            self.assertEqual(self.rows(f"SELECT * FROM '{name}'"), [])
            self.assertEqual(self.rows(f"SELECT count(*) AS n FROM '{name}'"), [{"n": 0}])
        self.assertEqual(self.table("SELECT * FROM 'header.csv'").schema.names, ["a", "b"])
        self.assertEqual(self.rows("SELECT * FROM 'some/'"), [{"a": 1, "b": "x"}])
        self.write("empty.csv", "")
        self.assertIn("found a file without a byte: `empty.csv`", self.failure("SELECT * FROM 'empty.csv'"))
        self.write("empty.parquet", "")
        self.assertIn("empty.parquet", self.failure("SELECT * FROM 'empty.parquet'", code=3))

    def test_a_very_wide_table(self):
        file = self.scratch / "wide.parquet"
        duckdb.sql("SELECT " + ", ".join(f"{i} AS column_{i}" for i in range(2000))).write_parquet(str(file))
        self.assertEqual(bag(self.table("SELECT * FROM 'wide.parquet'")), bag(of_duckdb(f"FROM {quoted(file)}")))

    def test_names_of_tables_and_columns(self):
        self.write("Orders.csv", "id,Amount\n1,5\n2,7\n")
        self.write("lines.of.2024.csv", "id,q\n1,3\n1,4\n")
        query = "SELECT orders.id, sum(lines.q) AS q FROM 'Orders.csv' JOIN 'lines.of.2024.csv' ON Orders.id = lines.id GROUP BY orders.id"
        self.assertEqual(self.rows(query), [{"id": 1, "q": 7}])
        self.assertEqual(self.rows("SELECT \"Amount\" FROM 'Orders.csv' o FULL JOIN './lines.of.2024.csv' l USING (id) WHERE id = 2"), [{"Amount": 7}])
        self.assertEqual(self.rows("WITH x AS (SELECT * FROM 'Orders.csv') SELECT count(*) AS n FROM x WHERE id IN (SELECT id FROM 'lines.of.2024.csv')"),
                         [{"n": 1}])
        self.assertEqual(len(self.rows("DESCRIBE 'Orders.csv'")), 2)
        self.write("more/orders.csv", "id\n2\n")
        self.assertIn("found two that go by `orders`", self.failure("SELECT 1 FROM 'Orders.csv', 'more/orders.csv'"))
        self.assertEqual(self.rows("SELECT m.id FROM 'Orders.csv' JOIN 'more/orders.csv' m USING (id)"), [{"id": 2}])
        self.assertEqual(self.rows("FROM 'Orders.csv' SELECT id WHERE id > 1"), [{"id": 2}])

    def test_every_dialect_reads_quoted_paths(self):
        self.write("data/x.csv", "a\n1\n")
        for dialect in ("generic", "duckdb", "postgresql", "mysql", "snowflake", "bigquery", "sqlite", "ansi", "hive", "mssql", "redshift", "databricks"):
            for path in ("'data/x.csv'", '"data/x.csv"'):
                self.assertEqual(self.rows(f"SELECT a FROM {path}", "--dialect", dialect), [{"a": 1}], f"{dialect} {path}")

    def test_native_functions_and_settings_are_those_of_a_project(self):
        self.write("x.csv", "a,b\n1,x\n2,y\n")
        self.assertEqual(len(self.rows("SELECT stable_id('p', b) AS id, count_if(a > 1) OVER () AS n FROM 'x.csv'")), 2)
        self.assertEqual(self.rows("SELECT value FROM information_schema.df_settings WHERE name = 'datafusion.execution.time_zone'"), [{"value": "+00:00"}])
        self.assertIn("100000 * 100000", self.failure("SELECT CAST(100000 AS INT) * CAST(a * 100000 AS INT) AS x FROM 'x.csv'"))
        self.assertIn("does not allow statements of the kind", self.failure("CREATE TABLE t AS SELECT 1"))


class Folders(Anywhere):
    def setUp(self):
        super().setUp()
        for year in (2023, 2024):
            for month in (1, 2, 12):
                self.write(f"h/year={year}/month={month}/part.csv", f"a,b\n{year},{month}\n{year + month},0\n")
        for number in range(12):
            self.write(f"g/f{number}.csv", f"a\n{number}\n")
        self.write("g/.hidden.csv", "a\n999\n")
        self.write("g/sub/deep/f77.csv", "a\n77\n")

    def test_folders_named_by_values_are_columns(self):
        wanted = of_duckdb(f"SELECT a, b, year, month FROM read_csv({quoted(self.scratch / 'h/*/*/*.csv')}, hive_partitioning = true)")
        for path in ("h/", "./h", "h/*/*/*.csv", "h/**/*.csv", "./h/year=*/month=*/part.csv", self.scratch / "h"):
            self.assertEqual(bag(self.table(f"SELECT a, b, year, month FROM {quoted(path)}")), bag(wanted), path)

    def test_types_and_places_of_such_columns(self):
        self.assertEqual(self.table("SELECT * FROM 'h/'").schema.names, ["a", "b", "year", "month"])
        self.assertEqual(self.rows("SELECT DISTINCT month FROM 'h/' WHERE month > 2"), [{"month": 12}])
        self.assertEqual(self.rows("SELECT DISTINCT year, month FROM 'h/year=2023/month=12/part.csv'"), [{"year": 2023, "month": 12}])
        self.assertEqual(self.rows("SELECT count(*) AS n FROM 'h/year=2023/' WHERE month = 1"), [{"n": 2}])
        for day in ("2024-01-31", "2024-02-01"):
            self.write(f"d/day={day}/k=a%20b/zip=0123/x.csv", "v\n1\n")
        self.write("d/day=__HIVE_DEFAULT_PARTITION__/k=c/zip=1/x.csv", "v\n1\n")
        self.assertEqual(bag(self.table("SELECT zip FROM 'd/'")), ["['0123']", "['0123']", "['1']"])
        self.assertEqual(self.rows("SELECT day, k FROM 'd/' ORDER BY day NULLS FIRST, k"),
                         [{"day": None, "k": "c"}, {"day": "2024-01-31", "k": "a b"}, {"day": "2024-02-01", "k": "a b"}])
        self.assertEqual(str(self.table("SELECT day FROM 'd/'").schema.field(0).type), "date32[day]")
        self.assertEqual(self.rows("SELECT count(*) AS n FROM 'd/' WHERE day = DATE '2024-02-01'"), [{"n": 1}])

    def test_folders_of_some_files_only(self):
        self.write("h/more.csv", "a,b\n1,1\n")
        error = self.failure("SELECT * FROM 'h/'")
        self.assertIn("folders of the same columns", error)
        self.assertIn("hive_partitioning => false", error)
        self.assertEqual(self.rows("SELECT count(*) AS n FROM read_csv('h/', hive_partitioning => false)"), [{"n": 13}])

    def test_patterns(self):
        patterns = ["g/*.csv", "g/f?.csv", "g/f[0-3].csv", "g/f[!0-3].csv", "g/f1*.csv", "g/**/*.csv", "g/**/f77.csv", "**/f1.csv", "g/*/*/*.csv", "g/f[13579].csv",
                    "*/f2.csv", "./g/../g/f3.csv"]
        queries = [f"SELECT count(*) AS n, sum(a) AS s FROM read_csv({quoted(pattern)}, hive_partitioning => false)" for pattern in patterns]
        files = {f"g/f{n}.csv": n for n in range(12)} | {"g/sub/deep/f77.csv": 77}
        wanted = []
        for pattern in patterns:
            expression = re.compile(expression_of(pattern.replace("./g/../", "")))
            fitting = [number for name, number in files.items() if expression.fullmatch(name)]
            wanted.append([{"n": len(fitting), "s": sum(fitting)}])
        self.assertEqual(self.answers(queries), wanted)

    def test_a_folder_is_one_format(self):
        self.write("mixed/a.csv", "a\n1\n")
        duckdb.sql("SELECT 1 AS a").write_parquet(str(self.scratch / "mixed/b.parquet"))
        error = self.failure("SELECT * FROM 'mixed/'")
        self.assertIn("files of one format are wanted at `mixed/`, found `a.csv` (csv) and `b.parquet` (parquet)", error)
        self.assertIn("--> line 1, column 15 of the query", error)
        self.assertEqual(self.rows("SELECT * FROM 'mixed/*.csv'"), [{"a": 1}])
        self.write("notes/a.csv", "a\n1\n")
        self.write("notes/README.txt", "hello")
        self.assertIn("found `README.txt`", self.failure("SELECT * FROM 'notes/'"))
        self.write("compressed/a.csv", "a\n1\n")
        self.write("compressed/b.csv.gz", gzip.compress(b"a\n1\n"))
        self.assertIn("found `a.csv` (csv) and `b.csv.gz` (csv (gzip))", self.failure("SELECT * FROM 'compressed/'"))


def expression_of(pattern: str) -> str:
    """A regular expression for a pattern of paths."""
    text, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            text, at = text + "(?:[^/]+/)*", at + 3
        elif pattern[at] == "*":
            text, at = text + "[^/]*", at + 1
        elif pattern[at] == "?":
            text, at = text + "[^/]", at + 1
        elif pattern[at] == "[":
            end = pattern.index("]", at)
            text, at = text + pattern[at:end + 1].replace("[!", "[^"), end + 1
        else:
            text, at = text + re.escape(pattern[at]), at + 1
    return text


class DeltaTables(Anywhere):
    def setUp(self):
        super().setUp()
        self.table_folder = self.scratch / "lake" / "the orders"
        rows = pyarrow.table({"id": [1, 2, 3], "k": ["a", "b", None], "x": [1.5, None, 2.5]})
        deltalake.write_deltalake(str(self.table_folder), rows, partition_by=["k"])
        deltalake.write_deltalake(str(self.table_folder), pyarrow.table({"id": [4], "k": ["a"], "x": [9.0]}), mode="append")
        deltalake.DeltaTable(str(self.table_folder)).delete("id = 1")

    def test_the_folder_of_a_table_is_its_latest_version(self):
        latest = deltalake.DeltaTable(str(self.table_folder)).to_pyarrow_table().select(["id", "k", "x"])
        for path in ("lake/the orders", "lake/the orders/", self.table_folder, "file://" + str(self.table_folder).replace(" ", "%20")):
            self.assertEqual(bag(self.table(f"SELECT id, k, x FROM {quoted(path)}")), bag(latest))

    def test_versions(self):
        for version in range(3):
            wanted = deltalake.DeltaTable(str(self.table_folder), version=version).to_pyarrow_table().select(["id", "k", "x"])
            for call in (f"delta_scan('lake/the orders', {version})", f"delta_scan('lake/the orders', version => {version})",
                         f"delta_scan('lake/the orders', version = {version})"):
                self.assertEqual(bag(self.table(f"SELECT id, k, x FROM {call}")), bag(wanted), call)
        self.assertEqual(self.rows("SELECT count(*) AS n FROM delta_scan('lake/the orders')"), [{"n": 3}])
        self.assertEqual(self.rows("SELECT count(*) AS n FROM delta_scan('lake/the orders', timestamp => '2999-01-01T00:00:00Z')"), [{"n": 3}])
        self.assertEqual(self.rows("SELECT count(*) AS n FROM delta_history('lake/the orders')"), [{"n": 3}])

    def test_what_is_no_table(self):
        self.assertIn("has no version `9`: its latest is 2", self.failure("SELECT * FROM delta_scan('lake/the orders', 9)"))
        self.assertIn("version or timestamp is wanted, found both",
                      self.failure("SELECT * FROM delta_scan('lake/the orders', 1, '2999-01-01T00:00:00Z')"))
        self.assertIn("found a folder of Delta tables: `the orders`", self.failure("SELECT * FROM delta_scan('lake')"))
        self.write("files/x.csv", "a\n1\n")
        self.assertIn("found no `_delta_log` in `files`", self.failure("SELECT * FROM delta_scan('files')"))
        error = self.failure("SELECT * FROM 'lake/'")
        self.assertIn("found a folder of Delta tables: `the orders`", error)
        self.assertIn("'lake/the orders'", error)
        self.assertIn("a Delta table", self.failure("SELECT * FROM read_parquet('lake/the orders')"))
        (self.table_folder / "_delta_log" / f"{1:020}.json").unlink()
        self.assertIn("the Delta log has a hole: version 0 is followed by version 2", self.failure("SELECT * FROM 'lake/the orders'", code=3))
        for file in (self.table_folder / "_delta_log").glob("*.json"):
            file.unlink()
        self.assertIn("a Delta table is wanted", self.failure("SELECT * FROM 'lake/the orders'"))

    def test_tables_of_others(self):
        if not FOREIGN.is_dir():
            self.skipTest(f"no tables of others at {FOREIGN}; WEIR_FOREIGN_TABLES says where they are")
        spec = importlib.util.spec_from_file_location("canonical", FOREIGN / "canonical.py")
        form = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(form)
        names = [file.stem for file in sorted((FOREIGN / "expected").glob("*.json")) if re.search(r"dv|deletion_vec|mapping|escaped|special|dat~", file.stem)]
        asked = 0
        for name in names:
            expected = json.loads((FOREIGN / "expected" / f"{name}.json").read_text())
            if "rows" not in expected or expected.get("variant_as_json") or name in ("dkr~cdf-column-mapping-name-mode-3-7~cdf-column-mapping-name-mode-3-7",):
                continue
            _, rows = form.canonical(self.table(f"SELECT * FROM {quoted(FOREIGN / 'tables' / name)}"))
            self.assertEqual(sorted(rows), sorted(expected["rows"]), name)
            asked += 1
        self.assertGreater(asked, 10)


class Reading(Anywhere):
    """Table functions that say how to read."""

    def test_options_of_csv(self):
        self.write("x.txt", "# made by hand\n1;'a;b';-\n2;c;\n")
        call = "read_csv('x.txt', delim => ';', header => false, quote => '''', comment => '#', nullstr => '-')"
        self.assertEqual(self.rows(f"SELECT * FROM {call}"),
                         [{"column_1": 1, "column_2": "a;b", "column_3": None}, {"column_1": 2, "column_2": "c", "column_3": None}])
        self.assertEqual(self.rows(f"SELECT * FROM {call.replace(' =>', ' =')}"), self.rows(f"SELECT * FROM {call}"))
        self.write("y.txt", "a\tb\n1\t2\n")
        self.assertEqual(self.rows("SELECT * FROM read_csv('y.txt', delim => '\\t')"), [{"a": 1, "b": 2}])
        self.write("short.csv", "a,b\n1\n2,3\n")
        self.assertEqual(self.rows("SELECT * FROM read_csv('short.csv', null_padding => true)"), [{"a": 1, "b": None}, {"a": 2, "b": 3}])
        self.write("z.txt.gz", gzip.compress(b"a\n1\n"))
        self.assertEqual(self.rows("SELECT * FROM read_csv('z.txt.gz')"), [{"a": 1}])
        (self.scratch / "z.txt.gz").rename(self.scratch / "z.log")
        self.assertEqual(self.rows("SELECT * FROM read_csv('z.log', compression => 'gzip')"), [{"a": 1}])

    def test_other_formats(self):
        self.write("a.log", '{"a": 1}\n{"a": 2}\n')
        self.write("b.log", '[{"a": 1},\n {"a": 2}]')
        for call in ("read_ndjson('a.log')", "read_json('a.log')", "read_json('b.log')", "read_json('b.log', format => 'array')"):
            self.assertEqual(self.rows(f"SELECT a FROM {call}"), [{"a": 1}, {"a": 2}], call)
        duckdb.sql("SELECT 5 AS a").write_parquet(str(self.scratch / "c.bin"))
        self.assertEqual(self.rows("SELECT a FROM read_parquet('c.bin')"), [{"a": 5}])
        self.assertEqual(self.rows("SELECT x.a, y.a AS b FROM read_parquet('c.bin') x, read_ndjson('a.log') y WHERE y.a = 1"), [{"a": 5, "b": 1}])

    def test_wrong_arguments(self):
        self.write("x.csv", "a\n1\n")
        for call, text in {"read_csv('x.csv', delm => ';')": "there is no parameter `delm`", "read_csv('x.csv', delim => ';;')": "delim wants one ASCII character",
                           "read_csv()": "wants `path`, which is missing", "read_csv('nope.csv')": "there is no file or folder `nope.csv`",
                           "read_json('x.csv', format => 'xml')": "format wants auto, array or newline_delimited",
                           "read_csv('x.csv', header => 'maybe')": "header wants true or false", "delta_scan(3)": "path wants a text"}.items():
            self.assertIn(text, self.failure(f"SELECT * FROM {call}"), call)


class Errors(Anywhere):
    def test_missing_files_name_what_is_near(self):
        self.write("data/flights.csv", "a\n1\n")
        for path, hint in {"data/flihgts.csv": "did you mean `data/flights.csv`?", "dta/flights.csv": "did you mean `data/`?",
                           "./data/flights.cvs": "did you mean `./data/flights.csv`?", "nothing/like/it.csv": "the folder"}.items():
            error = self.failure(f"SELECT\n  * FROM {quoted(path)}")
            self.assertIn(f"there is no file or folder `{path}`", error)
            self.assertIn(hint, error)
            self.assertIn("--> line 2, column 10 of the query", error)
        self.assertIn("no file fits the pattern `data/*.parquet`", self.failure("SELECT * FROM 'data/*.parquet'"))
        self.assertIn("holds `flights.csv`", self.failure("SELECT * FROM 'data/*.parquet'"))
        self.assertIn("there is no file or folder", self.failure("SELECT * FROM 'dta/*.parquet'"))
        (self.scratch / "dead.csv").symlink_to("nowhere.csv")
        self.assertIn("the link `dead.csv` leads to nothing: `nowhere.csv`", self.failure("SELECT * FROM 'dead.csv'"))
        (self.scratch / "void").mkdir()
        self.assertIn("found none: `void/`", self.failure("SELECT * FROM 'void/'"))
        self.assertIn("the folder", self.failure("SELECT * FROM 'void/*.csv'"))

    def test_names_that_say_nothing(self):
        self.write("x.txt", "a\n1\n")
        error = self.failure("SELECT * FROM './x.txt'")
        self.assertIn("`.parquet`", error)
        self.assertIn("read_csv('./x.txt')", error)
        error = self.failure("SELECT * FROM x")
        self.assertIn("there is no table named `x`", error)
        (self.scratch / "orders").mkdir()
        self.assertIn("FROM './orders'", self.failure("SELECT * FROM orders"))
        self.write("y.csv", "a\n1\n")
        error = self.failure("SELECT * FROM y.csv")
        self.assertIn("a path is wanted in quotes", error)
        self.assertIn("FROM 'y.csv'", error)

    def test_damaged_files(self):
        self.write("x.parquet", "no parquet at all")
        self.assertIn("x.parquet", self.failure("SELECT * FROM 'x.parquet'", code=3))
        self.write("x.json", '{"a": 1}\n{"a": \n')
        self.assertIn("x.json", self.failure("SELECT * FROM 'x.json'"))
        self.write("x.csv", "a,b\n1,2\n3\n")
        error = self.failure("SELECT * FROM 'x.csv'")
        self.assertIn("x.csv", error)
        self.assertIn("line 3", error)
        self.assertNotIn("source's", error)
        self.assertIn("read_csv('x.csv', …)", error)
        error = self.failure("SELECT * FROM read_json('x.csv')")
        self.assertIn("x.csv`, line 1", error)
        self.assertIn("found no name", self.failure("SELECT * FROM ''"))

    def test_files_that_may_not_be_read(self):
        self.write("x.csv", "a\n1\n").chmod(0)
        self.write("closed/x.csv", "a\n1\n")
        (self.scratch / "closed").chmod(0)
        self.addCleanup((self.scratch / "closed").chmod, 0o755)
        for path in ("x.csv", "closed/", "closed/x.csv", "closed/*.csv"):
            error = self.failure(f"SELECT * FROM '{path}'", code=3, preexec_fn=obey_permissions)
            self.assertIn("ermission denied", error)
            self.assertIn("the right to read it", error)

    def test_a_project_that_is_named_must_be_there(self):
        for arguments in (["--project", "."], ["--project", "nope"]):
            outcome = self.weir("sql", *arguments, "SELECT 1")
            self.assertEqual(outcome.returncode, 2)
            self.assertIn("a project folder", outcome.stderr)
        self.assertEqual(self.weir("run").returncode, 2)
        outcome = self.weir("sql", "--profile", "night", "SELECT 1")
        self.assertNotEqual(outcome.returncode, 0)
        self.assertIn("night", outcome.stderr)
        self.assertIn("found no weir.toml here: `weir.runs`", self.failure("SELECT * FROM weir.runs"))


class InAProject(Anywhere):
    def setUp(self):
        super().setUp()
        self.write("weir.toml", '[project]\nname = "p"\n')
        self.write("data/x.csv", "a\n1\n2\n")
        self.write("sources/x.sql", "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION 'data/x.csv';\n")
        self.write("sources/dotted.sql", "CREATE EXTERNAL TABLE \"x.csv\" STORED AS CSV LOCATION 'data/x.csv';\n")
        self.write("views/v.sql", "SELECT a + 1 AS a FROM x\n")
        self.write("views/w.sql", "SELECT a * 10 AS a FROM x\n")

    def test_paths_stand_beside_sources_views_and_artifacts(self):
        self.assertEqual(self.weir("run").returncode, 0)
        query = "SELECT count(*) AS n FROM x JOIN 'data/x.csv' f ON x.a = f.a JOIN v ON v.a = x.a JOIN 'warehouse/v' w ON w.a = v.a"
        self.assertEqual(self.rows(query), [{"n": 1}])
        self.assertEqual(self.rows("SELECT state FROM weir.runs"), [{"state": "succeeded"}])
        self.assertEqual(self.rows("SELECT a FROM delta_scan(w, version => 0) ORDER BY a"), [{"a": 10}, {"a": 20}])
        self.assertEqual(self.rows("SELECT count(*) AS n FROM \"x.csv\""), [{"n": 2}])  # the source of that name
        (self.scratch / "elsewhere").mkdir()
        self.write("elsewhere/y.csv", "a\n7\n")
        self.assertEqual(self.rows("SELECT a FROM 'y.csv'", "--project", "..", cwd=self.scratch / "elsewhere"), [{"a": 7}])

    def test_views_and_tests_name_no_paths(self):
        self.write("views/bad.sql", "SELECT a FROM 'data/x.csv'\n")
        outcome = self.weir("check")
        self.assertEqual(outcome.returncode, 1)
        self.assertIn("W2001", outcome.stderr)
        self.assertIn("there is no source or view named `data/x.csv`", outcome.stderr)
        self.assertIn("CREATE EXTERNAL TABLE … LOCATION 'data/x.csv'", outcome.stderr)
        self.write("views/bad.sql", "SELECT a FROM delta_scan('warehouse/v')\n")
        self.assertIn("W2010", self.weir("check").stderr)
        self.write("views/bad.sql", 'SELECT a FROM "x.csv"\n')
        self.assertIn("a table whose name holds a dot: rename it", self.weir("check").stderr)
        (self.scratch / "views/bad.sql").unlink()
        self.write("tests/t.sql", "SELECT a FROM 'data/x.csv' WHERE a > 9\n")
        self.assertNotEqual(self.weir("test").returncode, 0)


class ObjectStores(Anywhere):
    def setUp(self):
        super().setUp()
        self.endpoint = serve_buckets(self)
        self.client = client = boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="very-secret")
        client.create_bucket(Bucket="lake")
        for month in (1, 2):
            client.put_object(Bucket="lake", Key=f"raw/month={month}/x y.csv", Body=f"a\n{month}\n".encode())
        deltalake.write_deltalake("s3://lake/t", pyarrow.table({"a": [1, 2]}), storage_options={
            "aws_access_key_id": "key", "aws_secret_access_key": "very-secret", "aws_region": "us-east-1", "aws_endpoint": self.endpoint,
            "aws_allow_http": "true", "aws_s3_allow_unsafe_rename": "true"})
        self.environment = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "very-secret", "AWS_REGION": "us-east-1", "AWS_ENDPOINT": self.endpoint,
                            "AWS_ALLOW_HTTP": "true"}

    def test_urls_are_read_with_what_the_environment_says(self):
        for path, wanted in {"s3://lake/raw/": [{"a": 1, "month": 1}, {"a": 2, "month": 2}], "s3://lake/raw/*/*.csv": [{"a": 1, "month": 1}, {"a": 2, "month": 2}],
                             "s3://lake/raw/month=2/x y.csv": [{"a": 2, "month": 2}], "s3://lake/t": [{"a": 1}, {"a": 2}],
                             "s3://lake/t/": [{"a": 1}, {"a": 2}]}.items():
            self.assertEqual(self.rows(f"SELECT * FROM {quoted(path)} ORDER BY a", env=self.environment), wanted, path)
        self.assertEqual(self.rows("SELECT count(*) AS n FROM delta_scan('s3://lake/t', 0)", env=self.environment), [{"n": 2}])
        self.client.put_object(Bucket="lake", Key="open.csv", Body=b"a\n5\n", ACL="public-read")
        self.assertEqual(self.rows(f"SELECT * FROM '{self.endpoint}/lake/open.csv'"), [{"a": 5}])
        self.assertIn("there is nothing at", self.failure(f"SELECT * FROM '{self.endpoint}/lake/none.csv'"))
        error = self.failure("SELECT * FROM 's3://lake/nope.csv'", env=self.environment)
        self.assertIn("s3://lake/nope.csv", error)
        self.assertIn("AWS_ACCESS_KEY_ID", error)
        self.assertNotIn("very-secret", error)


if __name__ == "__main__":
    unittest.main()
