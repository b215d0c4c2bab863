# SPDX-License-Identifier: Apache-2.0
"""Buckets for tests: moto's server on the loopback address, over HTTP, with conditional puts as S3 has them."""

import pathlib
import subprocess
import sys
import threading
import time
import unittest

SECONDS_TO_START = 60


def serve_buckets(case: unittest.TestCase) -> str:
    """Starts a server for the time of `case`, and returns its URL."""
    server = subprocess.Popen([str(pathlib.Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", "0"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    drained = threading.Thread(target=server.stderr.read)

    def stop():
        server.terminate()
        server.wait()
        if drained.ident is not None:
            drained.join()
        server.stderr.close()

    case.addCleanup(stop)
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        line = server.stderr.readline()
        if "Running on http://" in line:
            # It says each request, and waits once nobody reads that.
            drained.start()
            return line.split("Running on ")[1].split()[0]
    raise AssertionError("moto_server did not start")
