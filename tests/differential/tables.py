# SPDX-License-Identifier: Apache-2.0
"""Random tables: what types and values hurt, and the files that hold them.

In: a generator of random numbers. Out: `TableData`, which is written as Parquet, Delta (plain, in several files, partitioned), CSV or
NDJSON, or as a view that Weir stores, and loaded into DuckDB and SQLite. Columns are *small*, whose values arithmetic may use and joins may meet in, or *wide*: the ends of types.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime
import decimal
import json
import math
import pathlib
import random
import sqlite3

import deltalake
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

import printers
import sql_types
from sql_types import BOOL, DATE, FLOAT32, FLOAT64, INT16, INT32, INT64, TEXT, TIMESTAMP, SqlType

FORMATS = ("csv", "ndjson", "parquet", "delta", "delta_files", "delta_partitioned", "parquet_groups", "stored",
           "stored_partitioned")


@dataclasses.dataclass(frozen=True)
class ColumnData:
    name: str
    type: SqlType
    bound: float
    plain: bool


@dataclasses.dataclass(frozen=True)
class TableData:
    name: str
    format: str
    columns: tuple[ColumnData, ...]
    rows: tuple[tuple, ...]

    def with_rows(self, rows) -> TableData:
        return dataclasses.replace(self, rows=tuple(rows))


_PLAIN_TEXTS = ["a", "b", "ab", "ba", "A", "abc", "a b", "x-y", "0", "12", "007", "zz", "", "Ab"]
_ODD_TEXTS = ["", " ", " a", "a ", "é", "e\u0301", "ß", "ſ", "İ", "😀", "日本", "a%b", "a_b", "\\", "it's", 'say "x"', "NULL", "NaN", "a,b",
              "-7", "1.5", "x" * 300, "\u200b", "a\tb", "Ω", "\U0010ffff", "true"]
_SMALL_DATES = [datetime.date(2024, 2, 28), datetime.date(2024, 2, 29), datetime.date(2023, 12, 31), datetime.date(1970, 1, 1),
                datetime.date(1969, 12, 31), datetime.date(2000, 1, 31), datetime.date(2024, 12, 30)]
_WIDE_DATES = [datetime.date(1, 1, 1), datetime.date(9999, 12, 31), datetime.date(1582, 10, 15), datetime.date(1970, 1, 1)]
_SMALL_TIMES = [datetime.datetime(2024, 2, 29, 23, 59, 59, 999999), datetime.datetime(2024, 2, 29), datetime.datetime(1969, 12, 31, 23, 59, 59, 1),
                datetime.datetime(1970, 1, 1), datetime.datetime(2023, 7, 1, 12, 30, 15, 500000), datetime.datetime(2024, 12, 30, 1, 2, 3)]
_WIDE_TIMES = [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59, 999999), datetime.datetime(2262, 4, 12),
               datetime.datetime(1677, 9, 20), datetime.datetime(1970, 1, 1)]


#: As processors make it of infinity less infinity.
_OTHER_NAN = math.copysign(math.nan, -1)


def _pool(sql_type: SqlType, wide: bool, exact_zero: bool) -> tuple[list, float]:
    """Values that a column takes, and the bound of their magnitude."""
    kind = sql_type.kind
    if kind == "bool":
        return [True, False], 1
    if sql_type.is_int:
        top = sql_types.MAXIMUM[kind]
        return ([top, -top - 1, top - 1, 0, 1, -1], top + 1) if wide else (list(range(-3, 10)), 10)
    if sql_type.is_float:
        if wide:
            if kind == "float32":
                return [math.nan, _OTHER_NAN, math.inf, -math.inf, 0.0, 1.5, -1.5, 2.0**127, 2.0**-126] + ([-0.0] if exact_zero else []), math.inf
            return [math.nan, _OTHER_NAN, math.inf, -math.inf, 0.0, 1.5, 1e308, -1e308, 5e-324, 0.1, 1 / 3] + ([-0.0] if exact_zero else []), math.inf
        return [k / 4 for k in range(-9, 12)] + [math.nan, math.inf] * exact_zero, 4
    if kind == "decimal":
        precision, scale = sql_type.arguments
        if wide:
            top = decimal.Decimal(10**precision - 1).scaleb(-scale, decimal.Context(prec=60))
            return [top, top.copy_negate(), decimal.Decimal(0).scaleb(-scale), decimal.Decimal(1).scaleb(-scale)], 10 ** (precision - scale)
        return [decimal.Decimal(k).scaleb(-scale) * 5 for k in range(-9, 40, 3)], 10
    if kind == "text":
        return (_ODD_TEXTS, 300) if wide else (_PLAIN_TEXTS, 5)
    if kind == "date":
        return (_WIDE_DATES, 0) if wide else (_SMALL_DATES, 0)
    if kind == "timestamp":
        return (_WIDE_TIMES, 0) if wide else (_SMALL_TIMES, 0)
    raise AssertionError(kind)


_SCALARS = [INT32, INT32, INT32, INT64, INT64, INT16, FLOAT64, FLOAT64, FLOAT32, BOOL, TEXT, TEXT, TEXT, DATE, DATE, TIMESTAMP, TIMESTAMP,
            sql_types.decimal(10, 2), sql_types.decimal(10, 2), sql_types.decimal(18, 4), sql_types.decimal(5, 0), sql_types.decimal(38, 10)]


class TableMaker:
    """Makes the tables of one project. `wide_times`: timestamps beyond nanoseconds; `nan`: NaN, infinities and -0.0."""

    def __init__(self, seed: int, wide_times: bool = True, nan: bool = True):
        self.random = random.Random(seed)
        self.wide_times = wide_times
        self.nan = nan
        self.exact_zero = self.random.random() < 0.4 and nan

    def make(self, count: int = 4) -> list[TableData]:
        formats = [self.random.choice(FORMATS) for _ in range(count)]
        return [self.table(i, formats[i]) for i in range(count)]

    def table(self, number: int, fmt: str) -> TableData:
        r = self.random
        rows = r.choice([0, 1, 2, 5, 8, 8, 12, 12, 16])
        columns, values = [], []

        def add(name, sql_type, wide, nullable=0.2):
            pool, bound = self.pool(sql_type, wide, fmt)
            if sql_type.is_nested:
                column = self.nested(sql_type, rows, nullable)
            else:
                column = [None if r.random() < nullable else r.choice(pool) for _ in range(rows)]
            columns.append(ColumnData(name, sql_type, bound, not wide))
            values.append(column)

        add("k", INT32, False, r.choice([0, 0.2]))
        if r.random() < 0.6:
            columns.append(ColumnData("id", INT32, 100, True))
            values.append(r.sample(range(1, 60), rows))
        if r.random() < 0.5:
            add("g", TEXT, False)
        for i in range(r.randint(2, 6)):
            sql_type = r.choice(_SCALARS)
            if fmt not in ("csv", "ndjson", "delta_partitioned", "stored_partitioned") and r.random() < 0.12:
                sql_type = r.choice([sql_types.list_of(INT32), sql_types.list_of(TEXT),
                                     sql_types.struct_of(("x", INT32), ("y", TEXT))])
            name = f"c{number}{i}" if r.random() < 0.95 else r.choice(["Größe", "A b", "order", "X"]) + f"{number}{i}"
            if fmt.startswith("stored"):  # Delta has no blanks in names
                name = name.replace(" ", "_")
            add(name, sql_type, r.random() < 0.3, r.choice([0, 0.2, 0.2, 0.5, 1.0 if r.random() < 0.2 else 0.1]))
        return TableData(f"t{number}", fmt, tuple(columns), tuple(zip(*values)))

    def pool(self, sql_type, wide, fmt):
        if sql_type.is_nested:
            return None, 10
        pool, bound = _pool(sql_type, wide, self.exact_zero)
        if sql_type == TIMESTAMP and wide and not self.wide_times:
            pool = _SMALL_TIMES
        if sql_type.is_float and (not self.nan or fmt == "ndjson"):  # JSON has finite numbers only
            pool = [value for value in pool if math.isfinite(value)]
        if sql_type == TEXT and fmt == "csv":
            pool = [value for value in pool if value != ""]  # an empty field is NULL
        if sql_type == TEXT and fmt.endswith("partitioned"):
            pool = [value for value in pool if value]
        return pool, bound

    def nested(self, sql_type, rows, nullable):
        r = self.random

        def scalar(t):
            return None if r.random() < 0.2 else r.choice(_pool(t, False, False)[0])

        def one():
            if r.random() < nullable:
                return None
            if sql_type.kind == "list":
                return [scalar(sql_type.arguments[0]) for _ in range(r.choice([0, 1, 2, 3]))]
            return {name: scalar(t) for name, t in sql_type.arguments}

        return [one() for _ in range(rows)]


# Files


def arrow_type(t: SqlType) -> pa.DataType:
    if t.kind == "decimal":
        return pa.decimal128(*t.arguments)
    if t.kind == "list":
        return pa.list_(arrow_type(t.arguments[0]))
    if t.kind == "struct":
        return pa.struct([(name, arrow_type(field)) for name, field in t.arguments])
    return {"bool": pa.bool_(), "int16": pa.int16(), "int32": pa.int32(), "int64": pa.int64(), "float32": pa.float32(),
            "float64": pa.float64(), "text": pa.string(), "date": pa.date32(), "timestamp": pa.timestamp("us")}[t.kind]


def arrow_table(table: TableData) -> pa.Table:
    columns = list(zip(*table.rows)) or [()] * len(table.columns)
    arrays = [pa.array(values, arrow_type(c.type)) for c, values in zip(table.columns, columns)]
    return pa.Table.from_arrays(arrays, schema=pa.schema([(c.name, arrow_type(c.type)) for c in table.columns]))


def csv_field(value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else "inf" if value == math.inf else "-inf" if value == -math.inf else repr(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="microseconds")
    return format(value, "f") if isinstance(value, decimal.Decimal) else str(value)


def json_value(value) -> str:
    """JSON text; decimals keep their digits."""
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return json.dumps(value.isoformat() if isinstance(value, datetime.date) else value)


def write(table: TableData, folder: pathlib.Path) -> str:
    """Writes the files of `table` under `folder`/data and returns the statement that declares it as a source."""
    location = f"data/{table.name}"
    path = folder / location
    (folder / "data").mkdir(parents=True, exist_ok=True)
    declared = ", ".join(f"{printers.quote(c.name)} {sql_types.weir_name(c.type)}" for c in table.columns)
    if table.format == "ndjson":
        with open(f"{path}.ndjson", "w", encoding="utf-8") as file:
            for row in table.rows:  # what is NULL is there or not
                fields = [(c.name, value) for i, (c, value) in enumerate(zip(table.columns, row)) if value is not None or i % 2]
                file.write("{" + ", ".join(f"{json.dumps(name)}: {json_value(value)}" for name, value in fields) + "}\n")
        return f"CREATE EXTERNAL TABLE {table.name} ({declared}) STORED AS NDJSON LOCATION '{location}.ndjson';"
    if table.format == "csv":
        with open(f"{path}.csv", "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([c.name for c in table.columns])
            writer.writerows([[csv_field(value) for value in row] for row in table.rows])
        return f"CREATE EXTERNAL TABLE {table.name} ({declared}) STORED AS CSV LOCATION '{location}.csv';"
    rows = arrow_table(table)
    partition = partition_column(table)
    if table.format.startswith("stored"):  # a view of Weir's own, over Parquet
        pq.write_table(rows, f"{path}.parquet")
        head = f"CREATE MATERIALIZED VIEW {table.name} PARTITIONED BY ({printers.quote(partition)}) AS " if partition else ""
        (folder / "views" / f"{table.name}.sql").write_text(f"{head}SELECT * FROM file_of_{table.name}\n")
        return f"CREATE EXTERNAL TABLE file_of_{table.name} STORED AS PARQUET LOCATION '{location}.parquet';"
    if table.format.startswith("parquet"):
        pq.write_table(rows, f"{path}.parquet", row_group_size=3 if table.format == "parquet_groups" else None)
        return f"CREATE EXTERNAL TABLE {table.name} STORED AS PARQUET LOCATION '{location}.parquet';"
    if table.format == "delta_partitioned" and partition:
        deltalake.write_deltalake(str(path), rows, partition_by=[partition])
    elif table.format == "delta_files" and len(rows) > 1:
        for start in range(0, len(rows), 4):
            deltalake.write_deltalake(str(path), rows.slice(start, 4), mode="append")
    else:
        deltalake.write_deltalake(str(path), rows)
    return f"CREATE EXTERNAL TABLE {table.name} STORED AS DELTATABLE LOCATION '{location}';"


def partition_column(table: TableData) -> str | None:
    """The column by which a partitioned table is parted: the last one of a type that others agree how to write."""
    if not table.format.endswith("partitioned") or len(table.columns) < 2:
        return None
    fit = [c.name for c in table.columns if c.type in (INT32, INT64, DATE, BOOL) or c.type == TEXT and c.plain]
    return fit[-1] if fit else None


def load_duckdb(table: TableData, connection: duckdb.DuckDBPyConnection) -> None:
    rows = arrow_table(table)
    columns = ", ".join(f"{printers.quote(c.name)} {sql_types.duckdb_name(c.type)}" for c in table.columns)
    connection.execute(f"CREATE OR REPLACE TABLE {table.name} ({columns})")
    connection.register("rows_of_table", rows)
    connection.execute(f"INSERT INTO {table.name} SELECT * FROM rows_of_table")
    connection.unregister("rows_of_table")


def sqlite_holds(table: TableData) -> bool:
    """Whether all that SQLite reads of the table is exact: NaN would be NULL there."""
    return all(not (isinstance(value, float) and math.isnan(value)) for row in table.rows for value in row)


def sqlite_value(value):
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime.datetime):
        return printers.sqlite_timestamp(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    return None if isinstance(value, (decimal.Decimal, list, dict)) else value


def load_sqlite(table: TableData, connection: sqlite3.Connection) -> None:
    """Columns of types that SQLite has not are there, and NULL: the printer refuses them."""
    columns = ", ".join(printers.quote(c.name) + ("" if c.type.is_nested or c.type.kind == "decimal" else " " + sql_types.sqlite_name(c.type))
                        for c in table.columns)
    connection.execute(f"CREATE TABLE {table.name} ({columns})")
    marks = ", ".join("?" * len(table.columns))
    connection.executemany(f"INSERT INTO {table.name} VALUES ({marks})", [[sqlite_value(value) for value in row] for row in table.rows])
