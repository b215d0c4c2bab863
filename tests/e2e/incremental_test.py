# SPDX-License-Identifier: Apache-2.0
"""A check or a plan that knows the last one says what one from nothing says, whatever happened in between."""

import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import deltalake
import pyarrow

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEIR = os.environ.get("WEIR", str(ROOT / "build" / "weir"))
EDITS = 400 if os.environ.get("WEIR_TEST_SCALE") == "full" else 60


def generate(folder: pathlib.Path, views: int) -> None:
    subprocess.run([sys.executable, str(ROOT / "bench" / "generate_project.py"), str(folder), "--views", str(views)],
                   check=True)


FUNCTIONS = """\
CREATE FUNCTION known(amount BIGINT, otherwise BIGINT DEFAULT 1) RETURNS BIGINT RETURN coalesce(amount, otherwise);
CREATE FUNCTION idle(x BIGINT) RETURNS BIGINT RETURN x;
"""


def add_functions(folder: pathlib.Path) -> None:
    """Makes about half of the views that replace unknown amounts do so through a user function."""
    (folder / "functions").mkdir()
    (folder / "functions" / "amounts.sql").write_text(FUNCTIONS)
    for number, path in enumerate(sorted(folder.glob("views/**/*.sql"))):
        if number % 2 == 0:
            path.write_text(path.read_text().replace("coalesce(amount,", "known(amount,"))


