# SPDX-License-Identifier: Apache-2.0
"""CSV files are read by the names in their headers, as their options say, and what cannot be read names file, line and column.

Faults A5, A6, A13, B13, B14, B20. The right rows are written out here, or come from DuckDB with every option given.
"""

import datetime
import decimal
import gzip
import unittest

import duckdb

from source_case import SourceCase


class HeaderTest(SourceCase):
    """B13."""

    def test_columns_of_several_files_go_by_the_names_in_their_headers(self):
        self.file("f/a.csv", "id,amount\n1,10\n2,20\n")
        self.file("f/b.csv", "amount,id\n30,3\n")
        self.source("t", "id INT, amount INT", "f/")
        self.source("u", "", "f/")
        for table in ("t", "u"):
            self.assertEqual(self.stored(f"SELECT id, amount FROM {table}", f"v_{table}"), [(1, 10), (2, 20), (3, 30)])
            self.assertEqual(self.rows(f"SELECT sum(amount) AS s FROM {table} WHERE id >= 2"), [(50,)])

    def test_the_order_of_declared_columns_is_not_that_of_the_file(self):
        self.csv("amount INT, id INT", "id,amount\n1,10\n")
        self.assertEqual(self.rows("SELECT id, amount FROM t"), [(1, 10)])

    def test_names_in_headers_are_found_without_regard_to_case_and_blanks(self):
        self.csv("amount INT, id INT", "ID, Amount \n1,10\n")
        self.assertEqual(self.rows("SELECT id, amount FROM t"), [(1, 10)])

    def test_declared_columns_may_have_names_of_their_own(self):
        self.csv("flight INT, late INT", "Flight No,Delay (min)\n1,10\n")
        self.assertEqual(self.rows("SELECT flight, late FROM t"), [(1, 10)])

    def test_columns_of_the_file_that_are_not_declared_are_left_out(self):
        self.csv("c INT, a INT", "a,b,c\n1,2,3\n")
        self.assertEqual(self.rows("SELECT a, c FROM t"), [(1, 3)])

    def test_a_header_that_names_columns_elsewhere_and_lacks_one_is_refused(self):
        self.csv("id INT, amt INT", "amount,id\n1,10\n")
        self.refuse("SELECT id, amt FROM t", "data/t.csv`", "`amount, id`")

    def test_files_that_go_by_place_have_one_header(self):
        self.file("f/a.csv", "x,y\n1,10\n")
        self.file("f/b.csv", "y,x\n30,3\n")
        self.source("t", "p INT, q INT", "f/")
        self.refuse("SELECT p, q FROM t", "f/b.csv`", "`y, x`")

    def test_a_file_that_lacks_a_found_column_is_refused(self):
        self.file("f/a.csv", "id,amount\n1,10\n")
        self.file("f/b.csv", "id,price\n3,4\n")
        self.source("t", "", "f/")
        self.refuse("SELECT * FROM t", "f/b.csv`", "`amount`")

    def test_files_behind_the_sample_are_checked_when_they_are_read(self):
        self.file("f/a.csv", "id,amount\n1,10\n2,20\n")
        self.file("f/b.csv", "amount,id,more\n30,3,1\n")
        self.source("t", "", "f/", schema_infer_max_rec="1")
        self.refuse("SELECT * FROM t", "f/b.csv`", "`more`")

    def test_two_columns_of_one_name_are_refused_unless_declared(self):
        self.csv("", "id,id\n1,2\n")
        self.refuse("SELECT * FROM t", "t.csv`", "`id`")
        self.csv("a INT, b INT", "id,id\n1,2\n", "u")
        self.project.write("sources/t.sql", "")
        self.assertEqual(self.rows("SELECT a, b FROM u"), [(1, 2)])

    def test_byte_order_mark_line_ends_and_quotes_in_the_header(self):
        self.csv("id INT, amount INT", b'\xef\xbb\xbf"id","amount"\r\n1,10\r\n2,20')
        self.csv("", b'\xef\xbb\xbfid,amount\r\n1,10\r\n2,20', "u")
        self.assertEqual(self.rows("SELECT amount, id FROM t ORDER BY id"), [(10, 1), (20, 2)])
        self.assertEqual(self.rows("SELECT amount, id FROM u ORDER BY id"), [(10, 1), (20, 2)])

    def test_a_file_with_a_header_alone_has_no_rows(self):
        self.csv("id INT, amount INT", "id,amount\n")
        self.assertEqual(self.rows("SELECT count(*) AS n FROM t"), [(0,)])

    def test_short_files_where_they_are_right(self):
        self.file("f/a.csv", "id,amount,note\n1,10\n2,20,x\n")
        self.file("f/b.csv", "note,id\ny,3\n")
        self.source("t", "id INT, amount INT, note VARCHAR", "f/", truncated_rows="true")
        self.assertEqual(self.stored("SELECT * FROM t"), [(1, 10, None), (2, 20, "x"), (3, None, "y")])


