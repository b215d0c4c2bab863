#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the day's versions of other tools beside `weir check`, on like generated projects, in one run.

In: the program. Out: on stdout, a table with a row a tool: seconds and peak memory to parse and compile a whole project from nothing,
again with nothing changed, and again with one view edited. Each peer is installed from PyPI, wheels only, into a virtual environment
of its own; a peer that cannot be installed, or that fails or takes too long, is a row that says so. The projects hold the same
queries with the same names in the same folders; references are written as each tool wants them.

    bench/peer_checks.py --weir build/weir --views 1000

What is timed of each tool is in its class below. The tools do not do the same: dbt 1 knows no columns, dbt 2's baseline analysis and
SQLMesh's loading stop at less than types and lineage of every column, which `weir check` and sqlbuild derive.
"""

import argparse
import itertools
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

BENCH = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH))
from compile import edit_one  # noqa: E402
from generate_project import SOURCES, generate  # noqa: E402

COLUMNS = (("id", "BIGINT"), ("customer", "BIGINT"), ("region", "VARCHAR"), ("channel", "VARCHAR"), ("day", "DATE"),
           ("amount", "BIGINT"), ("quantity", "BIGINT"))
NO_REPORTS_HOME = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1", "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true"}


EDITS = itertools.count(100)  # no edit writes what is there


class Failure(Exception):
    """Why there is no figure."""


def measure(command: list[str], folder: pathlib.Path, scratch: pathlib.Path, seconds_at_most: float) -> tuple[float, float]:
    """Seconds and peak MB of a command that must succeed."""
    report = scratch / "report.json"
    report.unlink(missing_ok=True)
    process = subprocess.Popen([sys.executable, str(BENCH / "launch.py"), str(report), *command], cwd=folder, text=True,
                               env={**os.environ, **NO_REPORTS_HOME}, start_new_session=True, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        output, _ = process.communicate(timeout=seconds_at_most)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()
        raise Failure(f"over {seconds_at_most:.0f} s") from None
    figures = json.loads(report.read_text())
    if figures["code"] != 0:
        lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", output).splitlines() if line.strip()]
        telling = [line for line in lines if re.match("error", line, re.I)] or lines or ["no output"]
        raise Failure(f"`{pathlib.Path(command[0]).name} {command[1]}` ended with {figures['code']}: {telling[0][:160]}")
    return figures["seconds"], figures["peak_mb"]


# The projects


def view_files(project: pathlib.Path) -> dict[str, str]:
    """Path below views/ and text of every view."""
    return {str(path.relative_to(project / "views")): path.read_text() for path in sorted(project.glob("views/**/*.sql"))}


def with_references(text: str, names: set[str], sources: set[str], reference) -> str:
    """Has `reference(name, is_source)` stand for each table after FROM and JOIN. Comments go: to some tools they are code."""
    text = re.sub(r"--[^\n]*\n", "", text)

    def replaced(match: re.Match) -> str:
        name = match[2]
        known = name in names or name in sources
        return f"{match[1]} {reference(name, name in sources)}" if known else match[0]

    return re.sub(r"\b(FROM|JOIN) (\w+)", replaced, text)


class Peer:
    """A tool: how it is installed, how its project looks, and what is timed."""

    name = ""
    shown = ""  # of the commands, in the table
    packages: tuple[str, ...] = ()
    pip_options: tuple[str, ...] = ()
    cold = unchanged = edited = ()  # commands, the program's name first
    caches: tuple[str, ...] = ()  # what a run from nothing must not find
    models = "models"

    def __init__(self, venv: pathlib.Path):
        self.venv = venv

    def install(self) -> None:
        if (self.venv / "installed").exists():
            return
        shutil.rmtree(self.venv, ignore_errors=True)
        subprocess.run([newest_python(), "-m", "venv", str(self.venv)], check=True, capture_output=True)
        done = subprocess.run([str(self.venv / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:",
                               *self.pip_options, *self.packages], capture_output=True, text=True)
        if done.returncode != 0:
            reason = [line for line in done.stderr.splitlines() if line.startswith("ERROR") and "Ignored" not in line]
            raise Failure("cannot be installed: " + (reason or ["pip failed"])[-1].removeprefix("ERROR: ")[:160])
        (self.venv / "installed").touch()

    def version(self) -> str:
        """Of the tool itself, as pip knows it."""
        done = subprocess.run([str(self.venv / "bin/pip"), "show", "--disable-pip-version-check",
                               re.split(r"[\[<>=]", self.packages[0])[0]], capture_output=True, text=True)
        found = re.search(r"(?m)^Version: (.*)$", done.stdout)
        return found[1] if found else "?"

    def command(self, words: tuple[str, ...]) -> list[str]:
        return [str(self.venv / "bin" / words[0]), *words[1:]]

    def make(self, project: pathlib.Path, folder: pathlib.Path) -> None:
        """Writes the project's views as models, then what else the tool needs."""
        texts = view_files(project)
        self.names = {pathlib.Path(path).stem for path in texts}
        self.sources = {f"orders_{number}" for number in range(SOURCES)}
        for path, text in texts.items():
            self.write_model(folder, path, text)
        self.write_settings(folder)

    def write_model(self, folder: pathlib.Path, path: str, text: str) -> None:
        file = folder / self.models / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.model(pathlib.Path(path).stem, text))

    def rewrite(self, project: pathlib.Path, folder: pathlib.Path) -> None:
        """Writes the one view anew that `edit_one` edits."""
        path = sorted(project.glob("views/win/*.sql"))[0]
        self.write_model(folder, str(path.relative_to(project / "views")), path.read_text())

    def model(self, name: str, text: str) -> str:
        raise NotImplementedError

    def write_settings(self, folder: pathlib.Path) -> None:
        raise NotImplementedError

    def forget(self, folder: pathlib.Path) -> None:
        for cache in self.caches:
            for path in folder.glob(cache):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


