# SPDX-License-Identifier: Apache-2.0
"""A Weir project as tasks: which there are, and how one is built. In: a project's folder. Out: nodes of its graph, events of runs."""

import json
import os
import re
import subprocess

WEIR = os.environ.get("WEIR", "weir")


class BuildFailed(Exception):
    """A view was not built; the text says why."""


def nodes(project: str) -> list[dict]:
    """The nodes of `weir graph`, each after those that it reads."""
    done = subprocess.run([WEIR, "graph", "--project", project, "--format", "json"], capture_output=True, text=True)
    if done.returncode != 0:
        raise BuildFailed(done.stderr.strip())
    return json.loads(done.stdout)["nodes"]


def build(project: str, key: str) -> dict:
    """Builds one view if it must be built. Returns the event `view_finished`."""
    done = subprocess.run([WEIR, "run", "--project", project, "--task", key, "--events"], capture_output=True, text=True)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0:
        raise BuildFailed(done.stderr.strip())
    return next(event for event in events if event["event"] == "view_finished" and event["task"] == key)


def identifiers(keys: list[str]) -> dict[str, str]:
    """A name of letters, digits and `_` for each key; no two have the same."""
    names: dict[str, str] = {}
    for key in keys:
        base = re.sub(r"[^0-9A-Za-z_]", "_", key.removeprefix("view:"))
        name, number = base, 2
        while name in names.values() or not name.isidentifier():
            name, number = f"view_{base}_{number}", number + 1
        names[key] = name
    return names
