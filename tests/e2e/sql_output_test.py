# SPDX-License-Identifier: Apache-2.0
"""The forms of results: CSV, JSON, Markdown, Parquet, files that appear only when complete, tables on a terminal, plans over lines.

In: queries. Out: what Python's csv and json modules, DuckDB and pyarrow read back, and what stands on a terminal of 80 columns.
"""

import csv
import fcntl
import io
import json
import math
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
import unicodedata
import unittest

import duckdb
import pyarrow
import pyarrow.parquet

from sql_case import Anywhere, bag, of_duckdb, quoted, random_rows
from weir_project import program

ODD_ROWS = """SELECT * FROM (VALUES (1, 'plain', 1.5), (2, '', NULL), (3, NULL, 'NaN'), (4, 'a,b', '-inf'), (5, 'say "x"', 0.1),
(6, 'line
break', -0.0), (7, 'a|b', 1e300), (8, '  blank ', 5e-324), (9, 'größe 東京 👍🏽', 2), (10, 'NULL', 3)) AS t(n, txt, x)"""


class Forms(Anywhere):
    def text(self, form: str, query: str) -> str:
        outcome = self.weir("sql", "--format", form, query)
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        return outcome.stdout

    def test_csv_is_read_back(self):
        text = self.text("csv", f"SELECT n, txt, CAST(x AS DOUBLE) AS x FROM ({ODD_ROWS}) ORDER BY n")
        rows = list(csv.reader(io.StringIO(text, newline="")))
        self.assertEqual(rows[0], ["n", "txt", "x"])
        self.assertEqual([row[1] for row in rows[1:]], ["plain", "", "", "a,b", 'say "x"', "line\nbreak", "a|b", "  blank ", "größe 東京 👍🏽", "NULL"])
        self.assertIn('\n2,"",\n', text)  # an empty text is quoted, NULL is not
        self.assertIn("\n3,,nan\n", text)
        numbers = [float(row[2]) for row in rows[1:] if row[2]]
        self.assertTrue(math.isnan(numbers[1]))
        self.assertEqual(numbers[2:], [-math.inf, 0.1, -0.0, 1e300, 5e-324, 2, 3])
        self.assertEqual(math.copysign(1, numbers[4]), -1)

    def test_csv_is_read_back_by_duckdb_and_by_weir(self):
        duckdb.sql(f"COPY ({random_rows(5, 300)}) TO {quoted(self.scratch / 'in.parquet')}")
        self.assertEqual(self.weir("sql", "--output", "out.csv", "SELECT * FROM 'in.parquet'").returncode, 0)
        types = of_duckdb(f"DESCRIBE FROM {quoted(self.scratch / 'in.parquet')}").to_pylist()
        wanted = of_duckdb(f"FROM {quoted(self.scratch / 'in.parquet')}")
        columns = ", ".join(f"'{row['column_name']}': '{row['column_type']}'" for row in types)
        read = of_duckdb(f"FROM read_csv({quoted(self.scratch / 'out.csv')}, header = true, columns = {{{columns}}}, allow_quoted_nulls = false)")
        self.assertEqual(bag(read), bag(wanted))
        columns = "n, tiny, small, big, day, moment, flag"  # their types are found
        self.assertEqual(bag(self.table(f"SELECT {columns} FROM 'out.csv'")), bag(self.table(f"SELECT {columns} FROM 'in.parquet'")))

    def test_nested_values_and_names_in_csv(self):
        text = self.text("csv", "SELECT [1, NULL] AS l, {'a': 'x\"y', 'b': 2} AS s, 1 AS \"a,b\", X'00ff' AS bytes")
        header, row = csv.reader(io.StringIO(text))
        self.assertEqual(header, ["l", "s", "a,b", "bytes"])
        self.assertEqual(json.loads(row[0]), [1, None])
        self.assertEqual(json.loads(row[1]), {"a": 'x"y', "b": 2})
        self.assertEqual(row[3], "00FF")
        self.assertEqual(self.text("csv", "SELECT * FROM (SELECT 1 AS a) x JOIN (SELECT 1 AS a) y ON x.a = y.a"), "a,a_2\n1,1\n")
        self.assertEqual(self.text("csv", "SELECT 1 AS a, 2 AS b WHERE false"), "a,b\n")

    def test_json_is_as_before(self):
        rows = json.loads(self.text("json", f"SELECT * FROM ({ODD_ROWS}) ORDER BY n"))
        self.assertEqual([row["txt"] for row in rows][1:3], ["", None])
        self.assertEqual(json.loads(self.text("json", "SELECT 1 AS a WHERE false")), [])
        self.write("out.json", self.text("json", "SELECT 1 AS a UNION ALL SELECT 2"))
        self.assertEqual(bag(self.table("SELECT * FROM 'out.json'")), bag(of_duckdb(f"FROM {quoted(self.scratch / 'out.json')}")))

    def test_markdown(self):
        text = self.text("markdown", "SELECT 1 AS n, 'a|b' AS \"x|y\", 'line' || chr(10) || 'break' AS t, CAST(NULL AS VARCHAR) AS z, 1.5 AS d")
        self.assertEqual(text, "| n | x\\|y | t | z | d |\n| ---: | --- | --- | --- | ---: |\n| 1 | a\\|b | line<br>break | NULL | 1.5 |\n")

    def test_parquet_keeps_rows_types_names_and_order(self):
        source = quoted(self.scratch / "in.parquet")
        duckdb.sql(f"COPY ({random_rows(6, 500)}) TO {source}")
        read = self.table("SELECT * FROM 'in.parquet' ORDER BY n DESC")
        self.assertEqual([row["n"] for row in read.to_pylist()], list(range(499, -1, -1)))
        self.assertEqual(bag(read), bag(of_duckdb(f"FROM {source}")))
        self.assertEqual(read.schema.types, pyarrow.parquet.ParquetFile(self.scratch / "in.parquet").read().schema.types)
        self.assertEqual(bag(of_duckdb(f"FROM {quoted(self.scratch / '.result.parquet')}")), bag(of_duckdb(f"FROM {source}")))
        first = (self.scratch / ".result.parquet").read_bytes()
        self.table("SELECT * FROM 'in.parquet' ORDER BY n DESC")
        self.assertEqual((self.scratch / ".result.parquet").read_bytes(), first)

    def test_parquet_of_odd_results(self):
        table = self.table("SELECT * FROM (VALUES (2), (1)) x(\"A b\") JOIN (VALUES (1), (2)) y(\"A b\") ON x.\"A b\" = y.\"A b\" ORDER BY 1 DESC -- end\n;")
        self.assertEqual(table.to_pylist(), [{"A b": 2, "A b_2": 2}, {"A b": 1, "A b_2": 1}])
        empty = self.table("SELECT 1 AS a, 'x' AS b WHERE false")
        self.assertEqual((empty.num_rows, empty.schema.names), (0, ["a", "b"]))
        self.assertEqual(self.table("EXPLAIN SELECT 1").schema.names, ["plan_type", "plan"])
        self.assertEqual(self.table("SHOW TABLES").num_rows > 3, True)
        self.assertIn("cast it", self.failure("SELECT INTERVAL '1 day' AS i", "--output", "i.parquet"))
        self.assertIn("the column `s`", self.failure("SELECT {'a': INTERVAL '1 day'} AS s", "--output", "i.parquet"))
        self.assertEqual([file for file in os.listdir(self.scratch) if "i.parquet" in file or "weir-result" in file], [])
        piped = subprocess.run([program(), "sql", "--format", "parquet", "SELECT 7 AS a"], cwd=self.scratch, capture_output=True, check=True)
        self.assertEqual(pyarrow.parquet.read_table(io.BytesIO(piped.stdout)).to_pylist(), [{"a": 7}])

    def test_several_cores_write_one_ordered_file(self):
        self.write("p/weir.toml", "[project]\n[profiles.default]\ndeterministic = false\nthreads = 3\n")
        for part in range(4):
            duckdb.sql(f"COPY (SELECT i, hash(i) % 100000 AS j FROM range({part * 50000}, {part * 50000 + 50000}) r(i)) "
                       f"TO {quoted(self.scratch / f'in{part}.parquet')}")
        read = self.table("SELECT j, i FROM 'in*.parquet' ORDER BY j, i", "--project", "p")
        wanted = of_duckdb(f"SELECT j, i FROM {quoted(self.scratch / 'in*.parquet')} ORDER BY j, i")
        self.assertEqual(read.to_pydict(), wanted.cast(read.schema).to_pydict())


