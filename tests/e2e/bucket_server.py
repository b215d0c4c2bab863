# SPDX-License-Identifier: Apache-2.0
"""Servers for tests, and buckets: moto's server on the loopback address, over HTTP, with conditional puts as S3 has them."""

import os
import pathlib
import re
import subprocess
import sys
import threading
import unittest

SECONDS_TO_START = 60


def start(case: unittest.TestCase, command: list[str], announcement: str, environment: dict[str, str] | None = None) -> str:
    """Starts a server for the time of `case`, and waits for a line with the pattern `announcement`, whose group it returns."""
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **(environment or {})})
    lines: list[str] = []
    is_up = threading.Event()

    def drain():  # to the end: a server stands still when nobody reads what it says
        for line in server.stdout:
            if not is_up.is_set():
                lines.append(line)
                if re.search(announcement, line):
                    is_up.set()

    reader = threading.Thread(target=drain, daemon=True)
    reader.start()

    def stop():
        server.kill()
        server.wait()
        reader.join()
        server.stdout.close()

    case.addCleanup(stop)
    if not is_up.wait(SECONDS_TO_START):
        raise AssertionError(f"{command[0]} did not start:\n{''.join(lines)}")
    return re.search(announcement, lines[-1])[1]


def serve_buckets(case: unittest.TestCase, environment: dict[str, str] | None = None) -> str:
    """Starts a server for the time of `case`, and returns its URL."""
    program = pathlib.Path(sys.executable).parent / "moto_server"
    return start(case, [str(program), "-H", "127.0.0.1", "-p", "0"], r"Running on (http://\S+)", environment)
