# SPDX-License-Identifier: Apache-2.0
"""What the tests of `weir sql` by path share: a folder without a project, rows as another program reads them, random rows.

In: queries. Out: Weir's rows, as JSON or out of the Parquet file that it wrote; DuckDB's rows.
"""

import datetime
import decimal
import json
import math
import os
import pathlib
import random
import re
import subprocess

import duckdb
import pyarrow
import pyarrow.parquet

from weir_project import ProjectCase, program


class Anywhere(ProjectCase):
    """A scratch folder without a project, in which commands run."""

    def weir(self, *arguments: str, **options):
        environment = {**os.environ, "XDG_STATE_HOME": str(self.scratch / ".state"), **options.pop("env", {})}
        options.setdefault("stdin", subprocess.DEVNULL)
        if "input" in options:
            del options["stdin"]
        return subprocess.run([program(), *arguments], cwd=options.pop("cwd", self.scratch), env=environment, capture_output=True, text=True,
                              timeout=120, check=False, **options)

    def rows(self, query: str, *arguments: str, **options) -> list[dict]:
        """The rows of a query as JSON."""
        outcome = self.weir("sql", "--format", "json", *arguments, query, **options)
        self.assertEqual(outcome.returncode, 0, f"{query}\n{outcome.stderr}")
        return json.loads(outcome.stdout)

    def answers(self, queries: list[str]) -> list[list[dict]]:
        """The rows of many queries, asked in one process."""
        outcome = self.weir("sql", "--format", "json", input="".join(query + ";\n" for query in queries))
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        decoder, position, found = json.JSONDecoder(), 0, []
        for _ in queries:
            rows, position = decoder.raw_decode(outcome.stdout, position)
            position = re.compile(r"\s*").match(outcome.stdout, position).end()
            found.append(rows)
        return found

    def table(self, query: str, *arguments: str) -> pyarrow.Table:
        """The rows of a query as a Parquet file has them."""
        file = self.scratch / ".result.parquet"
        outcome = self.weir("sql", "--output", str(file), *arguments, query)
        self.assertEqual(outcome.returncode, 0, f"{query}\n{outcome.stderr}")
        return pyarrow.parquet.ParquetFile(file).read()

    def failure(self, query: str, *arguments: str, code: int = 1, **options) -> str:
        outcome = self.weir("sql", *arguments, query, **options)
        self.assertEqual(outcome.returncode, code, f"{query}\n{outcome.stdout}{outcome.stderr}")
        self.assertEqual(outcome.stdout, "")
        return outcome.stderr

    def write(self, name: str, text) -> pathlib.Path:
        file = self.scratch / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, str):
            text = text.encode()
        file.write_bytes(text)
        return file


def quoted(path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def plain(value):
    """A value in a form that compares: floats and times by their text."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else repr(value)
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (datetime.date, datetime.datetime, datetime.time, decimal.Decimal, bytes)):
        return str(value)
    return value


def bag(table: pyarrow.Table) -> list[str]:
    """The rows of a table, in an order of their own."""
    return sorted(repr(plain(list(row.values()))) for row in table.to_pylist())


def of_duckdb(query: str) -> pyarrow.Table:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection.sql(query).to_arrow_table()


TEXTS = ["", "x", "O'Brien", 'say "hi"', "a,b", "a|b", "line\nbreak", "Zürich", "東京", "  blank  ", "NULL", "nan", "1", "👍🏽"]


def random_rows(seed: int, rows: int) -> str:
    """A query of DuckDB with columns of many types, NULL and NaN among the values."""
    random.seed(seed)

    def nullable(value: str) -> str:
        return "NULL" if random.random() < 0.2 else value

    def row(number: int) -> str:
        text = random.choice(TEXTS).replace("'", "''")
        double = random.choice(["'NaN'", "'Infinity'", "'-Infinity'", "-0.0", "0.0", "1e300", str(random.uniform(-1e6, 1e6))])
        return ", ".join([
            str(number),
            nullable(f"({random.randint(-128, 127)})::TINYINT"),
            nullable(f"({random.randint(-2**31, 2**31 - 1)})::INTEGER"),
            nullable(f"({random.randint(-2**63, 2**63 - 1)})::BIGINT"),
            nullable(f"{random.randint(0, 2**32 - 1)}::UINTEGER"),
            nullable(f"({random.randint(-10**9, 10**9)} / 10000)::DECIMAL(18, 4)"),
            nullable(f"({double})::DOUBLE"),
            nullable(f"({random.choice(['1.5', '0.1', '-2.25'])})::FLOAT"),
            nullable(random.choice(["true", "false"])),
            nullable(f"'{text}'"),
            nullable(f"DATE '1970-01-01' + {random.randint(-40000, 40000)}"),
            nullable(f"TIMESTAMP '2000-01-01' + INTERVAL ({random.randint(-10**15, 10**15)}) MICROSECOND"),
        ])

    names = "n, tiny, small, big, wide_unsigned, dec, dbl, flt, flag, txt, day, moment"
    return f"SELECT * FROM (VALUES {', '.join('(' + row(i) + ')' for i in range(rows))}) t({names})"