class OutputFiles(Anywhere):
    def names(self) -> list[str]:
        return sorted(name for name in os.listdir(self.scratch) if name != ".state")

    def test_the_name_says_the_format(self):
        for name, begin in {"a.csv": b"x\n1\n", "a.JSON": b"[\n", "a.md": b"| x |", "a.txt": b"x\n-\n1\n", "a.parquet": b"PAR1"}.items():
            outcome = self.weir("sql", "--output", name, "SELECT 1 AS x")
            self.assertEqual((outcome.returncode, outcome.stdout), (0, ""), outcome.stderr)
            self.assertTrue((self.scratch / name).read_bytes().startswith(begin), name)
            self.assertEqual(outcome.stderr, f"(1 row in {name})\n")
        self.assertEqual(self.weir("sql", "--format", "csv", "--output", "b.dat", "SELECT 1 AS x").returncode, 0)
        self.assertEqual((self.scratch / "b.dat").read_text(), "x\n1\n")
        outcome = self.weir("sql", "--output", "c.dat", "SELECT 1 AS x")
        self.assertEqual(outcome.returncode, 2)
        self.assertIn("a file whose name says its format is wanted for `--output`", outcome.stderr)

    def test_a_failure_leaves_what_was_there(self):
        self.write("in.csv", "a\n" + "".join(f"{i}\n" for i in range(50000)) + "x\n")
        for name in ("out.csv", "out.json", "out.parquet", "out.md"):
            self.write(name, "before")
            outcome = self.weir("sql", "--output", name, "SELECT 10 / (a - 49999) AS q FROM 'in.csv'")
            self.assertEqual(outcome.returncode, 1, outcome.stderr)
            self.assertEqual((self.scratch / name).read_text(), "before")
        for name in ("new.csv", "new.parquet"):
            self.assertEqual(self.weir("sql", "--output", name, "SELECT CAST(a AS INT) FROM 'in.csv'").returncode, 1)
        self.assertEqual(self.names(), ["in.csv", "out.csv", "out.json", "out.md", "out.parquet"])

    def test_an_interrupt_leaves_nothing(self):
        for name in ("out.csv", "out.parquet"):
            process = subprocess.Popen([program(), "sql", "--output", name, "SELECT value, 'text ' || value AS t FROM range(2000000000)"], cwd=self.scratch,
                                       stderr=subprocess.PIPE, text=True)
            deadline = time.monotonic() + 30
            while not self.names() and time.monotonic() < deadline:
                time.sleep(0.05)
            self.assertTrue(self.names())
            process.send_signal(signal.SIGINT)
            self.assertIn("cancelled", process.communicate(timeout=60)[1])
            self.assertEqual(process.returncode, 130)
            self.assertEqual(self.names(), [])

    def test_files_are_replaced_and_links_and_devices_kept(self):
        self.write("real.csv", "before").chmod(0o640)
        (self.scratch / "link.csv").symlink_to("real.csv")
        self.assertEqual(self.weir("sql", "--output", "link.csv", "SELECT 1 AS x").returncode, 0)
        self.assertTrue((self.scratch / "link.csv").is_symlink())
        self.assertEqual((self.scratch / "real.csv").read_text(), "x\n1\n")
        self.assertEqual((self.scratch / "real.csv").stat().st_mode & 0o777, 0o640)
        self.assertEqual(self.weir("sql", "--format", "csv", "--output", "/dev/null", "SELECT 1 AS x").returncode, 0)
        self.assertTrue(os.path.exists("/dev/null") and not os.path.isfile("/dev/null"))
        self.assertEqual(self.weir("sql", "--output", "real.csv", "SELECT x + 1 AS x FROM 'real.csv'").returncode, 0)
        self.assertEqual((self.scratch / "real.csv").read_text(), "x\n2\n")
        for name in ("it's [1].parquet", "größe %20.parquet", 'quo"te.csv'):
            self.assertEqual(self.weir("sql", "--output", name, "SELECT 5 AS x").returncode, 0, name)
            self.assertEqual(self.rows(f"SELECT * FROM {quoted(name)}"), [{"x": 5}], name)

    def test_places_where_no_file_can_be(self):
        (self.scratch / "folder.csv").mkdir()
        self.assertIn("found a folder: `folder.csv`", self.failure("SELECT 1", "--output", "folder.csv"))
        self.assertIn("the folder of the result does not exist", self.failure("SELECT 1", "--output", "no/such.csv"))
        self.assertIn("found a URL", self.failure("SELECT 1", "--output", "s3://bucket/x.csv"))
        self.assertEqual(self.weir("sql", "--output", "x.csv", "--to", "duckdb", "SELECT 1").returncode, 2)
        for count, statements in ((2, "SELECT 1;\nSELECT 2;\n"), (0, "")):
            outcome = self.weir("sql", "--output", "x.csv", input=statements)
            self.assertEqual(outcome.returncode, 2)
            self.assertIn(f"one statement is wanted for one result, found {count}", outcome.stderr)
        self.assertEqual(self.weir("sql", "--output", "x.csv", input="SELECT 1 AS x;\n").returncode, 0)
        self.assertEqual((self.scratch / "x.csv").read_text(), "x\n1\n")
        if os.path.exists("/dev/full"):
            outcome = self.weir("sql", "--format", "csv", "--output", "/dev/full", "SELECT * FROM range(100000)")
            self.assertEqual(outcome.returncode, 3, outcome.stderr)


