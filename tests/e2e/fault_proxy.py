# SPDX-License-Identifier: Apache-2.0
"""A proxy that lets requests to a store fail as networks and stores do, by a seed.

Every fault is one that a real store can show: what is stored is stored whole or not at all, and an answer, or none, may lie about
which of them it was.
"""

import asyncio
import collections
import random
import unittest

from http_proxy import Hangup, Proxy, Request, Response

BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
SECONDS_OF_DELAY = 0.2
SECONDS_OF_STALL = 2.0  # REQUIRES: more than the client's `timeout`

# Whether the store gets the request, and what the client gets.
FAULTS = {
    "refused": "the connection ends before the request is read",
    "cut request": "the connection ends in the middle of the request's body",
    "lost answer": "done, and the connection ends without an answer",
    "cut answer": "done, and the connection ends in the middle of the answer",
    "busy": "not done: 503",
    "failed after all": "done: 500",
    "delay": "done, a little later",
    "stall": "done, after the client has given up",
}
# A stall takes a test its seconds.
WEIGHTS = [1 if fault == "stall" else 6 for fault in FAULTS]


class FaultProxy(Proxy):
    """REQUIRES: `arm` before faults are wanted."""

    def __init__(self, case: unittest.TestCase, upstream: str):
        super().__init__(case, upstream)
        self.random = random.Random(0)
        self.rate = 0.0
        self.chosen: dict[str, str] = {}
        self.left: int | None = None  # requests before all fail
        self.fault_of_all = ""
        self.shown: collections.Counter[str] = collections.Counter()
        self.requests = 0

    def arm(self, seed: int, rate: float) -> None:
        """From now on about `rate` of all requests fail."""
        self.random = random.Random(seed)
        self.rate = rate
        self.chosen = {}
        self.left = None

    def aim(self, fault: str, target: str) -> None:
        """The next request that changes something under a path that holds `target` fails so; others do not."""
        self.arm(0, 0)
        self.chosen = {target: fault}

    def fail_after(self, requests: int, fault: str) -> None:
        """Some requests go well, then none."""
        self.arm(0, 0)
        self.left = requests
        self.fault_of_all = fault

    def disarm(self) -> None:
        self.arm(0, 0)

    def fault_of(self, request: Request) -> str | None:
        if self.left is not None:
            self.left -= 1
            return self.fault_of_all if self.left < 0 else None
        for target in list(self.chosen):
            if target in request.path and request.method not in ("GET", "HEAD"):
                return self.chosen.pop(target)
        return self.random.choices(list(FAULTS), WEIGHTS)[0] if self.random.random() < self.rate else None

    async def answer(self, request: Request) -> Response:
        self.requests += 1
        fault = self.fault_of(request)
        if fault is None:
            return await self.forward(request)
        self.shown[fault] += 1
        if fault in ("refused", "cut request"):  # half a request never reaches a store's objects
            raise Hangup()
        if fault == "busy":
            return Response(503, "Slow Down", [("content-type", "application/xml")], BUSY)
        if fault == "delay":
            await asyncio.sleep(SECONDS_OF_DELAY * self.random.random())
            return await self.forward(request)
        if fault == "stall":
            await asyncio.sleep(SECONDS_OF_STALL)
            return await self.forward(request)
        answered = await self.forward(request)
        if fault == "lost answer":
            raise Hangup()
        if fault == "cut answer":
            raise Hangup(answered, self.random.random())
        return Response(500, "Internal Server Error", [("content-type", "application/xml")], b"<Error><Code>InternalError</Code></Error>")
