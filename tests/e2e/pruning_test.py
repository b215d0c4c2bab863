# SPDX-License-Identifier: Apache-2.0
"""Files are chosen rightly from real Delta logs: no pruned file holds a matching row (DuckDB looks into each), delta-rs prunes no more,
deletion vectors, column mapping and damaged statistics are honoured."""

import base64
import datetime
import decimal
import json
import pathlib
import random
import re
import struct
import tempfile
import unittest

import deltalake
import duckdb
import pyarrow
import pyarrow.parquet

from weir_project import Project

SEED = 20240311
FILES = 16
ROWS = 6
EPOCH = datetime.datetime(1970, 1, 1)
SCHEMA = pyarrow.schema(
    [
        ("p", pyarrow.int32()),
        ("i", pyarrow.int64()),
        ("s", pyarrow.string()),
        ("day", pyarrow.date32()),
        ("moment", pyarrow.timestamp("us")),
        ("money", pyarrow.decimal128(9, 2)),
        ("b", pyarrow.bool_()),
        ("d", pyarrow.float64()),
        ("place", pyarrow.struct([("floor", pyarrow.int32()), ("city", pyarrow.string())])),
    ]
)


def random_value(chance: random.Random, column: str, near: int):
    if chance.random() < 0.1:
        return None
    number = near + chance.randrange(6)
    match column:
        case "i":
            return number
        case "s":
            return chance.choice(["a", "b", "ab", "abc", ""]) + str(number) + "x" * chance.choice([0, 0, 40])
        case "day":
            return datetime.date(1970, 1, 1) + datetime.timedelta(days=number)
        case "moment":
            return EPOCH + datetime.timedelta(seconds=number, microseconds=chance.randrange(1_000_000))
        case "money":
            return decimal.Decimal(number * 100 + chance.randrange(100)) / 100
        case "b":
            return number % 3 == 0
        case "d":
            return chance.choice([number / 4, number / 4, -0.0])
    return {"floor": number, "city": random_value(chance, "s", near)}


def random_rows(chance: random.Random, near: int) -> pyarrow.Table:
    columns = {"p": [None if near % 5 == 4 else near % 5] * ROWS}
    for field in SCHEMA:
        if field.name != "p":
            empty = chance.random() < 0.1
            columns[field.name] = [None if empty else random_value(chance, field.name, near) for _ in range(ROWS)]
    return pyarrow.table(columns, schema=SCHEMA)


def literal(chance: random.Random, column: str) -> str:
    near = chance.randrange(-4, 34)
    match column:
        case "p":
            return str(chance.randrange(6))
        case "i" | "place.floor":
            return str(near)
        case "s" | "place.city":
            return f"'{chance.choice(['a', 'ab', 'b', ''])}{near}'"
        case "day":
            return f"DATE '{datetime.date(1970, 1, 1) + datetime.timedelta(days=near)}'"
        case "moment":
            return f"TIMESTAMP '{EPOCH + datetime.timedelta(seconds=near, microseconds=chance.choice([0, 500, 999_999]))}'"
        case "money":
            return f"CAST({near}.{chance.randrange(100):02} AS DECIMAL(9, 2))"
    return f"CAST({near / 4} AS DOUBLE)"


def named(column: str) -> str:
    return column if "." not in column else f"t.place['{column.split('.')[1]}']"


def predicate(chance: random.Random, depth: int = 2) -> str:
    if depth > 0 and chance.random() < 0.4:
        first, second = predicate(chance, depth - 1), predicate(chance, depth - 1)
        return chance.choice([f"({first} AND {second})", f"({first} OR {second})", f"NOT {first}"])
    column = chance.choice(["p", "i", "s", "day", "moment", "money", "place.floor", "place.city"])
    value = named(column)
    match chance.randrange(7):
        case 0:
            return f"({value} IS {chance.choice(['', 'NOT '])}NULL)"
        case 1:
            return f"({value} BETWEEN {literal(chance, column)} AND {literal(chance, column)})"
        case 2:
            members = ", ".join(literal(chance, column) for _ in range(chance.randrange(1, 4)))
            return f"({value} {chance.choice(['', 'NOT '])}IN ({members}))"
        case 3:
            return chance.choice(["b", "(NOT b)", f"(s LIKE 'a{chance.randrange(4)}%')", f"(s NOT LIKE 'ab{chance.randrange(4)}%')"])
    return f"({value} {chance.choice(['=', '<>', '<', '<=', '>', '>='])} {literal(chance, column)})"


class Table:
    """A random Delta table, and a project with one view a predicate over it."""

    def __init__(self, folder: pathlib.Path, chance: random.Random, predicates: list[str]):
        self.path = folder / "t"
        for _ in range(FILES):
            rows = random_rows(chance, chance.randrange(30))
            deltalake.write_deltalake(str(self.path), rows, mode="append", partition_by=["p"])
        self.project = project(folder, self.path, {f"v{k}": f"SELECT * FROM t WHERE {text}" for k, text in enumerate(predicates)})


