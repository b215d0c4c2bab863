# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests and the benchmark share: projects on disk, the program, and the tables it wrote.

In: a project folder and the program that the environment variable WEIR names (default: build/weir). Out: exit codes, parsed JSON,
Delta tables as another reader sees them. Nothing here knows how Weir works inside.
"""

import ctypes
import dataclasses
import fcntl
import hashlib
import json
import os
import pathlib
import pty
import re
import select
import shutil
import struct
import subprocess
import tempfile
import termios
import unittest

import deltalake
import pyarrow

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLIGHTS = ROOT / "examples" / "flights"
FULL_SCALE = os.environ.get("WEIR_TEST_SCALE") == "full"
SECONDS_AT_MOST = 900
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, PR_CAPBSET_DROP = 1, 2, 24


def obey_permissions() -> None:
    """Lets the permissions of files hold for root, too. Runs between fork and exec."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails for others than root, for whom they hold anyway


def program() -> str:
    """The path of the program under test."""
    return str(pathlib.Path(os.environ.get("WEIR", ROOT / "build" / "weir")).resolve())


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout + self.stderr

    def json(self):
        """The last JSON value on stdout."""
        return last_json(self.stdout)


def last_json(text: str):
    """Parses the JSON value that ends `text`; lines before it may hold others."""
    decoder = json.JSONDecoder()
    position = 0
    value = None
    found = False
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if position == len(text):
            break
        value, position = decoder.raw_decode(text, position)
        found = True
    if not found:
        raise AssertionError("no JSON on stdout")
    return value


@dataclasses.dataclass(frozen=True)
class View:
    """One file under views/."""

    name: str
    query: str
    stored: bool
    partition_columns: tuple[str, ...]
    file: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Source:
    """One CREATE EXTERNAL TABLE over a file."""

    name: str
    columns: tuple[tuple[str, str], ...]
    format: str
    location: pathlib.Path
    options: dict[str, str]
    ddl: str  # with the location made absolute


