# SPDX-License-Identifier: Apache-2.0
"""A project made of a few data files, for tests of how sources are read.

In: files by their names, and how a source declares them. Out: rows through `weir sql`, rows of a stored view as another reader sees
them, or the error.
"""

import pathlib

from weir_project import Outcome, Project, ProjectCase


class SourceCase(ProjectCase):

    def setUp(self):
        super().setUp()
        self.project = Project(self.scratch / "project")
        self.project.write("weir.toml", '[project]\nname = "files"\nwarehouse = "warehouse"\n')

    def file(self, path: str, content) -> pathlib.Path:
        """Writes a data file: text, or bytes as they are."""
        file = self.project.folder / "data" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def source(self, name: str, columns: str, location: str, stored_as: str = "CSV", partitioned: str = "", **options) -> None:
        """Declares a source over `data/<location>`."""
        text = f"CREATE EXTERNAL TABLE {name} {f'({columns})' if columns else ''} STORED AS {stored_as} LOCATION 'data/{location}'"
        if partitioned:
            text += f" PARTITIONED BY ({partitioned})"
        if options:
            text += " OPTIONS (" + ", ".join("'{}' '{}'".format(k, v.replace("'", "''")) for k, v in options.items()) + ")"
        self.project.write(f"sources/{name}.sql", text + ";\n")

    def csv(self, columns: str, content, name: str = "t", **options) -> None:
        """A source over one CSV file."""
        self.file(f"{name}.csv", content)
        self.source(name, columns, f"{name}.csv", **options)

    def ndjson(self, columns: str, content, name: str = "t", **options) -> None:
        self.file(f"{name}.json", content)
        self.source(name, columns, f"{name}.json", "NDJSON", **options)

    def rows(self, query: str) -> list[tuple]:
        """The rows of a query in `weir sql`."""
        return [tuple(row.values()) for row in self.project.sql(query)]

    def stored(self, query: str, name: str = "v") -> list[tuple]:
        """The rows of a view that stores the query's result, ordered by all their columns."""
        self.project.write(f"views/{name}.sql", query + "\n")
        self.project.run()
        rows = [tuple(row.values()) for row in self.project.read(name).to_pylist()]
        return sorted(rows, key=lambda row: tuple((value is not None, str(value)) for value in row))

    def refuse(self, query: str, *wanted: str) -> Outcome:
        """The query fails in `weir sql` as the user's fault, and a view of it fails in `weir run` and leaves no table."""
        outcome = self.project.weir("sql", query)
        self.assert_says(outcome, 1, wanted)
        self.project.write("views/refused.sql", query + "\n")
        self.assert_says(self.project.weir("run"), 1, wanted)
        self.assertEqual(self.project.log_files("refused"), [])
        return outcome

    def assert_says(self, outcome: Outcome, code: int, wanted) -> None:
        self.assertEqual(outcome.code, code, outcome.text)
        for text in wanted:
            self.assertIn(text, outcome.text)
        self.assertNotIn("backtrace", outcome.text.lower())
