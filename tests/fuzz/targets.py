# SPDX-License-Identifier: Apache-2.0
"""What is damaged: each target fills a project with cases, one view a case, so that one process sees many of them."""

import io
import json
import pathlib
import random
import re

import deltalake
import pyarrow
import pyarrow.parquet

import damage

ROOT = pathlib.Path(__file__).resolve().parents[2]


def write(folder: pathlib.Path, path: str, contents) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(contents if isinstance(contents, bytes) else contents.encode("utf-8", "replace"))


def toml(folder: pathlib.Path) -> None:
    write(folder, "weir.toml", '[project]\nname = "fuzz"\n[profiles.default]\nmemory_limit = "1GB"\nthreads = 2\n')


def table(folder: pathlib.Path, name: str, kind: str, location: str, columns: str = "", options: str = "") -> None:
    write(folder, f"sources/{name}.sql", f"CREATE EXTERNAL TABLE {name} {columns} STORED AS {kind} LOCATION '{location}' {options};\n")
    write(folder, f"views/v_{name}.sql", f"SELECT * FROM {name}\n")


class Target:
    """`count`: cases of one project. Commands are run one after the other on it."""

    count = 40
    commands = [["check"], ["run"]]

    def fill(self, folder: pathlib.Path, rng: random.Random, count: int) -> None:
        raise NotImplementedError


class ProjectFiles(Target):
    """Whole projects: configuration, sources, views, functions and tests, one damaged at a time."""

    count = 1
    commands = [["check"], ["plan"], ["run"], ["test"], ["lineage", "v"]]

    def fill(self, folder, rng, count):
        files = {
            "weir.toml": '[project]\nname = "fuzz"\nwarehouse = "warehouse"\ndefault_dialect = "generic"\n[profiles.default]\nthreads = 2\nmemory_limit = "1GB"\n'
                         '[profiles.other]\nextends = "default"\ndeterministic = false\n[profiles.default.settings]\n"datafusion.execution.batch_size" = 100\n',
            "sources/all.sql": "CREATE EXTERNAL TABLE t (a INT NOT NULL, b VARCHAR, c DECIMAL(10,2)) STORED AS CSV LOCATION 'data/t.csv' OPTIONS ('has_header' 'true');\n",
            "functions/f.sql": "CREATE FUNCTION twice(x BIGINT DEFAULT 1) RETURNS BIGINT RETURN x + x;\n",
            "views/v.sql": "CREATE MATERIALIZED VIEW v (a, b COMMENT 'x', CONSTRAINT k EXPECT (a > 0) ON VIOLATION DROP ROW) PARTITIONED BY (b)\n"
                           "TBLPROPERTIES ('k' = 'v') AS SELECT twice(a) AS a, b FROM t WHERE c > 1.5 -- note\n",
            "views/w.sql": "SELECT b, count(*) AS n FROM v GROUP BY b\n",
            "tests/none.sql": "SELECT * FROM w WHERE n < 0\n",
            "data/t.csv": "a,b,c\n1,x,2.50\n2,y,3.00\n",
        }
        damaged = rng.choice(list(files))
        files[damaged] = damage.text(files[damaged], rng, damage.WORDS)
        for path, contents in files.items():
            write(folder, path, contents)
        if rng.randrange(5) == 0:
            write(folder, damaged, damage.raw(files[damaged].encode("utf-8", "replace"), rng))


class Sql(Target):
    """Queries of the sqllogictest files with words put in, left out and moved; and soups of words."""

    def __init__(self):
        self.queries = []
        for file in sorted((ROOT / "tests" / "slt").glob("*.slt")):
            self.queries += re.findall(r"^query \w+\n(.*?)\n----", file.read_text(), re.S | re.M)

    def fill(self, folder, rng, count):
        toml(folder)
        write(folder, "data/t.csv", "a,b,c,d\n1,x,1.5,2024-01-01\n2,,NaN,\n,y,,9999-12-31\n")
        write(folder, "sources/t.sql", "CREATE EXTERNAL TABLE t (a INT, b VARCHAR, c DOUBLE, d DATE) STORED AS CSV LOCATION 'data/t.csv' OPTIONS ('has_header' 'true');\n")
        columns = ["a", "b", "c", "d", "t.a", "*", "t", "1", "'x'", ",", "(", ")", "+", "-", "*", "/", "%", "=", "<", "||"]
        for i in range(count):
            if rng.randrange(3) == 0:
                query = "SELECT " + damage.soup(rng, columns + damage.WORDS, 12) + " FROM t " + damage.soup(rng, columns + damage.WORDS, 8)
            else:
                query = damage.text(rng.choice(self.queries), rng, damage.WORDS)
            write(folder, f"views/q{i:03}.sql", query)


