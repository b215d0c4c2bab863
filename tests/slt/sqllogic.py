#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs sqllogictest files with the real program: each query as it is, as a stored view, and replayed from the view's lanes.

    python tests/slt/sqllogic.py [--complete] [FILE]…

A file is a list of records with blank lines between them; lines that begin with `#` are comments.

    statement ok                    CREATE EXTERNAL TABLE or CREATE FUNCTION for the queries of the file; `data/` is tests/slt/data
    <SQL>

    query TIRBJ                     one letter a column: text, integer, real, boolean, nested (JSON)
    <SQL>
    ----
    <rows, values with a tab between them; NULL, (empty); other control characters as in JSON>

    statement error <regular expression>
    <SQL>

Rows have no order: they are sorted. A query that fails must do so as a statement of `weir sql` and as a view, when it is checked or
when it is run. `--complete` writes the rows that a statement of `weir sql` gives into the files; judge them before they are kept.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
WEIR = str(pathlib.Path(os.environ.get("WEIR", HERE.parents[1] / "build" / "weir")).resolve())
TYPES = {"T": str, "I": int, "R": (int, float), "B": bool, "J": (dict, list)}


@dataclasses.dataclass
class Record:
    kind: str  # "ok", "error" or "query"
    argument: str  # the pattern, or the types of the columns
    sql: str
    rows: list[str]
    line: int  # of its first line, from 1
    row_line: int  # of the first row
    row_end: int  # behind the last one

    @property
    def columns(self) -> str:
        return ", ".join(f"c{i + 1}" for i in range(len(self.argument)))


def parse(text: str) -> list[Record]:
    """The records of a file. A word that begins none is an error."""
    lines = text.split("\n")
    records, at = [], 0
    while at < len(lines):
        if not lines[at].strip() or lines[at].startswith("#"):
            at += 1
            continue
        begin = at
        while at < len(lines) and lines[at].strip():
            at += 1
        head, body = lines[begin], lines[begin + 1:at]
        if head.startswith("query "):
            mark = body.index("----")
            records.append(Record("query", head.split(None, 1)[1], "\n".join(body[:mark]), body[mark + 1:], begin + 1, begin + 2 + mark, at))
        elif head == "statement ok":
            records.append(Record("ok", "", "\n".join(body), [], begin + 1, at, at))
        elif head.startswith("statement error "):
            records.append(Record("error", head.split(None, 2)[2], "\n".join(body), [], begin + 1, at, at))
        else:
            raise ValueError(f"line {begin + 1}: `statement ok`, `statement error …` or `query …` is wanted, found `{head}`")
    return records


def shown(value, kind: str) -> str:
    """A value as the files have it. Integers beyond 2^53, decimals and times are texts in the program's JSON."""
    if value is None:
        return "NULL"
    fits = isinstance(value, TYPES[kind]) and (kind == "B") == isinstance(value, bool)
    if not fits and not (kind in "IR" and isinstance(value, str)):
        return f"{json.dumps(value)} (which is not of the type {kind})"
    if kind == "T":
        return json.dumps(value, ensure_ascii=False)[1:-1].replace('\\"', '"') or "(empty)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def as_lines(rows: list[dict], types: str) -> list[str]:
    return sorted("\t".join(shown(row.get(f"c{i + 1}"), kind) for i, kind in enumerate(types)) for row in rows)