def project(folder: pathlib.Path, table: pathlib.Path, views: dict[str, str]) -> Project:
    made = Project(folder / "project")
    made.write("weir.toml", '[project]\nname = "pruning"\nwarehouse = "warehouse"\n')
    made.write("sources/t.sql", f"CREATE EXTERNAL TABLE t STORED AS DELTATABLE LOCATION '{table}';\n")
    for name, query in views.items():
        made.write(f"views/{name}.sql", query + "\n")
    return made


def matching_rows(file: pathlib.Path, text: str) -> int:
    """Rows of one file that match, by DuckDB. The partition column is in the path."""
    of_path = re.search(r"/p=([^/]*)/", str(file))[1]
    p = "CAST(NULL AS INT)" if of_path.startswith("__HIVE") else f"CAST({of_path} AS INT)"
    text = text.replace("t.place", "place")
    return duckdb.sql(f"SELECT count(*) FROM (SELECT *, {p} AS p FROM read_parquet('{file}', hive_partitioning = false)) t WHERE {text}").fetchall()[0][0]


def opened_by_delta_rs(table: deltalake.DeltaTable, text: str) -> int:
    """Files that delta-rs opens for the predicate after its own pruning."""
    result = deltalake.QueryBuilder().register("t", table).execute(f"EXPLAIN ANALYZE SELECT * FROM t WHERE {text}")
    plan = "\n".join(str(line) for line in pyarrow.table(result.read_all()).column(1))
    return sum(int(count) for count in re.findall(r"files_opened=(\d+)", plan))


class RandomPredicates(unittest.TestCase):
    TABLES = 2
    PREDICATES = 60

    def test_pruned_files_hold_no_matching_row_and_delta_rs_prunes_no_more(self):
        chance = random.Random(SEED)
        pruned_files = 0
        for _ in range(self.TABLES):
            with tempfile.TemporaryDirectory() as folder:
                predicates = [predicate(chance) for _ in range(self.PREDICATES)]
                table = Table(pathlib.Path(folder), chance, predicates)
                pruned_files += self.check(table, predicates)
        self.assertGreater(pruned_files, self.TABLES * self.PREDICATES * FILES / 4)

    def check(self, table: Table, predicates: list[str]) -> int:
        table.project.run()
        files = table.project.artifact("scan_files")
        delta = deltalake.DeltaTable(str(table.path))
        count = 0
        for k, text in enumerate(predicates):
            chosen = [file for file in files if file["view_name"] == f"v{k}"]
            pruned = [file for file in chosen if not file["kept"]]
            with self.subTest(predicate=text):
                for file in pruned:
                    self.assertEqual(matching_rows(table.path / file["path"], text), 0, file)
                # The optimiser may prove that no row matches: then nothing is scanned.
                kept = len(chosen) - len(pruned)
                self.assertLessEqual(kept, opened_by_delta_rs(delta, text))
            count += len(pruned)
        return count


def z85(data: bytes) -> str:
    letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    of_python = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
    return base64.b85encode(data, pad=True).decode().translate(str.maketrans(of_python, letters))


def vector_bytes(rows: list[int]) -> bytes:
    """One bitmap of one array container."""
    bitmap = struct.pack("<IIHHI", 12346, 1, 0, len(rows) - 1, 16) + b"".join(struct.pack("<H", row) for row in rows)
    return struct.pack("<IQI", 1681511377, 1, 0) + bitmap


def deletion_vector(rows: list[int]) -> dict:
    """An inline vector."""
    data = vector_bytes(rows)
    return {"storageType": "i", "pathOrInlineDv": z85(data), "sizeInBytes": len(data), "cardinality": len(rows)}