class Plans(Anywhere):
    def test_plans_are_printed_over_several_lines(self):
        self.write("x.csv", "a\n1\n")
        outcome = self.weir("sql", "EXPLAIN SELECT a, count(*) FROM 'x.csv' GROUP BY a ORDER BY a")
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        lines = outcome.stdout.splitlines()
        self.assertEqual(lines[0], "logical_plan")
        self.assertIn("physical_plan", lines)
        self.assertIn("Sort: x.a ASC NULLS LAST", lines)
        self.assertTrue(any(line.strip().startswith("DataSourceExec:") for line in lines))
        rows = self.rows("EXPLAIN SELECT 1")
        self.assertEqual([row["plan_type"] for row in rows], ["logical_plan", "physical_plan"])
        self.assertIn("output_rows=1", self.weir("sql", "EXPLAIN ANALYZE SELECT a FROM 'x.csv'").stdout)
        self.assertIn("DataSourceExec", self.weir("sql", "EXPLAIN FORMAT TREE SELECT a FROM 'x.csv'").stdout)
        self.assertIn("Int64", self.weir("sql", "EXPLAIN VERBOSE SELECT a FROM 'x.csv'").stdout)
        self.assertIn("--> line 2, column 10", self.failure("EXPLAIN\n  SELECT nope FROM 'x.csv'"))
        outcome = self.weir("sql", "EXPLAIN INSERT INTO t VALUES (1)")
        self.assertEqual(outcome.returncode, 1)


