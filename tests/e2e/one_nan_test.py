# SPDX-License-Identifier: Apache-2.0
"""Every NaN is one value above all numbers, with or without a sign, read or computed, alone or within lists, structs and maps.

Faults D9, B8. The oracle is DuckDB, for which NaN is the greatest number, too.
"""

import json
import math
import struct

import duckdb
import pyarrow
import pyarrow.parquet

from source_case import SourceCase

MINUS_NAN = struct.unpack("<d", struct.pack("<Q", 0xFFF8000000000000))[0]
#: Of several row groups: in each but the last a NaN that statistics leave out.
FLOATS = [1.0, MINUS_NAN, 2.0, math.nan, -math.inf, math.inf, None, 0.5, 3.0, 4.0]
TABLE = pyarrow.table({
    "id": pyarrow.array(range(len(FLOATS)), pyarrow.int64()),
    "k": pyarrow.array([i % 3 for i in range(len(FLOATS))], pyarrow.int64()),
    "x": pyarrow.array(FLOATS, pyarrow.float64()),
    "y": pyarrow.array(FLOATS, pyarrow.float32()),
    "l": pyarrow.array([[x, 1.5] for x in FLOATS], pyarrow.list_(pyarrow.float64())),
    "s": pyarrow.array([{"x": x, "n": i} for i, x in enumerate(FLOATS)],
                       pyarrow.struct([("x", pyarrow.float64()), ("n", pyarrow.int64())])),
    "m": pyarrow.array([[("a", x)] for x in FLOATS], pyarrow.map_(pyarrow.string(), pyarrow.float64())),
})

QUERIES = [
    "SELECT max(x) AS a, min(x) AS b, max(y) AS c, min(y) AS d FROM t",
    "SELECT k, max(x) AS a, min(x) AS b FROM t GROUP BY k",
    "SELECT id, max(x) AS a, min(x) AS b, max(y) AS c, min(y) AS d FROM t GROUP BY id",
    "SELECT k, max(x - x) AS a, min(x - x) AS b FROM t GROUP BY k",
    "SELECT k, max(x) AS a FROM t GROUP BY k ORDER BY a DESC LIMIT 2",
    "SELECT max(x / x) AS a, min(x - x) AS b FROM t WHERE id IN (0, 5)",
    "SELECT median(x - x) AS a FROM t WHERE id IN (0, 2, 5)",
    "SELECT id FROM t ORDER BY x DESC NULLS LAST, id LIMIT 3",
    "SELECT id FROM t ORDER BY x - x DESC NULLS LAST, id LIMIT 5",
    "SELECT id, rank() OVER (ORDER BY x NULLS LAST) AS r FROM t",
    "SELECT id, max(x) OVER (ORDER BY id) AS m, min(x) OVER (ORDER BY id DESC) AS n FROM t",
    "SELECT id, max(x - x) OVER (ORDER BY id ROWS 2 PRECEDING) AS m FROM t",
    "SELECT id, lag(x, 1, CAST('NaN' AS DOUBLE)) OVER (ORDER BY id) > 1000.0 AS m FROM t",
    "SELECT id, greatest(x, 2.5) AS g, least(x, 2.5) AS l, greatest(y, CAST(2.5 AS REAL)) AS h FROM t",
    "SELECT id, greatest(x - x, 2.5) AS g, least(x - x, 2.5) AS l FROM t WHERE x IS NOT NULL",
    "SELECT id FROM t WHERE x > 2.5",
    "SELECT id FROM t WHERE x <= 2.5",
    "SELECT id FROM t WHERE x - x > 0.0",
    "SELECT id FROM t WHERE x BETWEEN 2.0 AND CAST('NaN' AS DOUBLE)",
    "SELECT id FROM t WHERE x IN (CAST('NaN' AS DOUBLE), 1.0)",
    "SELECT id FROM t WHERE x = CAST('NaN' AS DOUBLE)",
    "SELECT id FROM t WHERE x IS DISTINCT FROM CAST('NaN' AS DOUBLE)",
    "SELECT id FROM t WHERE y > 2.5 AND id < 8",
    "SELECT id FROM t WHERE id > 2 AND k = 1",
    "SELECT a.id AS i, b.id AS j FROM t a JOIN t b ON a.x = b.x",
    "SELECT a.id AS i, b.id AS j FROM t a JOIN t b ON a.x > b.x AND a.k = b.k",
    "SELECT x, count(*) AS n FROM t GROUP BY x",
    "SELECT DISTINCT x - x AS d FROM t",
    "SELECT x FROM t UNION SELECT x - x FROM t",
    "SELECT x FROM t INTERSECT SELECT x - x FROM t",
    "SELECT id FROM t WHERE x > (SELECT max(x) - 1.0 FROM t WHERE x < 5.0)",
    "SELECT CASE WHEN sum(x) > 5.0 THEN 'above' ELSE 'below' END AS a FROM t WHERE id IN (4, 5)",
    "SELECT k FROM t WHERE x IS NOT NULL GROUP BY k HAVING avg(x) > 5.0",
    "SELECT k, sum(x) AS a FROM t GROUP BY k ORDER BY a DESC, k LIMIT 1",
    "SELECT id FROM (SELECT id, sum(x) OVER (ORDER BY id) AS a FROM t) q WHERE a > 2.5",
    "SELECT id FROM t WHERE l[1] > 2.5",
    "SELECT id FROM t WHERE s.x > 2.5",
    "SELECT id FROM t WHERE s.x <= 2.5",
    "SELECT id FROM t WHERE s.x = CAST('NaN' AS DOUBLE)",
    "SELECT max(s.x) AS a, min(s.x) AS b, max(l[1]) AS c FROM t",
    "SELECT id FROM t ORDER BY s.x DESC NULLS LAST, id LIMIT 3",
    "SELECT id FROM t WHERE x IS NOT NULL ORDER BY s DESC LIMIT 3",
    "SELECT id, s.x AS x, s.n AS n FROM t",
    "SELECT s, count(*) AS n FROM t GROUP BY s",
]

