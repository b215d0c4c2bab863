#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the packages: a wheel and a tarball with the program, its libraries, the example and all licences.

In: a build folder in which `ninja package_program` has run. Out: two files in --dist, the same bytes for the same build. What they
claim to run on is read off the libraries that they hold. Prints their sizes.
"""

import argparse
import base64
import concurrent.futures
import gzip
import hashlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SOURCE / "packaging"))
import licenses  # noqa: E402

# What every Linux with glibc has; all else must be in the package.
OF_THE_SYSTEM = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "ld-linux-x86-64.so.2", "libgcc_s.so.1"}
# The newest functions of libgcc_s that a system with glibc 2.28 has (GCC 8).
NEWEST_GCC = (7, 0, 0)
MACHINE = "x86_64"


class PackageError(Exception):
    """What cannot be packaged, and what to do about it."""


def number(version):
    return tuple(int(part) for part in version.split("."))


def wanted_of_system(library):
    """(files needed, {family: newest version}) that an ELF file asks of others; a family is GLIBC, GCC, GLIBCXX or CXXABI."""
    text = subprocess.run(["objdump", "-p", str(library)], check=True, capture_output=True, text=True).stdout
    needed = set(re.findall(r"^\s+NEEDED\s+(\S+)$", text, re.MULTILINE))
    families = {}
    references = text.partition("Version References:")[2]
    for family, version in re.findall(r"\b(GLIBC|GCC|GLIBCXX|CXXABI)_([0-9.]+)\b", references):
        families[family] = max(families.get(family, (0,)), number(version))
    return needed, families


def glibc_wanted(libraries):
    """The oldest glibc with which all of `libraries` load, as `2.28`."""
    inside = {library.name for library in libraries}
    oldest, holder = (0,), None
    for library in libraries:
        needed, families = wanted_of_system(library)
        missing = needed - inside - OF_THE_SYSTEM
        if missing:
            raise PackageError(f"every library is wanted inside the package; `{library.name}` needs `{', '.join(sorted(missing))}`. "
                               "Link it statically in cmake/package.cmake or put it beside.")
        if families.get("GCC", (0,)) > NEWEST_GCC:
            raise PackageError(f"`{library.name}` asks libgcc_s for GCC_{'.'.join(map(str, families['GCC']))}, which older systems lack; "
                               "link libgcc.a before it (cmake/package.cmake)")
        if families.get("GLIBC", (0,)) > oldest:
            oldest, holder = families["GLIBC"], library.name
    print(f"package: runs with glibc {'.'.join(map(str, oldest))} or later (what {holder} asks for)")
    return oldest[0], oldest[1]


def version_of(program):
    """The program's own word, which is that of CMakeLists.txt."""
    words = subprocess.run([str(program), "version"], check=True, capture_output=True, text=True).stdout.split()
    wanted = re.search(r"project\(weir VERSION ([0-9.]+)", (SOURCE / "CMakeLists.txt").read_text()).group(1)
    if words[:2] != ["weir", wanted]:
        raise PackageError(f"version {wanted} is wanted, as in CMakeLists.txt; the program says `{' '.join(words[:2])}`. Build it again.")
    return wanted


def stage(build, cache, root):
    """Lays out bin/, lib/ and share/weir/ in `root`; returns the ELF files."""
    shutil.rmtree(root, ignore_errors=True)
    share = root / "share" / "weir"
    for folder in (root / "bin", root / "lib", share):
        folder.mkdir(parents=True)
    shutil.copy(build / "package" / "weir", root / "bin" / "weir")
    shutil.copy(build / "package" / "libstdc++.so.6", root / "lib")
    arrow_version = re.search(r"WEIR_ARROW_VERSION ([0-9.]+)", (SOURCE / "cmake" / "arrow.cmake").read_text()).group(1)
    found = sorted((cache / f"arrow-{arrow_version}" / "pyarrow").glob("libarrow.so.*"))
    if len(found) != 1:
        raise PackageError(f"one libarrow.so.* is wanted in `{cache}/arrow-{arrow_version}/pyarrow`, found {len(found)}; "
                           "`scripts/setup.sh` brings it")
    subprocess.run(["strip", "-o", str(root / "lib" / found[0].name), str(found[0])], check=True)

    shutil.copy(SOURCE / "LICENSE", share)
    debian_files = (build / "package" / "debian_files.txt").read_text().split()
    parts = [*licenses.arrow(cache, arrow_version), *licenses.debian_packages(debian_files), *licenses.crates(SOURCE)]
    (share / "THIRD_PARTY_LICENSES.txt").write_text(licenses.collect(parts))
    print(f"package: licences of {len(parts)} projects")

    shutil.copy(SOURCE / "scripts" / "demo.sh", share / "demo.sh")
    example = SOURCE / "examples" / "flights"
    shutil.copytree(example, share / "examples" / "flights", ignore=shutil.ignore_patterns(".weir", "warehouse", ".*"))
    if len(list((share / "examples" / "flights" / "data").glob("*.csv"))) != 5:
        raise PackageError(f"the example's five tables are wanted in `{example}/data`; `scripts/flights_data.sh` brings them")
    return [root / "bin" / "weir", *sorted((root / "lib").iterdir())]


