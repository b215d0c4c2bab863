# SPDX-License-Identifier: Apache-2.0
"""Delta tables written by hand, action by action: what no writer at hand writes, but the protocol allows or forbids.

In: rows as Arrow tables, and what the log says of them. Out: a folder with data files and `_delta_log`.
"""

import json
import os
import pathlib
import struct
import uuid
import zlib

import pyarrow
import pyarrow.parquet

from pruning_test import deletion_vector, vector_bytes, z85


def field(name: str, kind="integer", nullable: bool = True, **metadata) -> dict:
    """A field of a log's schema. Metadata keys: `id` and `physical` are those of column mapping."""
    keys = {"id": "delta.columnMapping.id", "physical": "delta.columnMapping.physicalName"}
    return {"name": name, "type": kind, "nullable": nullable, "metadata": {keys.get(key, key): value for key, value in metadata.items()}}


def struct_of(*fields: dict) -> dict:
    return {"type": "struct", "fields": list(fields)}


def list_of(element, contains_null: bool = True) -> dict:
    return {"type": "array", "elementType": element, "containsNull": contains_null}


def map_of(key, value, contains_null: bool = True) -> dict:
    return {"type": "map", "keyType": key, "valueType": value, "valueContainsNull": contains_null}


def protocol(reader: int = 1, writer: int = 2, features: list[str] | None = None) -> dict:
    action = {"minReaderVersion": reader, "minWriterVersion": writer}
    if features is not None:
        action |= {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}
    return {"protocol": action}


def metadata(*fields: dict, partitions: list[str] = (), **configuration: str) -> dict:
    """Keys of the configuration: `__` stands for a dot behind `delta`."""
    return {"metaData": {"id": "00000000-0000-0000-0000-000000000001", "format": {"provider": "parquet", "options": {}},
                         "schemaString": json.dumps(struct_of(*fields)), "partitionColumns": list(partitions),
                         "configuration": {key.replace("__", "."): value for key, value in configuration.items()}, "createdTime": 1}}


class Table:
    """A table that grows by one commit at a time."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.version = 0
        (folder / "_delta_log").mkdir(parents=True)

    def log(self, version: int) -> pathlib.Path:
        return self.folder / "_delta_log" / f"{version:020}.json"

    def commit(self, *actions: dict, at: int | None = None) -> "Table":
        """`at`: when it was written, in seconds."""
        self.log(self.version).write_text("".join(json.dumps(action) + "\n" for action in actions))
        if at is not None:
            os.utime(self.log(self.version), (at, at))
        self.version += 1
        return self

    def file(self, path: str, rows: pyarrow.Table, *, spelt: str | None = None, stats: dict | None = None, partition: dict | None = None,
             deleted: list[int] | None = None, ids: dict | None = None, **options) -> dict:
        """Writes a data file; its add action. `spelt`: the path as the log has it. `ids`: field ids by names, nested ones in dicts. `options`: of pyarrow."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if ids is not None:
            rows = with_ids(rows, ids)
        pyarrow.parquet.write_table(rows, place, **options)
        add = {"path": spelt or path, "partitionValues": partition or {}, "size": place.stat().st_size, "modificationTime": 1, "dataChange": True}
        if stats is None:
            stats = {"numRecords": rows.num_rows}
        if stats:
            add["stats"] = json.dumps(stats)
        if deleted is not None:
            add["deletionVector"] = deletion_vector(deleted)
        return {"add": add}


def vector_file(path: pathlib.Path, *vectors: list[int]) -> list[tuple[int, int]]:
    """Writes deletion vectors into one file; the offset and size of each."""
    data, places = b"\x01", []
    for rows in vectors:
        bitmap = vector_bytes(rows)
        places.append((len(data), len(bitmap)))
        data += struct.pack(">I", len(bitmap)) + bitmap + struct.pack(">I", zlib.crc32(bitmap))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return places


def uuid_text(name: uuid.UUID) -> str:
    return z85(name.bytes)


def with_ids(rows: pyarrow.Table, ids: dict) -> pyarrow.Table:
    """The same with field ids; `ids` maps names to an id, or to (id, ids below)."""

    def of(inner: pyarrow.Field, known) -> pyarrow.Field:
        number, below = known if isinstance(known, tuple) else (known, {})
        kind = inner.type
        if below:
            kind = typed(kind, below)
        described = pyarrow.field(inner.name, kind, inner.nullable)
        return described if number is None else described.with_metadata({"PARQUET:field_id": str(number)})

    def typed(kind: pyarrow.DataType, below: dict) -> pyarrow.DataType:
        if pyarrow.types.is_struct(kind):
            return pyarrow.struct([of(inner, below.get(inner.name)) for inner in kind])
        if pyarrow.types.is_list(kind):
            return pyarrow.list_(pyarrow.field("element", typed(kind.value_type, below)))
        return pyarrow.map_(kind.key_type, pyarrow.field("value", typed(kind.item_type, below)))

    schema = pyarrow.schema([of(inner, ids.get(inner.name)) for inner in rows.schema])
    return pyarrow.Table.from_arrays([cast(column, target) for column, target in zip(rows.columns, schema)], schema=schema)


def cast(column: pyarrow.ChunkedArray, target: pyarrow.Field) -> pyarrow.ChunkedArray:
    return pyarrow.chunked_array([pyarrow.array(column.to_pylist(), target.type)])