def said(folder: pathlib.Path, *command: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command."""
    done = subprocess.run([WEIR, *command, "--project", str(folder)], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def check(folder: pathlib.Path) -> tuple[int, str, str]:
    return said(folder, "check")


def plan(folder: pathlib.Path) -> tuple[int, str, str]:
    """With the fingerprint of every view."""
    return said(folder, "plan", "--format", "json")


def from_nothing(command, folder: pathlib.Path) -> tuple[int, str, str]:
    kept = folder / ".weir.kept"
    os.rename(folder / ".weir", kept)
    try:
        return command(folder)
    finally:
        shutil.rmtree(folder / ".weir", ignore_errors=True)
        os.rename(kept, folder / ".weir")


class Editor:
    """Random edits of a project, as a user makes them: most of them keep it sound, some break it, some mend it."""

    def __init__(self, folder: pathlib.Path, seed: int):
        self.folder = folder
        self.random = random.Random(seed)
        self.originals = {path: path.read_text() for kind in ("views", "functions", "sources") for path in folder.glob(f"{kind}/**/*.sql")}

    def commit(self) -> str:
        """A commit to a source: all its rows once more, or a column more."""
        table = deltalake.DeltaTable(str(self.random.choice(sorted(self.folder.glob("data/*")))))
        rows = table.to_pyarrow_table().slice(0, 1)
        if self.random.randrange(2):
            rows = rows.append_column(f"extra_{self.random.randrange(1000)}", pyarrow.array([1]))
        deltalake.write_deltalake(table, rows, mode="append", schema_mode="merge")
        return f"{table.table_uri}: a commit"

    def edit(self) -> str:
        kinds = [self.literal, self.comment, self.drop_column, self.rename_column, self.break_syntax, self.remove, self.rename,
                 self.make_inline, self.same_name, self.add, self.restore, self.restore, self.restore, self.touch, self.source,
                 self.function, self.restore]
        return self.random.choice(kinds)()

    def pick(self) -> pathlib.Path:
        return self.random.choice(sorted(self.folder.glob("views/**/*.sql")))

    def rewrite(self, what: str, change) -> str:
        path = self.pick()
        path.write_text(change(path.read_text()))
        return f"{what} in {path.name}"

    def literal(self) -> str:
        return self.rewrite("a literal", lambda t: re.sub(r"\b(\d+)\b", str(self.random.randrange(1, 9)), t, count=1))

    def comment(self) -> str:
        return self.rewrite("a comment", lambda t: t + f"-- {self.random.random()}\n")

    def drop_column(self) -> str:
        return self.rewrite("a column less", lambda t: re.sub(r"^  channel,\n", "", t, flags=re.M))

    def rename_column(self) -> str:
        return self.rewrite("a column renamed", lambda t: t.replace("  quantity\n", "  quantity AS pieces\n"))

    def break_syntax(self) -> str:
        return self.rewrite("broken syntax", lambda t: t.replace("SELECT", "SELEKT", 1))

    def make_inline(self) -> str:
        path = self.pick()
        text = path.read_text()
        if not text.startswith("CREATE"):
            path.write_text(f"CREATE VIEW {path.stem} AS\n{text}")
        return f"{path.name} inlined"

    def remove(self) -> str:
        path = self.pick()
        path.unlink()
        return f"{path.name} removed"

    def rename(self) -> str:
        path = self.pick()
        path.rename(path.with_name(f"renamed_{self.random.randrange(100)}.sql"))
        return f"{path.name} renamed"

    def same_name(self) -> str:
        path = self.pick()
        other = self.folder / "views" / "other" / path.name
        other.parent.mkdir(exist_ok=True)
        other.write_text("SELECT 1 AS one\n")
        return f"a second {path.name}"

    def add(self) -> str:
        upstream = self.pick().stem
        path = self.folder / "views" / f"added_{self.random.randrange(100)}.sql"
        path.write_text(f"SELECT * FROM {upstream}\n")
        return f"{path.name} added"

    def restore(self) -> str:
        for path in [*self.folder.glob("views/**/*.sql"), *self.folder.glob("functions/*.sql")]:
            if path not in self.originals:
                path.unlink()
        for path, text in self.originals.items():
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
        return "all restored"

    def sound_function(self) -> str:
        return self.function(["a comment", "an unused one", "another body", "another default", "restored"])

    def function(self, of: list[str] | None = None) -> str:
        path = self.folder / "functions" / "amounts.sql"
        text = path.read_text() if path.exists() else FUNCTIONS
        kinds = {
            "another body": lambda: re.sub(r"RETURN coalesce.*;", f"RETURN coalesce(amount, otherwise) + {self.random.randrange(3)};", text),
            "another default": lambda: re.sub(r"DEFAULT \d+", f"DEFAULT {self.random.randrange(5)}", text),
            "a comment": lambda: text + f"-- {self.random.random()}\n",
            "an unused one": lambda: re.sub(r"RETURN x.*", f"RETURN x + {self.random.randrange(9)};", text),
            "another type": lambda: text.replace("RETURNS BIGINT RETURN coalesce", "RETURNS DOUBLE RETURN coalesce"),
            "no such argument": lambda: text.replace("coalesce(amount,", "coalesce(amout,"),
            "broken syntax": lambda: text.replace("RETURNS", "RETRUNS", 1),
            "a circle": lambda: text.replace("RETURN x", "RETURN idle(x)"),
            "none": lambda: "",
            "restored": lambda: FUNCTIONS,
        }
        kind = self.random.choice(of or sorted(kinds))
        path.write_text(kinds[kind]())
        return f"a function: {kind}"

    def touch(self) -> str:
        path = self.pick()
        os.utime(path)
        return f"{path.name} touched"

    def source(self) -> str:
        path = self.random.choice(sorted(self.folder.glob("sources/*.sql")))
        text = path.read_text()
        wrong = text.replace("LOCATION 'data/", "LOCATION 'nowhere/")
        path.write_text(wrong if wrong != text else text.replace("LOCATION 'nowhere/", "LOCATION 'data/"))
        return f"{path.name}: another location"


class CheckTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.scratch.name) / "project"
        self.addCleanup(self.scratch.cleanup)

    def test_after_any_edit_a_check_says_what_one_from_nothing_says(self):
        generate(self.folder, 30)
        add_functions(self.folder)
        self.assertEqual(check(self.folder)[0], 0)
        editor = Editor(self.folder, seed=7)
        history, codes = [], set()
        for _ in range(EDITS):
            history.append(editor.edit())
            after = check(self.folder)
            self.assertEqual(after, from_nothing(check, self.folder), "\n".join(history))
            self.assertEqual(after, check(self.folder), "unchanged\n" + "\n".join(history))
            codes.add(after[0])
        self.assertGreaterEqual(codes, {0, 1}, "the edits neither broke nor mended anything")

    def test_an_index_that_is_damaged_is_made_anew(self):
        generate(self.folder, 8)
        first = check(self.folder)
        index = self.folder / ".weir" / "check-default.index"
        whole = index.read_bytes()
        rng = random.Random(3)
        damaged = [b"", whole[:40], whole[:-1], whole + b"x", os.urandom(len(whole))]
        for _ in range(20):
            bad = bytearray(whole)
            bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
            damaged.append(bytes(bad))
        for data in damaged:
            index.write_bytes(data)
            self.assertEqual(check(self.folder), first)
            self.assertTrue(index.read_bytes() != data)

    def test_a_group_key_that_stands_twice_is_one_column(self):
        generate(self.folder, 4)
        (self.folder / "views" / "twice.sql").write_text(
            "SELECT id, channel, count(*) AS n FROM orders_0 GROUP BY id, channel, id, channel\n")
        self.assertEqual(check(self.folder)[0], 0, check(self.folder)[2])

    def test_a_project_that_cannot_be_written_is_checked_all_the_same(self):
        generate(self.folder, 4)
        (self.folder / ".weir").write_text("a file where the folder would be")
        self.assertEqual(check(self.folder)[0], 0)


class PlanTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.scratch.name) / "project"
        self.addCleanup(self.scratch.cleanup)

    def test_after_any_edit_a_plan_says_what_one_from_nothing_says(self):
        generate(self.folder, 30)
        add_functions(self.folder)
        self.assertEqual(said(self.folder, "run")[0], 0)
        editor = Editor(self.folder, seed=11)
        history, codes = [], set()
        for number in range(EDITS):
            history.append(editor.commit() if number % 7 == 3 else editor.edit())
            if number % 10 == 9:
                history.append(f"run: {said(self.folder, 'run')[0]}")
            after = plan(self.folder)
            self.assertEqual(after, from_nothing(plan, self.folder), "\n".join(history))
            self.assertEqual(after, plan(self.folder), "unchanged\n" + "\n".join(history))
            codes.add(after[0])
        self.assertGreaterEqual(codes, {0, 1}, "the edits neither broke nor mended anything")

    def test_sound_edits_alone_are_planned_as_from_nothing(self):
        generate(self.folder, 30)
        add_functions(self.folder)
        self.assertEqual(said(self.folder, "run")[0], 0)
        editor = Editor(self.folder, seed=12)
        history = []
        for number in range(EDITS):
            history.append(editor.commit() if number % 9 == 4 else editor.random.choice([editor.literal, editor.comment, editor.sound_function])())
            if number % 15 == 14:
                history.append(f"run: {said(self.folder, 'run')[0]}")
            after = plan(self.folder)
            self.assertEqual(after[0], 0, after[2])
            self.assertEqual(after, from_nothing(plan, self.folder), "\n".join(history))

    def test_cached_bundles_that_are_damaged_are_made_anew(self):
        generate(self.folder, 8)
        first = plan(self.folder)
        rng = random.Random(5)
        sizes = set()
        for number in range(12):
            (self.folder / ".weir" / "plan-default.memo").unlink()
            [pack] = (self.folder / ".weir" / "bundles-default").glob("*")
            whole = pack.read_bytes()
            sizes.add(len(whole))
            bad = bytearray(whole)
            bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
            pack.write_bytes([bytes(bad), bytes(bad), whole[:-50], b""][number % 4])
            self.assertEqual(plan(self.folder), first)
        (self.folder / ".weir" / "plan-default.memo").write_bytes(b"damaged")
        self.assertEqual(plan(self.folder), first)
        # The same bundles each time, none beside them.
        self.assertEqual(len(sizes), 1)

    def test_a_project_that_cannot_be_written_is_planned_all_the_same(self):
        generate(self.folder, 4)
        (self.folder / ".weir").write_text("a file where the folder would be")
        self.assertEqual(plan(self.folder)[0], 0)


if __name__ == "__main__":
    unittest.main()
