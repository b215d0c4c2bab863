# SPDX-License-Identifier: Apache-2.0
"""Native functions as a user calls them: values, NULL, errors with signature and place, named arguments; in WHERE, JOIN, GROUP BY and
windows; in a stored view, replayed from its lanes."""

import hashlib
import math
import re
import unicodedata

import weir_project


def blake(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def short(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") & ~(1 << 63)


# Expressions, and their values as text.
VALUES = {
    "stable_hash64('abc')": str(short("abc")),
    "stable_hash128('é')": blake("é"),
    "stable_hash_any(' ﬁ ')": blake("fi"),
    "stable_hash_any(' ﬁ ', canonical => false)": blake(" ﬁ "),
    "stable_hash_any(NULL, null_sentinel => '-')": blake("-"),
    "stable_hash_any(1.5)": blake("1.5"),
    "stable_id('k', 'x')": "k:" + blake("x"),
    "stable_id_parts('k', 'x', 1, NULL, true)": "k:" + blake("x\x1f1\x1f__NULL__\x1ftrue"),
    "stable_id_parts_required('k', 'x', NULL)": None,
    "prefixed_hash64('k', 'x')": f"k:{short('x')}",
    "prefixed_hash_parts64('k', 'x', 2)": f"k:{short(chr(31).join(['x', '2']))}",
    "span_id('k', 'a.py', 0, 10)": "k:" + blake("a.py\x1f0\x1f10"),
    "span_id(prefix => 'k', path => 'a.py', bend => 10, bstart => 0, kind => 'def')": "k:" + blake("a.py\x1f0\x1f10\x1fdef"),
    "span_make(1, 5, col_unit => 'utf16')['col_unit']": "utf16",
    "span_make(1, NULL)": None,
    "span_len(span_make(2, 7, end_exclusive => false))": "6",
    "span_overlaps(span_make(0, 5), span_make(5, 9))": "false",
    "span_contains(span_make(0, 5), span_make(2, 5))": "true",
    "span_make(0, 5) @> span_make(2, 6)": "false",
    "span_make(0, 5) && span_make(4, 6)": "true",
    "span_intersection(span_make(0, 5), span_make(3, 9))['bend']": "5",
    "span_intersection(span_make(0, 5), span_make(5, 9))": None,
    "span_union_hull(span_make(0, 5), span_make(7, 9))['bend']": "9",
    "position_encoding_norm('utf-16')": "2",
    "position_encoding_norm(NULL)": "3",
    "col_to_byte('a😀b', 3, 'utf16')": "5",
    "col_to_byte('a😀b', 2, 'utf16')": "1",
    "col_to_byte('abc', -1, 'byte')": "0",
    "utf8_normalize(' ｆＯＯ  Straße ')": unicodedata.normalize("NFKC", "ｆＯＯ Straße").casefold(),
    "utf8_normalize('A  B', casefold => false, collapse_ws => false)": "A  B",
    "utf8_normalize('   ')": None,
    "utf8_null_if_blank(' x ')": "x",
    "utf8_null_if_blank('\u3000')": None,
    "qname_normalize('parse', 'app.io', 'python')": "app.io.parse",
    "qname_normalize('A', 'M', lang => 'SQL')": "m.a",
    "qname_normalize('x')": "x",
    "map_get_default(MAP {'a': 1}, 'b', 7)": "7",
    "map_get_default(MAP {'a': 1}, 'a', 7)": "1",
    "map_get_default(map_normalize(MAP {'B': 1, 'b': 2}), 'b', 0)": "2",
    "cardinality(map_normalize(MAP {'B': 1, 'b': 2}, key_case => 'keep'))": "2",
    "array_to_string(list_compact(make_array(2, NULL, 1)), ',')": "2,1",
    "array_to_string(list_unique_sorted(make_array(2, NULL, 1, 2)), ',')": "1,2",
    "list_compact(NULL)": None,
    "struct_pick(named_struct('a', 1, 'b', 2), 'b')['b']": "2",
    "cdf_change_rank(' UPDATE_postimage')": "3",
    "cdf_is_upsert('insert')": "true",
    "cdf_is_delete('insert')": "false",
}

# Over the column x with the values 2, NULL, 1, 2.
AGGREGATES = {
    "count_if(x > 1)": "2",
    "any_value_det(x, -x)": "2",
    "arg_min(x, x)": "1",
    "arg_max(x, -x)": "1",
    "array_to_string(collect_set(x), ',', 'NULL')": "1,2,NULL",
    "array_to_string(collect_set(x) IGNORE NULLS, ',', 'NULL')": "1,2",
    "array_to_string(list_unique(x) FILTER (WHERE x > 1), ',')": "2",
    # The line through these points is y = 3 x - 2.
    "exact_sum(x)": "5.0",
    "exact_sum(DISTINCT x)": "3.0",
    "exact_avg(x)": str(5 / 3),
    "exact_var_samp(x)": str(1 / 3),
    "exact_var_pop(x)": str(2 / 9),
    "exact_stddev_samp(x)": str(math.sqrt(1 / 3)),
    "exact_stddev_pop(x)": str(math.sqrt(2 / 9)),
    "exact_covar_samp(x * x, x)": "1.0",
    "exact_covar_pop(x * x, x)": str(2 / 3),
    "exact_corr(x * x, x)": "1.0",
    "exact_corr(-x, x)": "-1.0",
    "exact_corr(x, 1)": None,
    "exact_regr_slope(x * x, x)": "3.0",
    "exact_regr_intercept(x * x, x)": "-2.0",
    "exact_regr_r2(x * x, x)": "1.0",
    "exact_regr_avgx(x * x, x)": str(5 / 3),
    "exact_regr_avgy(x * x, x)": "3.0",
    "exact_regr_sxx(x * x, x)": str(2 / 3),
    "exact_regr_syy(x * x, x)": "6.0",
    "exact_regr_sxy(x * x, x)": "2.0",
}
ROWS = "(VALUES (2), (NULL), (1), (2)) AS v(x)"

# Calls, what the error says, and the column where it points.
ERRORS = {
    "stable_hash64('a', 'b')": ("stable_hash64(s) takes text as s", 8),
    "1 + span_len(5)": ("span_len(span) takes spans", 12),
    "span_make(1, 2, unit => 'x')": ("has no parameter `unit`", 24),
    "span_make(1, line_base => 2)": ("wants `bend`, which is missing", 8),
    "col_to_byte('a', 1)": ("col_to_byte(line_text, col, unit) takes 3 arguments, found 2", 8),
    "col_to_byte('a', 1, 'words')": ("unit wants byte, utf8, utf16 or utf32, found `words`", 8),
    "utf8_normalize('a', 'NFX')": ("form wants NFC, NFD, NFKC or NFKD, found `NFX`", 8),
    "utf8_normalize(5)": ("wants a text as s, found type `int64`", 8),
    "map_normalize(MAP {'a': 1}, 'title')": ("key_case wants lower, upper or keep, found `title`", 8),
    "list_compact(5)": ("list_compact(list) wants a list as list", 8),
    "struct_pick(named_struct('a', 1), 'b')": ("the struct has no field `b`, only `a`", 8),
    "collect_set(1, 2)": ("collect_set(v) takes 1 argument, found 2", 8),
}


class FunctionsTest(weir_project.ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = weir_project.Project(self.scratch / "p")
        self.project.write("weir.toml", '[project]\nname = "p"\n')

    def test_every_function_is_called_here(self):
        texts = " ".join([*VALUES, *AGGREGATES])
        functions = self.project.succeed("functions", "--format", "json").json()
        self.assertEqual([f["name"] for f in functions if f["kind"] != "table" and f["name"] + "(" not in texts], [])

    def test_documentation_and_information_schema_agree(self):
        schema = "information_schema"
        listed = {f["name"]: f for f in self.project.succeed("functions", "--format", "json").json() if f["kind"] != "table"}
        names = "', '".join(listed)
        rows = self.project.sql(f"SELECT DISTINCT routine_name AS n, syntax_example AS s FROM {schema}.routines "
                                f"WHERE routine_name IN ('{names}')")
        self.assertEqual({row["n"]: row["s"] for row in rows}, {name: f["syntax"] for name, f in listed.items()})

    def test_values(self):
        columns = ", ".join(f"CAST({expression} AS VARCHAR) AS c{i}" if wanted is not None else f"({expression}) IS NULL AS c{i}"
                            for i, (expression, wanted) in enumerate(VALUES.items()))
        row = self.project.sql(f"SELECT {columns}")[0]
        for i, (expression, wanted) in enumerate(VALUES.items()):
            self.assertEqual(row[f"c{i}"], True if wanted is None else wanted, expression)
        for expression, wanted in AGGREGATES.items():
            found = self.project.sql(f"SELECT CAST({expression} AS VARCHAR) AS c FROM {ROWS}")
            self.assertEqual(found, [{"c": wanted}], expression)

    def test_errors_show_signature_and_place(self):
        for call, (message, column) in ERRORS.items():
            outcome = self.project.weir("sql", f"SELECT {call}")
            self.assertEqual(outcome.code, 1, call)
            self.assertIn(message, outcome.stderr, call)
            self.assertIn(f"line 1, column {column} ", outcome.stderr, call)
        self.project.write("views/v.sql", "SELECT 1 AS a,\n       span_make(1, 2, unit => 'x') AS s\n")
        outcome = self.project.weir("check")
        self.assertEqual(outcome.code, 1)
        self.assertIn("views/v.sql:2:24", outcome.text)
        self.assertIn("did you mean `col_unit`?", outcome.text)

    def test_invalid_values_name_the_row(self):
        outcome = self.project.weir("sql", "SELECT span_make(column1, 3) FROM (VALUES (1), (9))")
        self.assertEqual(outcome.code, 1)
        self.assertIn("found bstart `9` and bend `3`", outcome.stderr)

    def test_binary_values_that_are_no_text(self):
        rows = "FROM (VALUES (X'616263'), (X'ff')) AS t(b)"
        for call in ("stable_hash64(b)", "stable_hash64(CAST(b AS TEXT))", "utf8_normalize(CAST(b AS TEXT))", "stable_id('k', b)"):
            outcome = self.project.weir("sql", f"SELECT {call} {rows}")
            self.assertEqual(outcome.code, 1, call)
            self.assertIn("non UTF-8 data", outcome.stderr, call)
        self.assertEqual(self.project.sql(f"SELECT stable_hash64(TRY_CAST(b AS TEXT)) AS h {rows}"), [{"h": str(short("abc"))}, {"h": None}])
        # Parts of an identity may be binary: they count as hexadecimal text.
        self.assertEqual(self.project.sql(f"SELECT stable_id_parts('k', b) AS h {rows}"),
                         [{"h": "k:" + blake("616263")}, {"h": "k:" + blake("ff")}])

    def test_nested_values_are_printed_as_json(self):
        query = "SELECT MAP {'k': [1, NULL]} AS texts, MAP {1: 'a'} AS numbers, named_struct('f', 'x') AS s"
        self.assertEqual(self.project.sql(query), [{"texts": {"k": [1, None]}, "numbers": [{"key": 1, "value": "a"}], "s": {"f": "x"}}])
        printed = self.project.succeed("sql", query).stdout
        for text in ('{"k":[1,null]}', '[{"key":1,"value":"a"}]', '{"f":"x"}'):
            self.assertIn(text, printed)

    def test_in_where_join_group_by_and_window(self):
        spans = "(VALUES (0, 5, 'A '), (3, 9, 'a'), (20, 30, 'b')) AS t(s, e, name)"
        self.assertEqual(self.project.sql(f"SELECT s FROM {spans} WHERE span_make(s, e) && span_make(4, 6) ORDER BY s"),
                         [{"s": 0}, {"s": 3}])
        self.assertEqual(self.project.sql(f"SELECT t.s, u.s AS r FROM {spans} JOIN (VALUES (1, 2), (25, 26)) AS u(s, e) "
                                          "ON span_contains(span_make(t.s, t.e), span_make(u.s, u.e)) ORDER BY t.s"),
                         [{"s": 0, "r": 1}, {"s": 20, "r": 25}])
        self.assertEqual(self.project.sql(f"SELECT utf8_normalize(name) AS n, count_if(s > 0) AS c FROM {spans} GROUP BY "
                                          "utf8_normalize(name) ORDER BY n"), [{"n": "a", "c": 1}, {"n": "b", "c": 1}])
        self.assertEqual(self.project.sql("SELECT s, arg_max(name, e) OVER (ORDER BY s ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS n "
                                          f"FROM {spans} ORDER BY s"),
                         [{"s": 0, "n": "A "}, {"s": 3, "n": "a"}, {"s": 20, "n": "b"}])

    def test_in_stored_views_and_from_their_lanes(self):
        self.project.write("views/scalars.sql", "SELECT " + ",\n  ".join(
            f"CAST({expression} AS VARCHAR) AS c{i}" for i, (expression, wanted) in enumerate(VALUES.items()) if wanted is not None))
        self.project.write("views/aggregates.sql", "SELECT " + ",\n  ".join(
            f"CAST({expression} AS VARCHAR) AS c{i}" for i, expression in enumerate(AGGREGATES)) + f"\nFROM {ROWS}")
        hashes = []
        for options in ([], ["--by-lane"]):
            run = self.project.run("--force", *options)
            rows = self.project.sql(f"SELECT view_name, content_hash FROM weir.writes WHERE run_id = '{run['run_id']}'")
            hashes.append({row["view_name"]: row["content_hash"] for row in rows})
        self.assertEqual(set(hashes[0]), {"scalars", "aggregates"})
        self.assertEqual(hashes[0], hashes[1])
        stored = self.project.read("scalars").to_pylist()[0]
        for i, (expression, wanted) in enumerate(VALUES.items()):
            if wanted is not None:
                self.assertEqual(stored[f"c{i}"], wanted, expression)
        self.assertEqual(list(self.project.read("aggregates").to_pylist()[0].values()), list(AGGREGATES.values()))

    def test_defaults_of_spans_are_settings_of_a_profile(self):
        self.project.write("views/made.sql", "SELECT span_make(column1, 9) AS s, span_make(1, 5, line_base => 7)['col_unit'] AS u FROM (VALUES (2))")
        self.project.write("views/whole.sql", "SELECT span_make(column1, 9, 0, 'byte', true) AS s FROM (VALUES (2))")
        self.project.write("views/other.sql", "SELECT column1 FROM (VALUES (2))")

        def ran() -> set[str]:
            return set(re.findall(r"\] run +(\w+)", self.project.succeed("run").stderr))

        self.assertEqual(ran(), {"made", "whole", "other"})
        declared = {"bstart": 2, "bend": 9, "line_base": 0, "col_unit": "byte", "end_exclusive": True}
        self.assertEqual(self.project.read("made").to_pylist(), [{"s": declared, "u": "byte"}])
        toml = '[project]\nname = "p"\n[profiles.default.functions]\n'
        self.project.write("weir.toml", toml + 'span_line_base = 0\nspan_col_unit = "byte"\nspan_end_exclusive = true\n')
        self.assertEqual(ran(), set())  # what is declared anyway
        self.project.write("weir.toml", toml + 'span_line_base = 1\nspan_col_unit = "utf16"\nspan_end_exclusive = false\n')
        self.assertEqual(ran(), {"made"})
        self.assertEqual(self.project.read("made").to_pylist(),
                         [{"s": {**declared, "line_base": 1, "col_unit": "utf16", "end_exclusive": False}, "u": "utf16"}])
        self.assertEqual(self.project.read("whole").to_pylist(), [{"s": declared}])
        self.assertEqual(self.project.sql("SELECT span_len(span_make(2, 7)) AS n, span_make(0, 4) @> span_make(2, 4, end_exclusive => true) AS c"),
                         [{"n": 6, "c": True}])
        self.assertIn("; 'utf16' if left out", self.project.succeed("functions", "span_make").stdout)
