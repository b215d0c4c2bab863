# SPDX-License-Identifier: Apache-2.0
"""What a newcomer reads in the first hour when something is missing or mistyped: each message with its whole text, and the exit code.

1: the user's SQL or data; 2: wrong use; 3: the environment (no compiler, no cargo, no permission).
"""

import datetime
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import deltalake
import pyarrow

from weir_project import ROOT, Project, ProjectCase, obey_permissions, program

RUSTUP = "rustup (https://rustup.rs) brings it: `rustup toolchain install stable`. Debian 12's own is too old."


class SetupTest(ProjectCase):
    """scripts/setup.sh on a PATH that lacks one thing. Without dpkg-query it installs nothing."""

    TOOLS = ("cargo", "rustc", "g++", "cmake", "ninja", "protoc", "python3")
    NEEDED = ("bash", "env", "dirname", "grep", "head", "sort", "df", "awk", "mkdir", "rm", "cp", "mktemp", "id", "uname", "cat")

    def setUp(self):
        super().setUp()
        self.tools = self.scratch / "bin"
        self.tools.mkdir()
        self.cache = self.scratch / "cache"
        for name in self.NEEDED + self.TOOLS:
            found = sys.executable if name == "python3" else shutil.which(name)
            self.assertIsNotNone(found, name)
            (self.tools / name).symlink_to(found)

    def pretend(self, name: str, version: str) -> None:
        (self.tools / name).unlink()
        (self.tools / name).write_text(f"#!/bin/sh\necho '{version}'\n")
        (self.tools / name).chmod(0o755)

    def refused(self, **options) -> str:
        rustup = os.environ.get("RUSTUP_HOME", str(pathlib.Path.home() / ".rustup"))
        environment = {"PATH": str(self.tools), "HOME": str(self.scratch), "WEIR_CACHE_DIR": str(self.cache), "RUSTUP_HOME": rustup}
        outcome = subprocess.run(["bash", str(ROOT / "scripts" / "setup.sh")], env=environment, text=True, capture_output=True, **options)
        self.assertEqual(outcome.returncode, 3, outcome.stdout + outcome.stderr)
        self.assertEqual(outcome.stdout, "")
        return outcome.stderr.replace(str(self.tools), "BIN").replace(str(self.cache), "CACHE")

    def test_no_cargo(self):
        (self.tools / "cargo").unlink()
        self.assertEqual(self.refused(), f"setup: `cargo` 1.95 or newer is wanted, found none on the PATH.\n  hint: {RUSTUP}\n")

    def test_the_cargo_of_the_distribution(self):
        self.pretend("cargo", "cargo 1.65.0")
        self.assertEqual(self.refused(), f"setup: `cargo` 1.95 or newer is wanted, found 1.65.0 at `BIN/cargo`.\n  hint: {RUSTUP}\n")

    def test_a_cargo_that_does_not_run(self):
        (self.tools / "cargo").unlink()
        (self.tools / "cargo").write_text("#!/bin/sh\necho 'error: no default toolchain' >&2\nexit 1\n")
        (self.tools / "cargo").chmod(0o755)
        self.assertEqual(self.refused(), "setup: `cargo` 1.95 or newer is wanted, found one that does not run at `BIN/cargo`.\n"
                         f"  hint: {RUSTUP}\n")

    def test_no_compiler(self):
        (self.tools / "g++").unlink()
        self.assertEqual(self.refused(), "setup: `g++` 12 or newer is wanted, found none on the PATH.\n  hint: your distribution's package, "
                         "e.g. `apt-get install g++`; a package of Weir needs no compiler: docs/install.md.\n")

    def test_old_tools(self):
        for name, version, wanted, found in (("g++", "g++ (Debian 10.2.1-6) 10.2.1 20210110", "12", "10.2.1"),
                                             ("cmake", "cmake version 3.18.4", "3.25", "3.18.4"),
                                             ("protoc", "libprotoc 3.12.4", "3.21", "3.12.4"),
                                             ("python3", "Python 3.9.2", "3.11", "3.9.2")):
            with self.subTest(name):
                real = os.readlink(self.tools / name)
                self.pretend(name, version)
                self.assertIn(f"setup: `{name}` {wanted} or newer is wanted, found {found} at `BIN/{name}`.\n  hint: ", self.refused())
                (self.tools / name).unlink()
                (self.tools / name).symlink_to(real)

    def test_no_permission_for_the_cache(self):
        (self.scratch / "closed").mkdir(mode=0o555)
        self.cache = self.scratch / "closed" / "weir"
        self.assertEqual(self.refused(preexec_fn=obey_permissions), "setup: a folder that can be written is wanted for downloads and libraries, "
                         "found `CACHE`.\n  hint: name another: WEIR_CACHE_DIR=DIR make\n")

    def test_a_full_disk(self):
        (self.tools / "df").unlink()
        (self.tools / "df").write_text("#!/bin/sh\necho Filesystem 1024-blocks Used Available Capacity Mounted\necho /dev/x 9 9 2097152 9% /\n")
        (self.tools / "df").chmod(0o755)
        self.assertEqual(self.refused(), "setup: 8 GB of disk are wanted in `CACHE`, found 2 GB free.\n  hint: name a folder with more: "
                         "WEIR_CACHE_DIR=DIR make\n")


