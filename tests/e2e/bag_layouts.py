# SPDX-License-Identifier: Apache-2.0
"""The same bags of rows, in other files and under other settings: what no result may depend on.

In: tables in memory and the views of a project. Out: projects that differ in the order of rows, in files, row groups and formats, in the
number of partitions, the size of batches and the engine's choice of operators; the content hash of each view that Weir recorded.
"""

import csv
import dataclasses
import datetime
import itertools
import json
import math
import pathlib
import random

import deltalake
import pyarrow
import pyarrow.compute
import pyarrow.parquet

from weir_project import Project, last_json

PARTITIONS = (1, 2, 3, 8, 16)
BATCH_SIZES = (3, 64, 1000, 8192)
ORDERS = ("as they come", "shuffled", "shuffled again", "reversed", "sorted by a column")
#: How many files a table has, and how many rows a row group at most.
FILES = (1, 2, 5, 11)
ROW_GROUPS = (1 << 20, 7, 100, 2000)
FORMS = ("delta", "delta compacted", "parquet", "delta z-ordered", "csv", "parquet of dictionaries", "parquet of large texts")
SECONDS_AT_MOST = 300
#: What else the engine's operators hang on, a group a variant.
CHOICES = (
    {},
    {"datafusion.optimizer.repartition_file_min_size": 1},
    {"datafusion.optimizer.prefer_hash_join": False, "datafusion.optimizer.repartition_file_min_size": 1},
    # Groups go on one by one, as states of single rows.
    {"datafusion.execution.skip_partial_aggregation_probe_rows_threshold": 10,
     "datafusion.execution.skip_partial_aggregation_probe_ratio_threshold": 0.01},
    {"datafusion.optimizer.hash_join_single_partition_threshold": 0, "datafusion.optimizer.hash_join_single_partition_threshold_rows": 0},
    {"datafusion.optimizer.prefer_existing_sort": True, "datafusion.execution.parquet.pushdown_filters": False},
    {"datafusion.optimizer.enable_round_robin_repartition": False, "datafusion.optimizer.enable_topk_aggregation": False},
)


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way to store the tables and to run the views. `memory_limit`: as weir.toml has it; empty: the default."""

    seed: int = 0
    partitions: int = 1
    batch_size: int = 8192
    order: str = ORDERS[0]
    files: int = 1
    row_group: int = ROW_GROUPS[0]
    form: str = FORMS[0]
    choices: tuple[tuple[str, object], ...] = ()
    memory_limit: str = ""
    deterministic: bool = True

    def toml(self, name: str, dialect: str = "generic") -> str:
        settings = {"datafusion.execution.target_partitions": self.partitions, "datafusion.execution.batch_size": self.batch_size,
                    **dict(self.choices)}
        lines = ["[project]", f'name = "{name}"', f'dialect = "{dialect}"', "", "[profiles.default]",
                 f"deterministic = {str(self.deterministic).lower()}"]
        if self.memory_limit:
            lines.append(f'memory_limit = "{self.memory_limit}"')
        return "\n".join([*lines, "", "[profiles.default.settings]",
                          *(f'"{key}" = {str(value).lower()}' for key, value in settings.items())]) + "\n"


def variants(seed: int, count: int, forms=FORMS, batch_sizes=BATCH_SIZES) -> list[Variant]:
    """`count` variants that differ from the plain one. Each dimension has each of its values once before one comes again."""
    draw = random.Random(f"variants {seed}")

    def rounds(values):
        while True:
            yield from draw.sample(values, len(values))

    dimensions = [rounds(values) for values in (PARTITIONS, batch_sizes, ORDERS, FILES, ROW_GROUPS, forms, CHOICES)]
    made = [Variant(number, *values[:-1], choices=tuple(values[-1].items()))
            for number, values in zip(range(1, count + 1), zip(*dimensions))]
    # The engine refuses to merge-join dictionaries.
    return [variant if variant.form != "parquet of dictionaries" else dataclasses.replace(
        variant, choices=tuple(choice for choice in variant.choices if choice[0] != "datafusion.optimizer.prefer_hash_join")) for variant in made]


@dataclasses.dataclass
class Bags:
    """Tables by name, and the texts of views (path → text) that read them."""

    name: str
    tables: dict[str, pyarrow.Table]
    views: dict[str, str]
    dialect: str = "generic"

    def project(self, folder: pathlib.Path, variant: Variant) -> Project:
        """Writes the project, which nobody has run."""
        project = Project(folder)
        project.write("weir.toml", variant.toml(self.name, self.dialect))
        for path, text in self.views.items():
            project.write(f"views/{path}", text)
        statements = [write_table(folder, name, rows, variant) for name, rows in self.tables.items()]
        project.write("sources/tables.sql", "\n".join(statements) + "\n")
        return project


def run(project: Project) -> dict[str, str]:
    """Runs a project. By view: the content hash of what was stored, or how it failed."""
    outcome = project.weir("run", "--format", "json", seconds_at_most=SECONDS_AT_MOST)
    if outcome.code not in (0, 1) or not outcome.stdout.strip():
        raise AssertionError(f"weir run ended with {outcome.code}\n{outcome.stdout[-2000:]}{outcome.stderr[-4000:]}")
    found = {failure["view"]: f"{failure['state']}: {failure['message']}" for failure in last_json(outcome.stdout)["failures"]}
    return {view.name: found[view.name] if view.name in found else content_hash(project, view.name) for view in project.stored_views()}


def content_hash(project: Project, view: str) -> str:
    newest = project.log_files(view)[-1]
    for line in (project.table_path(view) / "_delta_log" / newest).read_text().splitlines():
        if "commitInfo" in (action := json.loads(line)):
            return action["commitInfo"]["weir"]["content_hash"]
    raise AssertionError(f"{view}: {newest} has no commitInfo")


# Tables


def arranged(rows: pyarrow.Table, variant: Variant, draw: random.Random) -> pyarrow.Table:
    """The rows in the variant's order."""
    if variant.order == "reversed":
        return rows.take(pyarrow.array(range(len(rows) - 1, -1, -1), pyarrow.int64()))
    if variant.order.startswith("shuffled"):
        places = list(range(len(rows)))
        draw.shuffle(places)
        return rows.take(pyarrow.array(places, pyarrow.int64()))
    if variant.order == "sorted by a column":
        return rows.sort_by([(draw.choice(rows.column_names), draw.choice(["ascending", "descending"]))])
    return rows


