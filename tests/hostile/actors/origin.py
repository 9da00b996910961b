"""Servers of the tests: an event loop in a thread, and the recording origin, which answers only
what it reads with the strictest grammar and keeps everything that it was sent.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import asyncio
import re
import socket
import threading
from typing import Any, Callable, Coroutine

from . import grammar

ID = re.compile(rb"(?:^|[/?=-])i([0-9]+)x")


class Stage:
    """An event loop in a thread of its own, with servers in it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(60)

    def serve(self, make: Callable[[], asyncio.Protocol]) -> tuple[asyncio.AbstractServer, int]:
        """A listener on a port of its own."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        sock.listen(4096)

        async def start() -> asyncio.AbstractServer:
            return await self.loop.create_server(make, sock=sock, backlog=4096)

        return self.run(start()), sock.getsockname()[1]

    def close(self) -> None:
        async def end() -> None:
            others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        self.run(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


class Recorded(asyncio.Protocol):
    """One connection to the recording origin."""

    def __init__(self, origin: "Origin") -> None:
        self.origin, self.data, self.at = origin, bytearray(), 0
        self.fault = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.origin.connections.append(self)

    def data_received(self, data: bytes) -> None:
        self.data += data
        while not self.fault and self.at < len(self.data):
            try:
                request, self.at = grammar.one(bytes(self.data), self.at)
            except grammar.More:
                return
            except grammar.Bad as e:
                self.fault = f"{e}: {bytes(self.data[self.at:])[:400]!r}"
                self.transport.close()
                return
            self.origin.requests.append(request)
            self.answer(request)

    def answer(self, request: grammar.Request) -> None:
        body = b"seen " + (request_id(request) or b"?")
        head = b"HTTP/1.%d 200 OK\r\ncontent-length: %d\r\n" % (request.minor, len(body))
        if request.minor == 0:
            head += b"connection: keep-alive\r\n"
        self.transport.write(head + b"\r\n" + (b"" if request.method == b"HEAD" else body))


def request_id(request: grammar.Request) -> bytes | None:
    """Which payload it came with, by its target or by x-id."""
    match = ID.search(request.target)
    if match:
        return match.group(1)
    named = request.values(b"x-id")
    match = ID.search(named[0]) if named else None
    return match.group(1) if match else None


class Origin:
    """The recording origin."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.connections: list[Recorded] = []
        self.requests: list[grammar.Request] = []  # as they came, whatever the connection
        self.server, self.port = stage.serve(lambda: Recorded(self))

    @property
    def faults(self) -> list[str]:
        """Everything that reached it and was not strict."""
        found = [c.fault for c in self.connections if c.fault]
        for request in self.requests:
            if request.extended:
                found.append(f"chunk extension: {request}")
            if request_id(request) is None:
                found.append(f"nobody's request: {request}")
        return found

    def seen(self) -> dict[int, list[grammar.Request]]:
        """The requests by payload."""
        by_id: dict[int, list[grammar.Request]] = {}
        for request in self.requests:
            by_id.setdefault(int(request_id(request) or -1), []).append(request)
        return by_id

    def forget(self) -> None:
        """What was seen is not of interest any more."""
        self.requests.clear()
        for connection in self.connections:
            del connection.data[:connection.at]
            connection.at = 0
