# SPDX-License-Identifier: Apache-2.0
"""The known projects as bags of rows: TPC-H, TPC-DS, generated ones, and each of them with floats where it has exact numbers.

In: scripts/fetch_tpc.py, bench/generate_project.py. Out: `Bags` whose views are all stored, under names that can be stored.
"""

import datetime
import decimal
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import deltalake
import pyarrow
import pyarrow.parquet

import weir_project
from bag_layouts import Bags

sys.path += [str(weir_project.ROOT / "scripts"), str(weir_project.ROOT / "bench")]
import fetch_tpc  # noqa: E402
import generate_project  # noqa: E402


def tpch(scale: str) -> Bags:
    return stored(fetch_tpc.projects()["tpch"], tpch_tables(scale))


def tpcds(rows: int, seed: int) -> Bags:
    folder = fetch_tpc.projects()["tpcds"]
    texts = "\n".join(file.read_text() for file in sorted(folder.glob("views/*.sql")))
    schemas = {path.name: deltalake.DeltaTable(str(path)).to_pyarrow_table().schema for path in sorted((folder / "data").iterdir())}
    return stored(folder, tpcds_tables(schemas, texts, rows, random.Random(seed)))


def generated(folder: pathlib.Path, views: int, seed: int) -> Bags:
    """`folder` is made for the time of making it."""
    generate_project.generate(folder, views, seed)
    tables = {path.name: deltalake.DeltaTable(str(path)).to_pyarrow_table() for path in sorted((folder / "data").iterdir())}
    texts = {str(file.relative_to(folder / "views")): file.read_text() for file in sorted(folder.glob("views/**/*.sql"))}
    return Bags("generated", tables, texts)


def with_floats(bags: Bags, columns=None, divisor: float = 1.0) -> Bags:
    """Decimals, or the columns of these names, as DOUBLE, divided by `divisor`."""
    def converted(rows: pyarrow.Table) -> pyarrow.Table:
        for place, field in enumerate(rows.schema):
            if field.name in columns if columns else pyarrow.types.is_decimal(field.type):
                values = [None if value is None else float(value) / divisor for value in rows.column(place).to_pylist()]
                rows = rows.set_column(place, pyarrow.field(field.name, pyarrow.float64()), pyarrow.array(values, pyarrow.float64()))
        return rows

    return Bags(bags.name + "_floats", {name: converted(rows) for name, rows in bags.tables.items()}, bags.views, bags.dialect)


def stored(folder: pathlib.Path, tables: dict[str, pyarrow.Table]) -> Bags:
    """The plain views of a project of TPC as stored ones, whose columns are numbered: some have no name that can be stored."""
    texts = {file.stem: file.read_text() for file in sorted(folder.glob("views/*.sql"))}
    asked = subprocess.run([weir_project.program(), "sql", "--project", str(folder), "--format", "json"], text=True, check=True,
                           capture_output=True, input="".join(f"DESCRIBE {name};\n" for name in texts)).stdout
    decoder, position, views = json.JSONDecoder(), 0, {}
    for name, text in texts.items():
        columns, position = decoder.raw_decode(asked, len(asked) - len(asked[position:].lstrip()))
        names = ", ".join(f"c{number}" for number in range(len(columns)))
        views[f"{name}.sql"] = text.replace(f"CREATE VIEW {name} AS", f"CREATE MATERIALIZED VIEW {name} ({names}) AS", 1)
    return Bags(folder.name, tables, views, "spark")


def tpch_tables(scale: str) -> dict[str, pyarrow.Table]:
    generator = pathlib.Path(sys.executable).parent / "tpchgen-cli"
    with tempfile.TemporaryDirectory(prefix="weir-tpch-") as scratch:
        subprocess.run([str(generator), "parquet", "-s", scale, "--output-dir", scratch], capture_output=True, check=True)
        tables = {file.stem: pyarrow.parquet.read_table(file) for file in sorted(pathlib.Path(scratch).glob("*.parquet"))}
    return {name: rows.cast(pyarrow.schema([field.with_type(pyarrow.string()) if pyarrow.types.is_string_view(field.type) else field
                                            for field in rows.schema])) for name, rows in tables.items()}


