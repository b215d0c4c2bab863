#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what the record of a run costs: the 22 queries of TPC-H as 22 views, built from nothing with it, with the
lock of the warehouse alone, and with neither, in one process.

In: the program recording_rounds beside `weir`; query texts and rows as scripts/fetch_tpc.py gets them, at scale factor 1. Out: a table on
stdout: the least and the median seconds of both sides, on the clock and of the processor, and the median of the rounds' ratios; of the rounds
with a record, its share by itself. Rounds take turns, who begins changes each time, so that a machine that is slow for a while is slow
for both. Then the same build by whole processes: `weir run` as it is, with all events on standard output, and with its spans sent to a
collector that takes them all.

Environment: WEIR_BENCH_RECORDING_ROUNDS (default 7), WEIR_BENCH_TPCH_SCALE (1).
"""

import argparse
import http.server
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading

BENCH = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH))
sys.path.insert(0, str(BENCH.parent / "tests" / "e2e"))
import weir_project  # noqa: E402
from bench import measure  # noqa: E402
from peer_builds import write_project  # noqa: E402
from rounds import AIM, program_beside, render, row_of  # noqa: E402


def rounds_in_process(program: pathlib.Path, project: pathlib.Path, warehouse: pathlib.Path, rounds: int) -> dict:
    command = [str(program), str(project), str(warehouse), str(rounds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"bench: `{' '.join(command)}` failed")
    return json.loads(done.stdout.splitlines()[-1])


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes whatever is sent."""

    received = 0

    def do_POST(self):
        Collector.received += 1
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def whole_processes(weir: str, project: weir_project.Project, rounds: int) -> dict[str, list]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    run = [weir, "run", "--project", str(project.folder)]
    endpoint = f"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{server.server_port}"
    sides = {"plain": run, "events": [*run, "--events"], "spans": ["env", endpoint, *run]}
    measured: dict[str, list] = {side: [] for side in sides}
    for number in range(rounds):
        turns = list(sides.items())
        for side, command in turns[number % len(turns):] + turns[:number % len(turns)]:
            shutil.rmtree(project.warehouse, ignore_errors=True)
            measured[side].append(measure(command))
            print(f"bench: recording: {side}: {measured[side][-1].seconds:.2f} s", file=sys.stderr)
    server.shutdown()
    if Collector.received == 0:
        raise SystemExit("bench: the collector got no spans")
    return measured


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures what the record of a run costs.")
    parser.add_argument("--weir", default=weir_project.program(), help="the program (default: build/weir); recording_rounds lies beside it")
    parser.add_argument("--json", type=pathlib.Path, help="also writes every measurement to this file")
    arguments = parser.parse_args()
    program = program_beside(arguments.weir, "recording_rounds", parser)
    scale = os.environ.get("WEIR_BENCH_TPCH_SCALE", "1")
    rounds = int(os.environ.get("WEIR_BENCH_RECORDING_ROUNDS", "7"))
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as folder:
        scratch = pathlib.Path(folder)
        project = write_project(scratch / "tpch", scale, "")
        inside = rounds_in_process(program, project.folder, scratch / "warehouses", rounds)
        outside = whole_processes(str(pathlib.Path(arguments.weir).resolve()), project, rounds)
    rows = []
    for prefix, what in (("", ""), ("cpu_", ", processor time")):
        record, lock, nothing, by_itself = (inside[prefix + name] for name in ("record", "lock", "nothing", "by_itself"))
        share = statistics.median(part / whole for part, whole in zip(by_itself, record))
        rows += [row_of(f"record, beside the lock alone{what}", record, lock, AIM),
                 row_of(f"lock and what is on the disk at the end, beside neither{what}", lock, nothing, ""),
                 (f"the record by itself, its share{what}", "", "", f"{statistics.median(by_itself):.3f}", "", f"{share:.3f}", "<= 0.03")]
    for side, name in (("events", "events on standard output"), ("spans", "spans sent to a collector")):
        for field, what in (("seconds", ""), ("cpu_seconds", ", processor time")):
            rows.append(row_of(name + what, [getattr(m, field) for m in outside[side]], [getattr(m, field) for m in outside["plain"]],
                               AIM if field == "seconds" else ""))
    print(render("TPC-H as 22 views (s)", rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(inside, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
