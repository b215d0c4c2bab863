# SPDX-License-Identifier: Apache-2.0
"""One batch: the tables of a seed, many queries over them, and what the engines say.

In: a seed and a number of queries. Out: a `Verdict` for each query. One batch is one Weir project, under settings that the seed chooses;
some queries go to Weir in another way of saying them.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import pathlib
import random
import tempfile

import compare
import known
import metamorphic
import printers
import shrink
import syntax
from engines import Answer, DataFusionEngine, DuckdbEngine, SqliteEngine, WeirEngine
from queries import FEATURES, QueryMaker
from syntax import Query
from tables import TableData, TableMaker, sqlite_holds


@dataclasses.dataclass(frozen=True)
class Verdict:
    """`kind`: agree, refused:…, duckdb:…, undetermined:…, or a difference: rows, types, weir_error, duckdb_error, sqlite."""

    name: str
    kind: str
    message: str
    query: Query
    said: Query  # to Weir
    found: Answer
    wanted: Answer

    @property
    def is_difference(self) -> bool:
        return self.kind in ("rows", "types", "weir_error", "duckdb_error", "sqlite")


def judge(name: str, query: Query, said: Query, found: Answer, wanted: Answer, sqlite: Answer | None) -> Verdict:
    """What the answers come to. Differences that a known kind explains are named after it."""
    def verdict(kind, message=""):
        return Verdict(name, kind, message, query, said, found, wanted)

    if sqlite is not None and sqlite.error is None and wanted.error is None:
        different = compare.difference(query, sqlite, wanted, check_types=False)
        if different is not None and known.sqlite_only(query) is None:
            return verdict("sqlite", different)
    if found.error is not None and wanted.error is not None:
        return verdict("agree")
    if found.error is not None or wanted.error is not None:
        if found.error is None:
            kind = known.duckdb_only(wanted)
            return verdict(f"duckdb:{kind}") if kind else verdict("duckdb_error", wanted.error)
        kind = known.refused(found)
        if kind:
            return verdict(f"refused:{kind}")
        different = found.error
    else:
        different = compare.difference(query, found, wanted)
        if different is None:
            return verdict("agree")
        if different.startswith("rows") and (kind := known.undetermined(query, found, wanted)):
            return verdict(f"undetermined:{kind}", different)
        if different.startswith("rows") and (kind := known.variance_of_one(query, found, wanted)):
            return verdict(f"duckdb:{kind}", different)
    return verdict("weir_error" if found.error else different.split(":")[0].split()[0], different)


@dataclasses.dataclass
class Batch:
    seed: int
    count: int
    features: frozenset[str] = FEATURES
    engine: str = "weir"
    settings: str | None = None

    def __post_init__(self):
        self.random = random.Random(f"batch {self.seed}")
        chosen = self.random.choice(list(metamorphic.SETTINGS))
        self.settings = self.settings or chosen
        self.data = TableMaker(self.seed, "wide_times" in self.features, "nan" in self.features).make()
        maker = QueryMaker(self.data, self.seed, self.features)
        self.queries = {f"v{i:04}": maker.make() for i in range(self.count)}
        self.said = {name: metamorphic.other_way(q, self.data, self.random) if self.random.random() < 0.15 else q
                     for name, q in self.queries.items()}

    def run(self) -> list[Verdict]:
        with tempfile.TemporaryDirectory(prefix="weir-differential-") as folder, concurrent.futures.ThreadPoolExecutor(1) as pool:
            texts = {name: printers.say(q, "weir") for name, q in self.said.items()}
            waiting = pool.submit(ask, self.data, texts, pathlib.Path(folder), self.settings, self.engine)
            duckdb = DuckdbEngine(self.data)
            wanted = {name: duckdb.ask(printers.say(q, "duckdb")) for name, q in self.queries.items()}
            sqlite = self.ask_sqlite()
            found = waiting.result()
        return [judge(name, q, self.said[name], found[name], wanted[name], sqlite.get(name)) for name, q in self.queries.items()]

    def ask_sqlite(self) -> dict[str, Answer]:
        if not all(map(sqlite_holds, self.data)):
            return {}
        engine, answers = SqliteEngine(self.data), {}
        for name, q in self.queries.items():
            try:
                answers[name] = engine.ask(printers.say(q, "sqlite"))
            except printers.Unsupported:
                continue
        return answers

    def shrink(self, verdict: Verdict) -> tuple[Query, list[TableData], Verdict]:
        """A small case that fails in the same way, as one judge says of many at once."""
        def judges(cases):
            return [v is not None and v.kind == verdict.kind and alike(v, verdict) for v in judge_cases(cases, self.settings, self.engine)]

        start = verdict.said if judges([(verdict.said, self.data)])[0] else None
        if start is None:
            return verdict.query, self.data, verdict
        query, data = shrink.shrink(start, self.data, judges)
        last = judge_cases([(query, data)], self.settings, self.engine)[0]
        return query, data, last or verdict


def alike(one: Verdict, other: Verdict) -> bool:
    """Whether two errors begin alike; differences of rows are alike as such."""
    return one.found.error is None or other.found.error is None or one.found.error[:60] == other.found.error[:60]


def ask(data, texts: dict[str, str], folder: pathlib.Path, settings: str, engine: str) -> dict[str, Answer]:
    if engine == "datafusion":
        direct = DataFusionEngine(data, folder)
        return {name: direct.ask(text) for name, text in texts.items()}
    arguments = ("--by-lane",) if settings == "by lane" else ()
    return WeirEngine(data, folder, metamorphic.SETTINGS[settings], arguments).ask_all(texts)


def judge_cases(cases, settings: str, engine: str) -> list[Verdict | None]:
    """Judges cases that may have tables of their own: one project holds them all, with names by case."""
    renamed, tables, texts, wanted = [], [], {}, []
    memory: dict[int, tuple[str, DuckdbEngine]] = {}
    for query, data in cases:
        if id(data) not in memory:
            suffix = f"_{len(memory)}"
            memory[id(data)] = (suffix, DuckdbEngine(data))
            tables += [dataclasses.replace(t, name=t.name + suffix) for t in data]
    for i, (query, data) in enumerate(cases):
        suffix, duckdb = memory[id(data)]
        try:
            text = printers.say(rename(query, {t.name for t in data}, suffix), "weir")
            answer = duckdb.ask(printers.say(query, "duckdb"), seconds=3)
        except (printers.Unsupported, ValueError, KeyError, IndexError):
            text, answer = None, None
        renamed.append(query)
        wanted.append(answer)
        if text is not None and answer.error is None:
            texts[f"c{i:04}"] = text
    if not texts:
        return [None] * len(cases)
    with tempfile.TemporaryDirectory(prefix="weir-shrink-") as folder:
        try:
            found = ask(tables, texts, pathlib.Path(folder), settings, engine)
        except AssertionError:
            return [None] * len(cases)
    return [judge(f"c{i:04}", q, q, found[f"c{i:04}"], wanted[i], None) if f"c{i:04}" in found else None for i, q in enumerate(renamed)]


def rename(query: Query, names: set[str], suffix: str):
    def put(n):
        if isinstance(n, syntax.Table) and n.name in names:
            return dataclasses.replace(n, name=n.name + suffix)
        for place, child in syntax.children(n):
            new = put(child)
            if new is not child:
                n = syntax.replace_at(n, place, new)
        return n

    return put(query)
