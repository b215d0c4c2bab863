# SPDX-License-Identifier: Apache-2.0
"""Lakes in Azure's, Google's and Amazon's stores, side by side, and in one that cannot keep them; sources on web servers.

Oracles: rows computed in Python, and delta-rs' own reader. Every server is a real one (store_servers.py).
"""

import base64
import dataclasses
import datetime
import hashlib
import hmac
import io
import ipaddress
import json
import os
import re
import unittest
import urllib.parse
import urllib.request

import boto3
import deltalake
import pyarrow
import pyarrow.parquet
from bucket_server import serve_buckets
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from http_proxy import Proxy, Request, Response, UnconditionalStore
from store_project import COUNTRIES, StoreProject, expected, orders_csv
from store_servers import Store, s3_store, serve_azure, serve_folder, serve_google, serve_s3
from weir_project import FULL_SCALE, Project, ProjectCase

ORDERS = [(1, 1, 10), (2, 2, 5), (3, 1, 7), (4, 3, -1)]
ALL = {"run": 3, "reused": 0, "failed": 0, "blocked": 0}
NONE = {"run": 0, "reused": 3, "failed": 0, "blocked": 0}


class StoresTest(ProjectCase):
    def live(self, project: StoreProject) -> None:
        """Builds, reuses, changes, queries, tests and cleans a lake; all of it must be right, and secret."""
        project.write_all()
        project.put_orders(ORDERS)
        self.assertEqual(project.run()["views"], ALL)
        self.assert_tables(project, ORDERS)
        self.assertEqual(project.run()["views"], NONE)

        # The new order reaches the table of one country, and is not the largest.
        orders = [*ORDERS, (5, 2, 3)]
        project.put_orders(orders)
        plan = {row["view"]: row["action"] for row in project.succeed("plan", "--format", "json").json()["views"]}
        self.assertEqual(plan["paid"], "run", plan)
        self.assertEqual(project.run()["views"]["run"], 3)
        self.assert_tables(project, orders)
        self.assertEqual(project.sql("SELECT country, orders FROM by_country ORDER BY amount DESC"),
                         [{"country": country, "orders": count} for country, count, _ in sorted(expected(orders)["by_country"], key=lambda row: -row[2])])

        # A view that fails leaves its table, and the error names the place, not the access.
        project.write("views/largest.sql", "SELECT max(10 / (amount - amount)) AS amount FROM paid\n")
        self.assertEqual(project.weir("run").code, 1)
        self.assertEqual(project.rows("largest"), expected(orders)["largest"])
        project.write("views/largest.sql", "SELECT max(amount) AS amount FROM paid\n")
        project.run()
        project.succeed("test")
        project.succeed("gc")
        for command in (["history"], ["explain", "by_country"], ["lineage", "largest"], ["sql", "SELECT * FROM weir.settings"], ["check"]):
            project.succeed(*command)  # each output is searched for secrets
        self.assert_tables(project, orders)
        states = [row["state"] for row in project.sql("SELECT state FROM weir.runs ORDER BY started_at")]
        self.assertEqual(states, ["succeeded", "succeeded", "succeeded", "failed", "succeeded"])
        self.assertEqual(project.places_of_secrets(), [])

    def assert_tables(self, project: StoreProject, orders: list[tuple[int, int, int]]) -> None:
        for view, rows in expected(orders).items():
            self.assertEqual(project.rows(view), rows, view)

    def test_a_lake_lives_in_amazons_store(self):
        self.live(StoreProject(self.scratch / "project", serve_s3(self)))

    def test_a_lake_lives_in_azures_store(self):
        self.live(StoreProject(self.scratch / "project", serve_azure(self)))

    def test_a_lake_lives_in_googles_store(self):
        self.live(StoreProject(self.scratch / "project", serve_google(self)))

    def test_a_signature_that_every_url_holds_is_never_shown(self):
        store = serve_azure(self)
        expiry = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        version, account = "2021-06-08", store.options["azure_storage_account_name"]
        signed = "\n".join([account, "rwdlac", "b", "sco", "", expiry, "", "http,https", version, "", ""])
        key = base64.b64decode(store.options["azure_storage_account_key"])
        signature = base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode()
        token = urllib.parse.urlencode({"sv": version, "ss": "b", "srt": "sco", "sp": "rwdlac", "se": expiry, "spr": "http,https", "sig": signature})
        access = {key: value for key, value in store.options.items() if key != "azure_storage_account_key"} | {"azure_storage_sas_key": token}
        project = StoreProject(self.scratch / "project", dataclasses.replace(
            store, options=access, secrets=(token, signature, urllib.parse.quote_plus(signature))))
        project.write_all()
        project.put_orders(ORDERS)
        self.assertEqual(project.run()["views"], ALL)
        self.assert_tables(project, ORDERS)
        self.assertEqual(project.places_of_secrets(), [])
        # Where requests fail, too.
        settings = (project.folder / "weir.toml").read_text()
        project.write("weir.toml", settings.replace("az://lake/lake", "az://none/lake") + settings[settings.index("[object_stores"):].replace("az://lake", "az://none"))
        nowhere = project.weir("run")
        self.assertEqual(nowhere.code, 3, nowhere.text)
        self.assertIn("404 Not Found: The specified container does not exist", nowhere.stderr)
        self.assertIn("it is `az://none/lake`", nowhere.stderr)

    def test_two_buckets_have_credentials_of_their_own(self):
        endpoint = serve_buckets(self, {"INITIAL_NO_AUTH_ACTION_COUNT": "1000000"})
        administrator = boto3.client("iam", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="root", aws_secret_access_key="root")

        def bucket_of(user: str) -> Store:
            administrator.create_user(UserName=user)
            allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{user}", f"arn:aws:s3:::{user}/*"]}
            administrator.put_user_policy(UserName=user, PolicyName="own", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))
            key = administrator.create_access_key(UserName=user)["AccessKey"]
            return s3_store(endpoint, user, key["AccessKeyId"], key["SecretAccessKey"])

        raw, lake = bucket_of("raw"), bucket_of("tables")
        project = StoreProject(self.scratch / "project", raw, lake)
        project.write_all()
        project.put_orders(ORDERS)
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset-auth", b"0", {"content-type": "text/plain"})).close()  # from here on every key is checked
        self.assertEqual(project.run()["views"], ALL)
        self.assert_tables(project, ORDERS)
        self.assertEqual(project.run()["views"], NONE)
        self.assertEqual(project.places_of_secrets(), [])

        # Each opens its own bucket and no other.
        def with_access_of(other: Store, store: Store) -> Store:
            keys = {key: other.options[key] for key in ("aws_access_key_id", "aws_secret_access_key")}
            return dataclasses.replace(store, options=store.options | keys, secrets=other.secrets)

        project.stores = [with_access_of(lake, raw), lake]
        project.write_settings()
        refused = project.weir("run")
        self.assertEqual(refused.code, 3, refused.text)
        self.assertIn("403 Forbidden", refused.stderr)
        self.assertIn('[object_stores."s3://raw"]', refused.stderr)
        project.stores = [raw, with_access_of(raw, lake)]
        project.write_settings()
        refused = project.weir("run", "--force")
        self.assertEqual(refused.code, 3, refused.text)
        self.assertIn("403 Forbidden", refused.stderr)
        self.assertIn("tables/lake", refused.stderr)

    def test_sources_and_tables_may_lie_in_different_kinds_of_stores(self):
        project = StoreProject(self.scratch / "project", serve_google(self), serve_s3(self))
        project.write_all()
        project.put_orders(ORDERS)
        self.assertEqual(project.run()["views"], ALL)
        self.assert_tables(project, ORDERS)
        self.assertEqual(project.places_of_secrets(), [])

    def test_files_of_two_buckets_that_look_alike(self):
        """The same path, size and second: the footer of one says nothing of the other."""
        one = serve_s3(self)
        other = dataclasses.replace(s3_store(one.options["aws_endpoint"], "other"), secrets=())
        for again in range(5):
            for store, first in ((one, 1), (other, 7)):
                buffer = io.BytesIO()
                pyarrow.parquet.write_table(pyarrow.table({"x": [first, first + 1, first + 2]}), buffer)
                store.write("raw/a.parquet", buffer.getvalue())
            found = [store.files.get_file_info(f"{store.bucket}/raw/a.parquet") for store in (one, other)]
            if (found[0].size, found[0].mtime) == (found[1].size, found[1].mtime):
                break
        self.assertEqual((found[0].size, found[0].mtime), (found[1].size, found[1].mtime))
        project = StoreProject(self.scratch / "project", one)
        project.write_settings("\n" + other.settings())
        for name, store in (("a", one), ("b", other)):
            project.write(f"sources/{name}.sql", f"CREATE EXTERNAL TABLE {name} STORED AS PARQUET LOCATION '{store.url}/raw/';\n")
        for low, high in ((1, 3), (7, 9)):
            query = f"SELECT x FROM a WHERE x BETWEEN {low} AND {high} UNION ALL SELECT x FROM b WHERE x BETWEEN {low} AND {high}"
            self.assertEqual(sorted(row["x"] for row in project.sql(query)), list(range(low, high + 1)))

    def test_a_container_is_named_with_its_account_or_alone(self):
        store = serve_azure(self)
        account = "weirtest.dfs.core.windows.net"
        named = dataclasses.replace(store, url=f"abfss://lake@{account}")
        self.live(StoreProject(self.scratch / "project", dataclasses.replace(
            named, reader_options=store.reader_options | {"azure_container_name": "lake"})))

        # A container beside it is another store, with objects of the same names.
        store.files.create_dir("raw")
        raw = dataclasses.replace(named, url=f"abfss://raw@{account}", bucket="raw", secrets=())
        raw.write("orders.csv", b"a\n1\n")
        named.write("orders.csv", b"a\n2\n")
        project = StoreProject(self.scratch / "two", named)
        project.write_settings()
        project.write("sources/a.sql", f"CREATE EXTERNAL TABLE a STORED AS CSV LOCATION '{raw.url}/orders.csv';\n"
                                       f"CREATE EXTERNAL TABLE b STORED AS CSV LOCATION '{named.url}/orders.csv';\n")
        project.write("views/v.sql", "SELECT a.a AS a, b.a AS b FROM a, b\n")
        unknown = project.weir("run")
        self.assertNotEqual(unknown.code, 0)
        self.assertIn(f"no object store is registered for `{raw.url}`", unknown.stderr)
        project.write_settings("\n" + dataclasses.replace(named, url=raw.url).settings())
        project.run()
        self.assertEqual(project.sql("SELECT * FROM v"), [{"a": 1, "b": 2}])
        self.assertFalse([name for name in raw.list() if "_delta_log" in name], "the lake lies in the other container")

    # Stores that cannot keep a warehouse

    def refuse(self, store: Store, reason: str, times: int = 2) -> None:
        project = StoreProject(self.scratch / "project", store)
        project.write_all()
        project.put_orders(ORDERS)
        before = store.list()
        for _ in range(times):
            refused = project.weir("run")
            self.assertEqual(refused.code, 3, refused.text)
            self.assertRegex(refused.stderr, reason)
            self.assertIn("`s3://lake/lake/`", refused.stderr)
            self.assertIn("hint: ", refused.stderr)
        self.assertEqual(store.list(), before, "nothing is left behind")
        project.succeed("check")  # it can be read all the same
        self.assertEqual(project.sql("SELECT count(*) AS n FROM orders"), [{"n": len(ORDERS)}])

    def behind(self, store: Store, proxy: Proxy) -> Store:
        return dataclasses.replace(store, options=store.options | {"aws_endpoint": proxy.url})

    def test_a_store_that_overwrites_whatever_the_condition_is_refused(self):
        store = serve_s3(self)
        self.refuse(self.behind(store, UnconditionalStore(self, store.options["aws_endpoint"])), "absent is wanted, found one that writes over what is there")

    def test_a_store_that_knows_no_conditions_is_refused(self):
        class WithoutConditions(Proxy):
            async def answer(self, request: Request) -> Response:
                if request.header("if-none-match") is None:
                    return await self.forward(request)
                return Response(501, "Not Implemented", [], b"<Error><Code>NotImplemented</Code></Error>")

        store = serve_s3(self)
        self.refuse(self.behind(store, WithoutConditions(self, store.options["aws_endpoint"])), "absent is wanted, found one that refuses them", times=1)

    def test_conditions_that_are_switched_off_are_missed(self):
        store = serve_s3(self)
        self.refuse(dataclasses.replace(store, options=store.options | {"aws_conditional_put": "disabled"}), "found one that refuses them")

    # Web servers

    def write_web_folder(self):
        folder = self.scratch / "web"
        (folder / "raw").mkdir(parents=True)
        (folder / "raw" / "orders.csv").write_bytes(orders_csv(ORDERS))
        (folder / "raw" / "customers").mkdir()
        pyarrow.parquet.write_table(pyarrow.table({"customer": list(COUNTRIES), "country": list(COUNTRIES.values())}), folder / "raw" / "customers" / "a b.parquet")
        return folder

    def project_of(self, url: str, settings: str) -> Project:
        """The small project, with its sources at `url` and its tables beside it."""
        project = Project(self.scratch / "project")
        stored = StoreProject(project.folder, Store(url, "", {}, {}, None, ()))
        stored.write_views_and_sources(customers="PARQUET")
        project.write("weir.toml", f'[project]\nname = "web"\n\n[object_stores."{url}"]\n{settings}')
        return project

    def test_sources_lie_on_a_web_server(self):
        url = serve_folder(self, self.write_web_folder())
        project = self.project_of(url, 'allow_http = "true"\n')
        self.assertEqual(project.run()["views"], ALL)
        self.assertEqual(sorted(row["amount"] for row in project.read("largest").to_pylist()), [10])
        self.assertEqual(sorted((row["country"], row["orders"], row["amount"]) for row in project.read("by_country").to_pylist()), expected(ORDERS)["by_country"])
        self.assertEqual(project.run()["views"], NONE)
        (self.scratch / "web" / "raw" / "orders.csv").write_bytes(orders_csv([*ORDERS, (5, 3, 50)]))
        self.assertEqual(project.run()["views"]["run"], 3)
        self.assertEqual(project.read("largest").to_pylist(), [{"amount": 50}])

    def test_a_table_on_a_web_server_is_refused(self):
        folder = self.write_web_folder()
        deltalake.write_deltalake(str(folder / "raw" / "table"), pyarrow.table({"a": [1]}))
        url = serve_folder(self, folder)
        project = self.project_of(url, 'allow_http = "true"\n')
        project.write("sources/table.sql", f"CREATE EXTERNAL TABLE t STORED AS DELTATABLE LOCATION '{url}/raw/table';\n")
        refused = project.weir("run")
        self.assertEqual(refused.code, 1, refused.text)
        self.assertIn(f"found one on a web server: `{url}/raw/table/`", refused.stderr)

    def test_a_warehouse_on_a_web_server_is_refused(self):
        url = serve_folder(self, self.write_web_folder())
        project = self.project_of(url, 'allow_http = "true"\n')
        settings = project.folder / "weir.toml"
        settings.write_text(settings.read_text().replace('name = "web"', f'name = "web"\nwarehouse = "{url}/lake"'))
        for command in ("run", "gc"):
            refused = project.weir(command)
            self.assertEqual(refused.code, 3, refused.text)
            self.assertIn(f"found a web server, which is only read: `{url}/lake/`", refused.stderr)
            self.assertIn("s3://", refused.stderr)

    def test_web_servers_have_certificates(self):
        key_file, certificate_file = self.certificate()
        url = serve_folder(self, self.write_web_folder(), (certificate_file, key_file))
        project = self.project_of(url, "")
        distrusted = project.weir("run")
        self.assertEqual(distrusted.code, 3, distrusted.text)
        self.assertIn("certificate", distrusted.stderr)
        self.assertIn("SSL_CERT_FILE", distrusted.stderr)
        trusted = project.weir("run", env={**os.environ, "SSL_CERT_FILE": str(certificate_file)})
        self.assertEqual(trusted.code, 0, trusted.text)
        project.write("weir.toml", f'[project]\nname = "web"\n\n[object_stores."{url}"]\nallow_invalid_certificates = "true"\n')
        self.assertEqual(project.run()["views"], NONE)

    def test_a_web_server_that_lists_nothing_has_files_all_the_same(self):
        url = serve_folder(self, self.write_web_folder(), lists_folders=False)
        project = self.project_of(url, 'allow_http = "true"\n')
        refused = project.weir("run")
        self.assertNotEqual(refused.code, 0)
        self.assertIn("source `customers`", refused.stderr)
        self.assertNotIn("source `orders`", refused.stderr)
        (project.folder / "views" / "by_country.sql").unlink()
        project.write("sources/all.sql", f"CREATE EXTERNAL TABLE orders STORED AS CSV LOCATION '{url}/raw/orders.csv';\n")
        self.assertEqual(project.run()["views"]["run"], 2)
        self.assertEqual(project.read("largest").to_pylist(), [{"amount": 10}])

    def certificate(self):
        """A key and a certificate for the loopback address that nobody has signed."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "weir tests")])
        now = datetime.datetime.now(datetime.timezone.utc)
        addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                       .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
                       .not_valid_after(now + datetime.timedelta(days=1)).add_extension(addresses, critical=False).sign(key, hashes.SHA256()))
        key_file, certificate_file = self.scratch / "key.pem", self.scratch / "certificate.pem"
        key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return key_file, certificate_file

    # A real project

    def test_the_flights_are_the_same_in_a_bucket_as_in_a_folder(self):
        rows = None if FULL_SCALE else 10_000
        local = self.flights("local", rows)
        local.run()
        store = serve_s3(self)
        stored = StoreProject(self.flights("stored", rows).folder, store)
        for file in (stored.folder / "data").glob("*.csv"):
            store.write(f"data/{file.name}", file.read_bytes())
            file.unlink()
        for file in (stored.folder / "sources").glob("*.sql"):
            file.write_text(re.sub(r"LOCATION 'data/", f"LOCATION '{store.url}/data/", file.read_text()))
        stored.write_settings()
        self.assertEqual(stored.run()["views"]["run"], len(stored.stored_views()))
        for view in local.stored_views():
            there = deltalake.DeltaTable(f"{store.url}/lake/{view.name}", storage_options=store.reader_options).to_pyarrow_table()
            here = local.read(view.name)
            order = [(name, "ascending") for name in sorted(here.column_names)]
            columns = sorted(here.column_names)
            self.assertTrue(there.select(columns).sort_by(order).equals(here.select(columns).sort_by(order)), view.name)
            self.assertGreater(here.num_rows, 0, view.name)
        self.assertEqual(stored.run()["views"]["run"], 0)
        self.assertEqual(stored.places_of_secrets(), [])


if __name__ == "__main__":
    unittest.main()
