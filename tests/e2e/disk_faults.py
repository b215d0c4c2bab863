# SPDX-License-Identifier: Apache-2.0
"""A disk that fails, or hangs, at the Nth operation, and what a power cut leaves on it.

A library between the program and the C library (disk_faults.c, made here with the C compiler) writes a journal of what happened to
files. From it this file knows which contents and which names had come to the disk: a file's contents by fsync of it, its name by fsync
of its folder, both by syncfs. A power cut may take of the rest what it likes: it cuts contents off anywhere and loses names. What was
removed stays removed, and what a rename replaced is gone.
"""

import dataclasses
import os
import pathlib
import random
import shutil
import subprocess

# What may fail, by the letter that the journal has for it when it succeeds.
LETTERS = {"open": "C", "write": "W", "sync": "FS", "rename": "R", "link": "L", "unlink": "U"}
REASONS = {"full": "No space left on device"}


def reason(kind: str) -> str:
    """What the operating system calls a fault of this kind."""
    return REASONS.get(kind, "Input/output error")


def build(folder: pathlib.Path) -> pathlib.Path:
    """Compiles the library."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise AssertionError("a C compiler is wanted to make the disk fail, found no `cc` on the PATH")
    library = folder / "disk_faults.so"
    source = pathlib.Path(__file__).parent / "disk_faults.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library, source, "-ldl"], check=True)
    return library


@dataclasses.dataclass
class Known:
    """How much of a file is on the disk."""

    contents: bool = False
    name: bool = False


class Journal:
    """What happened to files below a folder."""

    def __init__(self, file: pathlib.Path):
        text = file.read_text() if file.exists() else ""
        self.entries = [tuple(line.split("\t")) for line in text.splitlines()]

    def count(self, kind: str, root: pathlib.Path) -> int:
        """How many operations of a kind below `root` there were; all of them for `kill`."""
        letters = "".join(LETTERS.values()) if kind == "kill" else LETTERS["write" if kind == "full" else kind]
        return sum(entry[0] in letters and entry[-1].startswith(f"{root}/") for entry in self.entries)

    def failed(self) -> list[str]:
        """The paths of operations that were made to fail."""
        return [entry[1] for entry in self.entries if entry[0] == "X"]

    def unsynced(self) -> dict[str, Known]:
        """The files that were written and are not wholly on the disk, by path."""
        files: dict[str, Known] = {}
        for letter, path, *more in self.entries:
            if letter == "C":
                files[path] = Known()
            elif letter == "W":
                files.setdefault(path, Known(name=True)).contents = False
            elif letter == "S":
                files.clear()
            elif letter == "F":
                if path in files:
                    files[path].contents = True
                for other, known in files.items():
                    known.name = known.name or os.path.dirname(other) == path
            elif letter in "RL":
                known = files[path] if path in files else Known(contents=True)
                if letter == "R":
                    files.pop(path, None)
                files[more[0]] = Known(contents=known.contents)
            elif letter == "U":
                files.pop(path, None)
        return {path: known for path, known in files.items() if not (known.contents and known.name)}


def cut_power(journal: Journal, draw: random.Random) -> list[str]:
    """Damages some of what is not on the disk. Returns what was done."""
    share = draw.choice((0.1, 0.5, 1.0))
    done = []
    for path, known in sorted(journal.unsynced().items()):
        if not os.path.isfile(path) or draw.random() >= share:
            continue
        if not known.name and (known.contents or draw.random() < 0.4):
            os.unlink(path)
            done.append(f"{path} is lost")
        elif not known.contents and (size := os.path.getsize(path)) > 0:
            left = draw.choice((0, draw.randrange(size), line_end(path, draw)))
            os.truncate(path, left)
            done.append(f"{path} has {left} of {size} bytes")
    return done


def line_end(path: str, draw: random.Random) -> int:
    """Where a line of a file ends that is not the last: what is cut off there still reads well."""
    with open(path, "rb") as file:
        contents = file.read()[:-1]
    ends = [place + 1 for place, byte in enumerate(contents) if byte == ord("\n")]
    return draw.choice(ends) if ends else 0


class Disk:
    """What one process does to a project, and what is to become of it."""

    def __init__(self, library: pathlib.Path, project: pathlib.Path, warehouse: pathlib.Path, journal: pathlib.Path):
        self.library, self.project, self.warehouse, self.file = library, project, warehouse, journal

    def environment(self, plan: str = "") -> dict[str, str]:
        """For the process. `plan` is `<kind>:<number>`: which operation of that kind fails; all writes from there on for `full`. `kill:N` ends
        the process before the Nth of all operations, in the middle of it if that is a write, and `slow:N` lets it take half a minute."""
        return {**os.environ, "LD_PRELOAD": str(self.library), "DISK_FAULTS_JOURNAL": str(self.file),
                "DISK_FAULTS_TRACKED": str(self.project), "DISK_FAULTS_ROOT": str(self.warehouse), "DISK_FAULTS_PLAN": plan}

    def journal(self) -> Journal:
        return Journal(self.file)
