# SPDX-License-Identifier: Apache-2.0
"""Completion in real shells, and what is said where the command line cannot be read.

In: a small project. Out: what bash, zsh and fish complete, each with the script that `weir completion` prints; a shell that is not
installed is skipped by name.
"""

import os
import pathlib
import pty
import select
import shutil
import subprocess
import time
import unittest

from weir_project import ProjectCase, program

FILES = {
    "weir.toml": '[project]\nname = "p"\n\n[profiles.night]\nthreads = 2\n\n[profiles.default]\n',
    "data/x.csv": "a\n1\n",
    "sources/raw.sql": "CREATE EXTERNAL TABLE raw_orders STORED AS CSV LOCATION 'data/x.csv';\n",
    "views/stg/orders.sql": "CREATE MATERIALIZED VIEW stg_orders COMMENT 'cleaned' TBLPROPERTIES ('tags' = 'hot, daily') AS SELECT a FROM raw_orders\n",
    "views/stg_items.sql": "SELECT a FROM raw_orders\n",
    "views/daily.sql": "SELECT a FROM stg_orders\n",
    "views/odd.sql": 'CREATE VIEW "a view" AS SELECT 1 AS a\n',
    "tests/none.sql": "SELECT a FROM daily WHERE a > 5\n",
    "functions/f.sql": "CREATE FUNCTION net(x DOUBLE) RETURNS DOUBLE RETURN x;\n",
}


class CompletionCase(ProjectCase):
    def setUp(self):
        super().setUp()
        for name, text in FILES.items():
            file = self.scratch / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        tools = self.scratch / ".bin"
        tools.mkdir()
        (tools / "weir").symlink_to(program())
        self.environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "LANG": "C.UTF-8", "HOME": str(self.scratch / ".home")}
        (self.scratch / ".home").mkdir()

    def weir(self, *arguments: str):
        return subprocess.run([program(), *arguments], cwd=self.scratch, env=self.environment, capture_output=True, text=True, timeout=60, check=False,
                              stdin=subprocess.DEVNULL)


