# SPDX-License-Identifier: Apache-2.0
"""Answers a project's views in two other programs: DataFusion's and DuckDB's Python packages.

In: a project folder with CSV sources. Out: the rows of each view, computed straight from the files. Nothing here runs Weir or
reads what it wrote.
"""

import hashlib
import math
import re
from collections import Counter

import datafusion
import duckdb
import pyarrow as pa

_PART_SEPARATOR = "\x1f"
_ID_PART_TYPES = [pa.string()] + [pa.int64()] * 3 + [pa.string(), pa.int64(), pa.string(), pa.int64()]


def stable_id_parts(prefix, *parts):
    """The documented identity: `prefix:` and 32 hex digits of BLAKE2b over the parts, joined with U+001F."""
    if prefix is None:
        return None
    joined = _PART_SEPARATOR.join("__NULL__" if part is None else str(part) for part in parts)
    return f"{prefix}:{hashlib.blake2b(joined.encode(), digest_size=16).hexdigest()}"


def _stable_id_column(*columns):
    return pa.array([stable_id_parts(*row) for row in zip(*(column.to_pylist() for column in columns))], pa.string())


def _plain(query):
    """The query with what the documented user function `is_late` means in the place of its calls."""
    return re.sub(r"is_late\(([\w.]+)(?:, minutes => (\d+))?\)", lambda call: f"({call[1]} > {call[2] or 15})", query)


class _CountIf(datafusion.Accumulator):
    """count_if(condition) for DataFusion, which has none."""

    def __init__(self):
        self._count = 0

    def update(self, values):
        self._count += sum(1 for value in values.to_pylist() if value)

    def merge(self, states):
        counts = states[0] if isinstance(states, list) else states
        self._count += sum(counts.to_pylist())

    def state(self):
        return [pa.scalar(self._count, pa.int64())]

    def evaluate(self):
        return pa.scalar(self._count, pa.int64())


def answer_with_datafusion(project):
    """Returns {view: pyarrow table} of every view of `project`, inlined ones included, by DataFusion."""
    context = datafusion.SessionContext()
    context.register_udf(datafusion.udf(_stable_id_column, _ID_PART_TYPES, pa.string(), "immutable", "stable_id_parts"))
    context.register_udaf(datafusion.udaf(_CountIf, [pa.bool_()], pa.int64(), [pa.int64()], "immutable", "count_if"))
    for source in project.sources():
        context.sql(source.ddl).collect()
    answers = {}
    for view in project.views():
        answers[view.name] = context.sql(_plain(view.query)).to_arrow_table()
        context.register_record_batches(view.name, [answers[view.name].to_batches()])
    return answers


def answer_with_duckdb(project):
    """Returns {view: pyarrow table} of every view of `project`, inlined ones included, by DuckDB."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.create_function(
        "stable_id_parts", lambda prefix, a, b, c, d, e, f, g: _stable_id_column(prefix, a, b, c, d, e, f, g),
        ["VARCHAR", "BIGINT", "BIGINT", "BIGINT", "VARCHAR", "BIGINT", "VARCHAR", "BIGINT"], "VARCHAR",
        type="arrow", null_handling="special")
    for source in project.sources():
        columns = ", ".join(f"'{name}': '{kind}'" for name, kind in source.columns)
        connection.execute(f"CREATE TABLE {source.name} AS "
                           f"SELECT * FROM read_csv('{source.location}', header = true, columns = {{{columns}}})")
    answers = {}
    for view in project.views():
        connection.execute(f"CREATE TABLE {view.name} AS {_plain(view.query)}")
        answers[view.name] = connection.table(view.name).to_arrow_table()
    return answers


def _exact(value):
    """A value that is equal, and hashes equal, whichever program wrote it."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return value


def _sort_key(row):
    """Orders rows by what is exact in them first; floats count with seven digits, so that noise does not reorder rows."""
    exact = tuple((value is None, str(value)) for value in row if not isinstance(value, float))
    near = tuple(f"{value:.6e}" for value in row if isinstance(value, float))
    return exact, near


def _rows(table):
    columns = [[_exact(value) for value in column.to_pylist()] for column in table.columns]
    return Counter(zip(*columns))


def describe_difference(found, wanted, tolerance=1e-9):
    """Compares two tables as multisets of rows, floats relatively. Returns None if they are equal, else what differs.

    Columns are matched by name: a reader may put partition columns last.
    """
    if sorted(found.column_names) != sorted(wanted.column_names):
        return f"columns {found.column_names}, wanted {wanted.column_names}"
    if found.num_rows != wanted.num_rows:
        return f"{found.num_rows} rows, wanted {wanted.num_rows}"
    found_rows, wanted_rows = _rows(found.select(wanted.column_names)), _rows(wanted)
    surplus = sorted((found_rows - wanted_rows).elements(), key=_sort_key)
    missing = sorted((wanted_rows - found_rows).elements(), key=_sort_key)
    for found_row, wanted_row in zip(surplus, missing, strict=True):
        if not all(_is_near(a, b, tolerance) for a, b in zip(found_row, wanted_row)):
            return f"row {found_row}, wanted {wanted_row}"
    return None


def _is_near(found, wanted, tolerance):
    if isinstance(found, float) and isinstance(wanted, float):
        return math.isclose(found, wanted, rel_tol=tolerance)
    return found == wanted
