# SPDX-License-Identifier: Apache-2.0
"""Delta tables that others wrote are read rightly, version for version, or refused by name (faults C).

In: the tables beside the checkout (`../shared/delta_tables`, or where WEIR_FOREIGN_TABLES says), each with the rows that Spark reads of it or
the failure that it has. Every table is read through a stored view, which python deltalake reads back, and through `weir sql`.
"""

import dataclasses
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import deltalake
import pyarrow

import variant_text
from weir_project import ROOT, Project, program

TABLES = pathlib.Path(os.environ.get("WEIR_FOREIGN_TABLES", ROOT.parent / "shared" / "delta_tables"))
WANTED = 315  # of 320

# Read from its files by pyarrow, and widened by hand.
WIDENED = [
    '[1, 2, "f3.4000000953674316", "f5.0", "f6.0", "f7.0", "d123.45", "d67.89000", "d1.0", "d2.0", "d3.0", "d4.0", "T1725840000000000"]',
    '[9223372036854775807, 9223372036854775807, "f1.234567890123", "f1.234567890123", "f1.234567890123", "f1.234567890123", '
    '"d12345678901234.56", "d12345678901.23456", "d123.4", "d12345.6", "d1234567890.1", "d123456789012345678.9", "T1725885296123456"]',
]

# Where the protocol and Spark differ, or Spark fails for reasons of its own: the rows in canonical form, or None for those that delta-rs
# reads, and why.
DIFFERENT: dict[str, tuple[list[str] | None, str]] = {
    "dkr~compacted-log-files-table~compacted-log-files-table": (None, "several actions for one path: DuckDB and delta-rs read 5 rows, Spark 23"),
    "dkr~cdf-column-mapping-name-mode-3-7~cdf-column-mapping-name-mode-3-7": (None, "Spark cannot read one of its files"),
    "dkr~timestamp-partitioned-table~timestamp-partitioned-table": (None, "Hadoop takes the colon in its paths for a scheme"),
    "drs~cdc_ict_table": (None, "Spark cannot read one of its files"),
    "hand2~nn_nested_dv": (None, "NOT NULL without the writer's feature `invariants`, which readers need not know"),
    "hand~wf_icebergCompatV2": (None, "a writer's feature without those that it needs, which readers need not know"),
    "hand~wf_coordinatedCommits-preview": (None, "a writer's feature, and nothing in the table that uses it"),
    "hand~cp_only": (None, "a checkpoint stands for its version, commits may be cleaned up"),
    "hand~cp_multipart": (None, "a checkpoint stands for its version, commits may be cleaned up"),
    "hand~cp_tombstones": (None, "a checkpoint stands for its version, commits may be cleaned up"),
    "sp~checkpoint_only": (None, "a checkpoint stands for its version, commits may be cleaned up"),
    "hand~cm_id_swapped": (['[1, "a"]', '[2, "b"]'], "ids tell which column is which, whatever the names are"),
    "hand2~part_empty_binary": (['[1, null]', '[2, "x616263"]'], "an empty partition value is NULL, whatever the type"),
    "sp~char_varchar": (['[1, "ab", "ab"]', '[2, null, "abcde"]'], "Spark pads CHAR when it reads"),
    "dkrd~type-widening": (WIDENED, "Spark refuses TINYINT to DECIMAL(4,1), which holds every value; the kernel reads it"),
}

# What is not right: why.
WRONG: dict[str, str] = {
    "hand~ntz_undeclared": "TIMESTAMP_NTZ without its table feature: refused by name, and Spark reads it",
}

# What a refusal must name.
REFUSED_FOR: dict[str, str] = {
    "dkrd~delta-kernel-unity-catalog~tests~data~catalog_managed_0": "catalogManaged",
    "delta~kbench~basic_catalog_managed~delta": "catalogManaged",
    "hand~catalog_staged": "catalogManaged",
    "drs~data_err_logs~table_d": "catalogOwned",
    "drs~data_err_logs~table_e": "catalogOwned",
    "drs~data_err_logs~table_f": "catalogOwned",
    "drs~data_err_logs~table_i": "catalogOwned",
    "drs~simple_table_features": "reader version 5",
    "hand2~reader_v4_bare": "reader version 4",
    "hand2~type_unknown": "quaternion",
    "hand~type_interval": "interval",
    "hand~rf_geospatial": "geospatial",
    "hand~type_geometry": "geometry",
    "dkrd~table-with-geo": "geometry",
    "hand2~malformed_mid": "00000000000000000001.json",
    "hand~malformed_commit": "00000000000000000001.json",
    "hand2~not_parquet": "a.parquet",
    "hand~truncated_data_file": "a.parquet",
    "hand~missing_data_file": "gone.parquet",
    "hand~wrong_file_type": "a.parquet",
    "hand~dv_missing_file": "deletion_vector_12345678-9abc-def0-1234-56789abcdef0.bin",
    "hand~cm_id_no_field_ids": "field id",
    "hand~log_start_missing": "begins with version 1",
    "hand~log_start_missing_has_all": "begins with version 5",
    "hand~cp_hole_after": "version 4 is followed by version 6",
}

