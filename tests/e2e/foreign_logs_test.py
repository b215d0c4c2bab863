# SPDX-License-Identifier: Apache-2.0
"""What the Delta protocol allows is read, what it forbids is refused by name: tables written by hand (faults C2 to C13).

One project has a source and a stored view for each table, one more each where a query must not be answered from statistics. The rows
wanted stand beside each table.
"""

import datetime
import decimal
import json
import os
import pathlib
import random
import re
import tempfile
import unittest
import uuid

import pyarrow as pa
import pyarrow.parquet

from handmade_delta import Table, field, list_of, map_of, metadata, protocol, struct_of, uuid_text, vector_file
from weir_project import Project

UTC = datetime.timezone.utc
SEED = 20260131
DAMAGED = 120


def ints(**columns: list) -> pa.Table:
    return pa.table({name: pa.array(values, pa.int32()) for name, values in columns.items()})


def mapped(mode: str) -> dict:
    return {"delta__columnMapping.mode": mode, "delta__columnMapping.maxColumnId": "20"}


class Tables:
    """Each method writes one table; its name is the table's."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.rows: dict[str, list[dict]] = {}
        self.refused: dict[str, tuple[str, str]] = {}
        self.views: dict[str, tuple[str, list[dict]]] = {}
        self.options: dict[str, str] = {}

    def table(self, name: str) -> Table:
        return Table(self.folder / name)

    def read(self, name: str, *rows: dict) -> None:
        self.rows[name] = list(rows)

    def refuse(self, name: str, code: str, text: str) -> None:
        self.refused[name] = (code, text)

    def view(self, name: str, query: str, *rows: dict) -> None:
        self.views[name] = (query, list(rows))

    # C1

    def int96(self):
        t = self.table("int96")
        times = [datetime.datetime(1, 1, 1), datetime.datetime(1677, 1, 1), datetime.datetime(1969, 12, 31, 23, 59, 59, 999999),
                 datetime.datetime(2500, 1, 1, 0, 0, 0, 1), datetime.datetime(9999, 12, 31, 23, 59, 59, 999999), None]
        rows = pa.table({"t": pa.array(times, pa.timestamp("us")), "l": pa.array([[time] for time in times], pa.list_(pa.timestamp("us"))), "n": pa.array(times, pa.timestamp("us"))})
        t.commit(protocol(features=["timestampNtz"]), metadata(field("t", "timestamp"), field("l", list_of("timestamp")), field("n", "timestamp_ntz")),
                 t.file("a.parquet", rows, use_deprecated_int96_timestamps=True, store_schema=False))
        zoned = [time and time.replace(tzinfo=UTC) for time in times]
        self.read("int96", *({"t": zone, "l": [zone], "n": time} for zone, time in zip(zoned, times)))
        self.view("int96_filter", "SELECT t FROM int96 WHERE date_part('year', t) > 2500", {"t": zoned[4]})

    # C2

    def beginning_gone(self):
        t = self.table("beginning_gone")
        t.commit(protocol(), metadata(field("i")), t.file("a.parquet", ints(i=[1])))
        t.commit(protocol(), metadata(field("i")), t.file("b.parquet", ints(i=[2])))
        t.log(0).unlink()
        self.refuse("beginning_gone", "W3003", "begins with version 1")

    def beginning_gone_with_its_metadata(self):
        t = self.table("beginning_gone_with_its_metadata")
        t.commit(protocol(), metadata(field("i")), t.file("a.parquet", ints(i=[1])))
        t.commit(t.file("b.parquet", ints(i=[2])))
        t.log(0).unlink()
        self.refuse("beginning_gone_with_its_metadata", "W3003", "begins with version 1")

    # C3

    def mapped_by_id(self):
        t = self.table("mapped_by_id")
        inner = struct_of(field("x", id=3, physical="p3"), field("y", "string", id=4, physical="p4"))
        rows = pa.table({
            "zz": pa.array([1, 2], pa.int32()),
            "ss": pa.array([{"b": "one", "a": 10}, None], pa.struct([("b", pa.string()), ("a", pa.int32())])),
            "ll": pa.array([[{"k": 7}], []], pa.list_(pa.struct([("k", pa.int32())]))),
            "mm": pa.array([[("q", {"n": 5})], None], pa.map_(pa.string(), pa.struct([("n", pa.int32())]))),
        })
        ids = {"zz": 1, "ss": (2, {"a": 3, "b": 4}), "ll": (5, {"k": 6}), "mm": (7, {"n": 8})}
        fields = [field("i", id=1, physical="p1"), field("s", inner, id=2, physical="p2"),
                  field("l", list_of(struct_of(field("e", id=6, physical="p6"))), id=5, physical="p5"),
                  field("m", map_of("string", struct_of(field("v", id=8, physical="p8"), field("added", id=9, physical="p9"))), id=7, physical="p7"),
                  field("later", "long", id=10, physical="p10")]
        t.commit(protocol(2, 5), metadata(*fields, **mapped("id")), t.file("a.parquet", rows, ids=ids))
        self.read("mapped_by_id",
                  {"i": 1, "s": {"x": 10, "y": "one"}, "l": [{"e": 7}], "m": [("q", {"v": 5, "added": None})], "later": None},
                  {"i": 2, "s": None, "l": [], "m": None, "later": None})
        self.view("filter_mapped_by_id", "SELECT i FROM mapped_by_id WHERE s['x'] = 10 AND later IS NULL", {"i": 1})
        self.view("filter_mapped_by_id_out", "SELECT i FROM mapped_by_id WHERE s['y'] = 'two'")
        self.view("count_mapped_by_id", "SELECT count(*) AS n, count(later) AS l, max(i) AS m FROM mapped_by_id", {"n": 2, "l": 0, "m": 2})

    def mapped_by_id_names_crossed(self):
        t = self.table("mapped_by_id_names_crossed")
        t.commit(protocol(2, 5), metadata(field("a", id=1, physical="b"), field("b", id=2, physical="a"), **mapped("id")),
                 t.file("a.parquet", ints(a=[1], b=[2]), ids={"a": 1, "b": 2}))
        self.read("mapped_by_id_names_crossed", {"a": 1, "b": 2})

    def mapped_by_id_without_ids(self):
        t = self.table("mapped_by_id_without_ids")
        t.commit(protocol(2, 5), metadata(field("a", id=1, physical="a"), **mapped("id")), t.file("a.parquet", ints(a=[1])))
        self.refuse("mapped_by_id_without_ids", "W3003", "field id")

    def mapped_by_name_crossed(self):
        t = self.table("mapped_by_name_crossed")
        t.commit(protocol(2, 5), metadata(field("a", id=1, physical="b"), field("b", id=2, physical="a"), field("p", "string", id=3, physical="col-p"),
                                          partitions=["p"], **mapped("name")),
                 t.file("x.parquet", ints(a=[1, 5], b=[2, 6]), partition={"col-p": "one"},
                        stats={"numRecords": 2, "minValues": {"a": 1, "b": 2}, "maxValues": {"a": 5, "b": 6}, "nullCount": {"a": 0, "b": 0}}))
        self.read("mapped_by_name_crossed", {"a": 2, "b": 1, "p": "one"}, {"a": 6, "b": 5, "p": "one"})
        self.view("bounds_mapped_by_name", "SELECT min(a) AS a, max(b) AS b FROM mapped_by_name_crossed", {"a": 2, "b": 5})
        self.view("filter_mapped_by_name", "SELECT a FROM mapped_by_name_crossed WHERE a > 5 AND p = 'one'", {"a": 6})

    # C4

    def loose_statistics(self):
        t = self.table("loose_statistics")
        loose = {"numRecords": 4, "minValues": {"i": -100}, "maxValues": {"i": 100}, "nullCount": {"i": 1, "n": 3}, "tightBounds": False}
        t.commit(protocol(), metadata(field("i"), field("n")), t.file("a.parquet", ints(i=[1, 2, 3, None], n=[None, 5, 6, 7]), stats=loose))
        self.view("loose_bounds", "SELECT min(i) AS a, max(i) AS b, count(n) AS n, count(*) AS c FROM loose_statistics", {"a": 1, "b": 3, "n": 3, "c": 4})
        self.view("loose_nulls", "SELECT i FROM loose_statistics WHERE n IS NULL", {"i": 1})
        self.view("loose_pruned", "SELECT i FROM loose_statistics WHERE i > 1000")

    def masked_statistics(self):
        t = self.table("masked_statistics")
        stats = {"numRecords": 4, "minValues": {"i": 1}, "maxValues": {"i": 4}, "nullCount": {"i": 0, "n": 2}}
        t.commit(protocol(features=["deletionVectors"]), metadata(field("i"), field("n")),
                 t.file("a.parquet", ints(i=[1, 2, 3, 4], n=[None, None, 6, 7]), stats=stats, deleted=[0, 3]))
        self.read("masked_statistics", {"i": 2, "n": None}, {"i": 3, "n": 6})
        self.view("masked_bounds", "SELECT min(i) AS a, max(i) AS b, count(n) AS n, count(*) AS c FROM masked_statistics", {"a": 2, "b": 3, "n": 1, "c": 2})
        self.view("masked_filter", "SELECT n FROM masked_statistics WHERE i >= 3", {"n": 6})
        self.view("masked_limit", "SELECT i FROM masked_statistics ORDER BY i LIMIT 1", {"i": 2})

    def masked_without_statistics(self):
        t = self.table("masked_without_statistics")
        t.commit(protocol(features=["deletionVectors"]), metadata(field("i")), t.file("a.parquet", ints(i=[1, 2, 3]), stats={}, deleted=[1]))
        self.read("masked_without_statistics", {"i": 1}, {"i": 3})

    def masked_to_the_last_row(self):
        t = self.table("masked_to_the_last_row")
        t.commit(protocol(features=["deletionVectors"]), metadata(field("i")), t.file("a.parquet", ints(i=[1, 2, 3]), deleted=[0, 1, 2]))
        self.read("masked_to_the_last_row")
        self.view("count_of_none", "SELECT count(*) AS n, max(i) AS m FROM masked_to_the_last_row", {"n": 0, "m": None})

    def masked_beyond_the_end(self):
        t = self.table("masked_beyond_the_end")
        t.commit(protocol(features=["deletionVectors"]), metadata(field("i")), t.file("a.parquet", ints(i=[1, 2, 3]), deleted=[7]))
        self.refuse("masked_beyond_the_end", "W3003", "a.parquet")

    def masked_by_files(self):
        """Vectors in files: by a UUID, with a folder before it, and by an absolute path."""
        t = self.table("masked_by_files")
        name = uuid.UUID("d2c639aa-8816-431a-aaf6-d3fe2512ff61")
        places = vector_file(t.folder / f"deletion_vector_{name}.bin", [0], [1, 2])
        inner = vector_file(t.folder / f"ab/deletion_vector_{name}.bin", [2])
        away = vector_file(self.folder / "vectors here/some.bin", [0, 2])
        actions = []
        for number, (kind, path, (offset, size), count) in enumerate([
                ("u", uuid_text(name), places[0], 1), ("u", uuid_text(name), places[1], 2), ("u", "ab" + uuid_text(name), inner[0], 1),
                ("p", f"file://{self.folder}/vectors%20here/some.bin", away[0], 2)]):
            action = t.file(f"{number}.parquet", ints(i=[number * 10, number * 10 + 1, number * 10 + 2]))
            action["add"]["deletionVector"] = {"storageType": kind, "pathOrInlineDv": path, "offset": offset, "sizeInBytes": size, "cardinality": count}
            actions.append(action)
        t.commit(protocol(features=["deletionVectors"]), metadata(field("i")), *actions)
        self.read("masked_by_files", *({"i": i} for i in (1, 2, 10, 20, 21, 31)))

    def vector_broken(self):
        t = self.table("vector_broken")
        action = t.file("a.parquet", ints(i=[1, 2]))
        (t.folder / "v.bin").write_bytes(b"\x01nothing")
        action["add"]["deletionVector"] = {"storageType": "p", "pathOrInlineDv": f"file://{t.folder}/v.bin", "offset": 1, "sizeInBytes": 34, "cardinality": 1}
        t.commit(protocol(features=["deletionVectors"]), metadata(field("i")), action)
        self.refuse("vector_broken", "W3003", "deletion vector of the file `a.parquet`")

    # C5

    def other_case(self):
        t = self.table("other_case")
        rows = pa.table({"ID": pa.array([1], pa.int32()), "Place": pa.array([{"CITY": "x"}], pa.struct([("CITY", pa.string())]))})
        t.commit(protocol(), metadata(field("id"), field("place", struct_of(field("city", "string"))), field("P", "string"), partitions=["P"]),
                 t.file("a.parquet", rows, partition={"p": "one"}))
        self.read("other_case", {"id": 1, "place": {"city": "x"}, "P": "one"})
        self.view("filter_other_case", "SELECT id FROM other_case WHERE place['city'] = 'x' AND id = 1", {"id": 1})

    def mapping_at_reader_1(self):
        t = self.table("mapping_at_reader_1")
        t.commit(protocol(1, 2), metadata(field("a", id=1, physical="b"), **mapped("name")), t.file("a.parquet", ints(b=[1])))
        self.refuse("mapping_at_reader_1", "W3003", "column mapping")

    def mapping_without_its_feature(self):
        t = self.table("mapping_without_its_feature")
        t.commit(protocol(features=["deletionVectors"]), metadata(field("a", id=1, physical="b"), **mapped("id")), t.file("a.parquet", ints(b=[1])))
        self.refuse("mapping_without_its_feature", "W3003", "column mapping")

    # C6 and C9

    def elsewhere(self):
        base = self.folder / "other place"
        t = self.table("elsewhere")
        files = [t.file("../other place/a b.parquet", ints(i=[1]), spelt=f"file://{base}/a%20b.parquet".replace("other place", "other%20place")),
                 t.file("../other place/c%20d.parquet", ints(i=[2]), spelt="../other%20place/c%2520d.parquet"),
                 t.file("../other place/e.parquet", ints(i=[3]), spelt=f"file:{base}/e.parquet".replace("other place", "other%20place")),
                 t.file("../other place/f.parquet", ints(i=[4]), spelt=f"{base}/f.parquet".replace("other place", "other%20place")),
                 t.file("in/g h.parquet", ints(i=[5]), spelt=f"file://{t.folder}/in/g%20h.parquet"),
                 t.file("j:k=%41.parquet", ints(i=[6]), spelt="j:k=%2541.parquet")]
        for place, action in enumerate(files, 1):
            action["add"]["stats"] = json.dumps({"numRecords": 1, "minValues": {"i": place}, "maxValues": {"i": place}, "nullCount": {"i": 0}})
        t.commit(protocol(), metadata(field("i")), *files)
        self.read("elsewhere", *({"i": i} for i in range(1, 7)))
        self.view("filter_elsewhere", "SELECT i FROM elsewhere WHERE i IN (2, 4, 5)", {"i": 2}, {"i": 4}, {"i": 5})

    def removed_in_another_spelling(self):
        t = self.table("removed_in_another_spelling")
        t.commit(protocol(), metadata(field("i")), t.file("a b.parquet", ints(i=[1]), spelt="a%20b.parquet"), t.file("c.parquet", ints(i=[2])),
                 t.file("d.parquet", ints(i=[3])))
        gone = {"deletionTimestamp": 1, "dataChange": True}
        t.commit({"remove": {"path": f"{t.folder}/a%20b.parquet"} | gone}, {"remove": {"path": f"file:{t.folder}/c.parquet"} | gone})
        self.read("removed_in_another_spelling", {"i": 3})

    def hint_that_names_nothing(self):
        t = self.table("hint_that_names_nothing")
        t.commit(protocol(), metadata(field("i")), t.file("a.parquet", ints(i=[1])))
        t.commit(t.file("b.parquet", ints(i=[2])))
        (t.folder / "_delta_log/_last_checkpoint").write_text('{"version":1,"size":4}')
        self.read("hint_that_names_nothing", {"i": 1}, {"i": 2})

    def hint_that_names_nothing_and_beginning_gone(self):
        t = self.table("hint_that_names_nothing_and_beginning_gone")
        t.commit(protocol(), metadata(field("i")), t.file("a.parquet", ints(i=[1])))
        t.commit(protocol(), metadata(field("i")), t.file("b.parquet", ints(i=[2])))
        t.log(0).unlink()
        (t.folder / "_delta_log/_last_checkpoint").write_text('{"version":1,"size":4}')
        self.refuse("hint_that_names_nothing_and_beginning_gone", "W3003", "begins with version 1")

    # C7

    def not_null_inside(self):
        t = self.table("not_null_inside")
        struct = pa.struct([("x", pa.int32())])
        rows = pa.table({"s": pa.array([{"x": 1}, None, {"x": None}], struct), "l": pa.array([[1], [None], None], pa.list_(pa.int32())),
                         "m": pa.array([[("a", {"x": 1})], [("b", None)], None], pa.map_(pa.string(), struct))})
        t.commit(protocol(), metadata(field("s", struct_of(field("x", nullable=False))), field("l", list_of("integer", False)),
                                      field("m", map_of("string", struct_of(field("x", nullable=False), field("y", "string")), False))),
                 t.file("a.parquet", rows))
        self.read("not_null_inside", {"s": {"x": 1}, "l": [1], "m": [("a", {"x": 1, "y": None})]}, {"s": None, "l": [None], "m": [("b", None)]},
                  {"s": {"x": None}, "l": None, "m": None})

    # C8

    def empty_partition_values(self):
        t = self.table("empty_partition_values")
        kinds = {"s": "string", "i": "integer", "l": "long", "b": "boolean", "d": "double", "f": "float", "t": "timestamp", "n": "timestamp_ntz",
                 "day": "date", "m": "decimal(10,2)", "x": "binary", "y": "byte", "h": "short"}
        full = {"s": "a", "i": "-1", "l": "9007199254740993", "b": "true", "d": "NaN", "f": "-Infinity", "t": "2020-01-01 00:00:00.5",
                "n": "9999-12-31 23:59:59.999999", "day": "0001-01-01", "m": "1.10", "x": "\u0001ab", "y": "-128", "h": "7"}
        t.commit(protocol(features=["timestampNtz"]), metadata(field("k"), *(field(name, kind) for name, kind in kinds.items()), partitions=list(kinds)),
                 t.file("a.parquet", ints(k=[1]), partition={name: "" for name in kinds}), t.file("b.parquet", ints(k=[2]), partition=full),
                 t.file("c.parquet", ints(k=[3]), partition={name: None for name in kinds} | {"t": "2020-01-01T00:00:00.000001Z"}))
        none = dict.fromkeys(kinds)
        self.read("empty_partition_values", {"k": 1} | none,
                  {"k": 2, "s": "a", "i": -1, "l": 9007199254740993, "b": True, "d": "NaN", "f": float("-inf"),
                   "t": datetime.datetime(2020, 1, 1, 0, 0, 0, 500000, UTC), "n": datetime.datetime(9999, 12, 31, 23, 59, 59, 999999),
                   "day": datetime.date(1, 1, 1), "m": decimal.Decimal("1.10"), "x": b"\x01ab", "y": -128, "h": 7},
                  {"k": 3} | none | {"t": datetime.datetime(2020, 1, 1, 0, 0, 0, 1, UTC)})
        self.view("filter_empty_partition", "SELECT k FROM empty_partition_values WHERE s IS NULL AND i IS NULL AND t IS NULL", {"k": 1})
        self.view("filter_full_partition", "SELECT k FROM empty_partition_values WHERE s = 'a' AND m > 1 AND day < DATE '1000-01-01'", {"k": 2})

    def partition_value_of_another_type(self):
        t = self.table("partition_value_of_another_type")
        t.commit(protocol(), metadata(field("k"), field("p"), partitions=["p"]), t.file("a.parquet", ints(k=[1]), partition={"p": "x"}))
        self.refuse("partition_value_of_another_type", "W3003", "`x`")

    # C10

    def times_in_commits(self):
        t = self.table("times_in_commits")
        config = {"delta__enableInCommitTimestamps": "true"}
        t.commit({"commitInfo": {"inCommitTimestamp": 1_700_000_000_000, "timestamp": 1}},
                 {"protocol": {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["inCommitTimestamp"]}},
                 metadata(field("i"), **config), t.file("a.parquet", ints(i=[1])), at=1_600_000_300)
        t.commit({"commitInfo": {"inCommitTimestamp": 1_700_000_600_000, "timestamp": 2}}, t.file("b.parquet", ints(i=[2])), at=1_600_000_200)
        t.commit({"commitInfo": {"inCommitTimestamp": 1_700_001_200_000, "timestamp": 3}}, t.file("c.parquet", ints(i=[3])), at=1_600_000_100)
        for name, seconds, last in (("time_of_first", 1_700_000_000, 1), ("time_between", 1_700_000_700, 2), ("time_of_last", 1_800_000_000, 3)):
            time = datetime.datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            self.options[name] = f"times_in_commits' OPTIONS ('timestamp' '{time}"
            self.read(name, *({"i": i} for i in range(1, last + 1)))
        self.options["time_before"] = "times_in_commits' OPTIONS ('timestamp' '2023-11-14T22:13:19Z"
        self.refuse("time_before", "W3001", "2023-11-14T22:13:20")

    # C11

    def widened_mapped_masked(self):
        t = self.table("widened_mapped_masked")
        features = ["typeWidening", "deletionVectors", "columnMapping", "vacuumProtocolCheck", "timestampNtz"]
        kinds = [field("i", "long", id=1, physical="p1"), field("d", "double", id=2, physical="p2"), field("m", "decimal(12,4)", id=3, physical="p3"),
                 field("t", "timestamp_ntz", id=4, physical="p4"), field("s", struct_of(field("x", "long", id=6, physical="p6")), id=5, physical="p5"),
                 field("l", list_of("double"), id=7, physical="p7"), field("w", "decimal(20,0)", id=8, physical="p8")]
        rows = pa.table({"p1": pa.array([1, 2, None], pa.int8()), "p2": pa.array([1.5, 2.5, None], pa.float32()),
                         "p3": pa.array([decimal.Decimal("1.10"), decimal.Decimal("-2.20"), None], pa.decimal128(6, 2)),
                         "p4": pa.array([datetime.date(2020, 1, 1), datetime.date(1, 1, 1), None], pa.date32()),
                         "p5": pa.array([{"p6": 1}, {"p6": 2}, None], pa.struct([("p6", pa.int16())])),
                         "p7": pa.array([[1], [2, None], None], pa.list_(pa.int32())), "p8": pa.array([1, 2, 3], pa.int64())})
        t.commit(protocol(features=features), metadata(*kinds, **mapped("name")), t.file("a.parquet", rows, deleted=[0]))
        self.read("widened_mapped_masked",
                  {"i": 2, "d": 2.5, "m": decimal.Decimal("-2.2000"), "t": datetime.datetime(1, 1, 1), "s": {"x": 2}, "l": [2.0, None], "w": decimal.Decimal(2)},
                  {"i": None, "d": None, "m": None, "t": None, "s": None, "l": None, "w": decimal.Decimal(3)})
        self.view("filter_widened", "SELECT w FROM widened_mapped_masked WHERE i = 2 AND m < -2.1 AND s['x'] = 2", {"w": decimal.Decimal(2)})

    def narrowed(self):
        t = self.table("narrowed")
        t.commit(protocol(), metadata(field("i", "integer")), t.file("a.parquet", pa.table({"i": pa.array([2**40], pa.int64())})))
        self.refuse("narrowed", "W3003", "a.parquet")

    def other_type(self):
        t = self.table("other_type")
        t.commit(protocol(), metadata(field("i", "integer")), t.file("a.parquet", pa.table({"i": ["7"]})))
        self.refuse("other_type", "W3003", "a.parquet")

    # C12

    def unknown_features(self):
        for name in ("catalogManaged", "teleportation"):
            t = self.table(f"feature_{name.lower()}")
            t.commit(protocol(features=[name]), metadata(field("i")), t.file("a.parquet", ints(i=[1])))
            self.refuse(f"feature_{name.lower()}", "W3002", name)
        t = self.table("reader_version_4")
        t.commit(protocol(4, 7), metadata(field("i")), t.file("a.parquet", ints(i=[1])))
        self.refuse("reader_version_4", "W3002", "4")
        for name, kind in (("type_quaternion", "quaternion"), ("type_interval", "interval day to second")):
            t = self.table(name)
            t.commit(protocol(), metadata(field("i"), field("q", kind)), t.file("a.parquet", ints(i=[1])))
            self.refuse(name, "W3002", kind)

    # C13

    def broken_commit(self):
        t = self.table("broken_commit")
        t.commit(protocol(), metadata(field("i")), t.file("a.parquet", ints(i=[1])))
        t.commit(t.file("b.parquet", ints(i=[2])))
        t.log(1).write_text(t.log(1).read_text()[:-20])
        self.refuse("broken_commit", "W3003", "00000000000000000001.json")

    def broken_checkpoint(self):
        t = self.table("broken_checkpoint")
        t.commit(protocol(), metadata(field("i")), t.file("a.parquet", ints(i=[1])))
        t.commit(t.file("b.parquet", ints(i=[2])))
        (t.folder / "_delta_log/00000000000000000001.checkpoint.parquet").write_bytes(b"PAR1 is no table PAR1")
        self.read("broken_checkpoint", {"i": 1}, {"i": 2})

    def broken_checkpoint_alone(self):
        t = self.table("broken_checkpoint_alone")
        t.commit(protocol(), metadata(field("i")), t.file("a.parquet", ints(i=[1])))
        t.commit(t.file("b.parquet", ints(i=[2])))
        t.commit(t.file("c.parquet", ints(i=[3])))
        (t.folder / "_delta_log/00000000000000000001.checkpoint.parquet").write_bytes(b"PAR1 is no table PAR1")
        t.log(0).unlink()
        self.refuse("broken_checkpoint_alone", "W3003", "00000000000000000001.checkpoint.parquet")

    def incomplete_checkpoint(self):
        t = self.table("incomplete_checkpoint")
        t.commit(protocol(), metadata(field("i")), t.file("a.parquet", ints(i=[1])))
        t.commit(t.file("b.parquet", ints(i=[2])))
        t.commit(t.file("c.parquet", ints(i=[3])))
        name = "00000000000000000001.checkpoint.0000000001.0000000002.parquet"
        pyarrow.parquet.write_table(ints(x=[1]), t.folder / "_delta_log" / name)
        t.log(0).unlink()
        self.refuse("incomplete_checkpoint", "W3003", "begins with version 1")

    def no_parquet(self):
        t = self.table("no_parquet")
        t.commit(protocol(), metadata(field("i")), t.file("a.parquet", ints(i=[1])))
        (t.folder / "a.parquet").write_bytes(b"this is no Parquet at all")
        self.refuse("no_parquet", "W3003", "a.parquet")

    def data_file_gone(self):
        t = self.table("data_file_gone")
        t.commit(protocol(), metadata(field("i")), t.file("a.parquet", ints(i=[1])))
        (t.folder / "a.parquet").unlink()
        self.refuse("data_file_gone", "W3003", "a.parquet")

    def damaged_files(self):
        """Bytes changed at random: some are read, others refused, and the failure names the file."""
        chance = random.Random(SEED)
        rows = pa.table({"i": pa.array(range(200), pa.int32()), "s": [f"v{k % 7}" for k in range(200)], "l": [[k, k + 1] for k in range(200)]})
        for number in range(DAMAGED):
            t = self.table(f"damaged_{number}")
            t.commit(protocol(features=["deletionVectors"]), metadata(field("i"), field("s", "string"), field("l", list_of("long"))),
                     t.file("a.parquet", rows, deleted=[3] if number % 3 == 0 else None))
            data = bytearray((t.folder / "a.parquet").read_bytes())
            for _ in range(chance.randrange(1, 4)):
                data[chance.choice([chance.randrange(len(data)), len(data) - 1 - chance.randrange(600)])] = chance.randrange(256)
            (t.folder / "a.parquet").write_bytes(data)

    # Neighbours

    def void_columns(self):
        t = self.table("void_columns")
        t.commit(protocol(), metadata(field("i"), field("v", "void"), field("s", struct_of(field("x"), field("y", "void")))),
                 t.file("a.parquet", pa.table({"i": pa.array([1], pa.int32()), "s": pa.array([{"x": 1}], pa.struct([("x", pa.int32())]))})))
        self.read("void_columns", {"i": 1, "s": {"x": 1}})

    def columns_missing_everywhere(self):
        t = self.table("columns_missing_everywhere")
        t.commit(protocol(), metadata(field("i"), field("added", "string"), field("p", "string"), partitions=["p"]),
                 t.file("a.parquet", ints(old=[1, 2]), partition={"p": "a"}))
        self.read("columns_missing_everywhere", {"i": None, "added": None, "p": "a"}, {"i": None, "added": None, "p": "a"})
        self.view("filter_missing", "SELECT count(*) AS n FROM columns_missing_everywhere WHERE i IS NULL AND p = 'a'", {"n": 2})
        self.view("filter_missing_out", "SELECT i FROM columns_missing_everywhere WHERE added = 'x'")


def plain(value):
    """Values that equal themselves."""
    if isinstance(value, float) and value != value:
        return "NaN"
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


class ForeignLogs(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        os.environ["RUST_BACKTRACE"] = "1"  # the engine adds backtraces to errors where it may
        cls.addClassCleanup(os.environ.pop, "RUST_BACKTRACE")
        root = pathlib.Path(folder.name).resolve()
        cls.tables = Tables(root / "tables")
        for name in vars(Tables):
            if name[0] != "_" and name not in ("table", "read", "refuse", "view"):
                getattr(cls.tables, name)()
        cls.project = Project(root / "project")
        cls.project.write("weir.toml", '[project]\nname = "foreign"\n')
        names = sorted({path.name for path in cls.tables.folder.iterdir() if (path / "_delta_log").is_dir()} | set(cls.tables.options))
        for name in names:
            location = cls.tables.options.get(name, name)
            closing = ")" if name in cls.tables.options else ""
            cls.project.write(f"sources/{name}.sql",
                              f"CREATE EXTERNAL TABLE {name} STORED AS DELTATABLE LOCATION '{cls.tables.folder}/{location}'{closing};\n")
            cls.project.write(f"views/of_{name}.sql", f"SELECT * FROM {name}\n")
        for name, (query, _) in cls.tables.views.items():
            cls.project.write(f"views/{name}.sql", query + "\n")
        cls.failures = {}
        check = cls.project.weir("check", "--format", "json")
        cls.output = check.text
        for diagnostic in check.json()["diagnostics"]:
            name = re.search(r"(?:sources|views)/(?:of_)?(\w+)\.sql", diagnostic["file"]).group(1)
            if diagnostic["severity"] == "error":
                cls.failures[name] = f"{diagnostic['code']} {diagnostic['message']}"
                (cls.project.folder / f"sources/{name}.sql").unlink()
                (cls.project.folder / f"views/of_{name}.sql").unlink()
        run = cls.project.weir("run")
        cls.output += run.text
        for code, name, message in re.findall(r"error\[(W\d+)\]: view `(?:of_)?(\w+)` failed: (.*)", run.text):
            cls.failures[name] = f"{code} {message}"

    def stored(self, view: str) -> list[dict]:
        return [plain(row) for row in self.project.read(view).to_pylist()]

    def assert_rows(self, view: str, wanted: list[dict]):
        self.assertNotIn(view.removeprefix("of_"), self.failures, self.failures.get(view.removeprefix("of_")))
        self.assertEqual(sorted(self.stored(view), key=repr), sorted((plain(row) for row in wanted), key=repr), view)

    def test_rows_are_those_of_the_protocol(self):
        for name, rows in self.tables.rows.items():
            with self.subTest(name):
                self.assert_rows(f"of_{name}", rows)

    def test_queries_over_them(self):
        for name, (query, rows) in self.tables.views.items():
            with self.subTest(query):
                self.assert_rows(name, rows)

    def test_what_cannot_be_read_is_refused_by_name(self):
        for name, (code, text) in self.tables.refused.items():
            with self.subTest(name):
                self.assertIn(name, self.failures)
                self.assertIn(code, self.failures[name])
                self.assertIn(text, self.failures[name])

    def test_damaged_files_are_named(self):
        failures = [failure for name, failure in self.failures.items() if name.startswith("damaged_")]
        self.assertGreater(len(failures), DAMAGED // 3)
        for failure in failures:
            self.assertRegex(failure, r"^W(3003|5001) .*/a\.parquet")

    def test_nothing_panics(self):
        for sign in ("panicked", "backtrace", "core::", "std::"):
            self.assertNotIn(sign, self.output)


if __name__ == "__main__":
    unittest.main()
