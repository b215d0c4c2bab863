# SPDX-License-Identifier: Apache-2.0
"""The packages of `make package`, looked at and used as a stranger does: in systems without compiler, network, time zones or certificates.

WEIR_DIST names the folder with the packages; it is dist/ if not set.
"""

import base64
import csv
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
import unittest
import zipfile

import empty_system

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
DIST = pathlib.Path(os.environ.get("WEIR_DIST", SOURCE / "dist"))
#: Libraries that a Linux with glibc has by itself.
OF_THE_SYSTEM = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "ld-linux-x86-64.so.2", "libgcc_s.so.1"}
FIRST_RESULT_SECONDS = 60


def package(pattern):
    """The one package of that name."""
    found = sorted(DIST.glob(pattern))
    if len(found) != 1:
        raise AssertionError(f"one `{pattern}` is wanted in `{DIST}`, found {len(found)}; `make package` makes it")
    return found[0]


class ContentTest(unittest.TestCase):
    """What is in the packages, and what it asks for."""

    @classmethod
    def setUpClass(cls):
        cls.wheel, cls.tarball = package("weir-*.whl"), package("weir-*-linux-x86_64.tar.gz")
        cls.scratch = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        with tarfile.open(cls.tarball) as archive:
            cls.tar_members = {member.name: member for member in archive}
            archive.extractall(cls.scratch / "tar")
        with zipfile.ZipFile(cls.wheel) as archive:
            archive.extractall(cls.scratch / "wheel")
        cls.root = next((cls.scratch / "tar").iterdir())
        cls.module = cls.scratch / "wheel" / "weir"
        cls.libraries = [path for folder in (cls.root, cls.module) for path in sorted(folder.rglob("*"))
                         if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]

    def test_both_hold_the_program_its_two_libraries_and_the_same_files(self):
        self.assertEqual(sorted(path.relative_to(self.root).as_posix() for path in self.libraries if self.root in path.parents),
                         ["bin/weir", "lib/libarrow.so.2600", "lib/libstdc++.so.6"])

        def files(folder):
            return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
                    for path in folder.rglob("*") if path.is_file() and path.suffix != ".py"}
        self.assertEqual(files(self.root), files(self.module))

    def test_each_library_loads_with_the_glibc_that_the_wheel_claims(self):
        claimed = tuple(map(int, re.search(r"manylinux_(\d+)_(\d+)_x86_64", self.wheel.name).groups()))
        self.assertLessEqual(claimed, (2, 28), "every Linux with glibc 2.28 or later was promised")
        library = self.root / "lib" / "libstdc++.so.6"
        table = subprocess.run(["readelf", "--dyn-syms", "--wide", library], check=True, capture_output=True, text=True).stdout
        of_libstdcxx = set(re.findall(r" \d+ ([^\s@]+)@@?(\S+)$", table, re.MULTILINE))
        for library in self.libraries:
            table = subprocess.run(["objdump", "-T", library], check=True, capture_output=True, text=True).stdout
            wanted = re.findall(r"\*UND\*\s+[0-9a-f]+\s+\(?([A-Z]+)_([0-9.]+)\)?\s+(\S+)", table)
            self.assertGreater(len(wanted), 50, library)
            for family, version, name in wanted:
                number = tuple(map(int, version.split(".")))
                where = f"{library.name}: {name} at {family}_{version}"
                if family == "GLIBC":
                    self.assertLessEqual(number, claimed, where)
                elif family == "GCC":
                    self.assertLessEqual(number, (7, 0, 0), where)
                else:
                    self.assertIn((name, f"{family}_{version}"), of_libstdcxx, where)

    def test_libraries_are_looked_for_in_the_package_and_nowhere_else(self):
        for library in self.libraries:
            text = subprocess.run(["objdump", "-p", library], check=True, capture_output=True, text=True).stdout
            inside = {path.name for path in self.libraries}
            self.assertLessEqual(set(re.findall(r"NEEDED\s+(\S+)", text)), OF_THE_SYSTEM | inside, library)
            for path in re.findall(r"(?:RPATH|RUNPATH)\s+(\S+)", text):
                self.assertRegex(path, r"^\$ORIGIN(/\.\./lib)?$", library)

    def test_no_path_of_the_checkout_or_of_the_build_is_left(self):
        for library in self.libraries:
            content = library.read_bytes()
            for path in (str(SOURCE), str(empty_system.CACHE / "arrow")):
                self.assertNotIn(path.encode(), content, library)

    def test_nothing_of_debugging_is_left(self):
        for library in self.libraries:
            sections = subprocess.run(["readelf", "-S", "--wide", library], check=True, capture_output=True, text=True).stdout
            self.assertNotRegex(sections, r"\.(debug_|symtab)", library)

    def test_the_wheels_record_is_that_of_its_files(self):
        with zipfile.ZipFile(self.wheel) as archive:
            names = archive.namelist()
            record = next(name for name in names if name.endswith(".dist-info/RECORD"))
            rows = {row[0]: row for row in csv.reader(archive.read(record).decode().splitlines())}
            self.assertEqual(sorted(rows), sorted(names))
            for name, hashed, size in rows.values():
                if name == record:
                    continue
                content = archive.read(name)
                digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
                self.assertEqual((hashed, int(size)), (f"sha256={digest}", len(content)), name)
            self.assertIn(f"Tag: {'-'.join(self.wheel.stem.split('-')[2:])}\n",
                          archive.read(record.replace("RECORD", "WHEEL")).decode())

    def test_programs_can_be_started_and_files_belong_to_nobody(self):
        for name, member in self.tar_members.items():
            self.assertEqual(member.mode, 0o755 if name.endswith(("/bin/weir", ".sh")) else 0o644, name)
            self.assertEqual((member.uid, member.gid, member.uname), (0, 0, ""), name)

    def test_the_licences_of_what_is_inside_are_there(self):
        text = (self.root / "share" / "weir" / "THIRD_PARTY_LICENSES.txt").read_text()
        for name in ("Apache Arrow C++", "libicu-dev", "libprotobuf-dev", "libsodium-dev", "libedit-dev", "libstdc++-12-dev",
                     "libfmt-dev", "libspdlog-dev", "datafusion 55", "deltalake-core 1", "libmimalloc-sys", "aws-lc-sys", "zstd-sys", "the Rust standard library"):
            self.assertIn(f"\n  {name}", text)
            if name not in ("the Rust standard library",):
                self.assertRegex(text, rf"\n={{100}}\n(?:[^-\n][^\n]*\n)*{re.escape(name)}", f"no text for {name}")
        for words in ("GCC RUNTIME LIBRARY EXCEPTION", "UNICODE LICENSE", "Mozilla Public License", "Permission is hereby granted"):
            self.assertIn(words.lower(), text.lower())
        self.assertIn("Apache License", (self.root / "share" / "weir" / "LICENSE").read_text())


