# SPDX-License-Identifier: Apache-2.0
"""Spark as a writer and as a reader of change feeds: `python spark_statements.py` in Spark's environment.

In: a JSON object on stdin: `run`, statements; `read`, a folder a name. Out: a JSON object on stdout: of each folder the rows of every version, and
the rows of its change feed from version 1 on, values as texts.
"""

import json
import sys

from read_tables import spark_session


def text(value):
    return None if value is None else "NaN" if value != value else repr(value)


def rows(frame) -> list:
    return [[text(value) for value in row] for row in frame.collect()]


def main() -> None:
    session = spark_session()
    request = json.load(sys.stdin)
    for statement in request["run"]:
        session.sql(statement).collect()
    found = {}
    for name, folder in request["read"].items():
        latest = max(row.version for row in session.sql(f"DESCRIBE HISTORY delta.`{folder}`").select("version").collect())
        versions = {at: rows(session.read.format("delta").option("versionAsOf", at).load(folder)) for at in range(latest + 1)}
        changes = session.read.format("delta").option("readChangeFeed", "true").option("startingVersion", 1).load(folder)
        found[name] = {"versions": versions, "changes": rows(changes.select("k", "s", "f", "p", "_change_type", "_commit_version"))}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