class OptionsTest(SourceCase):
    """A6."""

    def test_null_regex(self):
        self.csv("id INT, n VARCHAR", "id,n\nNA,x\n2,NA\n3,BANANA\n4,\n", null_regex="NA|N/A")
        self.assertEqual(self.rows("SELECT id, n FROM t"), [(None, "x"), (2, None), (3, "BANANA"), (4, "")])

    def test_null_regex_where_columns_are_found(self):
        self.csv("", "id,n\nNA,x\n2,y\n", null_regex="^NA$")
        self.assertEqual(self.stored("SELECT id + 1 AS i, n FROM t"), [(None, "x"), (3, "y")])

    def test_null_value_is_one_more_null(self):
        self.csv("id INT, n VARCHAR", "id,n\nNA,x\n2,NA\n3,\n,z\n", null_value="NA")
        self.assertEqual(self.rows("SELECT id, n FROM t"), [(None, "x"), (2, None), (3, None), (None, "z")])

    def test_a_pattern_that_is_none_is_refused_when_checked(self):
        self.csv("id INT", "id\n1\n", null_regex="(")
        outcome = self.project.weir("check")
        self.assert_says(outcome, 1, ["null_regex", "`(`"])

    def test_double_quote(self):
        self.csv("a VARCHAR", 'a\n"x""y"\n', double_quote="true")
        self.assertEqual(self.rows("SELECT a FROM t"), [('x"y',)])

    def test_escape_quote_delimiter_and_terminator(self):
        self.csv("a VARCHAR, b VARCHAR", "a;b|'x\\';y';2|", delimiter=";", quote="'", escape="\\\\", terminator="|")
        self.assertEqual(self.rows("SELECT a, b FROM t"), [("x';y", "2")])

    def test_comments_end_with_the_line(self):
        self.csv("a VARCHAR, b VARCHAR", "#no,no,no\na,b\n#no\n1,2#3\n#no", comment="#")
        self.assertEqual(self.rows("SELECT a, b FROM t"), [("1", "2#3")])
        self.csv("a VARCHAR, b VARCHAR", "a;b|", comment="#", terminator="|")
        self.assert_says(self.project.weir("check"), 1, ["comment", "terminator"])

    def test_blanks_are_ignored_where_the_options_say_so(self):
        text = "a,b\n 1 , x \n"
        self.csv("a INT, b VARCHAR", text, ignore_leading_whitespace="true", ignore_trailing_whitespace="true")
        self.assertEqual(self.rows("SELECT a, b FROM t"), [(1, "x")])

    def test_patterns_of_dates_and_times(self):
        self.csv("d DATE, m TIMESTAMP, z TIMESTAMP WITH TIME ZONE", "d,m,z\n31.12.9999,31.12.2024 13:05,2024-01-02T03:04:05 +0200\n",
                 date_format="%d.%m.%Y", timestamp_format="%d.%m.%Y %H:%M", timestamp_tz_format="%Y-%m-%dT%H:%M:%S %z")
        self.assertEqual(self.stored("SELECT * FROM t"), [
            (datetime.date(9999, 12, 31), datetime.datetime(2024, 12, 31, 13, 5),
             datetime.datetime(2024, 1, 2, 1, 4, 5, tzinfo=datetime.timezone.utc))])

    def test_compressed_files(self):
        self.csv("id INT, d DECIMAL(10,2)", gzip.compress(b"id,d\n1,1.009\n") + gzip.compress(b"2,2.5\n"), compression="gzip")
        self.assertEqual(self.stored("SELECT * FROM t"), [(1, decimal.Decimal("1.01")), (2, decimal.Decimal("2.50"))])