class FirstCommandsTest(ProjectCase):
    """What the program says; FOLDER stands for the folder that it runs in."""

    def setUp(self):
        super().setUp()
        self.project = Project(self.scratch / "shop")
        outcome = self.weir("init", "shop", cwd=self.scratch)
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.empty = self.scratch / "empty"
        self.empty.mkdir()

    def weir(self, *arguments: str, cwd: pathlib.Path, **options) -> subprocess.CompletedProcess:
        return subprocess.run([program(), *arguments], cwd=cwd, text=True, capture_output=True, **options)

    def says(self, code: int, text: str, *arguments: str, cwd: pathlib.Path | None = None, **options) -> None:
        folder = cwd or self.project.folder
        outcome = self.weir(*arguments, cwd=folder, **options)
        self.assertEqual(outcome.stderr.replace(str(folder), "FOLDER"), text)
        self.assertEqual(outcome.returncode, code)
        self.assertEqual(outcome.stdout, "")

    def test_no_project(self):
        text = ("error: a project folder with a `weir.toml` is wanted, found none in `FOLDER`\n"
                "  hint: `weir init` creates a project, `--project` names the folder of one\n")
        for command in ("check", "plan", "run", "test", "history", "lineage"):
            with self.subTest(command):
                self.says(2, text, command, cwd=self.empty)
        self.says(2, text, "sql", "--project", ".", "SELECT 1", cwd=self.empty)
        self.says(2, "error: a project folder is wanted, found none at `FOLDER/nowhere`\n"
                  "  hint: `weir init` creates a project, `--project` names the folder of one\n", "run", "--project", "nowhere", cwd=self.empty)

    def test_unknown_commands_and_options(self):
        self.says(2, "error: a command is wanted\n  hint: `weir --help` lists them\n")
        self.says(2, "error: there is no command named `rnu`\n  hint: did you mean `run`?\n", "rnu")
        self.says(2, "error: there is no command named `frobnicate`\n  hint: `weir --help` lists them\n", "frobnicate")
        self.says(2, "error: there is no command named `rnu`\n  hint: did you mean `run`?\n", "help", "rnu")
        self.says(2, "error: `weir run` has no option `--selct`\n  hint: did you mean `--select` or `--set`?\n", "run", "--selct", "x")
        self.says(2, "error: a value is wanted for `--project`, found none\n  hint: `weir run --help` says what it takes\n", "run", "--project")
        self.says(2, "error: table or json is wanted for `--format`, found `jsn`\n  hint: did you mean `json`?\n", "run", "--format", "jsn")
        self.says(2, "error: there is no template named `detla`\n  hint: did you mean `delta`?\n", "init", "--template", "detla", "new")
        self.says(2, "error: no stored view is selected by `customer`\n  hint: did you mean `customer_totals`?\n", "run", "--select", "customer")

    def test_wrong_profile(self):
        self.says(2, "error: there is no profile of this name: `defualt`\n  hint: did you mean `default`?\n", "run", "--profile", "defualt")
        self.says(2, "error: there is no profile of this name: `prod`\n  hint: weir.toml has `default`\n", "run", "--profile", "prod")

    def test_unset_variable(self):
        self.project.write("weir.toml", '[project]\nname = "shop"\nwarehouse = "${WEIR_TEST_UNSET}/lake"\n')
        self.says(1, "error[W1016]: the environment variable is not set: `WEIR_TEST_UNSET`\n  --> weir.toml:3:13\n"
                  "  hint: set WEIR_TEST_UNSET, or write `${WEIR_TEST_UNSET:-default}`\n1 error, 0 warnings\n", "run")
        outcome = self.weir("run", cwd=self.project.folder, env=dict(os.environ, WEIR_TEST_UNSET=str(self.scratch / "set")))
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assertTrue((self.scratch / "set" / "lake" / "customer_totals").is_dir())

    def test_parameters(self):
        self.project.write("weir.toml", '[project]\nname = "shop"\n[parameters]\nday = { type = "DATE" }\n')
        self.project.write("views/late.sql", "SELECT order_id FROM orders WHERE ordered_on >= $day\n")
        self.says(2, "error: --set: there is no parameter named `dya`\n  hint: did you mean `day`?\n", "run", "--set", "dya=2024-01-01")
        self.says(2, "error: NAME=VALUE is wanted for `--set`, found `day`\n  hint: `weir run --help` says what it takes\n", "run", "--set", "day")

    def test_missing_files(self):
        os.remove(self.project.folder / "data" / "orders.csv")
        outcome = self.weir("run", cwd=self.project.folder)
        self.assertEqual(outcome.returncode, 1)
        self.assertEqual(outcome.stderr.replace(str(self.project.folder), "FOLDER"), SOURCE_GONE)
        (self.empty / "orders.csv").write_text("a\n1\n")
        self.says(1, "error: there is no file or folder `order.csv`\n  --> line 1, column 15 of the query\n  hint: did you mean `orders.csv`?\n",
                  "sql", "SELECT * FROM 'order.csv'", cwd=self.empty)
        self.says(1, "error: a path is wanted in quotes, found `orders.csv`\n  hint: FROM 'orders.csv'\n", "sql", "SELECT * FROM orders.csv",
                  cwd=self.empty)
        self.says(1, "error: there is no table named `orders`\n  --> line 1, column 15 of the query\n  hint: files are named by path: "
                  "FROM 'data/orders.csv'\n", "sql", "SELECT * FROM orders", cwd=self.empty)

    def test_no_permission(self):
        (self.project.folder / "warehouse").mkdir(mode=0o555)
        outcome = self.weir("run", cwd=self.project.folder, preexec_fn=obey_permissions)
        self.assertEqual(outcome.returncode, 3)
        self.assertEqual(outcome.stderr.replace(str(self.project.folder), "FOLDER"), CLOSED_WAREHOUSE)
        closed = self.scratch / "closed"
        closed.mkdir(mode=0o555)
        outcome = self.weir("init", "new", cwd=closed, preexec_fn=obey_permissions)
        self.assertEqual(outcome.returncode, 3)
        self.assertEqual(outcome.stderr.replace(str(closed), "FOLDER"), CLOSED_FOLDER)

    def test_init_overwrites_nothing(self):
        self.says(1, "error: a new project would overwrite a file: `FOLDER/.gitignore`\n  hint: name an empty folder: weir init DIR\n", "init")


