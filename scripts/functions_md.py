#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns `weir functions --format json` on stdin into docs/functions.md on stdout."""
import json
import sys

print("# Native functions\n\n<!-- made by `make docs` from the functions' own declarations -->\n")
print("Written in C++ over Arrow arrays, installed before anything is planned. The version of a function goes into the fingerprint of")
print("every view that uses it. Arguments can be named: `f(a => 1)`. All are immutable but the table functions, which are called in")
print("FROM: their rows show what is there now, hence `weir sql` and tests may call them, views may not (W2010). What stands for")
print("arguments that `span_make` is not given can be set in a profile, and users define functions of their own in SQL:")
print("[project.md](project.md).\n")
print("Behind NULL stands what planning knows of a function, where there is something to know: the range of its *results* and the argument")
print("that it *rises* with save sorts (rows in the order of `stable_hash64(s)` are in that of its `abs`); calls that an inner call makes")
print("needless fall away. No function is evaluated for some of its arguments only.")
for function in json.load(sys.stdin):
    aliases = f" (also {', '.join('`' + a + '`' for a in function['aliases'])})" if function["aliases"] else ""
    print(f"\n## {function['name']}{aliases}\n\n`{function['syntax']}` → {function['result']}\n\n{function['description']}\n")
    if function["arguments"]:
        print("| argument | type | meaning | default |\n|---|---|---|---|")
        for argument in function["arguments"]:
            default = f"`{argument['default']}`" if "default" in argument else "none" if "optional" in argument else ""
            print(f"| `{argument['name']}` | {argument['type']} | {argument['description']} | {default} |")
        print()
    if function["columns"]:
        print("| column | type | meaning |\n|---|---|---|")
        for column in function["columns"]:
            print(f"| `{column['name']}` | {column['type']} | {column['description']} |")
        print()
    planning = [f"results: {function['bounds']}"] if "bounds" in function else []
    planning += [f"never falls while `{function['rises_with']}` rises"] if "rises_with" in function else []
    planning += [f"planning: {function['simplification'].rstrip('.')}"] if "simplification" in function else []
    known = "".join(f" · {fact}" for fact in planning)
    print(f"NULL: {function['null_handling']}{known} · version {function['version']} ({function['kind']}) · tags: {', '.join(function['tags'])}\n")
    print(f"    {function['example']}")