class Project:
    """A project folder with its warehouse in it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    @property
    def warehouse(self) -> pathlib.Path:
        return self.folder / "warehouse"

    # The program

    def start(self, *arguments: str, **options) -> subprocess.Popen:
        """Starts a command and does not wait for it."""
        return subprocess.Popen([program(), arguments[0], "--project", str(self.folder), *arguments[1:]],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL, **options)

    def weir(self, *arguments: str, seconds_at_most: float = SECONDS_AT_MOST, **options) -> Outcome:
        """Runs `weir <arguments>` on this project."""
        with self.start(*arguments, **options) as process:
            try:
                stdout, stderr = process.communicate(timeout=seconds_at_most)
            except subprocess.TimeoutExpired:
                process.kill()
                stdout, stderr = process.communicate()
                raise AssertionError(f"weir {arguments} took over {seconds_at_most} s\n{stderr}") from None
        return Outcome(process.returncode, stdout, stderr)

    def run_on_terminal(self, *arguments: str, columns: int = 60, term: str = "xterm") -> str:
        """What `weir run <arguments>`, which must end with 0, writes to a terminal that is its standard error."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([program(), "run", "--project", str(self.folder), *arguments], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=theirs, env={**os.environ, "TERM": term})
        os.close(theirs)
        text = b""
        while True:
            ready, _, _ = select.select([ours], [], [], 60)
            if not ready:
                raise AssertionError("the terminal is silent")
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            text += part
        os.close(ours)
        if (code := process.wait()) != 0:
            raise AssertionError(f"weir run {' '.join(arguments)} ended with {code}\n{text.decode()}")
        return text.decode()

    def succeed(self, *arguments: str) -> Outcome:
        """Runs a command that must end with 0."""
        outcome = self.weir(*arguments)
        if outcome.code != 0:
            raise AssertionError(f"weir {' '.join(arguments)} ended with {outcome.code}\n{outcome.text}")
        return outcome

    def run(self, *arguments: str) -> dict:
        """Runs the project, which must succeed. Returns the summary."""
        return self.succeed("run", "--format", "json", *arguments).json()

    def sql(self, query: str) -> list[dict]:
        """The rows of a query."""
        return self.succeed("sql", "--format", "json", query).json()

    def last_run_id(self) -> str:
        return self.sql("SELECT run_id FROM weir.runs ORDER BY started_at DESC LIMIT 1")[0]["run_id"]

    # Its files

    def write(self, path: str, text: str) -> pathlib.Path:
        """Writes a file of the project."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def views(self) -> list[View]:
        """The views, each after those that it reads."""
        return in_build_order([parse_view(file) for file in sorted(self.folder.glob("views/**/*.sql"))])

    def stored_views(self) -> list[View]:
        return [view for view in self.views() if view.stored]

    def sources(self) -> list[Source]:
        found = []
        for file in sorted(self.folder.glob("sources/*.sql")):
            found += parse_sources(file.read_text(), self.folder)
        return found

    # Its tables, read by another program

    def table_path(self, name: str) -> pathlib.Path:
        """The folder of a view's table or of an artifact (`_weir/<name>`)."""
        return self.warehouse / name

    def delta(self, name: str) -> deltalake.DeltaTable:
        return deltalake.DeltaTable(str(self.table_path(name)))

    def read(self, name: str) -> pyarrow.Table:
        return self.delta(name).to_pyarrow_table()

    def artifact(self, name: str) -> list[dict]:
        """All rows of an artifact table."""
        return self.read(f"_weir/{name}").to_pylist()

    def log_files(self, name: str) -> list[str]:
        """The names of the commits in a table's log; empty if there is no table."""
        return sorted(path.name for path in (self.table_path(name) / "_delta_log").glob("*.json"))

    def all_files(self) -> dict[str, tuple[int, int]]:
        """Size and time of every file that a view's table consists of."""
        files = {}
        for path in sorted(self.warehouse.glob("**/*")):
            relative = path.relative_to(self.warehouse)
            if path.is_file() and relative.parts[0] != "_weir":
                files[str(relative)] = (path.stat().st_size, path.stat().st_mtime_ns)
        return files


class ProjectCase(unittest.TestCase):
    """A test with a scratch folder for its projects."""

    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        if not os.access(program(), os.X_OK):
            raise AssertionError(f"there is no program to test at `{program()}`: build it, or set WEIR")

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="weir-e2e-")
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def flights(self, name: str = "flights", flight_rows: int | None = None) -> Project:
        """A fresh copy of the example, with the first `flight_rows` flights only if that is given."""
        return copy_flights(self.scratch / name, flight_rows)


def copy_flights(folder: pathlib.Path, flight_rows: int | None = None) -> Project:
    """Copies the example without its warehouse. Data files are links, those that are cut short copies."""
    if not (FLIGHTS / "data" / "flights.csv").exists():
        raise AssertionError("the example has no data: scripts/fetch_flights.py fetches it")
    folder.mkdir(parents=True)
    for part in ("weir.toml", "sources", "functions", "views", "tests"):
        source = FLIGHTS / part
        if source.is_dir():
            shutil.copytree(source, folder / part)
        else:
            shutil.copy(source, folder / part)
    (folder / "data").mkdir()
    for file in sorted((FLIGHTS / "data").glob("*.csv")):
        if flight_rows is not None and file.name == "flights.csv":
            copy_sample(file, folder / "data" / file.name, flight_rows)
        else:
            (folder / "data" / file.name).symlink_to(file)
    return Project(folder)