def pieces(rows: pyarrow.Table, count: int, draw: random.Random) -> list[pyarrow.Table]:
    """The rows in up to `count` parts of unequal length."""
    cuts = sorted(draw.sample(range(1, len(rows)), min(count, len(rows)) - 1)) if len(rows) > 1 else []
    return [rows.slice(start, end - start) for start, end in itertools.pairwise([0, *cuts, len(rows)])]


def write_table(folder: pathlib.Path, name: str, rows: pyarrow.Table, variant: Variant) -> str:
    """Writes the files of a table below `folder`/data; returns the statement that declares it."""
    draw = random.Random(f"{variant} {name}")
    path = folder / "data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = pieces(arranged(rows, variant, draw), variant.files, draw)
    row_group = max(variant.row_group, len(rows) // 2000)  # a Parquet file has no more than 32767
    form = variant.form
    if form == "csv" and not all(map(csv_holds, rows.columns)):
        form = "parquet"
    if form.startswith("delta"):
        properties = deltalake.WriterProperties(max_row_group_size=row_group)
        for part in parts:
            deltalake.write_deltalake(str(path), part, mode="append", writer_properties=properties)
        if form == "delta compacted":
            deltalake.DeltaTable(str(path)).optimize.compact()
        elif form == "delta z-ordered" and (fit := [field.name for field in rows.schema if z_orders(field.type)]):
            deltalake.DeltaTable(str(path)).optimize.z_order(draw.sample(fit, 1))
        return f"CREATE EXTERNAL TABLE {name} STORED AS DELTATABLE LOCATION 'data/{name}';"
    path.mkdir()
    for number, part in zip(draw.sample(range(100), len(parts)), parts):  # files are listed in another order than that of rows
        if form == "csv":
            write_csv(path / f"{number:02}.csv", part)
        else:
            pyarrow.parquet.write_table(as_form(part, form), path / f"{number:02}.parquet", row_group_size=row_group)
    if form == "csv":
        columns = ", ".join(f"{field.name} {sql_type(field.type)}" for field in rows.schema)
        return f"CREATE EXTERNAL TABLE {name} ({columns}) STORED AS CSV LOCATION 'data/{name}/' OPTIONS ('has_header' 'true');"
    return f"CREATE EXTERNAL TABLE {name} STORED AS PARQUET LOCATION 'data/{name}/';"


def z_orders(data_type: pyarrow.DataType) -> bool:
    return pyarrow.types.is_integer(data_type) or pyarrow.types.is_string(data_type)


def as_form(rows: pyarrow.Table, form: str) -> pyarrow.Table:
    """Texts as the form has them."""
    other = {"parquet of dictionaries": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
             "parquet of large texts": pyarrow.large_string()}.get(form)
    if other is None:
        return rows
    return rows.cast(pyarrow.schema([field.with_type(other) if field.type == pyarrow.string() else field for field in rows.schema]))


def sql_type(data_type: pyarrow.DataType) -> str:
    if pyarrow.types.is_decimal(data_type):
        return f"DECIMAL({data_type.precision}, {data_type.scale})"
    return {"bool": "BOOLEAN", "int32": "INT", "int64": "BIGINT", "float": "REAL", "double": "DOUBLE", "string": "VARCHAR", "date32[day]": "DATE",
            "timestamp[us]": "TIMESTAMP"}[str(data_type)]


def csv_holds(column: pyarrow.ChunkedArray) -> bool:
    """Whether CSV can say all values: an empty field is NULL, and nested values have no text."""
    if pyarrow.types.is_string(column.type):
        return not pyarrow.compute.any(pyarrow.compute.equal(column, "")).as_py()
    return not pyarrow.types.is_nested(column.type)


def write_csv(file: pathlib.Path, rows: pyarrow.Table) -> None:
    with open(file, "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(rows.column_names)
        writer.writerows(zip(*([csv_field(value, column.type) for value in column.to_pylist()] for column in rows.columns)))


def csv_field(value, data_type: pyarrow.DataType) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else "inf" if value == math.inf else "-inf" if value == -math.inf else repr(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="microseconds")
    if pyarrow.types.is_decimal(data_type):
        return format(value, "f")
    return str(value).lower() if isinstance(value, bool) else str(value)
