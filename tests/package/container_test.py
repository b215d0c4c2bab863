# SPDX-License-Identifier: Apache-2.0
"""packaging/Containerfile, built on an empty Debian and run. Without root or buildah it is skipped, which says so."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import empty_system
import package_test

#: Images are kept in the cache: the base is made once. No service, no registry, no network.
STORE = empty_system.CACHE / "containers"
BASE = "localhost/weir-empty-bookworm"


def buildah(*arguments):
    result = subprocess.run(["buildah", "--root", str(STORE / "root"), "--runroot", str(STORE / "run"), "--storage-driver", "vfs",
                             *map(str, arguments)], capture_output=True, text=True)
    if result.returncode != 0:
        raise AssertionError(f"buildah {' '.join(map(str, arguments))}: {result.stdout}{result.stderr}")
    return result.stdout.strip()


class ContainerTest(unittest.TestCase):
    def setUp(self):
        if shutil.which("buildah") is None:
            self.skipTest("buildah is wanted to build the Containerfile; `scripts/setup.sh buildah` brings it")
        try:
            root = empty_system.root_of("bookworm")
        except empty_system.Unavailable as reason:
            self.skipTest(str(reason))
        if BASE not in buildah("images", "--format", "{{.Name}}").split():
            container = buildah("from", "scratch")
            buildah("copy", "-q", container, root, "/")
            buildah("commit", "-q", "--disable-compression", "--rm", container, BASE)

    def test_the_image_makes_a_project_in_the_folder_it_is_given(self):
        package_test.package("weir-*-linux-x86_64.tar.gz")
        name = "localhost/weir-under-test"
        buildah("build", "--quiet", "--isolation", "chroot", "--pull-never", "--build-arg", f"BASE={BASE}", "--tag", name,
                "--file", package_test.SOURCE / "packaging" / "Containerfile", package_test.DIST)
        self.addCleanup(buildah, "rmi", name)
        container = buildah("from", "--pull-never", name)
        self.addCleanup(buildah, "rm", container)
        work = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, work)
        for arguments in (["init", "shop"], ["run", "--project", "shop"]):
            said = buildah("run", "--isolation", "chroot", "-v", f"{work}:/work", container, "--", "weir", *arguments)
        self.assertIn("succeeded: 1 run", said)
        self.assertTrue((work / "shop" / "warehouse").is_dir())
        self.assertEqual(buildah("inspect", "--format", "{{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.WorkingDir}}", container), "[weir] /work")


if __name__ == "__main__":
    unittest.main()
