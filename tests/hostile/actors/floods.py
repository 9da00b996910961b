"""The abuse of HTTP/2: what each attack sends, again and again. A flood is a function from the
number of a step to the frames of that step. SPDX-License-Identifier: GPL-3.0-or-later
"""
import struct
from dataclasses import dataclass
from typing import Callable

from bed import h2_frames as h2

FIELDS = [(":method", "GET"), (":scheme", "http"), (":authority", "app"), (":path", "/held")]
BLOCK = h2.block(FIELDS)
BAD_BLOCK = h2.block([*FIELDS, ("Upper", "1")])


def open_stream(stream: int, end: bool = False, block: bytes = BLOCK) -> bytes:
    return h2.frame(h2.HEADERS, h2.END_HEADERS | (h2.END_STREAM if end else 0), stream, block)


def on_new_streams(*make: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Each step on a stream of its own."""
    def step(number: int) -> bytes:
        stream = 2 * number + 1
        return b"".join(m(stream) for m in make)
    return step


def then_reset(frames: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """A whole request, and what makes the server reset it."""
    return on_new_streams(lambda s: open_stream(s, True), frames)


def always(data: bytes) -> Callable[[int], bytes]:
    return lambda number: data


def after_one_request(data: bytes, end: bool = False) -> Callable[[int], bytes]:
    return lambda number: (open_stream(1, end) if number == 0 else b"") + data


def endless_block(number: int) -> bytes:
    if number == 0:
        return h2.frame(h2.HEADERS, 0, 1, BLOCK)
    return h2.frame(h2.CONTINUATION, 0, 1, h2.block([("x-%d" % number, "1")]))


def empty_blocks(number: int) -> bytes:
    return h2.frame(h2.HEADERS, 0, 1, BLOCK) if number == 0 else h2.frame(h2.CONTINUATION, 0, 1)


def hpack_bomb(number: int) -> bytes:
    """One large entry in the dynamic table, and very many references to it."""
    name, value = b"x", b"a" * 4000
    if number == 0:
        entry = b"\x40" + bytes([len(name)]) + name + h2._integer(len(value), 7) + value
        return open_stream(1, True, BLOCK + entry)
    return open_stream(2 * number + 1, True, BLOCK + b"\xbe" * 12000)


@dataclass
class Flood:
    """`closes`: it must be answered with the end of the connection. `reads`: what comes is read."""
    step: Callable[[int], bytes]
    closes: bool = True
    reads: bool = True
    steps: int = 20000


def window(increment: int) -> bytes:
    return struct.pack("!I", increment)


FLOODS = {
    "rapid reset": Flood(on_new_streams(
        lambda s: open_stream(s, True),
        lambda s: h2.frame(h2.RST_STREAM, 0, s, struct.pack("!I", h2.CANCEL)))),
    "reset by a window of zero": Flood(then_reset(
        lambda s: h2.frame(h2.WINDOW_UPDATE, 0, s, window(0)))),
    "reset by a window too great": Flood(then_reset(
        lambda s: h2.frame(h2.WINDOW_UPDATE, 0, s, window(0x7fffffff)))),
    "reset by a short PRIORITY": Flood(then_reset(lambda s: h2.frame(h2.PRIORITY, 0, s, bytes(4)))),
    "reset by depending on itself": Flood(then_reset(
        lambda s: h2.frame(h2.PRIORITY, 0, s, struct.pack("!IB", s, 16)))),
    "reset by DATA after the end": Flood(then_reset(lambda s: h2.frame(h2.DATA, 0, s, b"x"))),
    "reset by HEADERS after the end": Flood(then_reset(lambda s: open_stream(s, True))),
    "reset by malformed requests": Flood(on_new_streams(
        lambda s: open_stream(s, True, BAD_BLOCK)), reads=False),
    "endless CONTINUATION": Flood(endless_block),
    "empty CONTINUATION": Flood(empty_blocks),
    "SETTINGS": Flood(always(h2.frame(h2.SETTINGS, 0, 0)), reads=False),
    "SETTINGS of many entries": Flood(always(
        h2.frame(h2.SETTINGS, 0, 0, struct.pack("!HI", 4, 65535) * 100))),
    "PING": Flood(always(h2.frame(h2.PING, 0, 0, bytes(8))), reads=False),
    "empty DATA": Flood(after_one_request(h2.frame(h2.DATA, 0, 1))),
    "padding alone": Flood(after_one_request(h2.frame(h2.DATA, 8, 1, b"\x05" + bytes(5)))),
    "PRIORITY": Flood(lambda n: h2.frame(h2.PRIORITY, 0, 2 * n + 1, struct.pack("!IB", 0, 16))),
    "WINDOW_UPDATE": Flood(after_one_request(h2.frame(h2.WINDOW_UPDATE, 0, 0, window(1)))),
    "WINDOW_UPDATE of a stream": Flood(
        after_one_request(h2.frame(h2.WINDOW_UPDATE, 0, 1, window(1)))),
    "unknown frames": Flood(always(h2.frame(0xfa, 0, 0, b"xx"))),
    "GOAWAY": Flood(always(h2.frame(h2.GOAWAY, 0, 0, bytes(8)))),
    "names without a letter": Flood(on_new_streams(
        lambda s: open_stream(s, True, BLOCK + h2.block([("", "")] * 50)))),
    "references to one large field": Flood(hpack_bomb, steps=500, closes=False),
    "far too many streams": Flood(on_new_streams(open_stream), closes=True),
    "HEADERS again and again": Flood(after_one_request(open_stream(1))),
    "RST_STREAM of what is gone": Flood(after_one_request(
        h2.frame(h2.RST_STREAM, 0, 1, struct.pack("!I", h2.CANCEL)))),
}
