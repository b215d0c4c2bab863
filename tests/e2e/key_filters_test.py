# SPDX-License-Identifier: Apache-2.0
"""Rows that scans leave out because a join told them its keys never show in results. DuckDB reads the same files and says what is right."""

import datetime
import decimal
import random

import duckdb
import pyarrow
import pyarrow.parquet

import weir_project
from duckdb_case import DuckdbCase

ROWS = 200_000  # more than the reader looks at before it decides
FEW = 1_500  # more than the engine puts into a list
LEAST, MOST = -(1 << 63), (1 << 63) - 1

# Values of a key by a number below ROWS, most far enough from each other that few rows of the one side meet the other.
KEYS = {
    "k8": (pyarrow.int8(), lambda n: n % 256 - 128),
    "k16": (pyarrow.int16(), lambda n: n % 65_536 - 32_768),
    "k32": (pyarrow.int32(), lambda n: n * 3 - ROWS),
    "k64": (pyarrow.int64(), lambda n: n * 32 - 16 * ROWS),
    "u8": (pyarrow.uint8(), lambda n: n % 256),
    "u16": (pyarrow.uint16(), lambda n: n % 65_536),
    "u32": (pyarrow.uint32(), lambda n: (1 << 32) - 1 - n),
    "u64": (pyarrow.uint64(), lambda n: (1 << 64) - 1 - n * 5),
    "day": (pyarrow.date32(), lambda n: datetime.date(1700, 1, 1) + datetime.timedelta(days=n)),
    "second": (pyarrow.timestamp("s"), lambda n: datetime.datetime(1960, 1, 1) + datetime.timedelta(seconds=n)),
    "moment": (pyarrow.timestamp("us"), lambda n: datetime.datetime(1969, 12, 31, 23, 59) + datetime.timedelta(microseconds=n * 700)),
    "zoned": (pyarrow.timestamp("us", "UTC"), lambda n: datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=n)),
    "price": (pyarrow.decimal128(12, 2), lambda n: decimal.Decimal(n - ROWS // 2).scaleb(-2)),
    "large": (pyarrow.decimal128(38, 0), lambda n: decimal.Decimal(n % 4 << 64) + n),
    "sparse": (pyarrow.int64(), lambda n: {0: LEAST, 1: MOST}.get(n, (n * 0x9E3779B97F4A7C15 & ((1 << 64) - 1)) - (1 << 63))),
    "ends": (pyarrow.int64(), lambda n: LEAST + n if n % 2 else MOST - n),
    "real": (pyarrow.float64(), lambda n: n / 7),
    "word": (pyarrow.string(), lambda n: f"word {n}"),
}
#: Keys that sets may hold.
GATHERED = [key for key in KEYS if key not in ("real", "word")]

OUTCOME = "SELECT count(*) AS n, CAST(sum(m.id) AS BIGINT) AS ids, CAST(sum(f.id) AS BIGINT) AS others"
OF_MANY = "SELECT count(*) AS n, CAST(sum(m.id) AS BIGINT) AS ids"
OF_FEW = "SELECT count(*) AS n, CAST(sum(f.id) AS BIGINT) AS ids"
FEW_ROWS = "(SELECT * FROM few WHERE pick < 5) AS f"
KINDS = {
    "inner": OUTCOME + f" FROM many m JOIN {FEW_ROWS} ON {{on}}",
    "inner_more": OUTCOME + f" FROM many m JOIN {FEW_ROWS} ON {{on}} AND m.id > f.id",
    "left": OUTCOME + f" FROM {FEW_ROWS} LEFT JOIN many m ON {{on}}",
    "left_of_many": OUTCOME + f" FROM many m LEFT JOIN {FEW_ROWS} ON {{on}}",
    "right": OUTCOME + f" FROM many m RIGHT JOIN {FEW_ROWS} ON {{on}}",
    "full": OUTCOME + f" FROM many m FULL JOIN {FEW_ROWS} ON {{on}}",
    "semi": OF_MANY + f" FROM many m WHERE EXISTS (SELECT 1 FROM {FEW_ROWS} WHERE {{on}})",
    "semi_of_few": OF_FEW + f" FROM {FEW_ROWS} WHERE EXISTS (SELECT 1 FROM many m WHERE {{on}})",
    "anti": OF_MANY + f" FROM many m WHERE NOT EXISTS (SELECT 1 FROM {FEW_ROWS} WHERE {{on}})",
    "anti_of_few": OF_FEW + f" FROM {FEW_ROWS} WHERE NOT EXISTS (SELECT 1 FROM many m WHERE {{on}})",
    "mark": OF_FEW + f" FROM {FEW_ROWS} WHERE f.id < 50 OR EXISTS (SELECT 1 FROM many m WHERE {{on}})",
}
QUERIES = {f"{kind}_{key}": query.format(on=f"m.{key} = f.{key}") for kind, query in KINDS.items() for key in KEYS}
QUERIES |= {f"{kind}_same_{key}": query.format(on=f"m.{key} IS NOT DISTINCT FROM f.{key}")
            for kind, query in KINDS.items() for key in ("k64", "word") if kind != "full"}
QUERIES |= {f"{kind}_{name}": query.format(on=on) for kind, query in KINDS.items() for name, on in {
    "two": "m.k64 = f.k64 AND m.k8 = f.k8",
    "two_apart": "m.k32 = f.k32 AND m.word = f.word",
    "three": "m.day = f.day AND m.real = f.real AND m.u16 = f.u16",
    "four": "m.k64 = f.k64 AND m.k8 = f.k8 AND m.day = f.day AND m.u16 = f.u16",
    "sum": "m.k64 + 32 = f.k64",
    "sums": "m.k32 + 1 = f.k32 - 2",
    "types": "m.k32 = f.k64",
    "signs": "m.u32 = f.k64 + 4294900000",
}.items()}
QUERIES |= {
    "not_in": OF_FEW + " FROM few f WHERE f.k64 NOT IN (SELECT k64 FROM many WHERE pick < 3)",
    "not_in_no_null": OF_FEW + " FROM few f WHERE f.k64 NOT IN (SELECT k64 FROM many WHERE pick < 3 AND k64 IS NOT NULL)",
    "not_in_few": OF_MANY + " FROM many m WHERE m.k64 NOT IN (SELECT k64 FROM few WHERE k64 IS NOT NULL)",
    "not_in_empty": OF_MANY + " FROM many m WHERE m.k64 NOT IN (SELECT k64 FROM few WHERE pick > 99)",
    "no_first": OUTCOME + " FROM many m JOIN (SELECT * FROM few WHERE pick > 99) AS f ON m.k64 = f.k64",
    "no_first_anti": OF_MANY + " FROM many m WHERE NOT EXISTS (SELECT 1 FROM few f WHERE f.pick > 99 AND m.k64 = f.k64)",
    "no_second": OUTCOME + " FROM (SELECT * FROM many WHERE pick > 99) AS m JOIN few f ON m.k64 = f.k64",
    "no_second_left": OUTCOME + " FROM few f LEFT JOIN (SELECT * FROM many WHERE pick > 99) AS m ON m.k64 = f.k64",
    "null_only": OUTCOME + " FROM many m JOIN (SELECT * FROM few WHERE k64 IS NULL) AS f ON m.k64 = f.k64",
    "one": OUTCOME + " FROM many m JOIN (SELECT * FROM few WHERE id = 7) AS f ON m.k32 = f.k32",
    "limited": OUTCOME + " FROM many m JOIN (SELECT * FROM few ORDER BY id LIMIT 400) AS f ON m.k64 = f.k64",
    "limited_above": "SELECT m.id, f.id AS other FROM many m JOIN few f ON m.k64 = f.k64 ORDER BY m.id, f.id LIMIT 30",
    "itself": "SELECT count(*) AS n, CAST(sum(m.id) AS BIGINT) AS ids FROM many m JOIN many o ON m.k64 = o.k64 WHERE o.pick = 3 AND o.k8 < -120",
    "itself_other": "SELECT count(*) AS n, CAST(sum(m.id) AS BIGINT) AS ids FROM many m JOIN many o ON m.id = o.k32 WHERE o.k8 < -120",
    "grouped": "SELECT count(*) AS n, CAST(sum(f.most) AS BIGINT) AS most FROM many m "
               "JOIN (SELECT k64, max(id) AS most FROM few WHERE pick < 5 GROUP BY k64) AS f ON m.k64 = f.k64",
    "two_filters": OUTCOME + f" FROM many m JOIN {FEW_ROWS} ON m.k64 = f.k64 JOIN (SELECT DISTINCT k32 FROM few WHERE pick < 8) AS g ON m.k32 = g.k32",
    "three_filters": OF_MANY + f" FROM many m JOIN {FEW_ROWS} ON m.k64 = f.k64 JOIN few g ON m.day = g.day "
                     "WHERE m.u32 IN (SELECT u32 FROM few WHERE pick > 1)",
    "union": "SELECT count(*) AS n, CAST(sum(m.id) AS BIGINT) AS ids FROM (SELECT id, k64 FROM many WHERE pick < 5 UNION ALL "
             f"SELECT id, k64 + 32 FROM many WHERE pick > 6) AS m JOIN {FEW_ROWS} ON m.k64 = f.k64",
    "computed": "SELECT count(*) AS n, CAST(sum(m.id) AS BIGINT) AS ids FROM (SELECT id, k64 - 64 AS k FROM many) AS m "
                f"JOIN {FEW_ROWS} ON m.k = f.k64",
    "chain": "SELECT count(*) AS n, CAST(sum(n.id) AS BIGINT) AS ids FROM few f JOIN many m ON m.k64 = f.k64 JOIN many n ON n.id = m.id + 1 "
             "WHERE f.pick = 2",
    "most": OUTCOME + " FROM many m JOIN (SELECT * FROM many WHERE pick <> 1) AS f ON m.k64 = f.k64",
    "backwards": "SELECT count(*) AS n, CAST(sum(m.id) AS BIGINT) AS ids FROM many m "
                 "JOIN (SELECT k64, id FROM few ORDER BY k64 DESC LIMIT 1000000) AS f ON m.k64 = f.k64",
    "recursive": "WITH RECURSIVE r AS (SELECT k64 AS k, 0 AS step FROM few WHERE pick = 3 UNION ALL "
                 "SELECT m.k64 + 32, step + 1 FROM r JOIN many m ON m.k64 = r.k WHERE step < 3) SELECT step, count(*) AS n FROM r GROUP BY step",
}


def table(numbers: list[int], draw: random.Random, null_share: float) -> pyarrow.Table:
    columns = {"id": pyarrow.array(range(len(numbers)), pyarrow.int64()),
               "pick": pyarrow.array([draw.randrange(10) for _ in numbers], pyarrow.int32())}
    for key, (data_type, value) in KEYS.items():
        columns[key] = pyarrow.array([None if draw.random() < null_share else value(number) for number in numbers], data_type)
    return pyarrow.table(columns)


class KeyFiltersTest(DuckdbCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        draw = random.Random(5)
        # Keys of one side lie near each other, as they do in files of a day, and some come twice; of the other they are all over.
        many = [min(ROWS - 1, max(0, row + draw.randrange(-50, 50))) for row in range(ROWS)]
        few = [draw.randrange(ROWS) for _ in range(FEW)] + [0, 1, 2, 3, ROWS - 1, ROWS - 2] * 2
        cls.tables = {"many": table(many, draw, 0.05), "few": table(few, draw, 0.1)}

    def setUp(self):
        super().setUp()
        self.project = weir_project.Project(self.scratch / "project")
        self.duckdb = duckdb.connect()
        self.duckdb.execute("SET TimeZone = 'UTC'")
        self.project.folder.mkdir(parents=True)
        for name, rows in self.tables.items():
            file = self.project.folder / f"{name}.parquet"
            pyarrow.parquet.write_table(rows, file, row_group_size=ROWS // 4)
            self.project.write(f"sources/{name}.sql", f"CREATE EXTERNAL TABLE {name} STORED AS PARQUET LOCATION '{file}';\n")
            self.duckdb.execute(f"CREATE VIEW {name} AS FROM '{file}'")
        for name, query in QUERIES.items():
            self.project.write(f"views/{name}.sql", query + "\n")

    def settings(self, **settings) -> None:
        lines = "".join(f'"datafusion.{name.replace("__", ".")}" = "{value}"\n' for name, value in settings.items())
        self.project.write("weir.toml", f'[project]\nname = "keys"\n\n[profiles.default.settings]\n{lines}')

    def check(self, **settings) -> None:
        self.settings(**settings)
        self.project.run()
        self.assert_views_hold(self.project, QUERIES)

    def test_results_are_those_of_another_engine(self):
        self.check()

    def test_so_they_are_with_one_partition(self):
        self.check(execution__target_partitions=1)

    def test_so_they_are_with_several_partitions_and_small_batches(self):
        self.check(execution__target_partitions=3, execution__batch_size=1000)

    def test_so_they_are_where_each_partition_has_its_own_part_of_the_keys(self):
        self.check(execution__target_partitions=2, optimizer__hash_join_single_partition_threshold=0,
                   optimizer__hash_join_single_partition_threshold_rows=0)

    def plan(self, query: str) -> str:
        return self.project.succeed("sql", f"EXPLAIN {query}").stdout.partition("physical_plan")[2]

    def test_keys_are_gathered_where_readers_may_ask_for_them(self):
        self.settings(execution__target_partitions=2)
        for key in GATHERED:
            self.assertRegex(self.plan(QUERIES[f"inner_{key}"]), rf"KeyCollectorExec: keys=\[{key}@\d+\]", key)
        self.assertRegex(self.plan(QUERIES["inner_two"]), r"KeyCollectorExec: keys=\[k64@\d+, k8@\d+\]")
        self.assertRegex(self.plan(QUERIES["inner_two_apart"]), r"KeyCollectorExec: keys=\[k32@\d+\]")
        for name in ("inner_word", "inner_real", "inner_same_k64", "full_k64", "recursive"):
            self.assertNotIn("KeyCollectorExec", self.plan(QUERIES[name]), name)
