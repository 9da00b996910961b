"""Sends payloads over many connections at once and tells how each ended.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import asyncio
import random
import re
import socket
from dataclasses import dataclass, field
from typing import Sequence

from . import grammar

AT_ONCE = 64
SAFETY = 60.0
ANSWER = re.compile(rb"HTTP/1\.[01] (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")
LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)
REASON = re.compile(rb"^x-weft-reason: *([^\r\n]+)", re.IGNORECASE | re.MULTILINE)


@dataclass
class Payload:
    """What is sent. `name` says what is odd about it."""
    name: str
    data: bytes
    number: int = 0
    requests: list[grammar.Request] = field(default_factory=list)  # what a strict reader sees …
    end: str = ""                                                  # … and how it ends for it


@dataclass
class Outcome:
    """How a connection went: the statuses of the answers, the reasons that we gave, and the end."""
    payload: Payload
    statuses: list[int] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    end: str = "closed"  # or "reset", "overdue"

    @property
    def was_refused(self) -> bool:
        return bool(self.statuses) and self.statuses[-1] >= 400 and self.end != "overdue"


def answers(data: bytes, bodiless: bool = False) -> list[tuple[int, str]]:
    """(status, reason) of every final answer that is whole."""
    found, at = [], 0
    while (match := ANSWER.match(data, at)) is not None:
        length = LENGTH.search(match.group(2))
        status = int(match.group(1))
        size = int(length.group(1)) if length and not (bodiless and status == 200) else 0
        if len(data) < match.end() + size:
            break
        at = match.end() + size
        reason = REASON.search(match.group(2))
        if status >= 200:
            found.append((status, reason.group(1).decode() if reason else ""))
    return found


def pieces(data: bytes, cuts: random.Random | None) -> list[bytes]:
    """The bytes as they are, or cut at up to seven places."""
    if not cuts or len(data) < 2:
        return [data]
    places = sorted(cuts.sample(range(1, len(data)), min(len(data) - 1, cuts.randint(1, 7))))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)])]


async def shoot(port: int, payload: Payload, cuts: random.Random | None) -> Outcome:
    outcome = Outcome(payload)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    bodiless = b"HEAD " in payload.data
    data, awaited = b"", len(payload.requests)
    try:
        for piece in pieces(payload.data, cuts):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        # Half-closed only once all is answered: what is cut off by it has no answer.
        while len(answers(data, bodiless)) < awaited:
            part = await asyncio.wait_for(reader.read(65536), SAFETY)
            if not part:
                break
            data += part
        writer.write_eof()
        while part := await asyncio.wait_for(reader.read(65536), SAFETY):
            data += part
    except asyncio.TimeoutError:
        outcome.end = "overdue"
    except OSError:
        outcome.end = "reset"
    finally:
        writer.close()
    for status, reason in answers(data, bodiless):
        outcome.statuses.append(status)
        outcome.reasons.append(reason)
    return outcome


async def _drive(port: int, payloads: Sequence[Payload], seed: int | None) -> list[Outcome]:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(payload: Payload) -> Outcome:
        async with room:
            cuts = random.Random(seed * 1000003 + payload.number) if seed is not None else None
            return await shoot(port, payload, cuts)

    return await asyncio.gather(*(one(p) for p in payloads))


def drive(port: int, payloads: Sequence[Payload], seed: int | None = None) -> list[Outcome]:
    """All outcomes, in order. With a seed the payloads are sent in pieces."""
    return asyncio.run(_drive(port, payloads, seed))
