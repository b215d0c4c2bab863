#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns `weir version --guards --format json` on stdin into docs/guards.md on stdout."""
import json
import sys

print("# Guards\n\n<!-- made by `make docs` from the guards' own descriptions -->\n")
print("Where the engine (DataFusion) is known to answer wrongly, Weir corrects the plan or refuses the query by name. Guards hold alike in")
print("views, tests, constraints and `weir sql`, from every lane, and for plans built in C++. Their names and versions are part of every")
print("fingerprint. Each has a test that fails without it, and that says so when a newer engine no longer needs it (`src/guards/`).\n")
print("| guard | the engine's fault | what you get | means | upstream |\n|---|---|---|---|---|")
for guard in json.load(sys.stdin):
    cells = [f"`{guard['name']}`", guard["fault"], guard["effect"], guard["means"], guard["upstream"]]
    print("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
