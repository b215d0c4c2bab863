# SPDX-License-Identifier: Apache-2.0
"""Systems with nothing but Debian's smallest installation and Python, to install packages in.

A root folder is made once with debootstrap and kept in the cache, never written again: programs in it see it read-only, with a
folder of the test at /mnt, the packages at /opt, no network, and nothing in the environment but PATH.
"""

import os
import pathlib
import shutil
import subprocess
import sys

#: Debian's releases and the glibc of each.
GLIBC = {"bookworm": "2.36", "bullseye": "2.31"}

CACHE = pathlib.Path(os.environ.get("WEIR_CACHE_DIR", pathlib.Path.home() / ".cache" / "weir"))

# All mounts are of this process' own view and gone with it.
ENTER = r"""
set -e
root=$1 work=$2 packages=$3
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mount --bind "$work" "$root/mnt"
mount --bind "$packages" "$root/opt"
mount -o remount,bind,ro "$root/opt"
mount -o remount,bind,ro "$root"
cd /
exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin /bin/bash -euo pipefail -c "cd /mnt; $4"
"""


class Unavailable(Exception):
    """Why there is no such system here."""


def root_of(release):
    """The root folder of `release`, made when it is missing. Raises Unavailable, which says why it cannot be had."""
    root = CACHE / "roots" / release
    if os.geteuid() != 0:
        raise Unavailable("root is wanted for debootstrap and chroot; this user is another")
    if shutil.which("unshare") is None or subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True).returncode != 0:
        raise Unavailable("`unshare --mount --net` is wanted to enter a root folder; it does not work here")
    if root.is_dir():
        return root
    if shutil.which("debootstrap") is None:
        raise Unavailable("debootstrap is wanted to make an empty system; `scripts/setup.sh debootstrap` brings it")
    print(f"empty_system: making Debian {release} in {root}, once", file=sys.stderr)
    part = root.with_name(f"{release}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(["debootstrap", "--variant=minbase", "--include=python3-venv", release, str(part)], capture_output=True, text=True)
    if made.returncode != 0:
        last = (made.stdout + made.stderr).strip().splitlines()[-1:]
        raise Unavailable(f"debootstrap could not make Debian {release}: `{' '.join(last)}`")
    # What an even smaller system lacks.
    for folder in ("usr/share/zoneinfo", "usr/share/ca-certificates", "etc/ssl/certs", "usr/lib/locale", "var/cache/apt"):
        shutil.rmtree(part / folder, ignore_errors=True)
    part.rename(root)
    return root


def run(root, work, packages, script):
    """What bash made of `script` in that system, with `work` as /mnt and `packages` as /opt."""
    return subprocess.run(["unshare", "--mount", "--net", "bash", "-c", ENTER, "enter", str(root), str(work), str(packages), script],
                          capture_output=True, text=True)
