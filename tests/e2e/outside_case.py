# SPDX-License-Identifier: Apache-2.0
"""What tests of what runs tell others share: a small project, servers that keep what they are sent, and who signs their certificates."""

import datetime
import http.server
import ipaddress
import json
import pathlib
import ssl
import threading
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from weir_project import Project, ProjectCase

ROWS = "id,s,x\n" + "".join(f"{n},t{n % 4},{'NaN' if n % 5 == 0 else n / 2}\n" for n in range(200)) + ",,\n"
VIEWS = {"a b": "SELECT id, s, x FROM t WHERE id >= 10", "sums": 'SELECT s, count(*) AS n FROM "a b" GROUP BY s'}


class Authority:
    """Signs certificates for the loopback address; nobody knows it."""

    def __init__(self, folder: pathlib.Path, name: str = "authority"):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"weir tests {name}")])
        self.certificate = self.sign(self.name, self.key, x509.BasicConstraints(ca=True, path_length=None))
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def sign(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType) -> x509.Certificate:
        now = datetime.datetime.now(datetime.timezone.utc)
        return (x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
                .not_valid_after(now + datetime.timedelta(days=1)).add_extension(extension, critical=False).sign(self.key, hashes.SHA256()))

    def server_context(self) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "weir tests server")])
        certificate = self.sign(name, key, x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]))
        file = self.folder / "server.pem"
        file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
                         + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


class Collector:
    """A server that keeps what it is sent."""

    def __init__(self, case: unittest.TestCase, status: int = 200, authority: Authority | None = None, headers: dict[str, str] | None = None):
        self.requests: list[tuple[str, dict, dict]] = []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                collector.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if authority is not None:
            # Clients that do not trust it end the handshake, which is done where their requests are read.
            self.server.socket = authority.server_context().wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
            self.server.handle_error = lambda *_: None
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        case.addCleanup(self.server.server_close)
        case.addCleanup(self.server.shutdown)
        self.url = f"http{'s' if authority else ''}://127.0.0.1:{self.server.server_address[1]}"


class OutsideCase(ProjectCase):

    def project(self, toml: str = "", views: dict[str, str] = VIEWS, name: str = "p") -> Project:
        project = Project(self.scratch / name)
        project.write("weir.toml", '[project]\nname = "shop"\n' + toml)
        project.write("data/t.csv", ROWS)
        project.write("sources/t.sql", "CREATE EXTERNAL TABLE t (id INT, s VARCHAR, x DOUBLE) STORED AS CSV LOCATION 'data/t.csv';")
        for number, (view, query) in enumerate(views.items()):
            project.write(f"views/v{number}.sql", f'CREATE MATERIALIZED VIEW "{view}" AS\n{query};\n')
        return project
