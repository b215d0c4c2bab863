# SPDX-License-Identifier: Apache-2.0
"""A Weir project in Dagster: an asset a view, with the edges and priorities of `weir graph`.

    WEIR_PROJECT=path/to/project dagster dev -f dagster_definitions.py
"""

import os

import dagster
import weir_tasks


def asset_of(project: str, node: dict, names: dict[str, str]) -> dagster.AssetsDefinition:
    """An asset that is materialised by building its view."""

    @dagster.asset(name=names[node["key"]], deps=[names[key] for key in node["upstream"]], group_name="weir",
                   op_tags={"dagster/priority": str(round(1000 * node["priority"]))}, metadata={"view": node["view"], "file": node["file"]})
    def build() -> dagster.MaterializeResult:
        event = weir_tasks.build(project, node["key"])
        return dagster.MaterializeResult(metadata={"state": event["state"], "dagster/row_count": event["rows"], "version": event["version"],
                                                   "reason": event.get("reason", ""), "run_id": event["run_id"]})

    return build


def definitions(project: str) -> dagster.Definitions:
    nodes = weir_tasks.nodes(project)
    names = weir_tasks.identifiers([node["key"] for node in nodes])
    return dagster.Definitions(assets=[asset_of(project, node, names) for node in nodes])


if "WEIR_PROJECT" in os.environ:
    defs = definitions(os.environ["WEIR_PROJECT"])