class Csv(Target):
    VALUES = ["1", "-5", "2.50", "1e400", "NaN", "", '""', '"a,b"', '"a\nb"', '"a""b"', "x", "true", "2024-01-01", "9999-12-31 23:59:59", "ä", "'", '"', "\\", " 7 ", "+3", "NULL"]
    TYPES = ["INT", "BIGINT", "DOUBLE", "DECIMAL(10,2)", "VARCHAR", "DATE", "TIMESTAMP", "BOOLEAN", "TINYINT"]
    OPTIONS = ["'has_header' 'true'", "'has_header' 'false'", "'delimiter' ';'", "'quote' ''''", "'escape' '\\'", "'null_regex' '^(NULL|)$'", "'comment' '#'",
               "'newlines_in_values' 'true'", "'truncated_rows' 'true'", "'terminator' ';'", "'compression' 'gzip'", "'schema_infer_max_rec' '1'"]

    def fill(self, folder, rng, count):
        toml(folder)
        for i in range(count):
            width = 1 + rng.randrange(5)
            header = ",".join(rng.choice(["a", "b", "A", "ä", '"q,r"', "", "x y"]) + str(j) for j in range(width))
            lines = [header] + [",".join(rng.choice(self.VALUES) for _ in range(width)) for _ in range(rng.randrange(8))]
            contents = rng.choice(["\n", "\r\n", "\r"]).join(lines).encode()
            if rng.randrange(2):
                contents = damage.raw(contents, rng)
            write(folder, f"data/{i}.csv", contents)
            columns = "(" + ", ".join(f"c{j} {rng.choice(self.TYPES)}{rng.choice(['', ' NOT NULL'])}" for j in range(width)) + ")" if rng.randrange(2) else ""
            options = rng.sample(self.OPTIONS, rng.randrange(3))
            table(folder, f"t{i:03}", "CSV", f"data/{i}.csv", columns, f"OPTIONS ({', '.join(options)})" if options else "")


class Ndjson(Target):
    def value(self, rng, depth=0):
        match rng.randrange(10 if depth < 3 else 7):
            case 0:
                return None
            case 1:
                return rng.choice([True, False])
            case 2:
                return rng.choice([0, -1, 2**31, 2**63 - 1, 2**64, 10**40])
            case 3:
                return rng.choice([1.5, -0.0, 1e308, 1e-320])
            case 4 | 5 | 6:
                return rng.choice(["", "x", "ä\u0000", "2024-01-01", "1.5", "🦆" * 10])
            case 7:
                return [self.value(rng, depth + 1) for _ in range(rng.randrange(4))]
            case _:
                return {rng.choice(["a", "b", "k" * 50, ""]): self.value(rng, depth + 1) for _ in range(rng.randrange(4))}

    def fill(self, folder, rng, count):
        toml(folder)
        for i in range(count):
            lines = [json.dumps({rng.choice("abcA"): self.value(rng) for _ in range(rng.randrange(5))}) for _ in range(rng.randrange(8))]
            contents = "\n".join(lines).encode()
            if rng.randrange(2):
                contents = damage.raw(contents, rng)
            if rng.randrange(20) == 0:
                contents = b'{"a":' + b"[" * 20000 + b"\n"
            write(folder, f"data/{i}.json", contents)
            columns = "(a INT, b VARCHAR, c DECIMAL(10,2))" if rng.randrange(2) else ""
            table(folder, f"t{i:03}", "NDJSON", f"data/{i}.json", columns)


def sample_table(rng) -> pyarrow.Table:
    rows = rng.choice([0, 1, 5, 300])
    return pyarrow.table({
        "a": pyarrow.array([rng.choice([None, 1, -5, 2**40]) for _ in range(rows)], pyarrow.int64()),
        "b": pyarrow.array([rng.choice([None, "", "x", "y" * 30]) for _ in range(rows)], pyarrow.string()),
        "c": pyarrow.array([rng.choice([None, 1.5, float("nan"), float("inf")]) for _ in range(rows)], pyarrow.float64()),
        "d": pyarrow.array([rng.choice([None, [1, None], []]) for _ in range(rows)], pyarrow.list_(pyarrow.int32())),
        "e": pyarrow.array([rng.choice([None, 0, 253402300799000000]) for _ in range(rows)], pyarrow.timestamp("us")),
    })


class Parquet(Target):
    def fill(self, folder, rng, count):
        toml(folder)
        for i in range(count):
            buffer = io.BytesIO()
            pyarrow.parquet.write_table(sample_table(rng), buffer, compression=rng.choice(["snappy", "zstd", "none", "gzip", "lz4"]), use_dictionary=rng.random() < 0.5,
                                        write_page_index=rng.random() < 0.5, data_page_version=rng.choice(["1.0", "2.0"]))
            contents = buffer.getvalue()
            footer = int.from_bytes(contents[-8:-4], "little") + 8
            write(folder, f"data/{i}.parquet", damage.raw(contents, rng, footer))
            table(folder, f"t{i:03}", "PARQUET", f"data/{i}.parquet")


class DeltaLog(Target):
    def fill(self, folder, rng, count):
        toml(folder)
        for i in range(count):
            place = folder / "data" / str(i)
            place.mkdir(parents=True)
            for _ in range(1 + rng.randrange(3)):
                deltalake.write_deltalake(str(place), sample_table(rng), mode="append", partition_by=["b"] if i % 3 == 0 else None)
            if rng.randrange(3) == 0:
                deltalake.DeltaTable(str(place)).create_checkpoint()
                if rng.randrange(2):
                    (place / "_delta_log" / f"{0:020}.json").unlink()
            victims = sorted(path for path in place.rglob("*") if path.is_file() and path.suffix != ".crc")
            logs = [path for path in victims if "_delta_log" in path.parts]
            victim = rng.choice(logs if rng.randrange(6) else victims)
            contents = victim.read_bytes()
            if rng.randrange(10) == 0:
                victim.unlink()
            elif victim.suffix == ".json" or victim.name == "_last_checkpoint":
                victim.write_text(damage.text(contents.decode("utf-8", "replace"), rng), errors="replace")
            else:
                victim.write_bytes(damage.raw(contents, rng, 2000))
            table(folder, f"t{i:03}", "DELTATABLE", f"data/{i}")


TARGETS = {"project": ProjectFiles, "sql": Sql, "csv": Csv, "ndjson": Ndjson, "parquet": Parquet, "delta": DeltaLog}