class TemplatesTest(ProjectCase):
    """Each template builds and passes its own tests as it is; README's first example is what the program prints."""

    def weir(self, *arguments: str, cwd: pathlib.Path, **options) -> str:
        outcome = subprocess.run([program(), *arguments], cwd=cwd, text=True, capture_output=True, **options)
        self.assertEqual(outcome.returncode, 0, outcome.stdout + outcome.stderr)
        return outcome.stdout

    def test_templates_run(self):
        for name in ("csv", "delta", "layers"):
            with self.subTest(name):
                self.weir("init", "--template", name, name, cwd=self.scratch)
                self.weir("run", cwd=self.scratch / name)
                self.assertRegex(self.weir("test", cwd=self.scratch / name), r"[12] passed, 0 failed")
                self.assertRegex(self.weir("plan", cwd=self.scratch / name), r"^0 to run, 0 to decide")
        folder = self.scratch / "layers"
        totals = lambda: self.weir("sql", "--format", "csv", "SELECT * FROM customer_orders ORDER BY customer", cwd=folder)
        self.assertEqual(totals(), "customer,orders,amount,last_order\nAda,1,120.00,2024-04-30\nEdsger,1,60.00,2024-05-03\n"
                         "Grace,1,80.50,2024-05-01\n")
        self.weir("run", "--set", "since=2024-05-02", cwd=folder)
        self.assertEqual(totals(), "customer,orders,amount,last_order\nAda,0,0.00,\nEdsger,1,60.00,2024-05-03\nGrace,0,0.00,\n")

    def test_the_example_of_the_readme(self):
        example = (ROOT / "README.md").read_text().split("```console\n")[1].split("```")[0]
        commands = [line[2:] for line in example.splitlines() if line.startswith("$ ") and not line.startswith("$ #")]
        wanted = [line for line in example.splitlines() if not line.startswith("$ ")]
        environment = dict(os.environ, PATH=f"{pathlib.Path(program()).parent}:{os.environ['PATH']}")
        folder, printed = self.scratch, ""
        for command in commands:
            if command == "weir plan":
                self.change_events(folder / "data" / "events")
            outcome = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, text=True, capture_output=True)
            self.assertEqual(outcome.returncode, 0, outcome.stderr)
            printed += outcome.stdout + "".join(line + "\n" for line in outcome.stderr.splitlines() if line.startswith("["))
            folder = self.scratch / "shop"
        lines = [line for line in printed.splitlines() if not line.startswith(("made ", "next: ", "succeeded: "))]
        plain = lambda lines: sorted(re.sub(r"[0-9.]+ (s|B|kB)\b|^\[\d/\d\]|-+| +", " ", line).strip() for line in lines if line.strip())
        self.assertEqual(plain(lines), plain(wanted))

    def change_events(self, table: pathlib.Path) -> None:
        """Appends a visit, and rewrites the country of all purchases."""
        visit = {"event_id": 9, "at": datetime.datetime(2024, 5, 4, 9, tzinfo=datetime.timezone.utc), "kind": "visit", "user_id": 4,
                 "country": "FR", "amount": None}
        schema = pyarrow.schema(deltalake.DeltaTable(str(table)).schema().to_arrow())
        deltalake.write_deltalake(str(table), pyarrow.Table.from_pylist([visit], schema=schema), mode="append")
        deltalake.DeltaTable(str(table)).update(predicate="kind = 'purchase'", updates={"country": "'DE'"})


SOURCE_GONE = """error[W3001]: source `orders`: files are wanted, found none at `data/orders.csv`
  --> sources/orders.sql:1:1
  hint: a relative LOCATION counts from the project's folder
1 error, 0 warnings
"""
CLOSED_WAREHOUSE = """error: the warehouse cannot be written: Unable to create dir FOLDER/warehouse/_weir/_runs: Permission denied
  hint: it is `FOLDER/warehouse`; name another in weir.toml, or in the environment (warehouse = "${NAME}")
"""
CLOSED_FOLDER = "error: cannot create the folder, Permission denied: `FOLDER/new`\n"

if __name__ == "__main__":
    unittest.main()
