# SPDX-License-Identifier: Apache-2.0
"""Fingerprints know nothing of the machine: folder, time zone, language, home, processors and threads never change one."""

import os
import unittest

from weir_project import Project, ProjectCase, copy_flights


class Machine(ProjectCase):
    """The example, compiled on what might be other machines."""

    def fingerprints(self, project: Project, one_processor=False, **environment) -> dict[str, str]:
        """By view, as `weir explain` prints them."""
        processors = os.sched_getaffinity(0)
        found = {}
        for view in project.stored_views():
            options = {"env": {**os.environ, **environment}, "cwd": str(project.folder)}
            if one_processor:
                options["preexec_fn"] = lambda: os.sched_setaffinity(0, {min(processors)})
            outcome = project.weir("explain", view.name, "--fingerprint", "--format", "json", **options)
            self.assertEqual(outcome.code, 0, outcome.text)
            found[view.name] = outcome.json()["fingerprint"]
        return found

    def with_threads(self, project: Project, threads: int) -> Project:
        """Compiles and runs with so many threads, and with less memory."""
        toml = (project.folder / "weir.toml").read_text()
        self.assertNotIn("[profiles", toml)
        project.write("weir.toml", f'{toml}[profiles.default]\nthreads = {threads}\nmemory_limit = "700MB"\n')
        return project

    def test_another_machine_has_the_same_fingerprints(self):
        here = copy_flights(self.scratch / "here", 50)
        there = self.with_threads(copy_flights(self.scratch / "a folder/ünder ännother/näme", 50), 7)
        home = self.scratch / "home"
        home.mkdir()
        expected = self.fingerprints(here)
        self.assertGreater(len(expected), 5)
        self.assertEqual(len(set(expected.values())), len(expected))
        for environment in ({"TZ": "Asia/Kolkata", "LC_ALL": "tr_TR.UTF-8", "HOME": str(home)},
                            {"TZ": "America/St_Johns", "LC_ALL": "C", "LANG": "de_DE.UTF-8", "TMPDIR": str(home)},
                            {"TZ": "XYZ+13:37", "LC_NUMERIC": "de_DE.UTF-8", "USER": "someone", "RAYON_NUM_THREADS": "3"}):
            with self.subTest(environment):
                self.assertEqual(self.fingerprints(there, one_processor="LANG" in environment, **environment), expected)

    def test_what_was_built_here_needs_no_build_there(self):
        project = copy_flights(self.scratch / "here", 50)
        project.run()
        moved = Project(self.scratch / "elsewhere" / "there")
        moved.folder.parent.mkdir()
        project.folder.rename(moved.folder)
        self.with_threads(moved, 3)
        outcome = moved.weir("diff", "--format", "json", env={**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8"})
        self.assertEqual(outcome.code, 0, outcome.text)
        self.assertTrue(outcome.json()["same"], outcome.stdout)
        plan = moved.succeed("plan", "--format", "json").json()
        self.assertEqual((plan["run"], plan["pending"]), (0, 0), [v["reason"] for v in plan["views"] if v["action"] != "reuse"][:3])


if __name__ == "__main__":
    unittest.main()
