# SPDX-License-Identifier: Apache-2.0
"""Secrets are planted wherever a user may put them; every command runs, right and wrong; then whatever was printed or written is searched for
them: plain, and in the forms in which they travel."""

import base64
import os
import subprocess
import unittest
import urllib.parse

import boto3

import weir_project
from bucket_server import serve_buckets
from weir_project import ProjectCase

SECRETS = {name: f"{name}/+ S3cret&{number}=4711" for number, name in enumerate(("id", "key", "token", "unused", "option", "proxy"))}

COMMANDS = [
    ["check"], ["plan"], ["run"], ["run", "--force", "--tag", "kept"], ["history"], ["history", "v"], ["test"], ["explain", "v", "--scans"],
    ["explain", "v", "--fingerprint"], ["explain", "v", "--physical"], ["explain", "v", "--ast"], ["lineage", "v"],
    ["lineage", "--format", "openlineage"], ["impact", "airlines"], ["diff"], ["diff", "--data"], ["gc", "--dry-run"], ["gc"], ["functions"],
    ["sql", "SELECT * FROM v"], ["sql", "SELECT * FROM airlines"], ["sql", "SELECT * FROM weir.settings"], ["sql", "SHOW ALL"],
    ["sql", "SELECT * FROM weir.plan_bundles"], ["sql", "SELECT * FROM weir.statements"], ["sql", "EXPLAIN VERBOSE SELECT * FROM airlines"],
    ["sql", "SELECT * FROM 's3://lake/raw/nothing.csv'"], ["sql", "SELECT * FROM 's3://elsewhere/x.csv'"], ["sql", "SELECT broken FROM airlines"],
    ["sql", "COPY (SELECT 1 AS a) TO 's3://lake/out.parquet'"], ["replay", "last"], ["version"],
]


def forms(secret: str) -> set[bytes]:
    texts = {secret, urllib.parse.quote(secret), urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret), repr(secret)[1:-1],
             secret.replace("/", "\\/")}
    encoded = {base64.b64encode(secret.encode()).rstrip(b"="), secret.encode().hex().encode()}
    return {text.encode() for text in texts} | encoded