class Logs(unittest.TestCase):
    """Tables whose logs were written or changed by hand."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.table = self.folder / "t"

    def append(self, first: int, **options) -> None:
        rows = pyarrow.table({"i": pyarrow.array(range(first, first + 10), pyarrow.int64())})
        deltalake.write_deltalake(str(self.table), rows, mode="append", **options)

    def commits(self) -> list[pathlib.Path]:
        return sorted((self.table / "_delta_log").glob("*.json"))

    def actions(self, kind: str) -> list[dict]:
        lines = [json.loads(line) for path in self.commits() for line in path.read_text().splitlines()]
        return [line[kind] for line in lines if kind in line]

    def commit(self, *actions: dict) -> None:
        path = self.table / "_delta_log" / f"{len(self.commits()):020}.json"
        path.write_text("".join(json.dumps(action) + "\n" for action in actions))

    def change_statistics(self, change) -> None:
        for path in self.commits():
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            for line in lines:
                if "add" in line:
                    line["add"]["stats"] = change(line["add"]["stats"])
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def mask(self, file: dict, rows: list[int]) -> None:
        """Takes rows from a file by a deletion vector."""
        masked = file | {"deletionVector": deletion_vector(rows)}
        remove = {"path": file["path"], "deletionTimestamp": 1, "dataChange": True}
        if "deletionVector" in file:
            remove["deletionVector"] = file["deletionVector"]
        self.commit({"remove": remove}, {"add": masked})

    def view(self, where: str = "i >= 10") -> Project:
        return project(self.folder, self.table, {"v": f"SELECT i FROM t WHERE {where}"})

    def scan(self, made: Project) -> dict:
        return made.succeed("explain", "v", "--scans", "--format", "json").json()[0]

    def test_a_table_with_deletion_vectors_is_pruned_and_its_rows_are_right(self):
        self.append(0)
        self.append(10)
        self.append(20)
        features = {"minReaderVersion": 3, "minWriterVersion": 7}
        self.commit({"protocol": features | {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}})
        low, middle, _ = sorted(self.actions("add"), key=lambda add: json.loads(add["stats"])["minValues"]["i"])
        self.mask(middle, [0, 9])
        made = self.view()
        scan = self.scan(made)
        self.assertEqual([file["path"] for file in scan["pruned"]], [low["path"]])
        self.assertEqual(scan["pruned"][0]["reason"], "`t.i >= 10`: i is 0 to 9")
        made.run()
        self.assertEqual(sorted(made.read("v")["i"].to_pylist()), [*range(11, 19), *range(20, 30)])
        self.assertIn("0 to run", made.succeed("plan").stdout)
        # A vector over the pruned file takes no row that the view reads.
        self.mask(low, [3])
        self.assertIn("0 to run", made.succeed("plan").stdout)
        self.mask(self.actions("add")[-2], [0, 1, 9])
        self.assertIn("1 to run", made.succeed("plan").stdout)
        made.run()
        self.assertEqual(sorted(made.read("v")["i"].to_pylist()), [*range(12, 19), *range(20, 30)])

    def test_column_mapping_is_pruned_by_physical_names(self):
        fields = [deltalake.Field("i", "long"), deltalake.Field("p", "string")]
        deltalake.DeltaTable.create(
            str(self.table), deltalake.Schema(fields), partition_by=["p"], configuration={"delta.columnMapping.mode": "name"}
        )
        for k, p in enumerate(["a", "b", "c"]):
            numbers = pyarrow.array(range(k * 10, k * 10 + 10), pyarrow.int64())
            deltalake.write_deltalake(str(self.table), pyarrow.table({"i": numbers, "p": [p] * 10}), mode="append")
        physical = set(json.loads(self.actions("add")[0]["stats"])["minValues"])
        self.assertNotIn("i", physical)
        made = self.view("i >= 10 AND p <> 'c'")
        scan = self.scan(made)
        reasons = sorted(file["reason"] for file in scan["pruned"])
        self.assertEqual(reasons, ["`t.i >= 10`: i is 0 to 9", "`t.p <> 'c'`: p is 'c'"])
        made.run()
        self.assertEqual(sorted(made.read("v")["i"].to_pylist()), list(range(10, 20)))

    def test_a_checkpoint_is_read_with_what_came_after_it(self):
        for k in range(3):
            self.append(k * 10)
        deltalake.DeltaTable(str(self.table)).create_checkpoint()
        for path in self.commits()[:2]:
            path.unlink()
        self.append(30)
        made = self.view("i < 5 OR i >= 30")
        scan = self.scan(made)
        self.assertEqual((len(scan["kept"]), len(scan["pruned"])), (2, 2))
        made.run()
        self.assertEqual(sorted(made.read("v")["i"].to_pylist()), [*range(5), *range(30, 40)])

    def check_contradiction(self, change, message: str) -> None:
        self.append(0)
        self.append(10)
        self.change_statistics(change)
        made = self.view("i >= 15")
        planned = made.succeed("plan")
        self.assertIn("warning[W4001]", planned.text)
        self.assertIn(message, planned.text)
        self.assertEqual(len(self.scan(made)["kept"]), 2)
        made.run()
        self.assertEqual(sorted(made.read("v")["i"].to_pylist()), list(range(15, 20)))

    def test_a_minimum_above_the_maximum_keeps_the_file(self):
        def change(text: str) -> str:
            statistics = json.loads(text)
            statistics["minValues"], statistics["maxValues"] = statistics["maxValues"], statistics["minValues"]
            return json.dumps(statistics)

        self.check_contradiction(change, "the minimum of `i` is ")

    def test_more_nulls_than_rows_keep_the_file(self):
        self.check_contradiction(
            lambda text: json.dumps(json.loads(text) | {"nullCount": {"i": 11}}), "`i` is NULL in 11 rows, and there are 10"
        )

    def test_bounds_of_another_type_keep_the_file(self):
        self.check_contradiction(
            lambda text: json.dumps(json.loads(text) | {"minValues": {"i": "x"}, "maxValues": {"i": "y"}}),
            'a bound of `i` is "x", and its type is int64',
        )

    def test_statistics_that_are_no_json_keep_the_file(self):
        self.check_contradiction(lambda text: text[:-5], "its statistics are no JSON object")


if __name__ == "__main__":
    unittest.main()
