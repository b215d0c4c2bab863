# SPDX-License-Identifier: Apache-2.0
"""What a newcomer reads in the first hour when something is missing or mistyped: each message with its whole text, and the exit code.

1: the user's SQL or data; 2: wrong use; 3: the environment (no compiler, no cargo, no permission).
"""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest

from errors_test import obey_permissions
from weir_project import ROOT, Project, ProjectCase, program

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


if __name__ == "__main__":
    unittest.main()
