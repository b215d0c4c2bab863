# SPDX-License-Identifier: Apache-2.0
"""Damages texts and files at random, always alike for the same seed."""

import random

PIECES = ["'", '"', "`", "(", ")", ";", ",", ".", "$$", "/*", "*/", "--", "\n", "\r\n", "\\", "\0", "\t", "ä", "🦆", "\u202e", "=", "=>", "::", "[", "]", "{",
          "}", "E'", "X'F", "1e", "1e999", "-", "0x", "9223372036854775808", "99999999999999999999999999999999999999999", "NULL", "NaN", "''", '""', "null",
          "true", "[]", "{}", "%", "%25", "%zz", "..", "/", "$1", "${HOME}", "*"]
WORDS = ["SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY", "LIMIT", "OFFSET", "UNION ALL", "UNION", "INTERSECT ALL", "EXCEPT", "JOIN", "LEFT JOIN", "FULL JOIN",
         "USING (a)", "ON", "NATURAL JOIN", "CROSS JOIN", "AS", "DISTINCT", "DISTINCT ON (a)", "HAVING", "QUALIFY", "WITH r AS (", "WITH RECURSIVE", "OVER (",
         "PARTITION BY", "ROWS BETWEEN", "RANGE BETWEEN", "UNBOUNDED PRECEDING", "CURRENT ROW", "FILTER (WHERE", "CASE WHEN", "THEN", "ELSE", "END", "CAST(",
         "TRY_CAST(", "IN (", "NOT IN (", "EXISTS (", "NOT", "AND", "OR", "IS NULL", "IS DISTINCT FROM", "BETWEEN", "LIKE", "SIMILAR TO", "INTERVAL '1 month'",
         "DATE '2024-02-30'", "TIMESTAMP '9999-12-31'", "unnest(", "array_agg(", "make_array(", "named_struct(", "row_number()", "lag(a, -1)", "sum(", "avg(",
         "GROUPING SETS (", "ROLLUP (", "CUBE (", "VALUES (", "LATERAL", "generate_series(1, 3)", "arrow_cast(", "'Int8')", "date_trunc('foo',", "regexp_match("]


def text(original: str, rng: random.Random, words=()) -> str:
    """One to five edits: a piece put in, a stretch left out, doubled or moved, the end cut off, a character changed."""
    pieces = PIECES + list(words)
    for _ in range(1 + rng.randrange(5)):
        at, length = rng.randrange(len(original) + 1), 1 + rng.randrange(20)
        stretch = original[at:at + length]
        match rng.randrange(7):
            case 0 | 1:
                original = original[:at] + rng.choice(pieces) + original[at:]
            case 2:
                original = original[:at] + original[at + length:]
            case 3:
                original = original[:at] + stretch * (2 + rng.randrange(50)) + original[at:]
            case 4:
                to = rng.randrange(len(original) + 1)
                original = original[:to] + stretch + original[to:]
            case 5:
                original = original[:at] if rng.randrange(4) == 0 else original
            case 6:
                original = original[:at] + chr(rng.choice([rng.randrange(1, 128), rng.randrange(160, 0xD800)])) + original[at + 1:]
    return original


def raw(original: bytes, rng: random.Random, tail: int = 0) -> bytes:
    """One to eight edits of bytes; with `tail`, most of them among the last `tail` ones."""
    damaged = bytearray(original)
    for _ in range(1 + rng.randrange(8)):
        if not damaged:
            return b"\xff" * rng.randrange(20)
        low = max(0, len(damaged) - tail) if tail and rng.randrange(8) else 0
        at = rng.randrange(low, len(damaged))
        match rng.randrange(6):
            case 0:
                damaged[at] ^= 1 << rng.randrange(8)
            case 1:
                damaged[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF])
            case 2:
                damaged[at:at + 4] = rng.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f"])
            case 3:
                del damaged[at:at + 1 + rng.randrange(8)]
            case 4:
                damaged[at:at] = rng.randbytes(1 + rng.randrange(8))
            case 5:
                if rng.randrange(6) == 0:
                    del damaged[at:]
    return bytes(damaged)


def soup(rng: random.Random, words: list[str], length: int) -> str:
    return " ".join(rng.choice(words) for _ in range(1 + rng.randrange(length)))
