# SPDX-License-Identifier: Apache-2.0
"""Runs one command and reports what the kernel counted for it and its children.

In: a file for the report, then the command. Out: one JSON object in that file; the command's output passes through. A process of its
own, because the kernel counts the memory of whoever starts a command as the command's, and this one is small.
"""

import json
import os
import resource
import sys
import time

started = time.perf_counter()
process = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status = os.waitpid(process, 0)
seconds = time.perf_counter() - started
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w", encoding="utf-8") as report:
    json.dump({"code": os.waitstatus_to_exitcode(status), "seconds": seconds,
               "cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss * 1024 / 1e6}, report)