class Secrets(ProjectCase):
    log: dict[str, str] = {}  # what the environment asks of the log

    def setUp(self):
        super().setUp()
        self.endpoint = serve_buckets(self)
        client = boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y")
        client.create_bucket(Bucket="lake")
        client.put_object(Bucket="lake", Key="raw/airlines.csv", Body=b"carrier,name\n9E,Endeavor\n")
        self.client = client
        self.folder = self.scratch / "project"
        self.state = self.scratch / "state"
        files = {
            "weir.toml": '[project]\nname = "secrets"\nwarehouse = "s3://lake/warehouse"\n'
                         '[profiles.default]\nspill_directory = "spill"\n[profiles.default.sql]\nallow = ["query", "dml", "ddl", "set"]\n'
                         '[object_stores."s3://lake"]\naws_access_key_id = "${SECRET_ID}"\naws_secret_access_key = "${SECRET_KEY}"\n'
                         f'aws_session_token = "${{SECRET_TOKEN}}"\naws_region = "us-east-1"\naws_endpoint = "{self.endpoint}"\naws_allow_http = "true"\n'
                         f'[object_stores."s3://unused"]\naws_secret_access_key = "{SECRETS["unused"]}"\naws_access_key_id = "{SECRETS["unused"]}"\n'
                         'aws_region = "us-east-1"\n',
            "sources/airlines.sql": "CREATE EXTERNAL TABLE airlines STORED AS CSV LOCATION 's3://lake/raw/airlines.csv';\n",
            "views/v.sql": "SELECT carrier, name FROM airlines\n",
            "views/w.sql": "SELECT count(*) AS n FROM v\n",
            "tests/t.sql": "SELECT * FROM v WHERE carrier IS NULL\n"}
        for path, text in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(text)

    def weir(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess:
        environment = {**os.environ, "XDG_STATE_HOME": str(self.state), "XDG_CACHE_HOME": str(self.state), "SECRET_ID": SECRETS["id"],
                       "SECRET_KEY": SECRETS["key"], "SECRET_TOKEN": SECRETS["token"], **self.log, **changes}
        return subprocess.run([weir_project.program(), *arguments[:1], "--project", str(self.folder), *arguments[1:]], env=environment,
                              capture_output=True, timeout=120, stdin=subprocess.DEVNULL, check=False)

    def assert_without(self, content: bytes, where: str) -> None:
        for name, secret in SECRETS.items():
            for form in forms(secret):
                self.assertNotIn(form, content, f"{where}: the secret `{name}`")

    def test_no_command_shows_or_writes_them(self):
        done = 0
        for arguments in COMMANDS:
            outcome = self.weir(*arguments)
            done += outcome.returncode == 0
            self.assert_without(outcome.stdout + outcome.stderr, f"weir {' '.join(arguments)}")
        self.assertGreater(done, len(COMMANDS) * 2 // 3, "most commands are to work")
        # Credentials that are refused, a proxy and an endpoint that are not there, an option of a source, a value that no store takes.
        wrong = [{"SECRET_ID": "wrong" + SECRETS["id"]}, {"HTTP_PROXY": f"http://me:{urllib.parse.quote(SECRETS['proxy'])}@127.0.0.1:9"}]
        for changes in wrong:
            for arguments in (["check"], ["run", "--force"], ["sql", "SELECT * FROM airlines"]):
                outcome = self.weir(*arguments, **changes)
                self.assert_without(outcome.stdout + outcome.stderr, f"{arguments} with {list(changes)}")
        toml = self.folder / "weir.toml"
        original = toml.read_text()
        toml.write_text(original.replace(self.endpoint, "http://127.0.0.1:9").replace('aws_allow_http = "true"\n', 'aws_allow_http = "true"\nmax_retries = "0"\n', 1))
        for arguments in (["run"], ["sql", "SELECT 1"], ["gc"]):
            outcome = self.weir(*arguments)
            self.assert_without(outcome.stdout + outcome.stderr, f"{arguments} without a store")
        toml.write_text(original.replace("aws_session_token", "aws_sesion_token"))
        self.assert_without(self.weir("check").stderr, "a key that there is not")
        toml.write_text(original)
        source = self.folder / "sources" / "airlines.sql"
        text = source.read_text()
        source.write_text(text.replace(";", f" OPTIONS ('aws_secret_access_key' '{SECRETS['option']}');"))
        outcome = self.weir("check")
        self.assertNotEqual(outcome.returncode, 0)
        self.assert_without(outcome.stdout + outcome.stderr, "an option of a source")
        source.write_text(text)
        self.weir("run")
        self.search_what_was_written()

    def search_what_was_written(self) -> None:
        own = {self.folder / "weir.toml", self.folder / "sources" / "airlines.sql"}
        files = [path for folder in (self.folder, self.state) if folder.exists() for path in folder.rglob("*") if path.is_file() and path not in own]
        self.assertTrue(any(".weir" in path.parts for path in files), "caches are looked at, too")
        for path in files:
            self.assert_without(path.read_bytes(), str(path))
        objects = [item["Key"] for page in self.client.get_paginator("list_objects_v2").paginate(Bucket="lake") for item in page["Contents"]]
        self.assertGreater(len(objects), 20)
        for key in objects:
            self.assert_without(self.client.get_object(Bucket="lake", Key=key)["Body"].read(), key)


class SecretsAndTheLog(Secrets):
    """The same with all that Weir and its engine say while they work."""

    log = {"WEIR_LOG_LEVEL": "trace"}

    def test_the_engine_speaks(self):
        said = self.weir("run").stderr.decode()
        for crate in ("object_store", "datafusion"):
            self.assertIn(f" target={crate}", said)


if __name__ == "__main__":
    unittest.main()