class Candidates(CompletionCase):
    """What the scripts ask the program."""

    def complete(self, *words: str) -> tuple[str, list[str]]:
        outcome = self.weir("complete", "--", *words)
        self.assertEqual((outcome.returncode, outcome.stderr), (0, ""))
        others, *lines = outcome.stdout.splitlines()
        return others, [line.split("\t")[0] for line in lines]

    def words(self, *words: str) -> list[str]:
        return self.complete(*words)[1]

    def test_commands_and_options(self):
        commands = self.words("")
        self.assertTrue({"run", "plan", "sql", "completion", "help"} <= set(commands))
        self.assertNotIn("complete", commands)
        for command in commands:
            self.assertEqual(self.weir("help", command).returncode, 0, command)
            options = self.words(command, "--")
            text = self.weir(command, "--help").stdout
            for option in options:
                self.assertIn(option, text)
        self.assertEqual(self.words("ru"), ["run"])
        self.assertEqual(self.words("run", "--f"), ["--format", "--force"])
        self.assertEqual(self.words("run", "--force", "--f"), ["--format"])
        self.assertEqual(self.words("--v"), ["--version"])
        self.assertEqual(self.words("nope", ""), [])
        self.assertEqual(self.words("help", "hi"), ["history"])

    def test_values(self):
        self.assertEqual(self.words("run", "--format", ""), ["table", "json"])
        self.assertEqual(self.words("sql", "--format", "m"), ["markdown"])
        self.assertEqual(self.words("lineage", "--format=o"), ["--format=openlineage"])
        self.assertEqual(self.words("run", "--profile", ""), ["default", "night"])
        self.assertEqual(self.words("sql", "--dialect", "d"), ["databricks", "duckdb"])
        self.assertEqual(self.words("completion", ""), ["bash", "zsh", "fish"])
        self.assertEqual(self.complete("sql", ""), ("files", []))
        self.assertEqual(self.complete("run", "--project", "d")[0], "folders")
        self.assertEqual(self.complete("sql", "--output=")[0], "files")

    def test_names_of_the_project(self):
        views = ["a view", "daily", "stg_items", "stg_orders"]
        self.assertEqual(self.words("explain", ""), views)
        self.assertEqual(self.words("history", "stg_o"), ["stg_orders"])
        self.assertEqual(self.words("lineage", "r"), ["raw_orders"])
        self.assertEqual(self.words("diff", ""), [*views, "last", "now"])
        self.assertEqual(self.words("run", "--select", "d"), ["daily"])
        self.assertEqual(self.words("run", "--select", "daily,+st"), ["daily,+stg_items", "daily,+stg_orders"])
        self.assertEqual(self.words("run", "--exclude=tag:"), ["--exclude=tag:daily", "--exclude=tag:hot"])
        self.assertEqual(self.words("run", "--select", "c"), ["changed"])
        self.assertEqual(self.words("test", "n"), ["none"])
        self.assertEqual(self.words("functions", "net"), ["net"])
        self.assertIn("stable_id", self.words("functions", "stab"))
        outcome = self.weir("complete", "--", "explain", "--project", "/nowhere", "")
        self.assertEqual((outcome.returncode, outcome.stdout), (0, "none\n"))
        (self.scratch / "weir.toml").write_text("[project\n")
        self.assertEqual(self.words("run", "--profile", ""), ["default"])

    def test_descriptions(self):
        self.assertIn("stg_orders\tcleaned\n", self.weir("complete", "--", "explain", "stg").stdout)
        self.assertIn("run\tbuild what must be built\n", self.weir("complete", "--", "ru").stdout)

    def test_it_compiles_nothing_and_is_quick(self):
        for number in range(300):
            (self.scratch / f"views/v{number:03}.sql").write_text(f"SELECT {number} AS a FROM nowhere\n")
        start = time.monotonic()
        self.assertEqual(len(self.words("explain", "v")), 300)
        self.assertLess(time.monotonic() - start, 3)
        self.assertFalse((self.scratch / ".weir").exists())


class Session:
    """A shell on a terminal."""

    def __init__(self, command: list[str], folder: pathlib.Path, environment: dict):
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, {**environment, "TERM": "dumb", "COLUMNS": "200"})
        self.unread = b""

    def type(self, text: str) -> None:
        os.write(self.file, text.encode())

    def read_until(self, text: str, seconds: float = 20) -> str:
        """What appeared up to and with `text`; all of it if that does not come."""
        deadline, wanted = time.monotonic() + seconds, text.encode()
        while time.monotonic() < deadline and wanted not in self.unread:
            ready, _, _ = select.select([self.file], [], [], 0.1)
            if ready:
                try:
                    self.unread += os.read(self.file, 65536)
                except OSError:
                    break
        end = self.unread.find(wanted) + len(wanted) if wanted in self.unread else len(self.unread)
        found, self.unread = self.unread[:end], self.unread[end:]
        return found.decode(errors="replace")

    def close(self) -> None:
        os.close(self.file)
        os.waitpid(self.pid, 0)


