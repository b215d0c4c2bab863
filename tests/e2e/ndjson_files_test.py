# SPDX-License-Identifier: Apache-2.0
"""NDJSON values become what CAST makes of the text that stands in the file; what cannot be read names file, line and column.

Faults A5, A13, B14, B19. The right rows are written out here.
"""

import datetime
import decimal
import json
import unittest

from source_case import SourceCase

D = decimal.Decimal


class ValueTest(SourceCase):
    """B14."""

    def test_decimals_are_rounded_whether_numbers_or_texts(self):
        self.ndjson("d DECIMAL(10,2)", '{"d": 1.009}\n{"d": "1.009"}\n{"d": -1.005}\n{"d": 3}\n{"d": null}\n')
        self.assertEqual(self.rows("SELECT CAST(d AS VARCHAR) AS d FROM t"), [("1.01",), ("1.01",), ("-1.01",), ("3.00",), (None,)])

    def test_decimals_inside_lists_and_objects(self):
        self.ndjson("l DECIMAL(10,2)[], s STRUCT<d DECIMAL(10,2), n VARCHAR>",
                    '{"l": [1.009, null, "2.005"], "s": {"d": 1.009, "n": 7}}\n{"l": null, "s": null}\n{"l": []}\n')
        self.assertEqual(self.stored("SELECT l, s FROM t WHERE l IS NOT NULL AND cardinality(l) > 0"),
                         [([D("1.01"), None, D("2.01")], {"d": D("1.01"), "n": "7"})])
        self.assertEqual(self.rows("SELECT count(*) AS n, count(l) AS l, count(s) AS s FROM t"), [(3, 2, 1)])

    def test_escapes_of_characters_beyond_65535(self):
        """Halves of a pair may stand in different chunks of a file; a backslash may itself be escaped."""
        texts = ["\U00020bb7", "\U0010ffff", "\U0001f600", "\U00010000", "a\\ud842\\udfb7", "\u00e9", "\\" * 3 + "\U0002ffff"]
        self.ndjson("s VARCHAR, l VARCHAR[]", "".join(json.dumps({"s": t, "l": [t]}) + "\n" for t in texts))
        self.assertEqual(self.rows("SELECT s, l FROM t"), [(t, [t]) for t in texts])
        many = [f"{i}" + "\U00020bb7" * (i % 7) for i in range(60_000)]
        self.ndjson("s VARCHAR", "".join(json.dumps({"s": t}) + "\n" for t in many), name="u")
        self.assertEqual(sorted(s for s, in self.rows("SELECT s FROM u")), sorted(many))
        self.file("array.json", json.dumps([{"s": t} for t in texts]))
        self.source("a", "s VARCHAR", "array.json", "NDJSON", newline_delimited="false")
        self.assertEqual(self.rows("SELECT s FROM a"), [(t,) for t in texts])

    def test_a_text_column_given_numbers_keeps_what_stands_there(self):
        self.ndjson("k VARCHAR", '{"k": "a"}\n{"k": 1}\n{"k": 1.50}\n{"k": 12345678901234567890123}\n{"k": true}\n{"k": 1e5}\n')
        self.assertEqual(self.rows("SELECT k FROM t"),
                         [("a",), ("1",), ("1.50",), ("12345678901234567890123",), ("true",), ("1e5",)])

    def test_digits_and_signs_that_are_no_number(self):
        for bad in ("1-2", "01", "-", "1.", "1e", "--1", "1.2.3", "2024-01-01", "1e+", "00", "-01"):
            for columns in ("k VARCHAR, n INT", "l VARCHAR[], k VARCHAR", "k STRUCT<a VARCHAR>, n INT"):
                with self.subTest(bad=bad, columns=columns):
                    value = '{"a": ' + bad + "}" if "STRUCT" in columns else bad
                    self.ndjson(columns, '{"k": null}\n\n{"k": ' + value + ', "n": 1}\n{"k": null}\n')
                    self.refuse("SELECT k FROM t", "data/t.json`, line 3", f"found `{bad}`")
        self.ndjson("k VARCHAR", '{"k": "1-2"}\n{"k": "a\\"1-2"}\n{"k": -0.5e-7}\n{"k": "\\\\"}\n{"k": 0}\n{"k": 1E+2}\n')
        self.assertEqual(self.rows("SELECT k FROM t"), [("1-2",), ('a"1-2',), ("-0.5e-7",), ("\\",), ("0",), ("1E+2",)])

    def test_undeclared_whole_numbers_keep_their_digits(self):
        """Beyond 64 bits they are texts, as in CSV."""
        self.ndjson("", '{"i": 9223372036854775807, "a": 9223372036854775808, "b": 1, "c": 1.5, "l": [1], "s": {"x": 1}, "t": "123456789012345678901"}\n'
                        '{"i": -9223372036854775808, "a": 12345678901234567890123, "b": -9223372036854775809, "c": 2, '
                        '"l": [18446744073709551615], "s": {"x": 123456789012345678901234567890123456789012345}, "t": "x"}\n')
        self.assertEqual([tuple(map(str, row)) for row in self.rows("SELECT i, a, b, c, l[1] AS l, s['x'] AS s, t FROM t")],
                         [("9223372036854775807", "9223372036854775808", "1", "1.5", "1", "1", "123456789012345678901"),
                          ("-9223372036854775808", "12345678901234567890123", "-9223372036854775809", "2.0", "18446744073709551615",
                           "123456789012345678901234567890123456789012345", "x")])
        self.assertEqual(self.rows("SELECT arrow_typeof(i) AS i, arrow_typeof(c) AS c, CAST(a AS DECIMAL(38,0)) + 1 AS d FROM t LIMIT 1"),
                         [("Int64", "Float64", "9223372036854775809")])

    def test_whole_numbers(self):
        self.ndjson("i BIGINT", '{"i": 9007199254740993}\n{"i": -9223372036854775808}\n{"i": 3.0}\n{"i": 2e3}\n{"i": "5"}\n')
        self.assertEqual([(int(i),) for i, in self.rows("SELECT i FROM t")], [(9007199254740993,), (-9223372036854775808,), (3,), (2000,), (5,)])

    def test_what_does_not_fit_is_refused_with_file_line_and_column(self):
        for kind, text, found in [("INT", "1.9", "1.9"), ("INT", "2147483648", "2147483648"), ("INT", "true", "true"),
                                  ("BIGINT", "9223372036854775808", "9223372036854775808"), ("DECIMAL(4,2)", "100", "100"),
                                  ("DATE", '"2024-02-30"', "2024-02-30"), ("TIMESTAMP", "1700000000", "1700000000"),
                                  ("BOOLEAN", '"maybe"', "maybe"), ("DOUBLE", '"x"', "x")]:
            with self.subTest(kind=kind, text=text):
                self.ndjson(f"id INT, x {kind}", '{"id": 1}\n\n{"id": 2, "x": null}\n{"id": 3, "x": ' + text + "}\n")
                self.refuse("SELECT x FROM t", "data/t.json`, line 4, column `x`", f"found `{found}`")

    def test_values_inside_objects_name_the_way_there(self):
        self.ndjson("s STRUCT<a STRUCT<b INT>>", '{"s": {"a": {"b": 1}}}\n{"s": {"a": {"b": "x"}}}\n')
        self.refuse("SELECT s FROM t", "data/t.json`, line 2, column `s.a.b`", "found `x`")

    def test_kinds_that_do_not_fit(self):
        self.ndjson("x INT, y INT[]", '{"x": 1}\n{"x": [1]}\n')
        self.refuse("SELECT x FROM t", "data/t.json`, line 2, column `x`")
        self.ndjson("x INT, y INT[]", '{"y": [1]}\n{"y": 1}\n')
        self.refuse("SELECT y FROM t", "data/t.json`, line 2, column `y`")

    def test_what_is_no_json_is_refused_with_the_line(self):
        for bad in ["{", '{"x": 1', "{'x': 1}", '{"x": "\\ud800"}', "[1]", "1", '{"x": }', "nonsense"]:
            with self.subTest(bad=bad):
                self.ndjson("x VARCHAR", '{"x": 1}\n{"x": 2}\n' + bad + "\n")
                self.refuse("SELECT x FROM t", "data/t.json`, line 3")

    def test_a_value_beyond_the_first_batch(self):
        self.ndjson("x INT", '{"x": 1}\n' * 20000 + '{"x": "a"}\n' + '{"x": 1}\n' * 5)
        self.refuse("SELECT x FROM t", "data/t.json`, line 20001, column `x`")

    def test_missing_and_other_keys_escapes_marks_and_line_ends(self):
        self.ndjson("a INT, b VARCHAR", b'\xef\xbb\xbf{"b": "x\\n\\u00e9\\ud83d\\ude00", "c": {"d": [1, 2]}}\r\n\r\n{"a": 2}')
        self.assertEqual(self.rows("SELECT a, b FROM t"), [(None, "x\né😀"), (2, None)])

    def test_time_beyond_2262(self):
        """B19."""
        self.ndjson("m TIMESTAMP, d DATE", '{"m": "9999-12-31T23:59:59.999999", "d": "9999-12-31"}\n{"m": "0001-01-01 00:00:00"}\n')
        self.assertEqual(self.stored("SELECT m, d FROM t"), [
            (datetime.datetime(1, 1, 1), None),
            (datetime.datetime(9999, 12, 31, 23, 59, 59, 999999), datetime.date(9999, 12, 31))])

    def test_keys_are_found_without_regard_to_case(self):
        self.ndjson("userId INT NOT NULL, n VARCHAR", '{"userId": 1, "n": "a", "N": "b"}\n{"USERID": 2, "N": "c"}\n{"userid": 3}\n')
        self.assertEqual(self.stored("SELECT * FROM t"), [(1, "a"), (2, "c"), (3, None)])
        self.assertEqual(self.rows("SELECT n FROM t WHERE userid = 2"), [("c",)])

    def test_numbers_with_exponents(self):
        self.ndjson("d DECIMAL(12,3), i INT", '{"d": 1.5e2, "i": 1.5e1}\n{"d": 1E-3, "i": 0e5}\n{"d": -12345e-4, "i": 12e0}\n')
        self.assertEqual(self.rows("SELECT CAST(d AS VARCHAR) AS d, i FROM t"), [("150.000", 15), ("0.001", 0), ("-1.235", 12)])

    def test_an_array_of_records(self):
        self.ndjson("a DECIMAL(10,2), b VARCHAR", '[{"a": 1.009, "b": 1},\n {"a": 2}]\n', newline_delimited="false")
        self.assertEqual(self.stored("SELECT a, b FROM t"), [(D("1.01"), "1"), (D("2.00"), None)])


class InferenceTest(SourceCase):

    def test_columns_of_all_files(self):
        self.file("f/a.json", '{"a": 1, "n": null}\n')
        self.file("f/b.json", '{"a": 1.5, "b": "x", "l": [], "m": 1}\n{"m": "text"}\n')
        self.source("t", "", "f/", "NDJSON")
        self.assertEqual(self.rows("SELECT a, b, m FROM t ORDER BY a"), [(1.0, None, None), (1.5, "x", "1"), (None, None, "text")])

    def test_what_is_no_json_is_refused_with_the_line(self):
        self.ndjson("", '{"x": 1}\n{"x": 2\n')
        self.refuse("SELECT x FROM t", "data/t.json`, line 2")


class RequiredTest(SourceCase):
    """A5."""

    def test_a_missing_key_of_a_column_that_is_not_null(self):
        self.ndjson("id INT NOT NULL, n VARCHAR", '{"id": 1}\n{"n": "b"}\n')
        for query in ("SELECT id, n FROM t", "SELECT coalesce(id, 0) AS i FROM t", "SELECT count(id) AS n FROM t"):
            self.refuse(query, "data/t.json`, line 2, column `id`", "NOT NULL")


if __name__ == "__main__":
    unittest.main()
