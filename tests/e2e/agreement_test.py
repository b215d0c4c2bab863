# SPDX-License-Identifier: Apache-2.0
"""What is said of the native functions is the same everywhere: udf_docs(), udf_registry(), information_schema, `weir functions`,
docs/functions.md and what runs record agree in names, aliases, parameters and types."""

import json
import re
import subprocess
import sys

import weir_project

#: Types as declarations name them to readers, and as information_schema names what the engine casts to.
TYPES = {"text": {"String", "Utf8", "Utf8View", "LargeUtf8"}, "int64": {"Int64"}, "boolean": {"Boolean"}, "int32": {"Int32"}}


class AgreementTest(weir_project.ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = weir_project.Project(self.scratch / "p")
        self.project.write("weir.toml", '[project]\nname = "p"\n')
        self.listed = {f["name"]: f for f in self.project.succeed("functions", "--format", "json").json()}
        self.assertGreaterEqual(len(self.listed), 40)

    def test_udf_docs_says_what_the_command_says(self):
        rows = self.project.sql("SELECT * FROM udf_docs()")
        self.assertEqual([row["name"] for row in rows], list(self.listed))
        for row in rows:
            listed = self.listed[row["name"]]
            for column, key in {"kind": "kind", "syntax": "syntax", "result": "result", "description": "description", "example": "example",
                                "null_handling": "null_handling", "aliases": "aliases", "tags": "tags",
                                "semantic_version": "version"}.items():
                self.assertEqual(row[column], listed[key], (row["name"], column))
            arguments = [{"name": a["name"], "type": a["type"], "description": a["description"], "default": a.get("default"),
                          "optional": a.get("optional", False)} for a in listed["arguments"]]
            self.assertEqual(row["arguments"], arguments, row["name"])

    def test_each_function_prints_its_own_documentation(self):
        for name, listed in self.listed.items():
            text = self.project.succeed("functions", name).stdout
            for part in (listed["syntax"], listed["description"], listed["example"], *(a["description"] for a in listed["arguments"]),
                         *(c["name"] for c in listed["columns"])):
                self.assertIn(part, text, name)
            for alias in listed["aliases"]:
                self.assertEqual(self.project.succeed("functions", alias).stdout, text)

    def test_the_registry_has_them_among_the_engines_own(self):
        rows = self.project.sql("SELECT * FROM udf_registry()")
        self.assertEqual(rows, sorted(rows, key=lambda row: (row["name"], row["kind"])))
        native = {row["name"]: row for row in rows if row["origin"] == "native"}
        self.assertEqual(set(native), set(self.listed))
        for name, row in native.items():
            listed = self.listed[name]
            self.assertEqual((row["kind"], row["version"], row["tags"], row["volatility"]),
                             (listed["kind"], f"native:{listed['version']}", listed["tags"], listed["volatility"]), name)
            self.assertEqual(row["aliases"], sorted(listed["aliases"]), name)
        others = {(row["name"], row["kind"]): row for row in rows if row["origin"] == "datafusion"}
        for wanted in (("sum", "aggregate"), ("upper", "scalar"), ("row_number", "window"), ("generate_series", "table")):
            self.assertIn(wanted, others)
        self.assertEqual(len({row["version"] for row in others.values()}), 1)

    def test_the_registry_has_all_that_the_information_schema_has(self):
        rows = self.project.sql("SELECT name, kind, aliases FROM udf_registry() WHERE kind <> 'higher_order'")
        kinds = {"SCALAR": "scalar", "AGGREGATE": "aggregate", "WINDOW": "window", "TABLE": "table"}
        shown = self.project.sql("SELECT DISTINCT routine_name AS n, function_type AS t FROM information_schema.routines")
        shown = {(row["n"], kinds[row["t"]]) for row in shown}
        registered = {(name, row["kind"]) for row in rows for name in [row["name"], *row["aliases"]]}
        self.assertEqual({pair for pair in shown if pair not in registered}, set())
        self.assertEqual({(row["name"], row["kind"]) for row in rows} - shown, set())

    def test_the_information_schema_agrees_where_the_engine_shows_it(self):
        routines = self.project.sql("SELECT routine_name AS n, function_type AS t, syntax_example AS s, description AS d, data_type AS r "
                                    "FROM information_schema.routines")
        seen = {}
        for row in routines:
            if row["n"] in self.listed:
                seen.setdefault(row["n"], []).append(row)
        self.assertEqual(set(seen), set(self.listed))
        for name, rows in seen.items():
            listed = self.listed[name]
            self.assertEqual({row["t"].lower() for row in rows}, {listed["kind"]}, name)
            if listed["kind"] == "table":
                continue  # of which the engine shows the name alone
            self.assertEqual({row["s"] for row in rows}, {listed["syntax"]}, name)
            self.assertEqual({row["d"] for row in rows}, {f"{listed['description']} {listed['null_handling']}"}, name)
            types = {row["r"] for row in rows} - {None}
            if listed["result"] in TYPES and types:
                self.assertLessEqual(types, TYPES[listed["result"]], name)

    def test_parameters_have_the_declared_names_and_types(self):
        rows = self.project.sql("SELECT specific_name AS n, ordinal_position AS i, parameter_name AS p, data_type AS t, rid "
                                "FROM information_schema.parameters WHERE parameter_mode = 'IN'")
        seen, types = set(), {}
        for row in rows:
            listed = self.listed.get(row["n"])
            if listed is None:
                continue
            seen.add(row["n"])
            argument = listed["arguments"][row["i"] - 1]
            self.assertEqual(row["p"], argument["name"], row)
            types.setdefault((row["n"], row["i"]), set()).add(row["t"])
        for (name, position), found in types.items():
            declared = self.listed[name]["arguments"][position - 1]["type"]
            # Signatures that differ in one argument only show it with several types.
            self.assertTrue(declared not in TYPES or found & TYPES[declared], (name, position, found))
        exact = {name for name, listed in self.listed.items() if listed["kind"] != "table" and name in {row["n"] for row in rows}}
        self.assertEqual(seen, exact)
        self.assertIn("stable_hash64", seen)
        # Functions of any type have no parameters there: udf_docs() has those of all, compared above.

    def test_arguments_can_be_named_as_declared(self):
        for name, listed in self.listed.items():
            if listed["kind"] != "scalar" or "…" in listed["syntax"]:
                continue
            wrong = self.project.weir("sql", f"SELECT {name}({', '.join(a['name'] + ' => NULL' for a in listed['arguments'])})")
            self.assertNotIn("has no parameter", wrong.text, name)
            self.assertNotIn("which is missing", wrong.text, name)

    def test_docs_page_is_made_from_the_same(self):
        made = subprocess.run([sys.executable, str(weir_project.ROOT / "scripts" / "functions_md.py")], text=True, check=True,
                              input=json.dumps(list(self.listed.values())), capture_output=True).stdout
        self.assertEqual((weir_project.ROOT / "docs" / "functions.md").read_text(), made)
        self.assertEqual(re.findall(r"^## (\w+)", made, re.MULTILINE), list(self.listed))

    def test_runs_record_the_registry(self):
        self.project.write("views/v.sql", "SELECT stable_hash64('a') AS h")
        run_id = self.project.run()["run_id"]
        run = next(row for row in self.project.artifact("runs") if row["run_id"] == run_id)
        recorded = [row for row in self.project.artifact("functions") if row["function_registry_hash"] == run["function_registry_hash"]]
        registry = self.project.sql("SELECT name, kind, version FROM udf_registry()")
        self.assertEqual(sorted((row["name"], row["kind"]) for row in recorded), sorted((row["name"], row["kind"]) for row in registry))
        for row in recorded:
            listed = self.listed.get(row["name"])
            if listed is not None and listed["kind"] == row["kind"]:
                self.assertEqual((row["semantic_version"], row["syntax"], row["tags"], row["description"]),
                                 (listed["version"], listed["syntax"], listed["tags"], listed["description"]))
        bundle = next(row for row in self.project.artifact("plan_bundles") if row["run_id"] == run_id)
        self.assertEqual(bundle["function_registry_hash"], run["function_registry_hash"])
        self.assertNotEqual(bundle["udf_snapshot_hash"], bundle["function_registry_hash"])
        self.assertEqual(bundle["required_udfs"], ["stable_hash64@native:1"] if bundle["required_udfs"] else [])


class PlannersTest(weir_project.ProjectCase):
    #: Expressions over the rows below, and the planners without which they have no plan.
    VIEWS = {
        "plain": ("SELECT span_len(span_make(s, e)) AS x FROM t", []),
        "named": ("SELECT span_make(s, e, col_unit => 'utf16') AS x FROM t", ["named_arguments"]),
        "operator": ("SELECT span_make(s, e) @> span_make(s, s) AS x FROM t", ["span_operators"]),
        "opened": ("SELECT s FROM t WHERE span_overlaps(span_make(s, e), span_make(4, 6))", ["open_span_predicates"]),
        "both": ("SELECT s FROM t WHERE span_make(s, e) && span_make(4, 6)", ["open_span_predicates", "span_operators"]),
        "field": ("SELECT span_union_hull(span_make(s, e), span_make(e, e))['bend'] AS x FROM t", ["field_access"]),
        "alias": ("SELECT arg_min(s, e) AS x FROM t", ["function_aliases"]),
        "through": ("SELECT s FROM inlined WHERE s > 1", ["span_operators"]),
        "repeated": ("SELECT utf8_null_if_blank(utf8_null_if_blank(CAST(s AS VARCHAR))) AS x FROM t", ["repeated_calls"]),
        "held": ("CREATE MATERIALIZED VIEW held (CONSTRAINT c EXPECT (span_make(0, 99, col_unit => 'byte') @> span_make(s, s))) AS "
                 "SELECT s FROM t", ["named_arguments", "span_operators"]),
        "arrays": ("SELECT make_array(s, e) @> make_array(s) AS x FROM t", []),
    }

    def test_bundles_record_the_planners_that_took_part(self):
        project = weir_project.Project(self.scratch / "p")
        project.write("weir.toml", '[project]\nname = "p"\n')
        project.write("data/t.csv", "s,e\n0,5\n3,9\n20,30\n")
        project.write("sources/t.sql", "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'data/t.csv' "
                                       "OPTIONS ('has_header' 'true')")
        project.write("views/inlined.sql", "CREATE VIEW inlined AS SELECT s, span_make(s, e) @> span_make(s, s) AS k FROM t")
        self.VIEWS["through"] = ("SELECT s FROM inlined WHERE k", self.VIEWS["through"][1])
        for name, (query, _) in self.VIEWS.items():
            project.write(f"views/{name}.sql", query)
        declared = {p["name"]: p for p in project.succeed("functions", "--planners", "--format", "json").json()}
        self.assertTrue(all(p["enabled"] for p in declared.values()))
        table = project.succeed("functions", "--planners").stdout
        for arguments in ([], ["--force"]):  # planned, and from the cache of bundles
            run_id = project.run(*arguments)["run_id"]
            bundles = {row["view_name"]: row for row in project.artifact("plan_bundles") if row["run_id"] == run_id}
            self.assertEqual(set(bundles), set(self.VIEWS))
            for name, (_, planners) in self.VIEWS.items():
                # An opened predicate that was written with the operator in the inlined view too.
                found = [p for p in bundles[name]["domain_planner_names"] if name != "through" or p != "open_span_predicates"]
                self.assertEqual(found, planners, name)
                for planner in planners:
                    self.assertIn(planner, table)
                    self.assertLessEqual(set(declared[planner]["tags"]), set(bundles[name]["required_rewrite_tags"]), name)
        self.assertEqual(bundles["arrays"]["required_rewrite_tags"], [])