class Shells(CompletionCase):
    def need(self, shell: str) -> None:
        if shutil.which(shell) is None:
            self.skipTest(f"{shell} is not installed")

    def bash(self, line: str) -> list[str]:
        """What bash would offer for a line, its own words taken apart as it does."""
        script = r"""
source <(weir completion bash)
compopt() { :; }
COMP_LINE=$1 COMP_POINT=${#1}
COMP_WORDS=()
rest=$1
# As readline: blanks end words; = and : are words of their own.
while [[ -n $rest ]]; do
  if [[ $rest =~ ^[[:space:]]+ ]]; then rest=${rest#"${BASH_REMATCH[0]}"}; [[ -z $rest ]] && COMP_WORDS+=("")
  elif [[ $rest =~ ^[=:]+ ]]; then COMP_WORDS+=("${BASH_REMATCH[0]}"); rest=${rest#"${BASH_REMATCH[0]}"}; [[ -z $rest ]] && COMP_WORDS+=("")
  elif [[ $rest =~ ^[^[:space:]=:]+ ]]; then COMP_WORDS+=("${BASH_REMATCH[0]}"); rest=${rest#"${BASH_REMATCH[0]}"}; fi
done
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_weir
printf '%s\n' "${COMPREPLY[@]}"
"""
        outcome = subprocess.run(["bash", "--norc", "-c", script, "bash", line], cwd=self.scratch, env=self.environment, capture_output=True, text=True,
                                 timeout=60, check=True)
        self.assertEqual(outcome.stderr, "")
        return [found for found in outcome.stdout.split("\n") if found]

    def test_bash(self):
        self.need("bash")
        for line, wanted in {"weir ru": ["run"], "weir run --sel": ["--select"], "weir run --format ": ["table", "json"], "weir run --format=js": ["json"],
                             "weir run --select=daily,+st": ["daily,+stg_items", "daily,+stg_orders"], "weir run --select tag:": ["daily", "hot"],
                             "weir explain a": ["a\\ view"], "weir run --profile ni": ["night"], "weir sql da": ["data"],
                             "weir run --project da": ["data"], "weir sql --output=data/x": ["data/x.csv"], "weir nope ": []}.items():
            self.assertEqual(self.bash(line), wanted, line)

    def test_bash_on_a_terminal(self):
        self.need("bash")
        session = Session(["bash", "--norc", "--noprofile", "-i"], self.scratch, self.environment)
        session.type("PS1='ready> '; bind 'set enable-bracketed-paste off'; source <(weir completion bash)\n")
        session.read_until("\nready> ")
        session.type("echo weir=done; : weir; weir hel\trun | head -n 1\n")
        self.assertIn("build what must be built", session.read_until("build what must be built"))
        session.read_until("ready> ")
        session.type("weir explain stg_it\t--fingerprint; echo $?\n")
        self.assertIn("explain stg_items --fingerprint", session.read_until("--fingerprint"))
        session.close()

    def test_zsh(self):
        self.need("zsh")
        session = Session(["zsh", "-f", "-i"], self.scratch, self.environment)
        session.type("PS1='ready> '; autoload -U compinit; compinit -u -D; source <(weir completion zsh); echo loaded-$((1 + 1))\n")
        self.assertIn("loaded-2", session.read_until("loaded-2"))
        for typed, wanted in {"weir hist": "weir history", "weir explain stg_it": "weir explain stg_items", "weir run --format=js": "weir run --format=json",
                              "weir run --select daily,+stg_o": "weir run --select daily,+stg_orders", "weir run --profile ni": "weir run --profile night",
                              "weir sql --output dat": "weir sql --output data", "weir run --select tag:h": "weir run --select tag:hot"}.items():
            session.read_until("ready> ")
            session.type(typed + "\t")
            session.read_until(wanted.split()[-1])
            session.type("\x01print -rn -- '<\x05>'\n")  # the line as it stands then, between quotes
            shown = session.read_until("\n<" + wanted + ">")
            self.assertIn("\n<" + wanted + ">", shown, typed)
        session.close()

    def test_fish(self):
        self.need("fish")
        lines = {"weir hist": ["history"], "weir run --sel": ["--select"], "weir run --format ": ["json", "table"], "weir run --format=js": ["--format=json"],
                 "weir explain stg": ["stg_items", "stg_orders"], "weir run --select daily,+stg_o": ["daily,+stg_orders"], "weir run --profile ": ["default", "night"],
                 "weir sql data/": ["data/x.csv"], "weir run --project da": ["data/"], "weir sql --output=data/": ["--output=data/x.csv"],
                 "weir explain a": ["a view"]}
        for line, wanted in lines.items():
            script = "weir completion fish | source; complete -C (string unescape -- $argv[1])"
            outcome = subprocess.run(["fish", "--no-config", "-c", script, line], cwd=self.scratch, env=self.environment, capture_output=True, text=True,
                                     timeout=60, check=False)
            self.assertEqual(outcome.stderr, "", line)
            found = sorted(candidate.split("\t")[0].strip("'").replace("\\ ", " ") for candidate in outcome.stdout.splitlines())
            self.assertEqual(found, wanted, line)


