# SPDX-License-Identifier: Apache-2.0
"""Files without a byte: texts have no rows then, Parquet is damaged, and folders of object stores are no files. The right rows are written out here."""

import unittest

from source_case import SourceCase


class EmptyFilesTest(SourceCase):
    def test_a_text_without_a_byte_has_no_rows(self):
        for stored_as, name in (("CSV", "a.csv"), ("NDJSON", "a.json")):
            with self.subTest(stored_as=stored_as):
                self.file(name, b"")
                self.source("t", "a INT, b VARCHAR", name, stored_as)
                self.assertEqual(self.rows("SELECT count(*) AS n, min(a) AS a FROM t"), [(0, None)])
                self.assertEqual(self.stored("SELECT a, b FROM t"), [])

    def test_among_others_it_adds_nothing(self):
        self.file("all/1.csv", "a,b\n1,x\n")
        self.file("all/2.csv", b"")
        self.source("t", "a INT, b VARCHAR", "all/", has_header="true")
        self.assertEqual(self.stored("SELECT a, b FROM t"), [(1, "x")])
        self.source("u", "", "all/", has_header="true")
        self.assertEqual(self.rows("SELECT a, b FROM u"), [(1, "x")])

    def test_its_columns_must_be_declared(self):
        self.file("a.csv", b"")
        self.source("t", "", "a.csv")
        self.refuse("SELECT * FROM t", "columns are wanted, found files without a byte at `data/a.csv`")
        self.assert_says(self.project.weir("check"), 1, ("declare the columns",))

    def test_parquet_without_a_byte_is_damaged(self):
        self.file("a.parquet", b"")
        self.source("t", "", "a.parquet", "PARQUET")
        outcome = self.project.weir("check")
        self.assert_says(outcome, 3, ("W3003", "found one without a byte", "a.parquet"))

    def test_no_file_is_still_an_error(self):
        self.source("t", "a INT", "none.csv")
        self.refuse("SELECT * FROM t", "files are wanted, found none at")


if __name__ == "__main__":
    unittest.main()