# TPC-DS: rows at random, out of what the queries ask for.

_VALUE = r"(?:'(?:[^']*)'|-?\d+(?:\.\d+)?)"
_COMPARED = re.compile(rf"\b(\w+)\s*(?:=|<>|!=|<=|>=|<|>)\s*(?:cast\s*\(\s*)?({_VALUE})", re.I)
_LISTED = re.compile(rf"\b(\w+)\s+IN\s*\(\s*({_VALUE}(?:\s*,\s*{_VALUE})*)\s*\)", re.I)
_BETWEEN = re.compile(rf"\b(\w+)\s+BETWEEN\s+(?:cast\s*\(\s*)?({_VALUE})(?:[^'\n]*?)\s+AND\s+(?:\(?\s*cast\s*\(\s*)?({_VALUE})", re.I)
KEYS, DIMENSION_ROWS = 24, 60
FACTS = ("store_sales", "store_returns", "catalog_sales", "catalog_returns", "web_sales", "web_returns", "inventory")


def literals(texts: str) -> dict[str, list[str]]:
    """What columns are compared with, by their names."""
    found: dict[str, list[str]] = {}
    for column, value in _COMPARED.findall(texts):
        found.setdefault(column.lower(), []).append(value.strip("'"))
    for column, values in _LISTED.findall(texts):
        found.setdefault(column.lower(), []).extend(value.strip("'") for value in re.findall(_VALUE, values))
    for column, low, high in _BETWEEN.findall(texts):
        found.setdefault(column.lower(), []).extend([low.strip("'"), high.strip("'")])
    return found


def tpcds_tables(schemas, texts: str, rows: int, draw: random.Random) -> dict[str, pyarrow.Table]:
    asked = literals(texts)
    return {name: pyarrow.table([tpcds_column(field, asked.get(field.name, []), rows if name in FACTS else DIMENSION_ROWS, draw)
                                 for field in schema], schema=schema) for name, schema in schemas.items()}


def tpcds_column(field: pyarrow.Field, asked: list[str], rows: int, draw: random.Random) -> pyarrow.Array:
    """Values that queries ask for, now and then others: few of them, so that there are duplicates and ties."""
    def number(fallback):
        numbers = [value for value in asked if re.fullmatch(r"-?\d+(\.\d+)?", value)]
        return decimal.Decimal(draw.choice(numbers)) + draw.choice([0, 0, 0, 1, -1]) if numbers and draw.random() < 0.9 else fallback()

    def value():
        if draw.random() < 0.04:
            return None
        if pyarrow.types.is_integer(field.type) and field.name.endswith(("_sk", "_number", "_week_seq")):
            return draw.randint(1, KEYS)
        if pyarrow.types.is_date(field.type):
            days = [datetime.date.fromisoformat(text) for text in asked if re.fullmatch(r"\d{4}-\d\d-\d\d", text)]
            return draw.choice(days or [datetime.date(2000, 1, 1)]) + datetime.timedelta(draw.randint(0, 40))
        if pyarrow.types.is_integer(field.type):
            return int(number(lambda: draw.randint(1, 12)))
        if pyarrow.types.is_decimal(field.type):
            top = decimal.Decimal(10) ** (field.type.precision - field.type.scale) - 1
            drawn = number(lambda: decimal.Decimal(draw.randint(-500, 9999)) / 100)
            return min(drawn, top).quantize(decimal.Decimal(1).scaleb(-field.type.scale))
        return draw.choice(asked) if asked and draw.random() < 0.9 else draw.choice(["a", "b", "c", "Midway", "AAAAAAAABAAAAAAA"])

    return pyarrow.array([value() for _ in range(rows)], field.type)
