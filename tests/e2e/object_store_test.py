# SPDX-License-Identifier: Apache-2.0
"""A project whose sources and warehouse lie in an S3 bucket: built, reused, queried, and rebuilt over its own tables."""

import json
import os
import subprocess
import unittest

import boto3
import deltalake
import pyarrow
import pyarrow.parquet
import weir_project
from bucket_server import serve_buckets
from weir_project import ProjectCase

VIEWS = {
    "stg_carriers": "SELECT carrier, name FROM airlines",
    "carrier_count": "SELECT count(*) AS carriers FROM stg_carriers",
}


class ObjectStoreTest(ProjectCase):
    def setUp(self):
        super().setUp()
        self.endpoint = serve_buckets(self)
        self.client = boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1", aws_access_key_id="key",
                                   aws_secret_access_key="very-secret-value")
        self.client.create_bucket(Bucket="lake")
        self.put_airlines(["9E,Endeavor", "AA,American"])
        self.folder = self.scratch / "project"
        files = {
            "weir.toml": '[project]\nname = "remote"\nwarehouse = "s3://lake/warehouse"\n\n[object_stores."s3://lake"]\n'
                         'aws_access_key_id = "${WEIR_TEST_KEY}"\naws_secret_access_key = "${WEIR_TEST_SECRET}"\n'
                         f'aws_region = "us-east-1"\naws_endpoint = "{self.endpoint}"\naws_allow_http = "true"\n',
            "sources/airlines.sql": "CREATE EXTERNAL TABLE airlines STORED AS CSV LOCATION 's3://lake/raw/airlines.csv';\n",
        }
        files |= {f"views/{name}.sql": sql + "\n" for name, sql in VIEWS.items()}
        for path, text in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(text)

    def put_airlines(self, lines: list[str]) -> None:
        self.client.put_object(Bucket="lake", Key="raw/airlines.csv", Body="\n".join(["carrier,name", *lines, ""]).encode())

    def weir(self, *arguments: str):
        environment = {**os.environ, "WEIR_TEST_KEY": "key", "WEIR_TEST_SECRET": "very-secret-value"}
        outcome = subprocess.run([weir_project.program(), *arguments[:1], "--project", str(self.folder), "--format", "json", *arguments[1:]],
                                 env=environment, capture_output=True, text=True, timeout=120)
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        return json.loads(outcome.stdout)

    def test_a_run_is_replayed_without_its_project_and_into_the_bucket(self):
        run = self.weir("run")["run_id"]
        self.put_airlines(["9E,Endeavor", "AA,American", "UA,United"])
        later = self.weir("run")["run_id"]
        for name in ("views", "sources"):
            for file in (self.folder / name).iterdir():
                file.unlink()
        report = self.weir("replay", later, "--into", "s3://lake/replayed")
        self.assertEqual({"stg_carriers": "identical", "carrier_count": "identical"}, {view["view"]: view["result"] for view in report["views"]})
        into = deltalake.DeltaTable("s3://lake/replayed/carrier_count", storage_options={
            "aws_access_key_id": "key", "aws_secret_access_key": "very-secret-value", "aws_endpoint": self.endpoint, "aws_region": "us-east-1",
            "aws_allow_http": "true"})
        self.assertEqual([{"carriers": 3}], into.to_pyarrow_table().to_pylist())
        environment = {**os.environ, "WEIR_TEST_KEY": "key", "WEIR_TEST_SECRET": "very-secret-value"}
        outcome = subprocess.run([weir_project.program(), "replay", run, "--project", str(self.folder)], env=environment, capture_output=True,
                                 text=True, timeout=120)
        self.assertEqual(3, outcome.returncode, outcome.stderr)
        self.assertIn("error[W7002]", outcome.stderr)
        self.assertIn("airlines.csv had ", outcome.stderr)
        self.assertNotIn("very-secret-value", outcome.stdout + outcome.stderr)
        # Without weir.toml, with what the environment says of the bucket.
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "very-secret-value", "AWS_ENDPOINT": self.endpoint,
                       "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1"}
        outcome = subprocess.run([weir_project.program(), "replay", later, "--warehouse", "s3://lake/warehouse"], cwd=self.scratch,
                                 env=environment, capture_output=True, text=True, timeout=120)
        self.assertEqual(0, outcome.returncode, outcome.stderr)

    def test_a_copy_into_a_bucket(self):
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "very-secret-value", "AWS_ENDPOINT": self.endpoint,
                       "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1", "AWS_PAGER": "less"}
        (self.scratch / "weir.toml").write_text('[project]\nname = "copy"\n[profiles.default.sql]\nallow = ["query", "dml"]\n')
        copy = [weir_project.program(), "sql", "COPY (SELECT 1 AS a UNION ALL SELECT 2) TO 's3://lake/out/rows.parquet'"]
        outcome = subprocess.run(copy, env=environment, cwd=self.scratch, capture_output=True, text=True, timeout=120)
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        body = self.client.get_object(Bucket="lake", Key="out/rows.parquet")["Body"].read()
        self.assertEqual(sorted(pyarrow.parquet.read_table(pyarrow.BufferReader(body))["a"].to_pylist()), [1, 2])

    def test_settings_that_the_store_does_not_know_are_errors(self):
        settings = self.folder / "weir.toml"
        text = settings.read_text()
        environment = {**os.environ, "WEIR_TEST_KEY": "key", "WEIR_TEST_SECRET": "very-secret-value"}
        for line, message in (('aws_regoin = "abc"', "a setting of this store is wanted, found `aws_regoin`"),
                              ('max_retries = "often"', "a whole number is wanted for `max_retries`, found `often`"),
                              ('retry_timeout = "soon"', "a number of seconds, such as 60s, is wanted for `retry_timeout`, found `soon`")):
            settings.write_text(text + line + "\n")
            outcome = subprocess.run([weir_project.program(), "check", "--project", str(self.folder)], env=environment, capture_output=True, text=True, timeout=120)
            self.assertEqual(outcome.returncode, 1, outcome.stderr)
            self.assertIn(message, outcome.stderr)
            self.assertNotIn("very-secret-value", outcome.stderr)
        settings.write_text(text + 'max_retries = "2"\nretry_timeout = "20s"\n')
        self.assertEqual(self.weir("run")["state"], "succeeded")

    def test_the_template_of_a_bucket_runs_under_both_profiles(self):
        part = self.scratch / "part.parquet"
        pyarrow.parquet.write_table(pyarrow.table({"id": [1, 2, 3]}), part)
        self.client.put_object(Bucket="lake", Key="raw/events/part.parquet", Body=part.read_bytes())
        folder = self.scratch / "s3"
        environment = {**os.environ, "BUCKET": "lake", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "very-secret-value"}
        program = weir_project.program()
        subprocess.run([program, "init", "--template", "s3", str(folder)], check=True, capture_output=True)
        settings = folder / "weir.toml"
        settings.write_text(settings.read_text() + f'aws_endpoint = "{self.endpoint}"\naws_allow_http = "true"\n')
        for profile in ("default", "prod"):
            for arguments, wanted in ((["run"], None), (["test"], None), (["sql", "--format", "csv", "SELECT events FROM event_counts"], "events\n3\n")):
                outcome = subprocess.run([program, *arguments, "--profile", profile], cwd=folder, env=environment, capture_output=True, text=True)
                self.assertEqual(outcome.returncode, 0, outcome.stderr)
                self.assertIn(wanted or "", outcome.stdout)
        self.assertTrue((folder / "warehouse" / "event_counts").is_dir())
        self.assertGreater(self.client.list_objects_v2(Bucket="lake", Prefix="lake/event_counts/_delta_log/")["KeyCount"], 0)

    def test_a_lake_in_a_bucket_is_built_reused_and_rebuilt(self):
        self.assertEqual(self.weir("run")["views"]["run"], 2)
        self.assertEqual(self.weir("run")["views"], {"run": 0, "reused": 2, "failed": 0, "blocked": 0})
        self.assertEqual(self.weir("sql", "SELECT carriers FROM carrier_count"), [{"carriers": 2}])
        self.put_airlines(["9E,Endeavor", "AA,American", "AS,Alaska"])
        self.assertEqual(self.weir("run")["views"]["run"], 2)
        self.assertEqual(self.weir("sql", "SELECT carriers FROM carrier_count"), [{"carriers": 3}])
        self.assertEqual([row["state"] for row in self.weir("sql", "SELECT state FROM weir.runs")], ["succeeded"] * 3)
        self.assert_no_object_holds("very-secret-value")

    def assert_no_object_holds(self, secret: str) -> None:
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket="lake"):
            for entry in page["Contents"]:
                body = self.client.get_object(Bucket="lake", Key=entry["Key"])["Body"].read()
                self.assertNotIn(secret.encode(), body, entry["Key"])


if __name__ == "__main__":
    unittest.main()
