# SPDX-License-Identifier: Apache-2.0
"""Variants (Parquet's binary form of JSON) as text, the way Spark's to_json writes columns that hold them.

In: a column of an Arrow table. Out: a column of JSON texts. A variant is a struct of `metadata` and `value`, both binary.
"""

import base64
import datetime
import decimal
import json
import struct
import uuid

import pyarrow as pa

EPOCH = datetime.datetime(1970, 1, 1)


def column(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """JSON texts of a column; NULL stays NULL."""
    texts = [None if value is None else json.dumps(_plain(value, values.type), separators=(",", ":"), ensure_ascii=False)
             for value in values.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())])


def is_variant(kind: pa.DataType) -> bool:
    return pa.types.is_struct(kind) and sorted(field.name for field in kind) == ["metadata", "value"] \
        and all(pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type) for field in kind)


def _plain(value, kind: pa.DataType):
    if value is None:
        return None
    if is_variant(kind):
        return _Reader(value["metadata"]).read(value["value"], 0)
    if pa.types.is_struct(kind):
        members = {field.name: _plain(value[field.name], field.type) for field in kind}
        return {name: member for name, member in members.items() if member is not None}
    if pa.types.is_map(kind):
        return {str(key): _plain(item, kind.item_type) for key, item in value}
    if pa.types.is_list(kind):
        return [_plain(item, kind.value_type) for item in value]
    return value


def _unsigned(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at:at + size], "little")


class _Reader:
    """Reads values whose keys `metadata` holds."""

    def __init__(self, metadata: bytes):
        size = (metadata[0] >> 6) + 1
        count = _unsigned(metadata, 1, size)
        offsets = [_unsigned(metadata, 1 + size * (1 + i), size) for i in range(count + 1)]
        texts = metadata[1 + size * (count + 2):]
        self.keys = [texts[offsets[i]:offsets[i + 1]].decode() for i in range(count)]

    def read(self, data: bytes, at: int):
        kind, header = data[at] & 3, data[at] >> 2
        if kind == 0:
            return self._primitive(header, data, at + 1)
        if kind == 1:
            return data[at + 1:at + 1 + header].decode()
        return self._object(header, data, at + 1) if kind == 2 else self._array(header, data, at + 1)

    def _object(self, header: int, data: bytes, at: int):
        offset_size, id_size = (header & 3) + 1, ((header >> 2) & 3) + 1
        count_size = 4 if header & 16 else 1
        count = _unsigned(data, at, count_size)
        ids = at + count_size
        offsets = ids + count * id_size
        values = offsets + (count + 1) * offset_size
        return {self.keys[_unsigned(data, ids + i * id_size, id_size)]:
                self.read(data, values + _unsigned(data, offsets + i * offset_size, offset_size)) for i in range(count)}

    def _array(self, header: int, data: bytes, at: int):
        offset_size = (header & 3) + 1
        count_size = 4 if header & 4 else 1
        count = _unsigned(data, at, count_size)
        offsets = at + count_size
        values = offsets + (count + 1) * offset_size
        return [self.read(data, values + _unsigned(data, offsets + i * offset_size, offset_size)) for i in range(count)]

    def _primitive(self, kind: int, data: bytes, at: int):
        integers = {3: 1, 4: 2, 5: 4, 6: 8}
        decimals = {8: 4, 9: 8, 10: 16}
        if kind in (0, 1, 2):
            return {0: None, 1: True, 2: False}[kind]
        if kind in integers:
            return int.from_bytes(data[at:at + integers[kind]], "little", signed=True)
        if kind in decimals:
            unscaled = int.from_bytes(data[at + 1:at + 1 + decimals[kind]], "little", signed=True)
            number = decimal.Decimal(unscaled).scaleb(-data[at])
            return int(number) if number == number.to_integral_value() else float(number)
        if kind == 7:
            return struct.unpack_from("<d", data, at)[0]
        if kind == 14:
            return struct.unpack_from("<f", data, at)[0]
        if kind == 11:
            return str(datetime.date(1970, 1, 1) + datetime.timedelta(days=struct.unpack_from("<i", data, at)[0]))
        if kind in (12, 13):
            return str(EPOCH + datetime.timedelta(microseconds=struct.unpack_from("<q", data, at)[0])) + ("+00:00" if kind == 12 else "")
        if kind in (15, 16):
            size = _unsigned(data, at, 4)
            raw = data[at + 4:at + 4 + size]
            return raw.decode() if kind == 16 else base64.b64encode(raw).decode()
        if kind == 20:
            return str(uuid.UUID(bytes=data[at:at + 16]))
        raise ValueError(f"a variant of the primitive type {kind}")
