#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the sqllogictest suite of the engine, as crates.io has it, through `weir sql`, and prints what differs by reason, as Markdown.

    scripts/public_suites.py [--version 55.2.0] [--files GLOB] [--show REASON]

The crate `datafusion-sqllogictest` is fetched by cargo into its own cache and unpacked for the run alone. Statements that must fail, plans
(EXPLAIN) and what the session says of itself (SHOW, information_schema) are left out: they are about the engine's own shell.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
WEIR = str(pathlib.Path(os.environ.get("WEIR", ROOT / "build" / "weir")).resolve())
TOML = '[project]\nname = "suite"\n[profiles.default.sql]\nallow = ["query", "set", "ddl", "dml"]\n'
SECONDS_AT_MOST = 60

#: Why a statement fails here; the first pattern that fits names the reason.
REASONS = (
    ("files that the crate does not ship", r"No such file|not found in the object store|does not exist|NotFound|no files|Object at location"),
    ("functions and tables of the suite's own program", r"Invalid function|there is no function|is no function|no source, view or artifact"),
    ("types that Delta has not", r"W2003|Unsigned|UInt|Interval|Duration|Time(32|64)|Dictionary|Union\(|Map\("),
    ("kinds of statements that Weir does not run", r"W10|only|is not supported|not allowed|cannot be run"),
    ("refused by Weir", r"W\d{4}"),
)


#: Why rows differ; the first whose test is true of the query, the path, what was found and what was wanted.
ROW_REASONS = (
    ("functions that mean Spark's in the suite", lambda sql, path, found, wanted: "spark" in path.parts),
    ("rows that the suite keeps as a hash, or leaves out", lambda sql, path, found, wanted: re.search(r"values hashing to|<slt ignore>", str(wanted))),
    ("tables that the suite fills by INSERT", lambda sql, path, found, wanted: not found or found == ["0"]),
    ("intervals and durations, printed in other words",
     lambda sql, path, found, wanted: re.search(r"\b(years?|mons?|days|hours?|mins?|secs?)\b", str(wanted))),
    ("timestamps with microseconds, or in UTC", lambda sql, path, found, wanted: re.search(r"timestamp|unixtime|now\(|time zone|_ts|\bts\b|nanos|timezone|micros|millis|d64|c\d+_", sql, re.I)),
    ("DATE and an interval with hours, or of a column", lambda sql, path, found, wanted: re.search(r"\bdate\b.*interval|[di] [+-] [id]\b", sql, re.I | re.S)),
    ("NaN without a sign, zero with one", lambda sql, path, found, wanted: "-0" in str(found) or re.search(r"nan\b|test_float", sql, re.I)),
    ("types that the engine's own printer knows alone",
     lambda sql, path, found, wanted: re.search(r"list_view|run_ends|out of range|arrow_typeof|struct\(|version", str(found) + sql, re.I)),
    ("the last digits of floats", lambda sql, path, found, wanted: re.search(r"cos(ine_distance)?\(|corr\(|e-309", sql)),
    ("maps, empty texts and control characters, printed in another form",
     lambda sql, path, found, wanted: re.search(r"map_entries|decode\(''|chr\(", sql)),
    ("a row that the suite itself calls wrong", lambda sql, path, found, wanted: path.name == "null_aware_anti_join.slt"),
    ("operators as PostgreSQL has them", lambda sql, path, found, wanted: re.search(r"\^|similar to", sql, re.I)),
)


@dataclasses.dataclass
class Record:
    sql: str
    types: str | None  # of a query
    rows: list[str]


def parse(text: str) -> list[Record]:
    """Statements that succeed and queries with rows, in order."""
    records = []
    skip = False
    for block in re.split(r"\n\s*\n", re.sub(r"^#.*\n?", "", text, flags=re.M)):
        lines = block.strip("\n").split("\n")
        while lines and re.match(r"(skipif|onlyif)\b", lines[0]):
            skip = skip or lines[0].split() in (["skipif", "datafusion"], ["onlyif", "postgres"], ["onlyif", "mysql"])
            lines.pop(0)
        if not lines or skip:
            skip = False
            continue
        head = lines[0].split()
        if head[:2] == ["statement", "ok"]:
            records.append(Record("\n".join(lines[1:]), None, []))
        elif head and head[0] == "query" and len(head) > 1 and head[1] != "error" and "----" in lines:
            at = lines.index("----")
            records.append(Record("\n".join(lines[1:at]), head[1], lines[at + 1:]))
    return records


def is_about_the_shell(sql: str) -> bool:
    return re.match(r"\s*(explain|show|describe|reset)\b", sql, re.I) is not None or "information_schema" in sql.lower()


