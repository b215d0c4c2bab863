# SPDX-License-Identifier: Apache-2.0
"""The sqllogictest files beside this one, each run in all ways; and that they leave out no function and no place of a query."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import sqllogic

FILES = sorted(sqllogic.HERE.glob("*.slt"))


class SqlLogicTest(unittest.TestCase):
    maxDiff = None


def add_case(file: pathlib.Path) -> None:
    def test(self):
        self.assertEqual(sqllogic.run(file), [])

    setattr(SqlLogicTest, f"test_{file.stem}", test)


for path in FILES:
    add_case(path)


class CoverageTest(unittest.TestCase):
    def test_every_native_function_stands_in_every_place(self):
        with tempfile.TemporaryDirectory() as nowhere:
            listed = subprocess.run([sqllogic.WEIR, "functions", "--format", "json", "--project", nowhere], capture_output=True,
                                    text=True, check=True)
        records = [record for file in FILES for record in sqllogic.parse(file.read_text())]
        queries = [record for record in records if record.kind == "query"]
        missing = []
        for function in json.loads(listed.stdout):
            if function["kind"] not in ("scalar", "aggregate"):
                continue
            call = rf"\b{function['name']}\("
            names = "|".join(argument["name"] for argument in function["arguments"])
            places = {
                "value": any(re.search(call, q.sql) and any("NULL" not in row for row in q.rows) for q in queries),
                "NULL": any(re.search(call, q.sql) and ("NULL" in q.sql or any("NULL" in row for row in q.rows)) for q in queries),
                "error": any(r.kind == "error" and re.search(call, r.sql) for r in records),
                "named argument": "…" in function["syntax"] or any(re.search(call + rf"[^;]*\b\"?({names})\"? => ", q.sql) for q in queries),
                "WHERE or HAVING": any(re.search(r"\b(WHERE|HAVING)\b[^;]*" + call, q.sql) for q in queries),
                "JOIN": any(re.search(r"\bJOIN\b[^;]*" + call, q.sql) for q in queries),
                "GROUP BY": any(re.search(call, q.sql) and "GROUP BY" in q.sql for q in queries),
                "window": any(re.search(call, q.sql) and " OVER (" in q.sql for q in queries),
            }
            missing += [f"{function['name']}: {place}" for place, found in places.items() if not found]
        self.assertEqual(missing, [])


class FormatTest(unittest.TestCase):
    def test_records(self):
        records = sqllogic.parse("# c\n\nquery TI\nSELECT 1,\n 2\n----\nb\t2\na\tNULL\n\nstatement error no (such|x)\nSELECT 3\n\nstatement ok\nCREATE x\n")
        self.assertEqual([(r.kind, r.argument, r.sql, r.rows) for r in records],
                         [("query", "TI", "SELECT 1,\n 2", ["b\t2", "a\tNULL"]), ("error", "no (such|x)", "SELECT 3", []), ("ok", "", "CREATE x", [])])
        self.assertEqual((records[0].row_line, records[0].row_end), (6, 8))
        with self.assertRaises(ValueError):
            sqllogic.parse("SELECT 1\n")

    def test_values(self):
        rows = [{"c1": "b\tc", "c2": 1, "c3": {"y": [1, None], "x": "é"}}, {"c2": "9007199254740993"}, {"c1": "", "c2": 2}]
        self.assertEqual(sqllogic.as_lines(rows, "TIJ"), ['(empty)\t2\tNULL', 'NULL\t9007199254740993\tNULL', 'b\\tc\t1\t{"x": "é", "y": [1, null]}'])
        self.assertIn("not of the type I", sqllogic.as_lines([{"c1": True}], "I")[0])

    def test_a_wrong_row_and_a_missing_error_are_found(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "x.slt"
            file.write_text("query I\nSELECT 1 AS a\n----\n2\n\nstatement error no such\nSELECT 2 AS b\n\nquery I\nSELECT 3 AS a\n----\n3\n")
            found = sqllogic.run(file)
            self.assertEqual([text.split("\n")[0] for text in found],
                             ["line 1, as a statement", "line 1, stored", "line 1, from its lane", "line 6, as a view", "line 6, as a statement"])
            sqllogic.complete(file)
            self.assertIn("SELECT 1 AS a\n----\n1\n", file.read_text())


if __name__ == "__main__":
    unittest.main()
