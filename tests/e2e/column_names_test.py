# SPDX-License-Identifier: Apache-2.0
"""Names of columns and fields: what Delta takes is read back alike by Weir and by others, what it does not take is an error of check."""

import unittest

from weir_project import Project, ProjectCase

TAKEN = ["ä", "a.b", "a..b", "a/b", "a%20b", "a'b", 'a"b', "a\\b", "a`b", "a:b", "a-b", "a+b", "#", "$1", "1", "SELECT", "Upper", "日本", "a\u00a0b", "x" * 200]
REFUSED = ["", " ", "a b", "a,b", "a;b", "a{b", "a}b", "a(b", "a)b", "a\nb", "a\tb", "a=b", "count(*)"]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class ColumnNames(ProjectCase):
    def project(self, views: dict[str, str]) -> Project:
        project = Project(self.scratch / "names")
        project.write("weir.toml", '[project]\nname = "names"\n')
        for name, query in views.items():
            project.write(f"views/{name}.sql", query + "\n")
        return project

    def test_names_are_read_back_as_they_are(self):
        columns = ", ".join(f"{i} AS {quoted(name)}" for i, name in enumerate(TAKEN))
        project = self.project({"v": f"SELECT {columns} UNION ALL SELECT {', '.join(str(100 + i) + '.5' for i in range(len(TAKEN)))}",
                                "r": f"SELECT {', '.join(quoted(name) for name in reversed(TAKEN))} FROM v WHERE {quoted('a.b')} = 1"})
        project.succeed("check")
        project.run()
        table = project.read("v")
        self.assertEqual(table.column_names, TAKEN)
        self.assertEqual(sorted(table.to_pylist(), key=str)[0], {name: float(i) for i, name in enumerate(TAKEN)})
        self.assertEqual(project.read("r").to_pylist(), [{name: float(i) for i, name in reversed(list(enumerate(TAKEN)))}])
        self.assertEqual(project.sql(f"SELECT {quoted('a.b')}, {quoted('ä')} FROM v WHERE {quoted('SELECT')} = 15"), [{"a.b": 1.0, "ä": 0.0}])
        self.assertEqual(project.run()["views"]["reused"], 2)

    def test_statistics_of_odd_names_prune_rightly(self):
        views = {}
        for i, name in enumerate(TAKEN):
            views[f"v{i}"] = f"SELECT column1 AS {quoted(name)} FROM (VALUES (1), (2), (3))"
            views[f"some{i}"] = f"SELECT {quoted(name)} AS x FROM v{i} WHERE {quoted(name)} >= 2"
            views[f"none{i}"] = f"SELECT {quoted(name)} AS x FROM v{i} WHERE {quoted(name)} > 3"
        project = self.project(views)
        project.run()
        for i, name in enumerate(TAKEN):
            with self.subTest(name):
                self.assertEqual(sorted(project.read(f"some{i}").column("x").to_pylist()), [2, 3])
                self.assertEqual(project.read(f"none{i}").num_rows, 0)

    def test_fields_of_structs_are_read_back_as_they_are(self):
        names = [name for name in TAKEN if name != "a'b"]
        pairs = ", ".join(f"'{name}', {i}" for i, name in enumerate(names))
        project = self.project({"v": f"SELECT named_struct({pairs}) AS s"})
        project.run()
        self.assertEqual(project.read("v").to_pylist(), [{"s": {name: i for i, name in enumerate(names)}}])

    def test_names_that_delta_does_not_take_are_errors_of_check(self):
        for name in REFUSED:
            with self.subTest(name):
                views = {"v": f"SELECT 1 AS {quoted(name)}"}
                if name:
                    views["s"] = f"SELECT named_struct('{name}', 1) AS s"
                outcome = self.project(views).weir("check", "--format", "json")
                self.assertEqual(outcome.code, 1, outcome.text)
                found = [d["code"] for d in outcome.json()["diagnostics"]]
                self.assertEqual(found, ["W2007"] * len(views), outcome.text)

    def test_names_that_differ_by_case_alone_are_errors_of_check(self):
        for query in ('SELECT 1 AS a, 2 AS "A"', "SELECT named_struct('a', 1, 'A', 2) AS s", "SELECT [named_struct('a', 1, 'a', 2)] AS s",
                      "SELECT map(['k'], [named_struct('b', 1, 'B', 2)]) AS s"):
            with self.subTest(query):
                outcome = self.project({"v": query}).weir("check")
                self.assertEqual(outcome.code, 1, outcome.text)
                self.assertRegex(outcome.text, "W2007|W2005")


if __name__ == "__main__":
    unittest.main()