def copy_sample(source: pathlib.Path, target: pathlib.Path, rows: int) -> None:
    """Copies the header and about `rows` lines, spread over the whole file."""
    lines = source.read_text().splitlines(keepends=True)
    step = max(1, (len(lines) - 1) // rows)
    target.write_text(lines[0] + "".join(lines[1::step]))


def own_copy(file: pathlib.Path) -> pathlib.Path:
    """Makes a linked data file a file of its own, so that a test may change it."""
    contents = file.read_bytes()
    file.unlink()
    file.write_bytes(contents)
    return file


# Reading a project's SQL, as far as the tests need it: the files here are well formed.

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.S)
_VIEW = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?P<materialized>MATERIALIZED\s+)?VIEW\s+(?P<name>\w+)(?P<clauses>.*?)\bAS\s+"
    r"(?P<query>(?:SELECT|WITH)\b.*)", re.S | re.I)
_PARTITIONED = re.compile(r"PARTITIONED\s+BY\s*\(([^)]*)\)", re.I)
_SOURCE = re.compile(
    r"CREATE\s+EXTERNAL\s+TABLE\s+(?P<name>\w+)\s*(?:\((?P<columns>.*?)\)\s*)?STORED\s+AS\s+(?P<format>\w+)\s+"
    r"LOCATION\s+'(?P<location>[^']*)'\s*(?:OPTIONS\s*\((?P<options>[^)]*)\))?\s*(?:;|$)", re.S | re.I)


def without_comments(sql: str) -> str:
    """Blanks comments. REQUIRES: no string in the text looks like a comment."""
    return _COMMENT.sub(" ", sql)


def parse_view(file: pathlib.Path) -> View:
    text = without_comments(file.read_text()).strip().rstrip(";")
    ddl = _VIEW.match(text)
    if ddl is None:
        return View(file.stem, text, True, (), file)
    partitioned = _PARTITIONED.search(ddl["clauses"])
    columns = tuple(name.strip() for name in partitioned[1].split(",")) if partitioned else ()
    return View(ddl["name"].lower(), ddl["query"], ddl["materialized"] is not None, columns, file)


def parse_sources(text: str, folder: pathlib.Path) -> list[Source]:
    found = []
    for ddl in _SOURCE.finditer(without_comments(text)):
        columns = tuple(tuple(column.split(None, 1)) for column in (ddl["columns"] or "").split(",") if column.strip())
        options = re.findall(r"'([^']*)'\s+'([^']*)'", ddl["options"] or "")
        location = (folder / ddl["location"]).absolute()
        absolute = ddl[0].replace(f"'{ddl['location']}'", f"'{location}'").rstrip(";")
        found.append(Source(ddl["name"].lower(), columns, ddl["format"].lower(), location, dict(options), absolute))
    return found


def words(sql: str) -> set[str]:
    """The words of a query, strings left out."""
    return set(re.findall(r"\w+", re.sub(r"'[^']*'", " ", sql).lower()))


def references(view: View, names) -> set[str]:
    """Which of `names` a view reads. REQUIRES: no column or alias is named like a table that the view does not read."""
    return (words(view.query) & set(names)) - {view.name}


def in_build_order(views: list[View]) -> list[View]:
    """Orders views so that each stands after those that it reads; by name where that leaves a choice."""
    waiting = {view.name: view for view in sorted(views, key=lambda view: view.name)}
    reads = {view.name: references(view, waiting) for view in views}
    ordered: list[View] = []
    while waiting:
        ready = [view for view in waiting.values() if reads[view.name].isdisjoint(waiting)]
        if not ready:
            raise AssertionError(f"views read each other in a circle: {sorted(waiting)}")
        for view in ready:
            del waiting[view.name]
        ordered += ready
    return ordered


def readers_of(table: str, views: list[View]) -> set[str]:
    """The views that read `table`, directly or through other views."""
    reached = {table}
    for view in views:  # in build order
        if references(view, reached):
            reached.add(view.name)
    return reached - {table}


def rows_hash(table: pyarrow.Table) -> str:
    """A hash of a table's rows that their order does not change."""
    names = sorted(table.column_names)
    rows = sorted(repr(tuple(row[name] for name in names)) for row in table.to_pylist())
    digest = hashlib.sha256(repr(names).encode())
    for row in rows:
        digest.update(row.encode())
        digest.update(b"\n")
    return digest.hexdigest()
