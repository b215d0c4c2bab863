# SPDX-License-Identifier: Apache-2.0
"""Builds a Weir project with Apache Hamilton: a node a view, with the edges of `weir graph`.

    python hamilton_build.py PROJECT [VIEW …]
"""

import inspect
import sys

import weir_tasks
from hamilton import ad_hoc_utils, driver


def function_of(project: str, key: str, name: str, upstream: list[str]):
    """A node as Hamilton wants it: its parameters are the nodes it needs."""

    def build(**_) -> dict:
        return weir_tasks.build(project, key)

    parameters = [inspect.Parameter(each, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=dict) for each in upstream]
    build.__name__ = name
    build.__signature__ = inspect.Signature(parameters, return_annotation=dict)
    build.__annotations__ = {each: dict for each in upstream} | {"return": dict}
    return build


def make_driver(project: str) -> tuple[driver.Driver, dict[str, str]]:
    """The driver, and the nodes' names by view."""
    nodes = weir_tasks.nodes(project)
    names = weir_tasks.identifiers([node["key"] for node in nodes])
    functions = [function_of(project, node["key"], names[node["key"]], [names[key] for key in node["upstream"]]) for node in nodes]
    module = ad_hoc_utils.create_temporary_module(*functions, module_name="weir_project")
    return driver.Builder().with_modules(module).build(), {node["view"]: names[node["key"]] for node in nodes}


def main(project: str, *views: str) -> None:
    built, names = make_driver(project)
    results = built.execute([names[view] for view in views] if views else list(names.values()))
    for event in results.values():
        print(f"{event['state']:7} {event['view']}  {event['rows']} rows")


if __name__ == "__main__":
    main(*sys.argv[1:])
