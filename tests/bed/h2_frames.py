"""HTTP/2 by hand, as far as a client needs it to misbehave: frames out, frames in, header blocks of
plain literals (RFC 7541 §6.2.2). SPDX-License-Identifier: GPL-3.0-or-later
"""
import socket
import struct
from dataclasses import dataclass
from typing import Sequence

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, \
    CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
# Error codes of RFC 9113 §7.
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, \
    FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, \
    ENHANCE_YOUR_CALM = range(12)

Fields = Sequence[tuple[str | bytes, str | bytes]]


@dataclass
class Frame:
    """One frame."""
    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def error(self) -> int:
        """Of RST_STREAM and GOAWAY."""
        return struct.unpack_from("!I", self.payload, 4 if self.kind == GOAWAY else 0)[0]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def _integer(value: int, bits: int) -> bytes:
    top = (1 << bits) - 1
    if value < top:
        return bytes([value])
    out, value = bytearray([top]), value - top
    while value >= 128:
        out.append(value % 128 | 128)
        value //= 128
    out.append(value)
    return bytes(out)


def block(fields: Fields) -> bytes:
    """A header block: literals that are never indexed, not Huffman-coded."""
    out = b""
    for name, value in fields:
        out += b"\x00"
        for text in (name, value):
            raw = text if isinstance(text, bytes) else text.encode("latin-1")
            out += _integer(len(raw), 7) + raw
    return out


def request(authority: str, path: str = "/", method: str = "GET", *more: tuple[str, str]
            ) -> list[tuple[str | bytes, str | bytes]]:
    return [(":method", method), (":scheme", "http"), (":authority", authority), (":path", path),
            *more]


def headers(stream: int, fields: Fields, end: bool = True) -> bytes:
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block(fields))


class Connection:
    """A connection that has sent its preface."""

    def __init__(self, sock: socket.socket, settings: bytes = b"") -> None:
        self.sock, self._data = sock, b""
        sock.sendall(PREFACE + frame(SETTINGS, 0, 0, settings))

    def send(self, *frames: bytes) -> None:
        try:
            self.sock.sendall(b"".join(frames))
        except (BrokenPipeError, ConnectionResetError):
            pass  # what the other side said before that can still be read

    def receive(self) -> Frame | None:
        """The next frame; None at the end. Settings and pings are acknowledged on the way."""
        while True:
            if len(self._data) >= 9:
                length = struct.unpack("!I", b"\0" + self._data[:3])[0]
                if len(self._data) >= 9 + length:
                    kind, flags, stream = struct.unpack_from("!BBI", self._data, 3)
                    got = Frame(kind, flags, stream & 0x7FFFFFFF, self._data[9:9 + length])
                    self._data = self._data[9 + length:]
                    if kind in (SETTINGS, PING) and not flags & ACK:
                        self.send(frame(kind, ACK, 0, got.payload if kind == PING else b""))
                    return got
            try:
                part = self.sock.recv(65536)
            except ConnectionResetError:
                return None
            if not part:
                return None
            self._data += part

    def until(self, *kinds: int, stream: int | None = None) -> Frame | None:
        """The next frame of one of these kinds (on that stream); None at the end."""
        while (got := self.receive()) is not None:
            if got.kind in kinds and (stream is None or got.stream == stream):
                return got
        return None

    def verdict(self, stream: int = 1) -> tuple[str, int]:
        """How it ended: ("reset", code), ("goaway", code), ("answer", 0) or ("closed", 0)."""
        while (got := self.receive()) is not None:
            if got.kind == RST_STREAM and got.stream == stream:
                return "reset", got.error
            if got.kind == GOAWAY and got.error != NO_ERROR:
                return "goaway", got.error
            if got.kind == HEADERS and got.stream == stream:
                return "answer", 0
        return "closed", 0

    def close(self) -> None:
        self.sock.close()
