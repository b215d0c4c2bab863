#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the log of a Delta table with many files, and none of the files: enough for everything that only plans.

Out: `<folder>/_delta_log` with one JSON commit (protocol and metadata), a checkpoint of all files at version 1 and a small commit after
it. Columns: `day` (partition, 100 files each), `id` (in order over the files), `at`, `name`, `amount`, and `extra_0`… with statistics
each, which nobody asks for.
"""

import argparse
import datetime
import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

FILES_A_DAY = 100
ROWS_A_FILE = 1000
ROWS_A_GROUP = 50_000
FIRST_DAY = datetime.date(2000, 1, 1)
MODIFIED_MS = 1_700_000_000_000

ADD = pa.struct(
    [
        ("path", pa.string()),
        ("partitionValues", pa.map_(pa.string(), pa.string())),
        ("size", pa.int64()),
        ("modificationTime", pa.int64()),
        ("dataChange", pa.bool_()),
        ("stats", pa.string()),
    ]
)
METADATA = pa.struct(
    [
        ("id", pa.string()),
        ("format", pa.struct([("provider", pa.string()), ("options", pa.map_(pa.string(), pa.string()))])),
        ("schemaString", pa.string()),
        ("partitionColumns", pa.list_(pa.string())),
        ("configuration", pa.map_(pa.string(), pa.string())),
        ("createdTime", pa.int64()),
    ]
)
PROTOCOL = pa.struct([("minReaderVersion", pa.int32()), ("minWriterVersion", pa.int32())])
CHECKPOINT = pa.schema([("protocol", PROTOCOL), ("metaData", METADATA), ("add", ADD)])


def table_schema(extra_columns: int) -> str:
    types = {"day": "date", "id": "long", "at": "timestamp", "name": "string", "amount": "double"}
    types |= {f"extra_{i}": "long" for i in range(extra_columns)}
    fields = [{"name": name, "type": kind, "nullable": True, "metadata": {}} for name, kind in types.items()]
    return json.dumps({"type": "struct", "fields": fields})


def add_action(index: int, extra_columns: int) -> dict:
    day = FIRST_DAY + datetime.timedelta(days=index // FILES_A_DAY)
    first, last = index * ROWS_A_FILE, (index + 1) * ROWS_A_FILE - 1
    minute = index % FILES_A_DAY
    low = {"id": first, "at": f"{day}T{minute // 60:02}:{minute % 60:02}:00.000Z", "name": f"name-{first:09}", "amount": first / 8}
    high = {"id": last, "at": f"{day}T{minute // 60:02}:{minute % 60:02}:59.999Z", "name": f"name-{last:09}", "amount": last / 8}
    nulls = dict.fromkeys(low, 0)
    for i in range(extra_columns):
        name = f"extra_{i}"
        low[name], high[name], nulls[name] = first * (i + 3), last * (i + 3), index % 7
    statistics = {"numRecords": ROWS_A_FILE, "minValues": low, "maxValues": high, "nullCount": nulls}
    return {
        "path": f"day={day}/part-{index:08}-7a3c51de-0000-4000-8000-{index:012x}-c000.snappy.parquet",
        "partitionValues": {"day": str(day)},
        "size": 1_000_000 + index % 1000,
        "modificationTime": MODIFIED_MS + index,
        "dataChange": True,
        "stats": json.dumps(statistics, separators=(",", ":")),
    }


def write_checkpoint(path: pathlib.Path, files: int, extra_columns: int, protocol: dict, metadata: dict) -> None:
    with pq.ParquetWriter(path, CHECKPOINT, compression="snappy") as writer:
        head = [{"protocol": protocol}, {"metaData": metadata}]
        writer.write_table(pa.Table.from_pylist(head, CHECKPOINT))
        for begin in range(0, files, ROWS_A_GROUP):
            adds = [add_action(i, extra_columns) for i in range(begin, min(begin + ROWS_A_GROUP, files))]
            for add in adds:
                add["partitionValues"] = list(add["partitionValues"].items())
            columns = [pa.nulls(len(adds), PROTOCOL), pa.nulls(len(adds), METADATA), pa.array(adds, ADD)]
            writer.write_table(pa.table(columns, schema=CHECKPOINT))


def generate(folder: pathlib.Path, files: int, extra_columns: int = 20) -> None:
    """A table of `files` files, of which the last commit adds one and removes one."""
    log = folder / "_delta_log"
    log.mkdir(parents=True)
    protocol = {"minReaderVersion": 1, "minWriterVersion": 2}
    metadata = {
        "id": "3d5a6a1c-0000-4000-8000-000000000001",
        "format": {"provider": "parquet", "options": {}},
        "schemaString": table_schema(extra_columns),
        "partitionColumns": ["day"],
        "configuration": {},
        "createdTime": MODIFIED_MS,
    }
    commit = [{"protocol": protocol}, {"metaData": metadata}]
    (log / f"{0:020}.json").write_text("".join(json.dumps(action) + "\n" for action in commit))
    (log / f"{1:020}.json").write_text(json.dumps({"commitInfo": {"timestamp": MODIFIED_MS}}) + "\n")
    checkpoint = log / f"{1:020}.checkpoint.parquet"
    metadata_row = metadata | {"configuration": [], "format": {"provider": "parquet", "options": []}}
    write_checkpoint(checkpoint, files, extra_columns, protocol, metadata_row)
    (log / "_last_checkpoint").write_text(json.dumps({"version": 1, "size": files + 2}))
    gone = add_action(0, extra_columns)["path"]
    commit = [
        {"remove": {"path": gone, "deletionTimestamp": MODIFIED_MS, "dataChange": True}},
        {"add": add_action(files, extra_columns)},
    ]
    (log / f"{2:020}.json").write_text("".join(json.dumps(action) + "\n" for action in commit))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Writes the log of a Delta table with many files.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--extra-columns", type=int, default=20)
    arguments = parser.parse_args()
    generate(arguments.folder, arguments.files, arguments.extra_columns)