#: Weir's words for what DuckDB has others for.
PAIRS = [
    ("SELECT first_value(id ORDER BY x DESC, id) AS a FROM t WHERE x IS NOT NULL", "SELECT first(id ORDER BY x DESC, id) AS a FROM t WHERE x IS NOT NULL"),
    ("SELECT last_value(id ORDER BY x, id) AS a FROM t WHERE x IS NOT NULL", "SELECT last(id ORDER BY x, id) AS a FROM t WHERE x IS NOT NULL"),
    ("SELECT id, array_max(l) AS a FROM t WHERE x IS NOT NULL", "SELECT id, list_max(l) AS a FROM t WHERE x IS NOT NULL"),
    ("SELECT id, array_sort(l)[2] AS a FROM t WHERE x IS NOT NULL", "SELECT id, list_sort(l)[2] AS a FROM t WHERE x IS NOT NULL"),
    ("SELECT id, array_sort(array_agg(x - x))[1] AS a FROM t GROUP BY id", "SELECT id, list_sort(list(x - x))[1] AS a FROM t GROUP BY id"),
    ("SELECT id FROM t WHERE m['a'] > 2.5", "SELECT id FROM t WHERE map_extract(m, 'a')[1] > 2.5"),
    ("SELECT id, array_agg(x ORDER BY x DESC, id)[1] AS a FROM t GROUP BY id", "SELECT id, (list(x ORDER BY x DESC, id))[1] AS a FROM t GROUP BY id"),
    ("SELECT k, array_agg(id ORDER BY x DESC NULLS LAST, id) AS a FROM t GROUP BY k",
     "SELECT k, list(id ORDER BY x DESC NULLS LAST, id) AS a FROM t GROUP BY k"),
    ("SELECT approx_percentile_cont(0.99) WITHIN GROUP (ORDER BY x - x) AS a FROM t WHERE id IN (3, 5)", "SELECT CAST('NaN' AS DOUBLE) AS a"),
    ("SELECT CAST('-NaN' AS DOUBLE) > 1.0 AS a, 0.0 / 0.0 > 1.0 AS b, max(z) AS c FROM (VALUES (CAST('-NaN' AS DOUBLE)), (1.0)) v(z)",
     "SELECT true AS a, true AS b, CAST('NaN' AS DOUBLE) AS c"),
]