def files_under(root):
    """(name, content, whether it is a program) of each file, in one order."""
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        yield path.relative_to(root).as_posix(), path.read_bytes(), path.parent.name == "bin" or path.suffix == ".sh"


def write_tarball(root, version, moment, dist):
    name = f"weir-{version}-linux-{MACHINE}"
    path = dist / f"{name}.tar.gz"
    with open(path, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", compresslevel=9, mtime=moment, filename="") as packed, \
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, content, is_program in files_under(root):
            entry = tarfile.TarInfo(f"{name}/{member}")
            entry.size, entry.mtime, entry.mode = len(content), moment, 0o755 if is_program else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return path


def zip_date(moment):
    """`moment` as archives of the zip format have it."""
    return max(time.gmtime(moment)[:6], (1980, 1, 1, 0, 0, 0))


def write_wheel(root, version, glibc, moment, dist):
    """As the wheel format 1.0 has it: the module with bin/, lib/ and share/ in its folder, and RECORD with hashes."""
    tag = f"py3-none-manylinux_{glibc[0]}_{glibc[1]}_{MACHINE}"
    info = f"weir-{version}.dist-info"
    members = [(f"weir/{name}", content, is_program) for name, content, is_program in files_under(root)]
    for source in sorted((SOURCE / "packaging" / "weir").glob("*.py")):
        members.append((f"weir/{source.name}", source.read_text().replace("@VERSION@", version).encode(), False))
    metadata = (f"Metadata-Version: 2.1\nName: weir\nVersion: {version}\n"
                "Summary: Builds a Delta Lake from a folder of SQL views\nLicense: Apache-2.0\nLicense-File: LICENSE\n"
                "License-File: THIRD_PARTY_LICENSES.txt\nRequires-Python: >=3.7\nDescription-Content-Type: text/markdown\n\n"
                "The program `weir`, whole: `weir init shop && weir run --project shop`. Licences of what is inside:\n"
                "THIRD_PARTY_LICENSES.txt.\n")
    members += [
        (f"{info}/METADATA", metadata.encode(), False),
        (f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: weir\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(), False),
        (f"{info}/entry_points.txt", b"[console_scripts]\nweir = weir.__main__:main\n", False),
        (f"{info}/top_level.txt", b"weir\n", False),
    ]
    for name in ("LICENSE", "THIRD_PARTY_LICENSES.txt"):
        members.append((f"{info}/{name}", (root / "share" / "weir" / name).read_bytes(), False))
    record = "".join("{},sha256={},{}\n".format(
        name, base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode(), len(content))
                     for name, content, _ in members) + f"{info}/RECORD,,\n"
    members.append((f"{info}/RECORD", record.encode(), False))

    path = dist / f"weir-{version}-{tag}.whl"
    date = zip_date(moment)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content, is_program in members:
            entry = zipfile.ZipInfo(name, date)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if is_program else 0o100644) << 16
            archive.writestr(entry, content)
    return path


def moment_of_source():
    """When the files in the archives were made: SOURCE_DATE_EPOCH, else when the last commit was."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    commit = subprocess.run(["git", "-C", str(SOURCE), "log", "-1", "--format=%ct"], capture_output=True, text=True, check=False)
    return int(commit.stdout) if commit.returncode == 0 and commit.stdout.strip() else 315532800


def size(path):
    bytes_inside = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else path.stat().st_size
    return f"{bytes_inside / 1e6:.1f} MB"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="the build folder")
    parser.add_argument("--dist", type=pathlib.Path, required=True, help="where the packages go")
    arguments = parser.parse_args()
    cache = pathlib.Path(os.environ.get("WEIR_CACHE_DIR", pathlib.Path.home() / ".cache" / "weir"))
    root = arguments.build / "package" / "root"
    try:
        libraries = stage(arguments.build, cache, root)
        version, glibc = version_of(root / "bin" / "weir"), glibc_wanted(libraries)
        moment = moment_of_source()
        arguments.dist.mkdir(parents=True, exist_ok=True)
        for stale in [*arguments.dist.glob("weir-*.whl"), *arguments.dist.glob("weir-*.tar.gz")]:
            stale.unlink()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            made = [pool.submit(write_wheel, root, version, glibc, moment, arguments.dist),
                    pool.submit(write_tarball, root, version, moment, arguments.dist)]
            paths = [each.result() for each in made]
    except (PackageError, licenses.LicenseError, OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None)
        print(f"package: {error}" + (f": `{said.strip()}`" if said else ""), file=sys.stderr)
        return 3
    for path in paths:
        print(f"package: {path}  {size(path)}")
    print(f"package: {size(root)} installed: program {size(root / 'bin')}, libraries {size(root / 'lib')}, "
          f"example and licences {size(root / 'share')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
