"""Clients who take their time: each sends something, and then a byte now and then, or nothing.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import asyncio
import socket
from dataclasses import dataclass

from bed import h2_frames as h2
from bed.tls import mesh_client

from . import hellos
from .framing import ID

GREETED = h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0)
HEAD = b"GET /" + ID + b" HTTP/1.1\r\nHost: app\r\n"
PAUSE = 0.25  # between two bytes


@dataclass
class Slow:
    """`begin` at once, then `drip` byte by byte, again and again (empty: nothing)."""
    begin: bytes
    drip: bytes
    ends_with: bytes = b""  # what the answer must contain


HTTP = {
    "a method that drips": Slow(b"", b"A"),
    "a target that drips": Slow(b"PROPFIND /", b"a"),
    "a head that drips": Slow(b"", HEAD + b"X-A: " + b"a" * 1000, b"408"),
    "a value that drips": Slow(HEAD + b"X-A: ", b"a", b"408"),
    "fields that drip": Slow(HEAD, b"x-a: b\r\n", b"408"),
    "half a head": Slow(HEAD, b"", b"408"),
    "an empty line and half a head": Slow(b"\r\n" + HEAD, b"", b"408"),
    "a preface that drips": Slow(b"", h2.PREFACE + bytes(1000)),
    "a preface alone": Slow(h2.PREFACE, b"", b"\x07"),
    "SETTINGS that drip": Slow(h2.PREFACE, b"\x00\x10\x00\x04" + bytes(4000), b"\x07"),
    "half a header block": Slow(GREETED + h2.frame(h2.HEADERS, 0, 1, b"\x82"), b"", b"\x07"),
    "a header block that drips": Slow(
        GREETED + b"\x00\x10\x00\x01\x05\x00\x00\x00\x01", b"\x00\x01x\x01y", b"\x07"),
}


def tls(leaf) -> dict[str, Slow]:
    """At the mesh port."""
    hello = hellos.client_hello(mesh_client(leaf))
    return {
        "a hello that drips": Slow(b"", hello),
        "half a hello": Slow(hello[:100], b""),
        "a hello and nothing more": Slow(hello, b""),
        "a hello and half a record": Slow(hello, b"\x14\x03\x03\x00\x01"),
    }


async def act(port: int, slow: Slow, over: asyncio.Event) -> bytes:
    """Until the other side ends it; what it said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def drip() -> None:
        at = 0
        while slow.drip and not over.is_set():
            writer.write(slow.drip[at % len(slow.drip):][:1])
            at += 1
            await asyncio.sleep(PAUSE)

    writer.write(slow.begin)
    dripping = asyncio.ensure_future(drip())
    try:
        return await asyncio.wait_for(reader.read(-1), 60)
    except ConnectionResetError:
        return b""
    finally:
        dripping.cancel()
        writer.close()
