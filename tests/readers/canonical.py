# SPDX-License-Identifier: Apache-2.0
"""One text form of values for all readers, so that rows can be compared as texts. A text says the value and its kind."""

import datetime
import decimal
import math


class Struct(dict):
    """A struct; a plain dict is one as well."""


class Map(list):
    """A map as a list of its pairs."""


def form(value) -> str:
    """Kinds that readers tell apart stay apart: 1, 1.0, '1', a time with zone and one without, NULL and empty."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"i{value}"
    if isinstance(value, float):
        return "fNaN" if math.isnan(value) else f"f{value!r}"
    if isinstance(value, decimal.Decimal):
        return f"d{value:f}"
    if isinstance(value, str):
        return f"t{value!r}"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"x{bytes(value).hex()}"
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            return f"ntz {value:%Y-%m-%d %H:%M:%S.%f}"
        return f"utc {value.astimezone(datetime.timezone.utc):%Y-%m-%d %H:%M:%S.%f}"
    if isinstance(value, datetime.date):
        return f"date {value.isoformat()}"
    if isinstance(value, Map):
        return "{" + ", ".join(sorted(f"{form(key)}: {form(item)}" for key, item in value)) + "}"
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name}={form(item)}" for name, item in value.items()) + ")"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(form(item) for item in value) + "]"
    raise TypeError(f"no form for {type(value)}: {value!r}")


def forms(rows) -> list[str]:
    """Sorted: tables have no order."""
    return sorted(" | ".join(form(value) for value in row) for row in rows)