def plain(value):
    """NaN equal to itself."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def plain_rows(table: pyarrow.Table) -> list[str]:
    return sorted(repr(tuple(plain(value) for value in row.values())) for row in table.to_pylist())


class OneNanTest(SourceCase):

    def assert_right(self):
        pairs = [(query, query) for query in QUERIES] + PAIRS
        for number, (ours, _) in enumerate(pairs):
            self.project.write(f"views/v{number}.sql", ours + "\n")
        self.project.run()
        duck = duckdb.connect()
        duck.register("t", TABLE)
        for number, (ours, theirs) in enumerate(pairs):
            with self.subTest(query=ours):
                self.assertEqual(plain_rows(self.project.read(f"v{number}")), plain_rows(duck.execute(theirs).to_arrow_table()))

    def test_parquet(self):
        pyarrow.parquet.write_table(TABLE, self.file("t.parquet", b""), row_group_size=2)
        self.source("t", "", "t.parquet", "PARQUET")
        self.assert_right()

    def test_parallel_parquet(self):
        pyarrow.parquet.write_table(TABLE, self.file("t.parquet", b""), row_group_size=2)
        self.source("t", "", "t.parquet", "PARQUET")
        self.project.write("weir.toml", '[project]\nname = "files"\nwarehouse = "warehouse"\n\n[profiles.default]\ndeterministic = false\n')
        self.assert_right()

    def test_tables_of_others(self):
        types = {"id": "long", "k": "long", "x": "double", "y": "float",
                 "l": {"type": "array", "elementType": "double", "containsNull": True},
                 "s": {"type": "struct", "fields": [{"name": "x", "type": "double", "nullable": True, "metadata": {}},
                                                    {"name": "n", "type": "long", "nullable": True, "metadata": {}}]},
                 "m": {"type": "map", "keyType": "string", "valueType": "double", "valueContainsNull": True}}
        fields = [{"name": name, "type": data_type, "nullable": True, "metadata": {}} for name, data_type in types.items()]
        adds = []
        for start in range(0, TABLE.num_rows, 4):
            file = self.file(f"d/part{start}.parquet", b"")
            pyarrow.parquet.write_table(TABLE.slice(start, 4), file, row_group_size=2)
            adds.append({"add": {"path": file.name, "partitionValues": {}, "modificationTime": 0, "dataChange": True,
                                 "size": file.stat().st_size}})
        actions = [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
                   {"metaData": {"id": "00000000-0000-0000-0000-000000000001", "format": {"provider": "parquet", "options": {}},
                                 "schemaString": json.dumps({"type": "struct", "fields": fields}), "partitionColumns": [],
                                 "configuration": {}, "createdTime": 0}}, *adds]
        self.file("d/_delta_log/00000000000000000000.json", "".join(json.dumps(action) + "\n" for action in actions))
        self.source("t", "", "d/", "DELTATABLE")
        self.assert_right()

    def test_what_weir_has_stored(self):
        """Statistics of files that Weir writes leave no NaN out, in structs neither."""
        pyarrow.parquet.write_table(TABLE, self.file("f.parquet", b""))
        self.source("f", "", "f.parquet", "PARQUET")
        self.project.write("views/t.sql", "SELECT * FROM f\n")
        self.assert_right()

    def test_no_maximum_is_claimed_where_nan_is(self):
        """In structs neither; what lies under a NULL does not count."""
        nan = math.nan
        values = pyarrow.array([1.0, nan, 2.0], pyarrow.float64())
        plain = pyarrow.array([1.0, 5.0, 2.0], pyarrow.float64())
        under = pyarrow.StructArray.from_arrays([values], ["x"], mask=pyarrow.array([False, True, False]))
        table = pyarrow.table({
            "id": [1, 2, 3],
            "a": pyarrow.StructArray.from_arrays([values, plain], ["x", "y"]),
            "b": pyarrow.StructArray.from_arrays([pyarrow.StructArray.from_arrays([values, plain], ["x", "y"])], ["c"]),
            "u": under})
        pyarrow.parquet.write_table(table, self.file("f.parquet", b""))
        self.source("f", "", "f.parquet", "PARQUET")
        self.project.write("views/t.sql", "SELECT * FROM f\n")
        self.project.write("views/r.sql", "SELECT id FROM t WHERE a.x > 100.0 AND b.c.x > 100.0\n")
        self.project.run()
        entry = (self.project.table_path("t") / "_delta_log" / "00000000000000000000.json").read_text()
        adds = [json.loads(line)["add"] for line in entry.splitlines() if '"add"' in line]
        maxima = json.loads(adds[0]["stats"])["maxValues"]
        self.assertEqual(maxima["a"], {"y": 5.0})
        self.assertEqual(maxima["b"], {"c": {"y": 5.0}})
        self.assertEqual(maxima["u"], {"x": 2.0})
        self.assertEqual(self.project.read("r").to_pylist(), [{"id": 2}])
