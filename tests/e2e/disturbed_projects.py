# SPDX-License-Identifier: Apache-2.0
"""Three projects to disturb runs of, each over no tables and over tables that were built from less data: the flights of the example,
TPC-H, and some forty small views with a change feed, partitions, constraints and Delta sources."""

import dataclasses
import datetime
import json
import os
import pathlib
import random
import shutil
import sys

import deltalake
import pyarrow

import disk_faults
import weir_project
from weir_project import Project

sys.path.insert(0, str(weir_project.ROOT / "scripts"))
import fetch_tpc  # noqa: E402

FEED = "TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', 'weir.change_feed' = 'difference')"


@dataclasses.dataclass
class Start:
    """A project before the run that is disturbed, and what happens in it undisturbed."""

    project: Project
    seconds: float = 0.0
    journal: disk_faults.Journal | None = None  # of the copy `calm`
    calm: Project | None = None


def link_or_copy(source: str, target: str) -> None:
    """Copies what runs write; the rest are links."""
    if "/warehouse/" in source or "/.weir/" in source:
        shutil.copy2(source, target)
    else:
        os.link(source, target)


def copy(project: Project, folder: pathlib.Path) -> Project:
    shutil.copytree(project.folder, folder, symlinks=True, copy_function=link_or_copy)
    return Project(folder)


def flights(folder: pathlib.Path, rows: int | None) -> list[Project]:
    fresh = weir_project.copy_flights(folder / "fresh", rows)
    older = copy(fresh, folder / "older")
    file = older.folder / "data" / "flights.csv"
    newer = file.read_bytes()
    lines = newer.splitlines(keepends=True)
    file.unlink()
    file.write_bytes(b"".join(lines[:1] + lines[1::2]))
    older.run()
    file.write_bytes(newer)
    return [fresh, older]


def tpch(folder: pathlib.Path) -> list[Project]:
    """The views are stored; the older tables lack the orders of later years."""
    fresh = Project(folder / "fresh")
    shutil.copytree(fetch_tpc.projects()["tpch"], fresh.folder)
    for view in sorted(fresh.folder.glob("views/*.sql")):
        view.write_text(view.read_text().replace("CREATE VIEW", "CREATE MATERIALIZED VIEW", 1))
    unnamed = fresh.folder / "views" / "q18.sql"  # no column is stored under such a name
    unnamed.write_text(unnamed.read_text().replace("sum(l_quantity)\nfrom", "sum(l_quantity) AS quantity\nfrom", 1))
    older = Project(folder / "older")
    shutil.copytree(fresh.folder, older.folder)
    orders = str(older.folder / "data" / "orders")
    later = deltalake.DeltaTable(orders).to_pyarrow_table(filters=[("o_orderdate", ">=", datetime.date(1996, 1, 1))])
    deltalake.DeltaTable(orders).delete("o_orderdate >= '1996-01-01'")
    older.run()
    deltalake.write_deltalake(orders, later, mode="append")
    return [fresh, older]


def layers(folder: pathlib.Path) -> list[Project]:
    draw = random.Random(5)
    projects = [Project(folder / "fresh"), Project(folder / "older")]
    kinds = [f"kind {number}" for number in range(6)]
    events = [{"id": number, "kind": draw.choice(kinds), "day": f"2024-0{draw.randrange(1, 6)}", "value": draw.randrange(-50, 1000),
               "note": None if draw.random() < 0.1 else f"note {draw.randrange(40)}"} for number in range(600)]
    for project in projects:
        project.write("weir.toml", "[project]\nname = 'layers'\nwarehouse = 'warehouse'\n[retention]\nruns = 0\ndays = 0\n")
        project.write("sources/tables.sql", "".join(f"CREATE EXTERNAL TABLE {name} STORED AS DELTATABLE LOCATION 'data/{name}';\n"
                                                    for name in ("events", "kinds")))
        for name, query in layer_views().items():
            project.write(f"views/{name}.sql", query + "\n")
        deltalake.write_deltalake(str(project.folder / "data" / "kinds"), pyarrow.table({"kind": kinds, "rank": list(range(6))}))
        deltalake.write_deltalake(str(project.folder / "data" / "events"), pyarrow.Table.from_pylist(events[:450]))
    older = projects[1]
    edited = older.folder / "views" / "a1.sql"
    query = edited.read_text()
    edited.write_text(query.replace("max(", "min("))
    older.run()
    edited.write_text(query)
    for project in projects:
        table = str(project.folder / "data" / "events")
        deltalake.write_deltalake(table, pyarrow.Table.from_pylist(events[450:]), mode="append")
        deltalake.DeltaTable(table).delete("id % 17 = 3")
    return projects


def layer_views() -> dict[str, str]:
    views = {"all_events": "SELECT id, kind, day, value, note FROM events"}
    for number in range(6):
        views[f"s{number}"] = f"SELECT id, day, value, note FROM all_events WHERE kind = 'kind {number}'"
        views[f"p{number}"] = (f"CREATE MATERIALIZED VIEW p{number} PARTITIONED BY (day) AS SELECT id, value + {number} AS value, day "
                               f"FROM s{number}")
        views[f"f{number}"] = (f"CREATE MATERIALIZED VIEW f{number} {FEED} AS SELECT day, note, count(*) AS n, sum(value) AS total "
                               f"FROM s{number} GROUP BY day, note")
        views[f"a{number}"] = f"SELECT day, max(value) AS most, count(*) AS n FROM p{number} GROUP BY day"
        views[f"c{number}"] = (f"CREATE MATERIALIZED VIEW c{number} (CONSTRAINT positive EXPECT (value > 0) ON VIOLATION DROP ROW) AS "
                               f"SELECT e.id, e.value, k.rank FROM all_events AS e JOIN kinds AS k ON e.kind = k.kind "
                               f"WHERE e.id % 6 = {number}")
        views[f"j{number}"] = f"SELECT f.day, f.note, f.n, a.most FROM f{number} AS f JOIN a{(number + 1) % 6} AS a ON f.day = a.day"
    views["summary"] = " UNION ALL ".join(f"SELECT {number} AS k, sum(n) AS n, sum(most) AS most FROM j{number}" for number in range(6))
    views["nothing"] = "SELECT id, note FROM all_events WHERE value > 1000000"
    return views


def statements_said(project: Project) -> dict[tuple[str, str], str]:
    """What the artifacts say that the project says: the last row of each statement."""
    started = {row["run_id"]: row["started_at"] for row in project.artifact("runs")}
    said: dict[tuple[str, str], tuple] = {}
    for row in project.artifact("statements"):
        key = (row["kind"], row["name"])
        said[key] = max(said.get(key, (started[row["run_id"]], "")), (started[row["run_id"]], row["tree_fingerprint"]))
    return {key: fingerprint for key, (_, fingerprint) in said.items()}


def published_versions(project: Project) -> dict[str, int]:
    rows = project.artifact("published")
    last = max(row["set_number"] for row in rows)
    return {row["view_name"]: row["version"] for row in rows if row["set_number"] == last}


def runs_that_began(project: Project) -> set[str]:
    """The ids of the runs that took the lock and did not give it back. What a power cut left of one before it did anything names none."""
    texts = [file.read_text() for file in project.warehouse.glob("_weir/_runs/*.begun") if not file.with_suffix(".ended").exists()]
    return {json.loads(text)["run_id"] for text in texts if text.endswith("}")}