def columns_of(line: str) -> int:
    """What a line takes on a terminal, for the characters used here."""
    width = 0
    for character in line:
        if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf") or 0x1F3FB <= ord(character) <= 0x1F3FF:
            continue
        width += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return width


class Terminal:
    """The program with a terminal of 80 columns."""

    def __init__(self, arguments: list[str], cwd, environment: dict, columns: int = 80):
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.chdir(cwd)
            os.execve(program(), [program(), *arguments], {**os.environ, "TERM": "xterm", "LANG": "C.UTF-8", **environment})
        self.seen = b""

    def read_until(self, text: str | None, seconds: float = 30) -> str:
        """What appears up to and with `text`; None: until the program ends."""
        deadline, found = time.monotonic() + seconds, b""
        while time.monotonic() < deadline:
            ready, _, _ = select.select([self.file], [], [], 0.2)
            if ready:
                try:
                    data = os.read(self.file, 65536)
                except OSError:
                    data = b""
                if not data:
                    break
                found += data
            if text is not None and text.encode() in found:
                break
        return found.decode(errors="replace")

    def type(self, text: str) -> None:
        os.write(self.file, text.encode())

    def close(self) -> int:
        os.close(self.file)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class OnATerminal(Anywhere):
    def shown(self, *arguments: str, columns: int = 80) -> list[str]:
        terminal = Terminal(list(arguments), self.scratch, {"XDG_STATE_HOME": str(self.scratch / ".state")}, columns)
        text = terminal.read_until(None)
        terminal.close()
        lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
        for line in lines if columns >= 40 else lines[:-1]:  # a note may be longer than a very narrow terminal
            self.assertLessEqual(columns_of(line), columns, line)
        return lines

    def test_wide_tables_lose_columns_in_the_middle(self):
        lines = self.shown("sql", "SELECT " + ", ".join(f"{i} AS column_{i}" for i in range(60)))
        self.assertIn("…", lines[0])
        self.assertTrue(lines[0].startswith("column_0") and lines[0].endswith("column_59"))
        self.assertRegex(lines[-1], r"\(1 row; 60 columns, \d+ shown\)")
        for columns in (1, 7, 20, 40, 133):
            self.shown("sql", "SELECT " + ", ".join(f"{i} AS column_{i}" for i in range(60)), columns=columns)
        piped = self.weir("sql", "SELECT " + ", ".join(f"{i} AS column_{i}" for i in range(60)))
        self.assertEqual(len(piped.stdout.splitlines()[0].split()), 60)
        self.assertEqual(piped.stderr, "(1 row)\n")

    def test_long_values_are_cut(self):
        lines = self.shown("sql", "SELECT 1 AS n, repeat('x', 150) AS long, repeat('東京', 40) AS wide")
        self.assertEqual(lines[2].count("…"), 2)
        self.assertEqual(self.weir("sql", "SELECT repeat('x', 150) AS long").stdout.splitlines()[2], "x" * 150)

    def test_wide_characters_stay_in_their_columns(self):
        rows = ["plain", "東京都", "Zürich", "e\u0301te\u0301", "👍🏽", "한국", "ﾊﾝｶｸ", "नमस्ते"[:2]]
        query = "SELECT * FROM (VALUES " + ", ".join(f"('{text}', 'end')" for text in rows) + ") t(a, b)"
        lines = self.shown("sql", query)[2:-1]
        self.assertEqual(len(lines), len(rows))
        self.assertEqual({columns_of(line[:line.rindex("end")]) for line in lines}, {8}, lines)

    def test_long_results_show_their_ends(self):
        lines = self.shown("sql", "SELECT value AS n FROM range(10000)")
        self.assertEqual(len(lines), 2 + 41 + 1)
        self.assertEqual([lines[2].strip(), lines[22].strip(), lines[-2].strip()], ["0", "…", "9999"])
        self.assertEqual(lines[-1], "(10000 rows, 40 shown)")
        lines = self.shown("sql", "SELECT value AS n FROM range(40)")
        self.assertEqual((len(lines), lines[-1]), (43, "(40 rows)"))
        self.assertEqual(len(self.weir("sql", "SELECT value AS n FROM range(1000)").stdout.splitlines()), 1002)

    def test_control_characters_do_not_reach_the_terminal(self):
        text = "\n".join(self.shown("sql", "SELECT 'a' || chr(27) || '[2J' || chr(155) || chr(7) AS x"))
        self.assertNotRegex(text, "[\x1b\x07\x9b]")

    def test_parquet_is_not_for_terminals(self):
        lines = self.shown("sql", "--format", "parquet", "SELECT 1")
        self.assertIn("a file is wanted for Parquet, found a terminal", lines[0])

    def test_the_prompt(self):
        self.write("data/flights.csv", "carrier,n\nAA,1\nBB,2\n")
        terminal = Terminal(["sql"], self.scratch, {"XDG_STATE_HOME": str(self.scratch / ".state")})
        shown = terminal.read_until("weir> ")
        self.assertIn("\\quit leaves", shown)
        terminal.type("SELECT sum(n) AS total FROM 'data/fl\t';\n")  # the name is completed
        shown = terminal.read_until("(1 row)")
        self.assertIn("ights.csv';", shown)
        self.assertRegex(shown, r"total\r\n-+\r\n +3\r\n")
        terminal.type("SELECT * FROM 'data/flihgts.csv';\n")
        self.assertIn("did you mean `data/flights.csv`?", terminal.read_until("flights.csv`?"))
        terminal.type("SELECT carrier\nFROM 'data/*.csv'\nWHERE n = 2;\n")
        self.assertIn("BB", terminal.read_until("(1 row)"))
        self.write("data/flights.csv", "carrier,n\nCC,7\nDD,8\nEE,9\n")  # read anew by each statement
        terminal.type("SELECT sum(n) AS total FROM 'data/flights.csv';\n")
        self.assertRegex(terminal.read_until("(1 row)"), r"total\r\n-+\r\n +24\r\n")
        terminal.type("\\quit\n")
        terminal.read_until(None, seconds=10)
        self.assertEqual(terminal.close(), 0)
        self.assertIn("data/flights.csv", (self.scratch / ".state/weir/sql_history").read_text())


if __name__ == "__main__":
    unittest.main()
