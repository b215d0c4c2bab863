# SPDX-License-Identifier: Apache-2.0
"""`bytes_read` says what a run fetched of files. The bounds are what another reader of Parquet says of their column chunks."""

import gzip

import deltalake
import pyarrow
import pyarrow.parquet

import weir_project

ROWS = 40_000
ROW_GROUPS = 4


class BytesReadTest(weir_project.ProjectCase):
    def setUp(self):
        super().setUp()
        self.project = weir_project.Project(self.scratch / "project")
        self.project.write("weir.toml", '[project]\nname = "bytes"\n')

    def write_delta(self, name: str, files: int = 1) -> None:
        """A table whose `id` rises from row to row, so that row groups can be told apart; `text` is by far the largest column."""
        for part in range(files):
            first = part * ROWS
            rows = pyarrow.table({
                "id": pyarrow.array(range(first, first + ROWS), pyarrow.int64()),
                "value": pyarrow.array([(i * 7919) % 1000003 for i in range(first, first + ROWS)], pyarrow.int64()),
                "text": pyarrow.array([f"{(i * 104729) % 15485863:x}-{i:x}" * 3 for i in range(first, first + ROWS)])})
            properties = deltalake.WriterProperties(max_row_group_size=ROWS // ROW_GROUPS, compression="SNAPPY")
            deltalake.write_deltalake(str(self.scratch / name), rows, mode="append", writer_properties=properties)
        self.project.write(f"sources/{name}.sql", f"CREATE EXTERNAL TABLE {name} STORED AS DELTATABLE LOCATION '{self.scratch / name}';\n")

    def chunk_bytes(self, folder, columns, row_groups=None) -> int:
        """Compressed sizes of the chunks of `columns`, in the numbered row groups of each file (default: all)."""
        total = 0
        for uri in deltalake.DeltaTable(str(folder)).file_uris():
            metadata = pyarrow.parquet.ParquetFile(uri).metadata
            for group in range(metadata.num_row_groups) if row_groups is None else row_groups:
                for column in range(metadata.num_columns):
                    chunk = metadata.row_group(group).column(column)
                    total += chunk.total_compressed_size if chunk.path_in_schema in columns else 0
        return total

    def bytes_of(self, view: str) -> int:
        """Of the last run, which built `view`."""
        run_id = self.project.last_run_id()
        (row,) = [row for row in self.project.artifact("tasks") if (row["run_id"], row["view_name"]) == (run_id, view)]
        return row["bytes_read"]

    def test_only_columns_that_are_read_count(self):
        self.write_delta("things", files=2)
        self.project.write("views/narrow.sql", "SELECT sum(value) AS total FROM things\n")
        self.project.write("views/wide.sql", "SELECT max(text) AS most, sum(value) AS total FROM things\n")
        summary = self.project.run()
        narrow, wide = self.bytes_of("narrow"), self.bytes_of("wide")
        folder = self.scratch / "things"
        # All of a column is read, whatever its pages' headers are counted as.
        self.assertLessEqual(narrow, self.chunk_bytes(folder, ["value"]))
        self.assertGreater(narrow, 0.9 * self.chunk_bytes(folder, ["value"]))
        self.assertLessEqual(wide, self.chunk_bytes(folder, ["value", "text"]))
        self.assertGreater(wide, 0.9 * self.chunk_bytes(folder, ["value", "text"]))
        self.assertEqual(summary["bytes_read"], narrow + wide)
        (recorded,) = [row["bytes_read"] for row in self.project.artifact("runs") if row["run_id"] == summary["run_id"]]
        self.assertEqual(summary["bytes_read"], recorded)
        self.assertEqual(0, self.project.run()["bytes_read"], "nothing was built the second time")

    def test_row_groups_that_a_filter_excludes_are_not_read(self):
        self.write_delta("things")
        last = ROWS - ROWS // ROW_GROUPS
        self.project.write("views/late.sql", f"SELECT sum(value) AS total, count(*) AS things FROM things WHERE id >= {last}\n")
        self.project.run()
        found = self.bytes_of("late")
        self.assertGreater(found, 0)
        self.assertLessEqual(found, self.chunk_bytes(self.scratch / "things", ["id", "value"], [ROW_GROUPS - 1]))

    def test_a_view_that_reads_a_view_counts_what_it_reads_of_its_table(self):
        self.write_delta("things")
        self.project.write("views/upper.sql", "SELECT id, value, upper(text) AS text FROM things\n")
        self.project.write("views/total.sql", "SELECT sum(value) AS total FROM upper\n")
        self.project.run()
        found = self.bytes_of("total")
        self.assertGreater(found, 0)
        self.assertLessEqual(found, self.chunk_bytes(self.project.table_path("upper"), ["value"]))

    def test_text_files_count_as_they_lie_on_disk(self):
        rows = "id,text\n" + "".join(f"{i},{'x' * (i % 40)}\n" for i in range(5000))
        plain, packed = self.scratch / "plain.csv", self.scratch / "packed.csv.gz"
        plain.write_text(rows)
        packed.write_bytes(gzip.compress(rows.encode()))
        lines = self.scratch / "lines.ndjson"
        lines.write_text("".join(f'{{"id": {i}, "text": "{i:x}"}}\n' for i in range(5000)))
        self.project.write("sources/text.sql", f"""
            CREATE EXTERNAL TABLE plain (id BIGINT, text VARCHAR) STORED AS CSV LOCATION '{plain}' OPTIONS ('format.has_header' 'true');
            CREATE EXTERNAL TABLE packed (id BIGINT, text VARCHAR) STORED AS CSV LOCATION '{packed}'
              OPTIONS ('format.has_header' 'true', 'format.compression' 'gzip');
            CREATE EXTERNAL TABLE lines (id BIGINT, text VARCHAR) STORED AS NDJSON LOCATION '{lines}';""")
        sizes = {"plain": plain, "packed": packed, "lines": lines}
        for name in sizes:
            self.project.write(f"views/of_{name}.sql", f"SELECT sum(id) AS total FROM {name}\n")
        self.project.run()
        for name, file in sizes.items():
            with self.subTest(name):
                self.assertEqual(file.stat().st_size, self.bytes_of(f"of_{name}"))