class Dbt(Peer):
    name = "dbt-core"
    packages = ("dbt-core<2", "dbt-duckdb")
    shown = "dbt compile"
    cold = unchanged = edited = ("dbt", "compile", "--quiet", "--profiles-dir", ".")
    caches = ("target", "logs")

    def model(self, name: str, text: str) -> str:
        return with_references(text, self.names, self.sources, lambda table, is_source:
                               f"{{{{ source('raw', '{table}') }}}}" if is_source else f"{{{{ ref('{table}') }}}}")

    def write_settings(self, folder: pathlib.Path) -> None:
        (folder / "dbt_project.yml").write_text("name: generated\nversion: '1.0'\nprofile: generated\nmodel-paths: [models]\n"
                                                "models:\n  generated:\n    +materialized: table\n")
        (folder / "profiles.yml").write_text("generated:\n  target: dev\n  outputs:\n    dev:\n      type: duckdb\n"
                                             f"      path: {folder / 'generated.duckdb'}\n      threads: 2\n")
        sources = ["version: 2", "sources:", "  - name: raw", "    schema: main", "    tables:"]
        for source in sorted(self.sources):
            sources += [f"      - name: {source}", "        columns:"]
            for column, sql_type in COLUMNS:
                sources += [f"          - name: {column}", f"            data_type: {sql_type}"]
        (folder / "models/sources.yml").write_text("\n".join(sources) + "\n")


class DbtFusion(Dbt):
    name = "dbt"
    shown = "dbt compile --static-analysis baseline"
    packages = ("dbt>=2.0.0.dev0",)
    pip_options = ("--pre",)
    base = ("dbt", "compile", "--profiles-dir", ".", "--static-analysis", "baseline", "--no-version-check")
    cold = (*base, "--partial-parse", "--partial-load")
    unchanged = (*base, "--partial-parse", "--partial-load")
    edited = (*base, "--partial-load", "--dirty")


class SqlBuild(Peer):
    name = "sqlbuild"
    shown = "sqb compile"
    packages = ("sqlbuild",)
    cold = unchanged = edited = ("sqb", "--no-color", "compile")
    caches = ("target", ".sqlbuild", ".sqb*")

    def model(self, name: str, text: str) -> str:
        return f'MODEL (\n  materialized table,\n  description "{name}",\n);\n\n' + with_references(
            text, self.names, self.sources,
            lambda table, is_source: f'__source("{table}")' if is_source else f'__ref("{table}")')

    def write_settings(self, folder: pathlib.Path) -> None:
        (folder / "sqlbuild_project.toml").write_text(
            'name = "generated"\nadapter = "duckdb"\ndefault_target = "dev"\n\n[connections.developer]\n'
            'database = "generated.duckdb"\n\n[targets.dev]\nconnection = "developer"\nschema = "dev"\n')
        lines = ["sources:"]
        for source in sorted(self.sources):
            lines += [f"  - name: {source}", f"    description: {source}", "    schema: main", f"    table: {source}",
                      "    contract: enforced", "    columns:"]
            for column, sql_type in COLUMNS:
                lines += [f"      - name: {column}", f"        type: {sql_type}"]
        (folder / "sources").mkdir(exist_ok=True)
        (folder / "sources/raw.yml").write_text("\n".join(lines) + "\n")


