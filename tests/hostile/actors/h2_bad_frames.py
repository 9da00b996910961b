"""HTTP/2 connections that break the rules of its frames, by name.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import struct
from typing import Iterator

from bed import h2_frames as h2

GET = h2.block(h2.request("app"))
OPEN = h2.frame(h2.HEADERS, h2.END_HEADERS, 1, h2.block(h2.request("app", "/", "POST")))
PADDED, PRIORITY_FLAG = 8, 32


def setting(name: int, value: int) -> bytes:
    return h2.frame(h2.SETTINGS, 0, 0, struct.pack("!HI", name, value))


def of_the_connection() -> Iterator[tuple[str, bytes]]:
    """Each must end it."""
    yield "DATA on stream 0", h2.frame(h2.DATA, 0, 0, b"x")
    yield "HEADERS on stream 0", h2.frame(h2.HEADERS, 5, 0, GET)
    yield "HEADERS on an even stream", h2.frame(h2.HEADERS, 5, 2, GET)
    yield "DATA on an idle stream", h2.frame(h2.DATA, 0, 1, b"x")
    yield "RST_STREAM on an idle stream", h2.frame(h2.RST_STREAM, 0, 1, bytes(4))
    yield "RST_STREAM on stream 0", h2.frame(h2.RST_STREAM, 0, 0, bytes(4))
    yield "RST_STREAM of three bytes", OPEN + h2.frame(h2.RST_STREAM, 0, 1, bytes(3))
    yield "WINDOW_UPDATE of zero", h2.frame(h2.WINDOW_UPDATE, 0, 0, bytes(4))
    yield "WINDOW_UPDATE of three bytes", h2.frame(h2.WINDOW_UPDATE, 0, 0, bytes(3))
    yield "WINDOW_UPDATE on an idle stream", h2.frame(h2.WINDOW_UPDATE, 0, 1, b"\0\0\0\1")
    yield "WINDOW_UPDATE beyond all bounds", h2.frame(h2.WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff")
    yield "SETTINGS of five bytes", h2.frame(h2.SETTINGS, 0, 0, bytes(5))
    yield "SETTINGS on a stream", h2.frame(h2.SETTINGS, 0, 1)
    yield "SETTINGS ACK with a payload", h2.frame(h2.SETTINGS, 1, 0, bytes(6))
    yield "ENABLE_PUSH of two", setting(2, 2)
    yield "a window beyond all bounds", setting(4, 1 << 31)
    yield "MAX_FRAME_SIZE too small", setting(5, 16383)
    yield "MAX_FRAME_SIZE too great", setting(5, 1 << 24)
    yield "PING of seven bytes", h2.frame(h2.PING, 0, 0, bytes(7))
    yield "PING on a stream", h2.frame(h2.PING, 0, 1, bytes(8))
    yield "GOAWAY on a stream", h2.frame(h2.GOAWAY, 0, 1, bytes(8))
    yield "GOAWAY of seven bytes", h2.frame(h2.GOAWAY, 0, 0, bytes(7))
    yield "PUSH_PROMISE", OPEN + h2.frame(h2.PUSH_PROMISE, 4, 1, b"\0\0\0\2" + GET)
    yield "CONTINUATION without HEADERS", h2.frame(h2.CONTINUATION, 4, 1, GET)
    yield "CONTINUATION on another stream", \
        h2.frame(h2.HEADERS, 1, 1, GET) + h2.frame(h2.CONTINUATION, 4, 3, b"")
    yield "DATA inside of a block", h2.frame(h2.HEADERS, 1, 1, GET) + h2.frame(h2.DATA, 0, 1, b"x")
    yield "an unknown frame inside of a block", \
        h2.frame(h2.HEADERS, 1, 1, GET) + h2.frame(0xfa, 0, 0)
    yield "a frame too long", OPEN + h2.frame(h2.DATA, 0, 1, bytes(16385))
    yield "a frame far too long", b"\xff\xff\xff\0\0\0\0\0\1"
    yield "more padding than there is", OPEN + h2.frame(h2.DATA, PADDED, 1, b"\x05xxxx")
    yield "padding and nothing else", OPEN + h2.frame(h2.DATA, PADDED, 1, b"")
    yield "HEADERS with too much padding", h2.frame(h2.HEADERS, 5 | PADDED, 1, b"\xff" + GET)
    yield "HEADERS that depend on themselves", \
        h2.frame(h2.HEADERS, 5 | PRIORITY_FLAG, 1, struct.pack("!IB", 1, 0) + GET)
    yield "a stream id that goes back", \
        h2.frame(h2.HEADERS, 5, 3, GET) + h2.frame(h2.HEADERS, 5, 1, GET)
    yield "an index that does not exist", h2.frame(h2.HEADERS, 5, 1, b"\xff\xff\xff\x00")
    yield "index zero", h2.frame(h2.HEADERS, 5, 1, b"\x80")
    yield "an integer without end", h2.frame(h2.HEADERS, 5, 1, b"\xff" + b"\x80" * 40)
    yield "a text longer than its block", h2.frame(h2.HEADERS, 5, 1, b"\x00\x7f\x7fabc")
    yield "Huffman padding of zeros", h2.frame(h2.HEADERS, 5, 1, b"\x00\x81\x00\x81\x00")
    yield "Huffman end of string", h2.frame(h2.HEADERS, 5, 1, b"\x00\x84\xff\xff\xff\xff\x01a")
    yield "a table too large", h2.frame(h2.HEADERS, 5, 1, b"\x3f\xff\xff\x0f" + GET)
    yield "a table size behind a field", h2.frame(h2.HEADERS, 5, 1, GET + b"\x20")


def prefaces() -> Iterator[tuple[str, bytes]]:
    """Instead of the preface."""
    yield "HTTP/2.1", h2.PREFACE.replace(b"2.0", b"2.1")
    yield "cut short", h2.PREFACE[:-6] + b"\r\n\r\n\r\n"
    yield "another word", h2.PREFACE.replace(b"SM", b"XX")
    yield "no SETTINGS behind it", h2.PREFACE + h2.frame(h2.PING, 0, 0, bytes(8))
    yield "HTTP/1 behind it", h2.PREFACE + b"GET / HTTP/1.1\r\nHost: app\r\n\r\n"
    yield "garbage behind it", h2.PREFACE + bytes(range(256)) * 10
