"""An app that answers as it was told to, right or wrong, and the client that reads what comes of
it. SPDX-License-Identifier: GPL-3.0-or-later
"""
import asyncio
import re
import socket
import struct
from dataclasses import dataclass, field
from typing import Callable

from . import grammar
from .origin import Stage

HEAD = re.compile(rb"HTTP/1\.[01] (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")
FIELD = re.compile(rb"^([^:\r\n]+): *([^\r\n]*)\r\n", re.MULTILINE)


@dataclass
class Reply:
    """What is written in answer to one request, and what happens then: "keep", "close" (FIN),
    "reset", or "repeat": the last of the parts again and again, until nobody takes it."""
    parts: list[bytes]
    then: str = "keep"


class Scripted(asyncio.Protocol):
    """One connection to it."""

    def __init__(self, script: Callable[[grammar.Request], Reply], greeting: bytes) -> None:
        self.script, self.greeting, self.data, self.busy = script, greeting, bytearray(), False
        self.room = asyncio.Event()
        self.room.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.greeting:
            transport.write(self.greeting)

    def pause_writing(self) -> None:
        self.room.clear()

    def resume_writing(self) -> None:
        self.room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.room.set()

    def data_received(self, data: bytes) -> None:
        self.data += data
        try:
            request, end = grammar.one(bytes(self.data), 0)
        except (grammar.More, grammar.Bad):
            return
        del self.data[:end]
        asyncio.ensure_future(self.answer(self.script(request)))

    async def answer(self, reply: Reply) -> None:
        for part in reply.parts:
            if self.transport.is_closing():
                return
            self.transport.write(part)
            await asyncio.sleep(0)
        while reply.then == "repeat" and not self.transport.is_closing():
            self.transport.write(reply.parts[-1])
            await self.room.wait()
            await asyncio.sleep(0)
        if reply.then == "close":
            self.transport.close()
        if reply.then == "reset":
            self.reset()

    def reset(self) -> None:
        sock = self.transport.get_extra_info("socket")
        if sock and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class App:
    """It answers with what `script` says for a request."""

    def __init__(self, stage: Stage, script: Callable[[grammar.Request], Reply]) -> None:
        self.script, self.greeting, self.connections = script, b"", 0
        self.server, self.port = stage.serve(self._meet)

    def _meet(self) -> Scripted:
        self.connections += 1
        return Scripted(lambda request: self.script(request), self.greeting)


@dataclass
class Answer:
    """What a client made of an answer. `whole`: it ended where it said it would."""
    status: int = 0
    reason: str = ""
    fields: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = False
    interims: int = 0

    @property
    def is_ours(self) -> bool:
        """The mesh itself says that it went wrong, and why."""
        return self.status in (502, 503, 504) and self.whole and bool(self.reason)


class Reader:
    """Reads answers from one connection, one after the other, with a strict idea of their ends."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.reader, self.data, self.over = reader, b"", False

    async def more(self) -> bool:
        try:
            part = await self.reader.read(65536)
        except OSError:
            part = b""
            self.was_reset = True
        self.over |= not part
        self.data += part
        return bool(part)

    async def take(self, size: int) -> bytes:
        while len(self.data) < size and await self.more():
            pass
        part, self.data = self.data[:size], self.data[size:]
        return part

    async def line(self) -> bytes:
        while b"\r\n" not in self.data and await self.more():
            pass
        text, mark, rest = self.data.partition(b"\r\n")
        self.data = rest
        if not mark:
            raise EOFError
        return text

    async def head(self, answer: Answer) -> bool:
        while (match := HEAD.match(self.data)) is None:
            if not await self.more():
                return False
        self.data = self.data[match.end():]
        answer.status = int(match.group(1))
        answer.fields = {n.lower(): v for n, v in FIELD.findall(match.group(2))}
        answer.reason = answer.fields.get(b"x-weft-reason", b"").decode()
        return True

    async def answer(self, method: bytes = b"GET") -> Answer:
        """The next final answer."""
        answer = Answer()
        while await self.head(answer):
            if answer.status >= 200:
                await self.body(answer, method)
                break
            answer.interims += 1
            answer.status = 0
        return answer

    async def body(self, answer: Answer, method: bytes) -> None:
        length = answer.fields.get(b"content-length")
        if method == b"HEAD" or answer.status in (204, 304):
            answer.whole = True
        elif answer.fields.get(b"transfer-encoding") == b"chunked":
            try:
                while size := int(await self.line(), 16):
                    answer.body += await self.take(size)
                    await self.line()
                while await self.line():
                    pass
                answer.whole = True
            except (EOFError, ValueError):
                answer.whole = False
        elif length is not None:
            answer.body = await self.take(int(length))
            answer.whole = len(answer.body) == int(length)
        else:
            while await self.more():
                pass
            answer.body, self.data = self.data, b""
            answer.whole = not getattr(self, "was_reset", False)


async def dial(port: int) -> tuple[Reader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Reader(reader), writer