class SqlMesh(Peer):
    name = "SQLMesh"
    shown = "sqlmesh info"
    packages = ("sqlmesh[duckdb]",)
    cold = unchanged = edited = ("sqlmesh", "info", "--skip-connection")
    caches = (".cache", "logs")

    def model(self, name: str, text: str) -> str:
        return f"MODEL (\n  name main.{name},\n  kind FULL\n);\n\n" + with_references(
            text, self.names, self.sources, lambda table, is_source: f"raw.{table}" if is_source else f"main.{table}")

    def write_settings(self, folder: pathlib.Path) -> None:
        (folder / "config.yaml").write_text("gateways:\n  local:\n    connection:\n      type: duckdb\n"
                                            "      database: generated.duckdb\ndefault_gateway: local\n"
                                            "model_defaults:\n  dialect: duckdb\n  start: 2024-01-01\n")
        lines = []
        for source in sorted(self.sources):
            lines += [f"- name: raw.{source}", "  columns:"]
            lines += [f"    {column}: {sql_type}" for column, sql_type in COLUMNS]
        (folder / "external_models.yaml").write_text("\n".join(lines) + "\n")


PEERS = {"dbt2": DbtFusion, "sqlbuild": SqlBuild, "dbt1": Dbt, "sqlmesh": SqlMesh}


def newest_python() -> str:
    """Some peers need a newer Python than the one that runs this."""
    found = []
    for folder in (*os.environ.get("PATH", "").split(":"), *pathlib.Path.home().glob(".pyenv/versions/3.*/bin")):
        for minor in (12, 13):
            candidate = pathlib.Path(folder) / f"python3.{minor}"
            if candidate.exists():
                works = subprocess.run([str(candidate), "-c", "import venv, ensurepip"], capture_output=True)
                if works.returncode == 0:
                    found.append((minor, str(candidate)))
    return min(found)[1] if found else sys.executable


def figures_of(steps, seconds_at_most: float, scratch: pathlib.Path) -> list[tuple[float, float]]:
    """Of cold, unchanged and edited: each step prepares, and gives a command and its folder."""
    return [measure(*step(), scratch, seconds_at_most) for step in steps]


def weir_steps(weir: str, project: pathlib.Path):
    command = [weir, "check", "--project", str(project)]

    def cold():
        shutil.rmtree(project / ".weir", ignore_errors=True)
        return command, project

    def edited():
        edit_one(project, next(EDITS))
        return command, project

    return cold, lambda: (command, project), edited


def peer_steps(peer: Peer, project: pathlib.Path, folder: pathlib.Path):
    def cold():
        peer.forget(folder)
        return peer.command(peer.cold), folder

    def edited():
        edit_one(project, next(EDITS))
        peer.rewrite(project, folder)
        return peer.command(peer.edited), folder

    return cold, lambda: (peer.command(peer.unchanged), folder), edited


def engine_alone(project: pathlib.Path, seconds_at_most: float, scratch: pathlib.Path) -> list[tuple[float, float]]:
    """DataFusion's planning of the same SQL on one thread; it keeps nothing for a second time."""
    return [measure([sys.executable, str(BENCH / "planning_baseline.py"), str(project)], project, scratch, seconds_at_most)]


def print_row(views: int, name: str, rounds: list[list[tuple[float, float]]]) -> None:
    cells = []
    for step in zip(*rounds):
        cells.append(f"{statistics.median(s for s, _ in step):.2f} / {statistics.median(mb for _, mb in step):,.0f}")
    cells += ["–"] * (3 - len(cells))
    print(f"| {views:,} | {name} | {' | '.join(cells)} |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures other tools beside `weir check`.")
    parser.add_argument("--weir", required=True)
    parser.add_argument("--views", type=int, nargs="+", default=[1000])
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=300, help="seconds that a command may take")
    parser.add_argument("--venvs", type=pathlib.Path, help="where the peers are installed",
                        default=pathlib.Path(os.environ.get("WEIR_CACHE_DIR", pathlib.Path.home() / ".cache/weir")) / "peers")
    arguments = parser.parse_args()
    weir = str(pathlib.Path(arguments.weir).resolve())
    print("| views | tool | from nothing, s / peak MB | unchanged | one edit |")
    print("|---:|---|---:|---:|---:|", flush=True)
    for views in arguments.views:
        with tempfile.TemporaryDirectory() as folder:
            scratch = pathlib.Path(folder)
            project = scratch / "project"
            generate(project, views, seed=1)
            rounds = [figures_of(weir_steps(weir, project), arguments.timeout, scratch) for _ in range(arguments.rounds)]
            print_row(views, "`weir check`", rounds)
            alone = [engine_alone(project, arguments.timeout, scratch) for _ in range(arguments.rounds)]
            print_row(views, "DataFusion alone, one thread", alone)
            for key in arguments.peers:
                peer = PEERS[key](arguments.venvs / key)
                name = peer.name
                try:
                    peer.install()
                    name = f"{peer.name} {peer.version()}, `{peer.shown}`"
                    peer.make(project, scratch / key)
                    rounds = [figures_of(peer_steps(peer, project, scratch / key), arguments.timeout, scratch)
                              for _ in range(arguments.rounds)]
                    print_row(views, name, rounds)
                except Failure as failure:
                    print(f"| {views:,} | {name} | {failure} | | |", flush=True)
                shutil.rmtree(scratch / key, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
