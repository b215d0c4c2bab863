# SPDX-License-Identifier: Apache-2.0
"""Collects the licences of all that is linked into the packaged program or lies beside it.

In: Cargo's metadata and sources, the copyright files of Debian's packages, the licence files of the pyarrow wheel. Out: one text, each
licence once, headed by those whom it concerns.
"""

import collections
import json
import os
import pathlib
import re
import subprocess
import tempfile
import zipfile

LICENSE_FILE = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense)([-_.].*)?$", re.IGNORECASE)
NOT_TEXTS = {".rs", ".py", ".h", ".c", ".cc", ".go", ".pl", ".sh", ".json", ".toml", ".html"}
PLATFORM = "x86_64-unknown-linux-gnu"


class LicenseError(Exception):
    """What has no licence that could be found, and what to do about it."""


def texts_in(folder):
    """The licence files anywhere in `folder`, which may hold other projects' sources too."""
    return [path.read_text(errors="replace") for path in sorted(folder.rglob("*"))
            if path.is_file() and LICENSE_FILE.match(path.name) and path.suffix.lower() not in NOT_TEXTS]


def linked_crates(metadata):
    """The packages that the bridge is made of: what it depends on, without what only builds or tests it."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    waiting = [package["id"] for package in metadata["packages"] if package["name"] == "bridge"]
    seen = set()
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        waiting += [dependency["pkg"] for dependency in nodes[current]["deps"]
                    if any(kind["kind"] is None for kind in dependency["dep_kinds"])]
    return sorted((packages[each] for each in seen if packages[each]["source"] is not None),
                  key=lambda package: (package["name"], package["version"]))


def crates(source_dir):
    """(who, licence expression, texts) of each crate, and of Rust's own library."""
    metadata = json.loads(subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", PLATFORM, "--manifest-path",
         str(source_dir / "rust" / "Cargo.toml")], check=True, capture_output=True, text=True).stdout)
    for package in linked_crates(metadata):
        folder = pathlib.Path(package["manifest_path"]).parent
        texts = texts_in(folder)
        named = package.get("license_file")
        if named and (folder / named).is_file():
            texts.append((folder / named).read_text(errors="replace"))
        if not texts and not package["license"]:
            raise LicenseError(f"a licence of the crate {package['name']} is wanted; it names none, and there is no file in `{folder}`")
        by = f", by {', '.join(package['authors'])}" if not texts and package["authors"] else ""
        yield f"{package['name']} {package['version']}{by}", package["license"] or "see its text", texts
    root = pathlib.Path(subprocess.run(["rustc", "--print", "sysroot"], check=True, capture_output=True, text=True).stdout.strip())
    version = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    folder = root / "share" / "doc" / "rust" / "licenses"
    wanted = ["MIT.txt", "Apache-2.0.txt"]
    yield (f"the Rust standard library {version}", "MIT OR Apache-2.0",
           [(folder / name).read_text() for name in wanted if (folder / name).is_file()])


def debian_packages(files):
    """(who, "see its text", texts) of the Debian packages that hold `files`."""
    names = set()
    for file in map(os.path.realpath, files):
        # dpkg knows paths as they were before /lib became a link into /usr.
        for spelled in (file, file.removeprefix("/usr")):
            found = subprocess.run(["dpkg-query", "-S", spelled], capture_output=True, text=True, check=False)
            if found.returncode == 0:
                names.add(found.stdout.split(": ")[0].split(",")[0])
                break
        else:
            raise LicenseError(f"the Debian package of `{file}` is wanted for its licence; dpkg knows none")
    for name in sorted(names):
        version, source, source_version = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}\t${source:Package}\t${source:Version}", name],
            check=True, capture_output=True, text=True).stdout.split("\t")
        bare = name.split(":")[0]
        text = pathlib.Path(f"/usr/share/doc/{bare}/copyright")
        if not text.is_file():
            raise LicenseError(f"the licence of Debian's {bare} is wanted; there is no `{text}`")
        texts = [text.read_text(errors="replace")]
        # Debian leaves the long texts out where every system of its own has them.
        for common in sorted(set(re.findall(r"/usr/share/common-licenses/([A-Za-z0-9.+-]*[A-Za-z0-9])", texts[0]))):
            texts.append(pathlib.Path("/usr/share/common-licenses", common).read_text(errors="replace"))
        yield (f"{bare} {version}, built from Debian's source package {source} {source_version}", "see its text", texts)


def arrow(cache, version):
    """Licence and notice of Arrow C++, which comes out of the pyarrow wheel. Kept beside it."""
    kept = cache / f"arrow-{version}" / "licenses"
    if not kept.is_dir():
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run(
                ["python3", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:",
                 "--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--platform", "manylinux_2_28_x86_64", "-d",
                 scratch, f"pyarrow=={version}"], check=True)
            wheel = next(pathlib.Path(scratch).glob("*.whl"))
            part = kept.with_name("licenses.part")
            part.mkdir(exist_ok=True)
            with zipfile.ZipFile(wheel) as members:
                for member in members.namelist():
                    name = pathlib.PurePosixPath(member)
                    if ".dist-info/" in member and LICENSE_FILE.match(name.name):
                        (part / name.name).write_bytes(members.read(member))
            part.rename(kept)
    texts = texts_in(kept)
    if not texts:
        raise LicenseError(f"Arrow's licence is wanted; there is none in `{kept}`. Remove that folder and run again.")
    yield f"Apache Arrow C++ {version}, from the pyarrow wheel (symbols stripped)", "Apache-2.0", texts


def collect(parts):
    """One text of `parts`, (who, licence, texts) each."""
    holders, table, without = collections.defaultdict(list), [], []
    for who, expression, texts in parts:
        table.append(f"  {who}: {expression}")
        if not texts:
            without.append(f"  {who}: {expression}")
        for text in texts:
            holders["\n".join(line.rstrip() for line in text.strip().splitlines())].append(who)
    lines = ["Weir is under the Apache License 2.0 (LICENSE). What is linked into it or lies beside it is under these licences:", ""]
    lines += table
    if without:
        lines += ["", "These come without a file of their own; the texts of the licences that they name stand below:", ""] + without
    for text, who in sorted(holders.items(), key=lambda entry: entry[1][0].lower()):
        lines += ["", "=" * 100, *dict.fromkeys(who), "-" * 100, "", text]
    return "\n".join(lines) + "\n"