class EmptySystemTest:
    """A stranger's first minutes. One release of Debian a subclass."""
    release = None

    @classmethod
    def setUpClass(cls):
        cls.wheel, cls.tarball = package("weir-*.whl"), package("weir-*-linux-x86_64.tar.gz")
        try:
            cls.root = empty_system.root_of(cls.release)
        except empty_system.Unavailable as reason:
            raise unittest.SkipTest(str(reason)) from reason
        cls.work = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.work)

    def enter(self, script, fails=False):
        """stdout of `script`, which succeeds unless it `fails`."""
        result = empty_system.run(self.root, self.work, DIST, script)
        if not fails:
            self.assertEqual(result.returncode, 0, f"{script}\n{result.stdout}\n{result.stderr}")
        return result.stdout if not fails else result

    def first_result(self, what, install, weir):
        """Installs, then makes a project and asks it; checks what comes out and how long it took."""
        started = time.monotonic()
        self.enter(install)
        installed = time.monotonic()
        rows = self.enter(f"{weir} init shop-{what}; {weir} run --project shop-{what}; "
                          f"{weir} sql --project shop-{what} --format json 'SELECT customer, total FROM customer_totals ORDER BY 1'")
        done = time.monotonic()
        self.assertIn('{"customer":"ada","total":135.25}', rows.replace('"135.25"', "135.25"))
        print(f"\n  {what} on Debian {self.release} (glibc {empty_system.GLIBC[self.release]}): {done - started:.1f} s from the package "
              f"to the first result, of which {installed - started:.1f} s installing")
        self.assertLess(done - started, FIRST_RESULT_SECONDS)

    def test_0_there_is_no_compiler_and_no_network(self):
        found = self.enter("for tool in cc gcc c++ g++ clang ld make cargo; do command -v $tool || true; done; "
                           "ls /usr/share/zoneinfo /etc/ssl/certs 2>/dev/null || true; tail -n +3 /proc/net/dev | grep -v 'lo\\|ifb' || true; env")
        self.assertNotRegex(found, r"(?m)^/|Europe|\.pem|eth|HOME")
        self.assertIn(empty_system.GLIBC[self.release], self.enter("ldd --version"))

    def test_1_the_tarball_runs_from_a_path_with_spaces(self):
        name = self.tarball.name.removesuffix(".tar.gz")
        self.first_result("tarball", f"mkdir -p 'a b'; tar -xzf /opt/{self.tarball.name} -C 'a b'", f"'a b/{name}/bin/weir'")
        self.enter(f"ln -sfn '../a b/{name}/bin/weir' /mnt/link && ln -sfn 'a b/{name}/bin/weir' weir && ./weir version")
        # Debian 11's C++ library would be too old; all functions are looked up at once.
        self.enter(f"mv 'a b' moved && moved/{name}/bin/weir version && LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu LD_BIND_NOW=1 moved/{name}/bin/weir version")

    def test_2_the_wheel_runs_in_an_environment(self):
        self.first_result("wheel", "python3 -m venv v; "
                          f"v/bin/pip install --quiet --no-index --disable-pip-version-check /opt/{self.wheel.name}", "v/bin/weir")
        version = self.enter("v/bin/weir version")
        self.assertEqual(version, self.enter("v/bin/python -m weir version"))
        self.assertRegex(version, r"^weir " + re.escape(self.wheel.name.split("-")[1]) + "\n")
        # Exit codes and signals are the program's.
        self.assertEqual(self.enter("v/bin/weir check --project /mnt/nowhere", fails=True).returncode,
                         self.enter("v/lib/python3*/site-packages/weir/bin/weir check --project /mnt/nowhere", fails=True).returncode)
        for weir in ("v/bin/weir", self.tool()):
            many_rows = f"{weir} sql --project shop-wheel 'SELECT value FROM generate_series(1, 300000)' 2>/dev/null"
            ended = self.enter(many_rows + " | head -1 >/dev/null || exit ${PIPESTATUS[0]}", fails=True)
            self.assertEqual(ended.returncode, 128 + 13, f"{weir} goes on after SIGPIPE")

    def test_3_the_wheel_runs_from_any_folder(self):
        self.enter(f"python3 -m venv t; t/bin/pip install --quiet --no-index --disable-pip-version-check --target 'any folder' /opt/{self.wheel.name}; "
                   "cd /; PYTHONPATH='/mnt/any folder' /mnt/t/bin/python -m weir version; rm -r '/mnt/any folder'")

    def test_4_functions_need_no_files_of_the_system(self):
        row = self.enter(self.tool() + """ sql --project shop-tarball --format json "SELECT
            CAST(TIMESTAMP '2024-07-01 12:00:00' AT TIME ZONE 'Europe/Berlin' AS VARCHAR) AS zone,
            utf8_normalize('  Stra\u00dfe \ufb01ve') AS nfkc, upper('\u00e4') AS upper" """)
        self.assertIn('{"zone":"2024-07-01T12:00:00+02:00","nfkc":"strasse five","upper":"\u00c4"}', row)

    def test_5_the_demo_runs_from_the_package(self):
        started = time.monotonic()
        said = self.enter(self.tool().replace("bin/weir", "share/weir/demo.sh"))
        self.assertIn("succeeded: 23 run, 0 reused", said)
        self.assertIn("0 run, 23 reused", said)
        self.assertIn("3 run, 20 reused", said)
        self.assertIn("worst_dep_delay", said)
        print(f"\n  demo on Debian {self.release}: {time.monotonic() - started:.1f} s")

    def test_6_the_wheel_leaves_nothing_behind(self):
        self.enter("v/bin/pip uninstall --quiet --yes weir; test ! -e v/bin/weir; test -z \"$(ls -d v/lib/python3*/site-packages/weir* 2>/dev/null)\"")

    def tool(self):
        return f"moved/{self.tarball.name.removesuffix('.tar.gz')}/bin/weir"


class Debian12Test(EmptySystemTest, unittest.TestCase):
    release = "bookworm"


class Debian11Test(EmptySystemTest, unittest.TestCase):
    release = "bullseye"


if __name__ == "__main__":
    unittest.main()
