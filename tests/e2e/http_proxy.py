# SPDX-License-Identifier: Apache-2.0
"""Proxies between Weir and a store, on the loopback address: what a test wants to happen to a request happens here.

In: the URL of a server that speaks HTTP/1.1. Out: a URL that answers as it does, as far as `answer` leaves it so. Requests are read
whole before they go on: a server never sees half of one, as no store keeps half an object.
"""

import asyncio
import dataclasses
import json
import threading
import unittest
import urllib.parse

LONGEST_HEAD = 1 << 20
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclasses.dataclass
class Request:
    method: str
    target: str  # path and query, as they were sent
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def path(self) -> str:
        return urllib.parse.unquote(self.target.partition("?")[0])


@dataclasses.dataclass
class Response:
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


class Hangup(Exception):
    """Ends the connection to the client, after `sent` of the answer's bytes where there is an answer."""

    def __init__(self, answer: Response | None = None, sent: float = 0):
        super().__init__()
        self.answer = answer
        self.sent = sent


class Proxy:
    """Answers on a port of its own, in a thread of its own, as long as `case` lasts."""

    def __init__(self, case: unittest.TestCase, upstream: str):
        parts = urllib.parse.urlsplit(upstream)
        self.upstream = (parts.hostname, parts.port)
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()

        def serve():
            asyncio.set_event_loop(self.loop)
            self.server = self.loop.run_until_complete(
                asyncio.start_server(self.serve_connection, "127.0.0.1", 0, limit=LONGEST_HEAD, backlog=512))
            ready.set()
            self.loop.run_forever()
            self.server.close()
            left = asyncio.all_tasks(self.loop)
            for task in left:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self.loop.close()

        self.thread = threading.Thread(target=serve, daemon=True)
        self.thread.start()
        ready.wait()
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        case.addCleanup(self.stop)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    async def answer(self, request: Request) -> Response:
        """What the client gets. Others put something else here; a Hangup ends the connection."""
        return await self.forward(request)

    async def forward(self, request: Request) -> Response:
        """Lets the server answer."""
        reader, writer = await asyncio.open_connection(*self.upstream, limit=LONGEST_HEAD)
        try:
            head = f"{request.method} {request.target} HTTP/1.1\r\n"
            head += "".join(f"{name}: {value}\r\n" for name, value in request.headers if name.lower() not in HOP_BY_HOP)
            head += f"content-length: {len(request.body)}\r\nconnection: close\r\n\r\n"
            writer.write(head.encode("latin-1") + request.body)
            await writer.drain()
            status, headers = await read_head(reader)
            _, code, reason = (status + "  ").split(" ", 2)
            has_body = request.method != "HEAD" and code not in ("204", "304")
            body = await read_body(reader, headers, is_response=True) if has_body else b""
            return Response(int(code), reason.strip(), headers, body)
        finally:
            writer.close()

    async def serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                line, headers = await read_head(reader)
                method, target, _ = line.split(" ", 2)
                request = Request(method, target, headers, await read_body(reader, headers, is_response=False))
                try:
                    writer.write(self.bytes_of(request, await self.answer(request)))
                except Hangup as hangup:
                    if hangup.answer is not None:
                        whole = self.bytes_of(request, hangup.answer)
                        writer.write(whole[:int(len(whole) * hangup.sent)])
                        await writer.drain()
                    return
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client has gone, or the test is over
        finally:
            writer.close()

    def bytes_of(self, request: Request, response: Response) -> bytes:
        head = f"HTTP/1.1 {response.status} {response.reason}\r\n"
        length = len(response.body)
        for name, value in response.headers:
            if name.lower() == "content-length" and request.method == "HEAD":
                length = int(value)
            if name.lower() not in HOP_BY_HOP:
                head += f"{name}: {value}\r\n"
        if response.status not in (204, 304):
            head += f"content-length: {length}\r\n"
        return head.encode("latin-1") + b"\r\n" + response.body


async def read_head(reader: asyncio.StreamReader) -> tuple[str, list[tuple[str, str]]]:
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = text[:-4].split("\r\n")
    return first, [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]


async def read_body(reader: asyncio.StreamReader, headers: list[tuple[str, str]], is_response: bool) -> bytes:
    found = {name.lower(): value for name, value in headers}
    if "chunked" in found.get("transfer-encoding", ""):
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return body
    if "content-length" in found:
        return await reader.readexactly(int(found["content-length"]))
    return await reader.read() if is_response else b""


class UnconditionalStore(Proxy):
    """A store that knows nothing of If-None-Match, and overwrites what is there."""

    async def answer(self, request: Request) -> Response:
        request.headers = [(name, value) for name, value in request.headers if name.lower() != "if-none-match"]
        return await self.forward(request)


class XmlUploads(Proxy):
    """Google's XML API in front of fake-gcs-server, which has uploads and their conditions in the JSON API only."""

    async def answer(self, request: Request) -> Response:
        if request.method != "PUT" or "?" in request.target:
            return await self.forward(request)
        bucket, _, name = request.path.lstrip("/").partition("/")
        condition = request.header("x-goog-if-generation-match")
        query = {"uploadType": "multipart"} | ({"ifGenerationMatch": condition} if condition is not None else {})
        resource = json.dumps({"name": name}).encode()
        boundary = b"weir-boundary-of-parts"
        body = b"".join([b"--", boundary, b"\r\ncontent-type: application/json\r\n\r\n", resource, b"\r\n--", boundary,
                         b"\r\ncontent-type: application/octet-stream\r\n\r\n", request.body, b"\r\n--", boundary, b"--\r\n"])
        headers = [("host", request.header("host")), ("content-type", f"multipart/related; boundary={boundary.decode()}")]
        made = await self.forward(Request("POST", f"/upload/storage/v1/b/{bucket}/o?{urllib.parse.urlencode(query)}", headers, body))
        if made.status != 200:
            return made
        stored = await self.forward(Request("HEAD", request.target, [("host", request.header("host"))], b""))
        kept = [(key, value) for key, value in stored.headers if key.lower() in ("etag", "x-goog-generation")]
        return Response(200, "OK", kept, b"")
