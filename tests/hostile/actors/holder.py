"""An app that counts how much work it is given at once: HTTP/2 requests are held without an answer
until they are given up, HTTP/1 requests get one. SPDX-License-Identifier: GPL-3.0-or-later
"""
import asyncio
import struct

from bed import h2_frames as h2

from .origin import Stage

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
OK_BLOCK = b"\x88"  # :status 200, of the static table


class Held(asyncio.Protocol):
    """One connection."""

    def __init__(self, holder: "Holder") -> None:
        self.holder, self.data, self.streams = holder, bytearray(), set[int]()
        self.is_h2: bool | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.holder.open -= len(self.streams)

    def data_received(self, data: bytes) -> None:
        self.data += data
        if self.is_h2 is None and len(self.data) >= len(h2.PREFACE):
            self.is_h2 = self.data.startswith(h2.PREFACE)
            if self.is_h2:
                del self.data[:len(h2.PREFACE)]
                self.transport.write(h2.frame(h2.SETTINGS, 0, 0, struct.pack("!HI", 3, 1 << 20)))
        if self.is_h2:
            self.frames()
        elif self.data.endswith(b"\r\n\r\n"):
            self.data.clear()
            self.transport.write(ANSWER)

    def frames(self) -> None:
        at = 0
        while len(self.data) - at >= 9:
            length = int.from_bytes(self.data[at:at + 3], "big")
            if len(self.data) - at < 9 + length:
                break
            kind, flags, stream = struct.unpack_from("!BBI", self.data, at + 3)
            self.frame(kind, flags, stream, bytes(self.data[at + 9:at + 9 + length]))
            at += 9 + length
        del self.data[:at]

    def frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        holder = self.holder
        if kind == h2.HEADERS and stream not in self.streams:
            holder.requests += 1
            if holder.reply is not None:
                self.transport.write(holder.reply(stream))
            else:
                self.streams.add(stream)
                holder.open += 1
                holder.most = max(holder.most, holder.open)
        elif kind == h2.RST_STREAM and stream in self.streams:
            self.streams.remove(stream)
            holder.open -= 1
        elif kind in (h2.SETTINGS, h2.PING) and not flags & h2.ACK:
            self.transport.write(h2.frame(kind, h2.ACK, 0, payload if kind == h2.PING else b""))


class Holder:
    """`open` requests are held now, `most` were at once. With a `reply` HTTP/2 requests get the
    frames that it makes."""

    def __init__(self, stage: Stage) -> None:
        self.open = self.most = self.requests = 0
        self.reply = None
        self.server, self.port = stage.serve(lambda: Held(self))


def large_reply(size: int):
    """A reply of that many bytes, for those who do not read."""
    def reply(stream: int) -> bytes:
        frames = h2.frame(h2.HEADERS, h2.END_HEADERS, stream, OK_BLOCK)
        for left in range(size, 0, -16384):
            frames += h2.frame(h2.DATA, 0, stream, bytes(min(left, 16384)))
        return frames + h2.frame(h2.DATA, h2.END_STREAM, stream)
    return reply