def run(statements: list[str], folder: pathlib.Path) -> tuple[list, str]:
    """The answers before the first error, and the error."""
    text = "".join(s.rstrip().rstrip(";") + ";\n" for s in statements)
    try:
        done = subprocess.run([WEIR, "sql", "--project", str(folder), "--format", "json"], input=text, capture_output=True, text=True,
                              timeout=SECONDS_AT_MOST, cwd=folder, check=False)
    except subprocess.TimeoutExpired:
        return [], "took too long"
    answers, decoder, at = [], json.JSONDecoder(object_pairs_hook=Pairs), 0
    while at < len(done.stdout):
        try:
            value, at = decoder.raw_decode(done.stdout, at)
        except ValueError:
            break
        answers.append(value)
        while at < len(done.stdout) and done.stdout[at].isspace():
            at += 1
    return answers, done.stderr if done.returncode else ""


class Pairs(list):
    """A JSON object: two columns may have the same name."""


def plain(value):
    if isinstance(value, Pairs):
        if [name for name, _ in value] == ["key", "value"]:  # of a map
            return [plain(v) for _, v in value]
        return {name: plain(v) for name, v in value}
    return [plain(v) for v in value] if isinstance(value, list) else value


def word(value) -> str:
    value = plain(value)
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return str(value) if value != "" else "(empty)"


def normal(row: str) -> str:
    """Numbers by value, times by their digits, nested values without quotes."""
    row = re.sub(r"(\d{4}-\d\d-\d\d)[t ]00:00:00(\.0+)?(?![.\d])", r"\1", row.lower())
    row = re.sub(r"(\d{4}-\d\d-\d\d)t(\d\d)", r"\1 \2", row)
    row = re.sub(r"(\d\d)z\b", r"\1", re.sub(r"[\\\"'{}\[\],:]", " ", row))
    words = []
    for part in row.split():
        try:
            words.append(f"{float(part):.6g}".lower())
        except ValueError:
            words.append({"inf": "infinity", "-inf": "-infinity"}.get(part, part))
    return " ".join(" ".join(words).split())


def reason(error: str) -> str:
    return next((name for name, pattern in REASONS if re.search(pattern, error)), "other errors")


def run_file(path: pathlib.Path, data: pathlib.Path) -> list[tuple[str, str]]:
    """One (reason, note) a query; the reason is "equal" where all is well."""
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="weir-suite-") as scratch:
        folder = pathlib.Path(scratch)
        (folder / "weir.toml").write_text(TOML)
        (folder / "test_files").symlink_to(data)
        waiting = [r for r in parse(path.read_text()) if not is_about_the_shell(r.sql)]
        kept: list[str] = []
        failures = 0
        while waiting:
            answers, error = run(kept + [r.sql for r in waiting], folder)
            done = max(0, len(answers) - len(kept))
            for record, answer in zip(waiting[:done], answers[len(kept):]):
                if record.types is None:
                    kept.append(record.sql)
                    continue
                found = sorted(normal(" ".join(word(v) for _, v in row)) for row in answer)
                wanted = sorted(map(normal, record.rows))
                same = found == wanted
                why = next((name for name, test in ROW_REASONS if test(record.sql, path, found, wanted)), "rows")
                outcomes.append(("equal", "") if same else (why, f"{path.name}: {record.sql}\n  found {found[:4]}\n  wanted {wanted[:4]}"))
            if done < len(waiting):
                record = waiting[done]
                if record.types is not None:
                    outcomes.append((reason(error), f"{path.name}: {record.sql}\n  {error.strip()[:300]}"))
                failures += 1
                if failures > 150:
                    outcomes += [("not reached", path.name)] * sum(r.types is not None for r in waiting[done + 1:])
                    break
            waiting = waiting[done + 1:]
    return outcomes


def unpack(version: str, folder: pathlib.Path) -> pathlib.Path:
    """The folder of test files; cargo fetches the crate where it is not in its cache."""
    crate = f"datafusion-sqllogictest-{version}"
    cache = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo")) / "registry" / "cache"
    if not list(cache.glob(f"*/{crate}.crate")):
        subprocess.run(["cargo", "info", "--quiet", f"datafusion-sqllogictest@{version}"], check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(next(cache.glob(f"*/{crate}.crate"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / crate / "test_files"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", default="55.2.0")
    parser.add_argument("--files", default="**/*.slt")
    parser.add_argument("--show", help="print the queries of one reason")
    options = parser.parse_args()
    counts: collections.Counter[str] = collections.Counter()
    shown: dict[str, list[str]] = collections.defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="weir-suites-") as scratch, concurrent.futures.ThreadPoolExecutor(2) as pool:
        data = unpack(options.version, pathlib.Path(scratch))
        paths = sorted(data.glob(options.files))
        for outcomes in pool.map(lambda path: run_file(path, data), paths):
            for why, note in outcomes:
                counts[why] += 1
                shown[why].append(note)
    print("| outcome | queries |\n|---|---|")
    for why, count in counts.most_common():
        print(f"| {why} | {count} |")
    for note in shown[options.show] if options.show else ():
        print(note)
    return 0


if __name__ == "__main__":
    sys.exit(main())