class ValueTest(SourceCase):
    """B14, A13."""

    def test_decimals_are_rounded_as_cast_does(self):
        texts = ["1.009", "1.005", "-1.005", "1.004999", "0.995", "-0.004", "+7", ".5", "5.", "12345678.999", "1e3", "1.5E-1", "-2.5e+2", "1e-10"]
        self.csv("x VARCHAR, d DECIMAL(10,2)", "x,d\n" + "".join(f"{t},{t}\n" for t in texts))
        wanted = [(t, duckdb.sql(f"SELECT CAST('{t}' AS DECIMAL(10,2))").fetchall()[0][0]) for t in texts]
        self.assertEqual(self.stored("SELECT x, d FROM t"), sorted(wanted))
        # The engine's CAST knows no exponents.
        plain = [t for t in texts if "e" not in t.lower()]
        self.csv("x VARCHAR, d DECIMAL(10,2)", "x,d\n" + "".join(f"{t},{t}\n" for t in plain), "u")
        self.assertEqual(self.rows("SELECT count(*) AS n FROM u WHERE d = CAST(x AS DECIMAL(10,2))"), [(len(plain),)])

    def test_what_does_not_fit_is_refused_with_file_line_and_column(self):
        for kind, text in [("INT", "2147483648"), ("TINYINT", "128"), ("INT", "1.5"), ("INT", "0x1F"), ("INT", "1e3"),
                           ("DECIMAL(4,2)", "100"), ("DATE", "2024-02-30"), ("BOOLEAN", "maybe"), ("DOUBLE", "1,5"),
                           ("TIMESTAMP", "2024-01-01 25:00:00"), ("BIGINT", "9223372036854775808")]:
            with self.subTest(kind=kind, text=text):
                self.csv(f"id INT, x {kind}", f'id,x\n1,\n2,\n3,"{text}"\n')
                self.refuse("SELECT x FROM t", "data/t.csv`, line 4, column `x`", f"found `{text}`")

    def test_lines_are_those_of_the_file(self):
        self.csv("id INT, x VARCHAR", 'id,x\r\n\r\n1,"a\r\nb\r\nc"\r\n\r\n# no\r\nx,"d"\r\n', comment="#")
        self.refuse("SELECT id FROM t", "data/t.csv`, line 8, column `id`", "found `x`")

    def test_counts_of_fields(self):
        self.csv("a INT, b INT", "a,b\n1,2\n3,4,5,6\n")
        self.refuse("SELECT a FROM t", "data/t.csv`, line 3", "2 fields are wanted, found 4")
        self.csv("a INT, b INT", "a,b\n1,2\n3\n")
        self.refuse("SELECT a FROM t", "data/t.csv`, line 3", "2 fields are wanted, found 1")

    def test_a_quote_without_end_is_refused(self):
        self.csv("a INT, b VARCHAR", 'a,b\n1,x\n2,"y\n3,z\n')
        self.refuse("SELECT a FROM t", "data/t.csv`, line 3", "quote")

    def test_bytes_that_are_no_text_are_refused(self):
        self.csv("a VARCHAR, b VARCHAR", b"a,b\nx,y\n\xc3,\xa9\n")
        self.refuse("SELECT b FROM t", "data/t.csv`, line 3", "UTF-8")

    def test_a_value_beyond_the_first_batch(self):
        self.csv("a INT", "a\n" + "1\n" * 20000 + "x\n" + "1\n" * 10)
        self.refuse("SELECT a FROM t", "data/t.csv`, line 20002, column `a`")


