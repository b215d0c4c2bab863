#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns `weir functions --format json` on stdin into docs/functions.md on stdout."""
import json
import sys

print("# Native functions\n\n<!-- made by `make docs` from the functions' own declarations -->\n")
print("Written in C++ over Arrow arrays, installed before anything is planned. The version of a function goes into the fingerprint of")
print("every view that uses it. All are immutable; arguments can be named: `f(a => 1)`. What stands for arguments that `span_make` is not")
print("given can be set in a profile, and users define functions of their own in SQL: [project.md](project.md).")
for function in json.load(sys.stdin):
    aliases = f" (also {', '.join('`' + a + '`' for a in function['aliases'])})" if function["aliases"] else ""
    print(f"\n## {function['name']}{aliases}\n\n`{function['syntax']}` → {function['result']}\n\n{function['description']}\n")
    if function["arguments"]:
        print("| argument | type | meaning | default |\n|---|---|---|---|")
        for argument in function["arguments"]:
            default = f"`{argument['default']}`" if "default" in argument else ""
            print(f"| `{argument['name']}` | {argument['type']} | {argument['description']} | {default} |")
        print()
    print(f"NULL: {function['null_handling']} · version {function['version']} ({function['kind']}) · tags: {', '.join(function['tags'])}\n")
    print(f"    {function['example']}")
