#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes stand-ins for the C library of an older glibc, to link against.

In: a version, say 2.28, and the glibc of this machine, which is newer and keeps every symbol version that it ever had.
Out: a folder of shared libraries without code that define what that older glibc defines, each symbol at the version that it had
then. What is linked against them asks for nothing newer; a symbol that came later is an undefined symbol at link time
(packaging/old_glibc.c has those).
"""

import argparse
import collections
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

# The file whose symbols the stand-in has, and the name for -l. Since 2.34 what was in libpthread, libdl and librt is in libc; at run
# time a symbol is looked up in all of them, hence it is enough that the three are loaded where they hold anything.
LIBRARIES = {
    "libc.so.6": "libc_stub.so",
    "libm.so.6": "libm.so",
    "ld-linux-x86-64.so.2": "ld-linux-x86-64.so.2",
    "libpthread.so.0": "libpthread.so",
    "libdl.so.2": "libdl.so",
    "librt.so.1": "librt.so",
}
SYMBOL = re.compile(r"^\s*\d+: (?P<address>[0-9a-f]+) +(?P<size>\S+) +(?P<type>\S+) +(?P<bind>\S+) +\S+ +(?P<section>\S+) "
                    r"+(?P<name>[^@\s]+)@@?(?P<version>GLIBC_[0-9.]+)")


def number(version):
    """`GLIBC_2.2.5` and `2.2.5` as something that orders."""
    return tuple(int(part) for part in version.removeprefix("GLIBC_").split("."))


def symbols_of(library, newest):
    """What `library` defines at versions up to `newest`: name to (version, type, size, address), each at its last version."""
    table = subprocess.run(["readelf", "--dyn-syms", "--wide", library], check=True, capture_output=True, text=True).stdout
    symbols = {}
    for line in table.splitlines():
        match = SYMBOL.match(line)
        if match is None or match["section"] in ("UND", "ABS") or number(match["version"]) > newest:
            continue
        known = symbols.get(match["name"])
        if known is None or number(known[0]) < number(match["version"]):
            symbols[match["name"]] = (match["version"], match["type"], int(match["size"], 0), match["address"])
    return symbols


def write_stub(symbols, soname, path):
    """A shared library that defines `symbols` and does nothing.

    Variables of one address (`environ`, `__environ`) keep one: a program takes a copy of a variable under all of its names.
    """
    code, variables, by_version = [], collections.defaultdict(list), collections.defaultdict(list)
    for name, (version, kind, size, address) in sorted(symbols.items()):
        if kind == "TLS":
            continue
        by_version[version].append(name)
        if kind in ("FUNC", "IFUNC"):
            code.append(f".globl {name}\n.type {name}, @function\n{name}: .skip 16\n.size {name}, 16\n")
        else:
            variables[address].append((name, size))
    data = []
    for names in variables.values():
        data.append(".balign 32\n")
        data += [f".globl {name}\n.type {name}, @object\n{name}:\n.size {name}, {size}\n" for name, size in names]
        data.append(f".skip {max(1, *(size for _, size in names))}\n")
    nodes, before = [], ""
    for version in sorted(by_version, key=number):
        nodes.append(f"{version} {{ global: {' '.join(name + ';' for name in by_version[version])} }}{before};\n")
        before = f" {version}"
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        (scratch / "stub.s").write_text(".text\n" + "".join(code) + ".bss\n" + "".join(data) +
                                        ".section .note.GNU-stack,\"\",@progbits\n")
        (scratch / "stub.map").write_text("".join(nodes))
        version_script = [f"-Wl,--version-script={scratch}/stub.map"] if nodes else []
        subprocess.run(["cc", "-shared", "-nostdlib", "-fuse-ld=bfd", f"-Wl,-soname,{soname}", *version_script, "-o", str(path),
                        str(scratch / "stub.s")], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--glibc", required=True, help="the version, say 2.28")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the folder to fill; then link with -L<folder>")
    arguments = parser.parse_args()

    if platform.machine() != "x86_64":
        print(f"glibc_stubs: packages are made on x86-64 only so far; this machine is `{platform.machine()}`", file=sys.stderr)
        return 3
    newest = number(arguments.glibc)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for soname, file_name in LIBRARIES.items():
        library = subprocess.run(["cc", f"-print-file-name={soname}"], check=True, capture_output=True, text=True).stdout.strip()
        if not pathlib.Path(library).is_file():
            print(f"glibc_stubs: `{soname}` of the C library is wanted, and the compiler finds none. A glibc of 2.34 or later is "
                  "needed to package (Debian 12 has 2.36).", file=sys.stderr)
            return 3
        symbols = symbols_of(library, newest)
        write_stub(symbols, soname, arguments.out / file_name)
    # libc.so is a linker script here as everywhere; the static part has what no shared library may (atexit).
    nonshared = subprocess.run(["cc", "-print-file-name=libc_nonshared.a"], check=True, capture_output=True, text=True).stdout.strip()
    (arguments.out / "libc.so").write_text(
        f"INPUT({arguments.out}/libc_stub.so {nonshared} AS_NEEDED({arguments.out}/ld-linux-x86-64.so.2))\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