class WrongUse(CompletionCase):
    def test_what_is_wrong_is_said_with_the_nearest_name(self):
        for line, message, hint in [
                ("rnu", "there is no command named `rnu`", "did you mean `run`?"),
                ("run --selct x", "`weir run` has no option `--selct`", "did you mean `--select` or `--set`?"),
                ("run --porject x", "`weir run` has no option `--porject`", "did you mean `--project`?"),
                ("explain", "an argument `view` is wanted for `weir explain`, found none", "`weir explain --help`"),
                ("run --format jsn", "table or json is wanted for `--format`, found `jsn`", "did you mean `json`?"),
                ("sql --format cvs x", "table, json, csv, markdown or parquet is wanted for `--format`, found `cvs`", "did you mean `csv`?"),
                ("lineage --format mermiad", "or openlineage is wanted for `--format`, found `mermiad`", "did you mean `mermaid`?"),
                ("lineage --event jb", "job, run or dataset is wanted for `--event`, found `jb`", "did you mean `job`?"),
                ("--project . run", "a command is wanted first, found `--project`", "weir run --project …"),
                ("run --select", "a value is wanted for `--select`, found none", "`weir run --help`"),
                ("history --limit x", "a whole number is wanted for `--limit`, found `x`", "`weir history --help`"),
                ("run --project a --project b", "`--project` is wanted once, found it again", "`weir run --help`"),
                ("lineage --upstream --downstream", "`--upstream` or `--downstream` is wanted, found both", "`weir lineage --help`"),
                ("run --force=maybe", "`--force` takes no value, found `maybe`", "`weir run --help`"),
                ("run extra", "`weir run` takes no further argument, found `extra`", "`weir run --help`"),
                ("diff a b c", "at most 2 arguments of `weir diff` are wanted, found more", "`weir diff --help`"),
                ("sql --dialect duckbd x", "found `duckbd`", "did you mean `duckdb`?"),
                ("sql --to postgrseql x", "found `postgrseql`", "did you mean `postgresql`?"),
                ("help rnu", "there is no command named `rnu`", "did you mean `run`?"),
                ("completion bsh", "bash, zsh or fish is wanted for `shell`, found `bsh`", "did you mean `bash`"),
                ("completion", "an argument `shell` is wanted for `weir completion`, found none", "`weir completion --help`"),
                ("", "a command is wanted", "`weir --help` lists them")]:
            outcome = self.weir(*line.split())
            self.assertEqual((outcome.returncode, outcome.stdout), (2, ""), f"{line}\n{outcome.stderr}")
            self.assertIn(message, outcome.stderr, line)
            self.assertIn(hint, outcome.stderr.splitlines()[1], line)

    def test_help(self):
        for line in ("help", "--help", "-h", "help run", "run -h", "run --help", "--version", "version", "help help", "help completion"):
            outcome = self.weir(*line.split())
            self.assertEqual((outcome.returncode, outcome.stderr), (0, ""), line)
            self.assertTrue(outcome.stdout, line)
        self.assertEqual(self.weir("help", "run").stdout, self.weir("run", "--help").stdout)
        self.assertEqual(self.weir("help").stdout, self.weir("--help").stdout)
        self.assertRegex(self.weir("--version").stdout, r"^weir \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main()