# Spark keeps from going back behind the retention of files, though they are there: delta-rs is the witness.
RETENTION = "DELTA_UNSUPPORTED_TIME_TRAVEL_BEYOND_DELETED_FILE_RETENTION_DURATION"

USABLE_NAME = re.compile(r"\w+")


@dataclasses.dataclass(frozen=True)
class Case:
    """A table at a version; -1: the latest."""

    table: str
    version: int
    view: str
    expected: dict

    def __str__(self) -> str:
        return self.table if self.version < 0 else f"{self.table} version {self.version}"


def all_cases() -> list[Case]:
    cases = []
    for number, file in enumerate(sorted((TABLES / "expected").glob("*.json"))):
        expected = json.loads(file.read_text())
        cases.append(Case(file.stem, -1, f"t{number}", expected))
        for version, state in (expected.get("versions") or {}).items():
            state = {"variant_as_json": expected.get("variant_as_json", []), **state}
            cases.append(Case(file.stem, int(version), f"t{number}_{version}", state))
    return cases


def canonical_form():
    """The module that ships with the tables."""
    spec = importlib.util.spec_from_file_location("canonical", TABLES / "canonical.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def with_variants_as_text(table, columns: list[str]):
    """Columns that hold variants as the JSON that Spark makes of them."""
    for name in columns:
        place = table.schema.get_field_index(name)
        if place >= 0:
            table = table.set_column(place, name, variant_text.column(table.column(place)))
    return table


def rows_of_delta_rs(case: Case) -> pyarrow.Table | None:
    """None where delta-rs cannot read the table either."""
    try:
        table = deltalake.DeltaTable(str(TABLES / "tables" / case.table), version=case.version if case.version >= 0 else None)
        return pyarrow.table(deltalake.QueryBuilder().register("t", table).execute("SELECT * FROM t"))
    except Exception:  # whatever is wrong with it, it is no witness
        return None


def shape(value, kind: pyarrow.DataType):
    """A value as `weir sql` prints it; `*` for what becomes a text of some form."""
    types = pyarrow.types
    if value is None:
        return None
    if types.is_list(kind):
        return [shape(inner, kind.value_type) for inner in value]
    if types.is_struct(kind):
        return {field.name: shape(value[field.name], field.type) for field in kind}
    if types.is_map(kind):
        return len(value)
    if types.is_boolean(kind) or types.is_string(kind):
        return value
    return int(value) if types.is_integer(kind) else "*"


def quoted(value) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def questions_about(source: str, rows: pyarrow.Table) -> list[tuple[str, list]]:
    """Queries of one row, and what they answer."""
    types = pyarrow.types
    questions, counts, bounds = [], [("count(*)", rows.num_rows)], []
    for place, field in enumerate(rows.schema):
        values = [value for value in rows.column(place).to_pylist() if value is not None] if not types.is_nested(field.type) else None
        name = '"' + field.name.replace('"', '""') + '"'
        counts.append((f"count({name})", rows.num_rows - rows.column(place).null_count))
        questions.append((f"SELECT count(*) AS n FROM {source} WHERE {name} IS NULL", [rows.column(place).null_count]))
        if values is None or not (types.is_integer(field.type) or types.is_string(field.type)) or len(questions) > 24:
            continue
        if types.is_integer(field.type) and any(abs(value) > 2**53 for value in values):
            continue
        bounds += [(f"min({name})", min(values, default=None)), (f"max({name})", max(values, default=None))]
        if values:
            some = sorted(values)[len(values) // 2]
            for sign, holds in ((" = ", lambda v, s: v == s), (" > ", lambda v, s: v > s), (" <> ", lambda v, s: v != s), (" <= ", lambda v, s: v <= s)):
                questions.append((f"SELECT count(*) AS n FROM {source} WHERE {name}{sign}{quoted(some)}", [sum(holds(value, some) for value in values)]))
    asked = counts + bounds
    select = ", ".join(f"{expression} AS a{place}" for place, (expression, _) in enumerate(asked))
    questions.append((f"SELECT {select} FROM {source}", [answer for _, answer in asked]))
    return questions


class ForeignTables(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        if not TABLES.is_dir():
            raise unittest.SkipTest(f"no tables of others at {TABLES}; WEIR_FOREIGN_TABLES says where they are")
        os.environ["RUST_BACKTRACE"] = "1"  # the engine adds backtraces to errors where it may
        cls.addClassCleanup(os.environ.pop, "RUST_BACKTRACE")
        cls.folder = tempfile.TemporaryDirectory()
        cls.cases = all_cases()
        cls.outputs = []
        cls.refused = {}  # by view
        cls.project = Project(pathlib.Path(cls.folder.name))
        cls.check()
        cls.run_views()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def weir(cls, *arguments: str, **options):
        outcome = cls.project.weir(*arguments, **options)
        cls.outputs.append(outcome.text)
        return outcome

    @classmethod
    def check(cls):
        """Leaves out the sources that the check refuses."""
        cls.project.write("weir.toml", '[project]\nname = "foreign"\n')
        for case in cls.cases:
            version = "" if case.version < 0 else f" OPTIONS ('version' '{case.version}')"
            location = str(TABLES / "tables" / case.table).replace("'", "''")
            cls.project.write(f"sources/s_{case.view}.sql",
                              f"CREATE EXTERNAL TABLE s_{case.view} STORED AS DELTATABLE LOCATION '{location}'{version};\n")
            cls.project.write(f"views/{case.view}.sql", f"SELECT {cls.columns(case)} FROM s_{case.view}\n")
        outcome = cls.weir("check", "--format", "json")
        for diagnostic in outcome.json()["diagnostics"]:
            if diagnostic["severity"] != "error":
                continue
            view = re.search(r"(?:sources/s_|views/)(\w+)\.sql", diagnostic["file"]).group(1)
            cls.refused[view] = f"{diagnostic['code']} {diagnostic['message']}"
        for view in cls.refused:
            (cls.project.folder / f"sources/s_{view}.sql").unlink()
            (cls.project.folder / f"views/{view}.sql").unlink()

    @staticmethod
    def columns(case: Case) -> str:
        """`*`; with other names for columns that views cannot store."""
        names = [name for name, _ in case.expected.get("schema", [])]
        if all(USABLE_NAME.fullmatch(name) for name in names):
            return "*"
        return ", ".join(f'"{name}" AS c{place}' for place, name in enumerate(names))

    @classmethod
    def run_views(cls):
        outcome = cls.weir("run", "--format", "json")
        for failure in outcome.json()["failures"]:
            cls.refused[failure["view"]] = f"W5001 {failure['message']}"

    def stored(self, case: Case) -> pyarrow.Table:
        table = deltalake.DeltaTable(str(self.project.warehouse / case.view)).to_pyarrow_table()
        return table if self.columns(case) == "*" else table.rename_columns([name for name, _ in case.expected["schema"]])

    def verdict(self, case: Case, form) -> str:
        """Empty where the table was read rightly, or rightly refused."""
        refusal = self.refused.get(case.view)
        expected = case.expected
        if case.table in DIFFERENT and case.version < 0:
            rows, _ = DIFFERENT[case.table]
            expected = {"rows": rows} if rows is not None else self.of_delta_rs(case, form)
        elif RETENTION in expected.get("error", ""):
            expected = self.of_delta_rs(case, form)
            if "rows" not in expected:
                return ""
        if "rows" not in expected:
            if refusal is None:
                return "read, and it is to be refused: " + case.expected.get("error", "")[:120]
            if not re.match(r"W300[1-3] |W5001 ", refusal):
                return "refused without a code of a source: " + refusal
            name = REFUSED_FOR.get(case.table, "")
            return "" if name in refusal else f"refused without naming {name}: {refusal}"
        if refusal is not None:
            return "refused: " + refusal
        variants = expected.get("variant_as_json") or []
        schema, rows = form.canonical(with_variants_as_text(self.stored(case), variants))
        if "schema" in expected and [list(column) for column in schema] != [list(column) for column in expected["schema"]]:
            return f"columns {schema}, wanted {expected['schema']}"
        if variants and len(rows) == len(expected["rows"]):
            return self.compare_variants(schema, rows, expected["rows"], variants)
        only_here, only_there = sorted(set(rows) - set(expected["rows"])), sorted(set(expected["rows"]) - set(rows))
        if len(rows) == len(expected["rows"]) and not only_here and not only_there:
            return ""
        return f"{len(rows)} rows, wanted {len(expected['rows'])}; only here {only_here[:3]}, only there {only_there[:3]}"

    def of_delta_rs(self, case: Case, form) -> dict:
        rows = rows_of_delta_rs(case)
        return {} if rows is None else {"rows": form.canonical(rows)[1]}

    def compare_variants(self, schema, ours, theirs, variants) -> str:
        def normal(rows):
            parsed = [json.loads(row) for row in rows]
            for row in parsed:
                for place, (name, _) in enumerate(schema):
                    if name in variants and row[place] is not None:
                        row[place] = json.loads(row[place])
            return sorted(json.dumps(row, sort_keys=True) for row in parsed)

        ours, theirs = normal(ours), normal(theirs)
        return "" if ours == theirs else f"variants {ours[:2]}, wanted {theirs[:2]}"

    def test_tables_are_read_rightly_or_refused(self):
        form = canonical_form()
        wrong = {}
        for case in self.cases:
            problem = self.verdict(case, form)
            if problem:
                wrong.setdefault(case.table, []).append(f"{case}: {problem}")
        report = "\n".join(line for lines in wrong.values() for line in lines)
        tables = len({case.table for case in self.cases})
        self.assertEqual(sorted(wrong), sorted(WRONG), f"{tables - len(wrong)} of {tables} tables are right; wrong:\n{report}")
        self.assertGreaterEqual(tables - len(wrong), WANTED)

    def test_queries_read_the_same(self):
        """`weir sql` reads the sources themselves, in one process."""
        read = [case for case in self.cases if case.view not in self.refused]
        script = pathlib.Path(self.folder.name) / "queries.sql"
        script.write_text("".join(f"SELECT {self.columns(case)} FROM s_{case.view};\n" for case in read))
        with script.open() as queries:
            command = [program(), "sql", "--project", str(self.project.folder), "--format", "json"]
            outcome = subprocess.run(command, stdin=queries, capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(outcome.returncode, 0, outcome.stderr[-2000:])
        decoder, position, wrong = json.JSONDecoder(), 0, []
        for case in read:
            rows, position = decoder.raw_decode(outcome.stdout, position)
            position = re.compile(r"\s*").match(outcome.stdout, position).end()
            stored = deltalake.DeltaTable(str(self.project.warehouse / case.view)).to_pyarrow_table()
            ours = sorted(json.dumps([shape(row[field.name], field.type) for field in stored.schema]) for row in rows)
            theirs = sorted(json.dumps([shape(row[field.name], field.type) for field in stored.schema]) for row in stored.to_pylist())
            if ours != theirs:
                wrong.append(f"{case}: {ours[:2]}, stored {theirs[:2]}")
        self.assertFalse(wrong, "\n".join(wrong[:40]))

    def test_statistics_answer_nothing_wrongly(self):
        """Counts, bounds and filters, which statistics of the log may answer or prune, agree with the rows."""
        questions = []
        for case in self.cases:
            if case.view in self.refused or self.columns(case) != "*":
                continue
            stored = deltalake.DeltaTable(str(self.project.warehouse / case.view)).to_pyarrow_table()
            questions += questions_about(f"s_{case.view}", stored)
        script = pathlib.Path(self.folder.name) / "questions.sql"
        script.write_text("".join(f"{query};\n" for query, _ in questions))
        with script.open() as queries:
            command = [program(), "sql", "--project", str(self.project.folder), "--format", "json"]
            outcome = subprocess.run(command, stdin=queries, capture_output=True, text=True, timeout=600, check=False)
        self.assertEqual(outcome.returncode, 0, outcome.stderr[-2000:])
        decoder, position, wrong = json.JSONDecoder(), 0, []
        for query, answer in questions:
            rows, position = decoder.raw_decode(outcome.stdout, position)
            position = re.compile(r"\s*").match(outcome.stdout, position).end()
            if list(rows[0].values()) != answer:
                wrong.append(f"{query}: {list(rows[0].values())}, wanted {answer}")
        self.assertFalse(wrong, "\n".join(wrong[:40]))

    def test_refused_tables_fail_queries_plainly(self):
        """What a run finds, a query finds, too."""
        broken = [case for case in self.cases if self.refused.get(case.view, "").startswith("W5001") and case.version < 0]
        for case in broken[:6]:
            outcome = self.weir("sql", f"SELECT * FROM s_{case.view}")
            self.assertNotEqual(outcome.code, 0, str(case))
            self.assertIn("error", outcome.stderr, str(case))

    def test_failures_are_told_plainly(self):
        """No panic and no backtrace, whatever is wrong with a table."""
        for text in self.outputs:
            for sign in ("panicked", "backtrace", "std::", "core::", "RUST_BACKTRACE", "terminate called"):
                self.assertNotIn(sign, text)


if __name__ == "__main__":
    unittest.main()