class RequiredTest(SourceCase):
    """A5."""

    def test_an_empty_field_of_a_column_that_is_not_null(self):
        self.csv("id INT NOT NULL, n VARCHAR", "id,n\n1,a\n,b\n")
        self.refuse("SELECT id, n FROM t", "data/t.csv`, line 3, column `id`", "NOT NULL")
        self.refuse("SELECT coalesce(id, 0) AS i FROM t", "data/t.csv`, line 3, column `id`")
        self.refuse("SELECT count(*) AS n FROM t WHERE id IS NULL", "data/t.csv`, line 3, column `id`")
        self.refuse("SELECT count(id) AS n FROM t", "data/t.csv`, line 3, column `id`")

    def test_short_lines_have_no_value(self):
        self.csv("n VARCHAR, id INT NOT NULL", "n,id\na,1\nb\n", truncated_rows="true")
        self.refuse("SELECT id FROM t", "data/t.csv`, line 3, column `id`", "NOT NULL")

    def test_tests_read_the_same(self):
        self.csv("id INT NOT NULL, n VARCHAR", "id,n\n1,a\n,b\n")
        self.project.write("tests/no_zero.sql", "SELECT id FROM t WHERE id = 0\n")
        self.assert_says(self.project.weir("test"), 1, ["data/t.csv`, line 3, column `id`"])

    def test_rows_without_null_are_read(self):
        self.csv("id INT NOT NULL, n VARCHAR NOT NULL", "id,n\n1,a\n2,b\n")
        self.assertEqual(self.stored("SELECT * FROM t"), [(1, "a"), (2, "b")])

    def test_a_partition_without_value(self):
        self.file("p/k=__HIVE_DEFAULT_PARTITION__/a.csv", "id\n1\n")
        self.source("t", "id INT", "p/", partitioned="k INT NOT NULL")
        self.assert_says(self.project.weir("check"), 1, ["`k`", "NOT NULL"])


class LineBreakTest(SourceCase):
    """B20."""

    def test_quoted_line_breaks_where_columns_are_found(self):
        lines = ["id,note,x"]
        for i in range(100):
            lines.append(f'{i},"{"a" * 90}\n""{i}"", {"b" * 90}\r\n",{i}.5')
        self.csv("", "\n".join(lines) + "\n")
        rows = self.stored("SELECT id, length(note) AS l, x FROM t")
        self.assertEqual(len(rows), 100)
        self.assertEqual(sorted(rows), sorted((i, 90 + 1 + 4 + len(str(i)) + 90 + 2, i + 0.5) for i in range(100)))

    def test_quoted_line_breaks_with_many_partitions(self):
        self.project.write("weir.toml", '[project]\nname = "files"\nwarehouse = "warehouse"\n[profiles.default]\n'
                                        'deterministic = false\nthreads = 4\n')
        record = '{},"' + 'line of text that is no number\n' * 400 + '",7\n'
        self.csv("id INT, note VARCHAR, x INT", "id,note,x\n" + "".join(record.format(i) for i in range(1000)))
        self.assertEqual(self.rows("SELECT count(*) AS n, sum(x) AS s, sum(id) AS i, min(length(note)) AS l FROM t"),
                         [(1000, 7000, 499500, 400 * 31)])

    def test_lines_in_ranges_where_the_user_allows_them(self):
        self.project.write("weir.toml", '[project]\nname = "files"\nwarehouse = "warehouse"\n[profiles.default]\n'
                                        'deterministic = false\nthreads = 4\n')
        self.csv("x INT, id INT", "id,x\n" + "".join(f"{i},{i % 7:0100}\n" for i in range(150_000)), newlines_in_values="false")
        self.assertEqual(self.rows("SELECT count(*) AS n, sum(id) AS i, sum(x) AS x FROM t"),
                         [(150_000, 150_000 * 149_999 // 2, sum(i % 7 for i in range(150_000)))])


class InferenceTest(SourceCase):

    def test_types_are_those_of_the_values(self):
        self.csv("", "i,f,m,b,d,t,s,n,z\n1,1.5,2,true,2024-01-01,2024-01-01T10:00:00,x,,2024-02-30\n"
                     "-2,1e3,2.5,FALSE,9999-12-31,9999-12-31 00:00:00.123456,,,2024-01-01\n")
        rows = self.stored("SELECT * FROM t ORDER BY i")
        self.assertEqual(rows, [
            (-2, 1000.0, 2.5, False, datetime.date(9999, 12, 31), datetime.datetime(9999, 12, 31, 0, 0, 0, 123456), None, None,
             "2024-01-01"),
            (1, 1.5, 2.0, True, datetime.date(2024, 1, 1), datetime.datetime(2024, 1, 1, 10), "x", None, "2024-02-30")])

    def test_types_of_several_files_are_joined(self):
        self.file("f/a.csv", "id,x\n1,2\n")
        self.file("f/b.csv", "x,id\n2.5,\n")
        self.source("t", "", "f/")
        self.assertEqual(self.stored("SELECT id, x FROM t"), [(None, 2.5), (1, 2.0)])


if __name__ == "__main__":
    unittest.main()