class Project:
    """A project folder made of the records of one file."""

    def __init__(self, folder: pathlib.Path, records: list[Record]):
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "weir.toml").write_text('[project]\nname = "slt"\n')
        (folder / "data").symlink_to(HERE / "data")
        for place, word in (("sources", "EXTERNAL"), ("functions", "FUNCTION")):
            texts = [record.sql.rstrip(";") + ";\n" for record in records if record.kind == "ok" and word in record.sql]
            if texts:
                (folder / place).mkdir()
                (folder / place / "all.sql").write_text("".join(texts))

    def add_views(self, views: dict[str, str]) -> None:
        (self.folder / "views").mkdir()
        for name, sql in views.items():
            (self.folder / "views" / f"{name}.sql").write_text(sql)

    def weir(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess:
        return subprocess.run([WEIR, arguments[0], "--project", str(self.folder), *arguments[1:]], input=text, capture_output=True,
                              text=True, timeout=300)

    def answers(self, queries: list[str]) -> list[list[dict]]:
        """The rows of each query, in one process. A query that fails ends it."""
        done = self.weir("sql", "--format", "json", text="".join(query + "\n;\n" for query in queries))
        answers, at, decoder = [], 0, json.JSONDecoder()
        while at < len(done.stdout):
            rows, at = decoder.raw_decode(done.stdout, at)
            answers.append(rows)
            while at < len(done.stdout) and done.stdout[at].isspace():
                at += 1
        if done.returncode != 0:
            raise AssertionError(f"{queries[min(len(answers), len(queries) - 1)]}\n{done.stderr}")
        return answers


def query_text(record: Record) -> str:
    return f"SELECT * FROM (\n{record.sql}\n) AS q({record.columns})"


def mismatches(way: str, queries: list[Record], answers: list[list[dict]]) -> list[str]:
    found = []
    for record, rows in zip(queries, answers, strict=True):
        lines = as_lines(rows, record.argument)
        if lines != sorted(record.rows):
            found.append(f"line {record.line}, {way}\n{record.sql}\nwanted\n  " + "\n  ".join(sorted(record.rows)) + "\nfound\n  " + "\n  ".join(lines))
    return found


def check_queries(records: list[Record], scratch: pathlib.Path) -> list[str]:
    queries = [record for record in records if record.kind == "query"]
    project = Project(scratch / "queries", records)
    names = [f"q{i:03}" for i in range(len(queries))]
    project.add_views({name: f"CREATE MATERIALIZED VIEW {name} ({record.columns}) AS\n{record.sql}\n" for name, record in zip(names, queries)})
    found = mismatches("as a statement", queries, project.answers([query_text(record) for record in queries]))
    for way, options in (("stored", []), ("from its lane", ["--force", "--by-lane"])):
        done = project.weir("run", *options)
        if done.returncode != 0:
            return found + [f"{way}\n{done.stderr}"]
        found += mismatches(way, queries, project.answers([f"SELECT * FROM {name}" for name in names]))
    return found


def check_errors(records: list[Record], scratch: pathlib.Path) -> list[str]:
    errors = {f"e{i:03}": record for i, record in enumerate(record for record in records if record.kind == "error")}
    if not errors:
        return []
    found, said = [], {}

    def judge(way: str, record: Record, text: str) -> None:
        if not re.search(record.argument, text):
            found.append(f"line {record.line}, {way}\n{record.sql}\nwanted {record.argument}\nfound  {text.strip()}")

    project = Project(scratch / "errors", records)
    project.add_views({name: record.sql for name, record in errors.items()})
    for diagnostic in json.loads(project.weir("check", "--format", "json").stdout)["diagnostics"]:
        said[pathlib.Path(diagnostic.get("file", "")).stem] = diagnostic["message"]
    running = Project(scratch / "running", records)
    running.add_views({name: record.sql for name, record in errors.items() if name not in said})
    done = running.weir("run", "--format", "json")
    if done.stdout:
        said |= {failure["view"]: failure["message"] for failure in json.loads(done.stdout)["failures"]}
    for name, record in errors.items():
        judge("as a view", record, said.get(name, "no error"))
        done = project.weir("sql", record.sql)
        judge("as a statement", record, done.stderr if done.returncode == 1 else f"exit code {done.returncode}")
    return found


def run(file: pathlib.Path) -> list[str]:
    """What of a file does not hold."""
    records = parse(file.read_text())
    with tempfile.TemporaryDirectory(prefix="weir-slt-") as scratch:
        try:
            found = check_queries(records, pathlib.Path(scratch))
        except AssertionError as error:
            found = [str(error)]
        return found + check_errors(records, pathlib.Path(scratch))


def complete(file: pathlib.Path) -> None:
    lines = file.read_text().split("\n")
    records = parse("\n".join(lines))
    queries = [record for record in records if record.kind == "query"]
    with tempfile.TemporaryDirectory(prefix="weir-slt-") as scratch:
        answers = Project(pathlib.Path(scratch) / "p", records).answers([query_text(record) for record in queries])
    for record, rows in reversed(list(zip(queries, answers, strict=True))):
        lines[record.row_line:record.row_end] = as_lines(rows, record.argument)
    file.write_text("\n".join(lines))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--complete", action="store_true", help="write the rows into the files")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    failed = False
    for file in options.files or sorted(HERE.glob("*.slt")):
        if options.complete:
            complete(file)
            continue
        found = run(file)
        print(f"{file.name}: " + (f"{len(found)} differ" if found else "ok"))
        for text in found:
            print(text)
        failed = failed or bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
