"""What goes over a pod's wire, taken at the bridge's end with a raw socket and kept as a pcap file.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import pathlib
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

from .netns import Netns

ETH_P_ALL = 0x0003
FRAMES_MAX = 200_000
PCAP_HEAD = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)


@dataclass
class Flow:
    """One direction of a TCP connection, put together from its frames."""
    source: tuple[str, int]
    target: tuple[str, int]
    first: int | None = None
    starts: bool = False  # its first frame was seen
    sealed: int = 0  # frames that begin with a TLS record of application data
    pieces: dict[int, bytes] = field(default_factory=dict)

    def data(self) -> bytes:
        """In order; a byte sent twice counts once."""
        out = bytearray()
        for at, piece in sorted(self.pieces.items()):
            if at <= len(out) < at + len(piece):
                out[at:] = piece
        return bytes(out)


def tls_records(data: bytes) -> list[tuple[int, int]] | None:
    """(type, version) of each whole record; None when these bytes are no TLS."""
    records, at = [], 0
    while at + 5 <= len(data):
        kind, version, length = struct.unpack_from("!BHH", data, at)
        if kind not in (20, 21, 22, 23) or version not in (0x0301, 0x0303) or length > 16640:
            return None
        records.append((kind, version))
        at += 5 + length
    return records


class Capture:
    """Takes frames between `start` and `stop`."""

    def __init__(self, inside: Netns, interface: str, file: pathlib.Path) -> None:
        self.file = file
        self.frames: list[tuple[float, bytes]] = []
        with inside.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                         socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, 33, 1 << 25)  # SO_RCVBUFFORCE
        self._socket.bind((interface, ETH_P_ALL))
        self._until: float | None = None
        self._thread = threading.Thread(target=self._take, daemon=True)

    def _take(self) -> None:
        while len(self.frames) < FRAMES_MAX:
            # What was sent before `stop` is in the queue already; what comes after is not wanted.
            over = self._until is not None and time.time() > self._until
            try:
                self._socket.settimeout(0 if over else 0.02)
                self.frames.append((time.time(), self._socket.recv(1 << 18)))
            except (TimeoutError, BlockingIOError):
                if over:
                    return
            if self._until is not None and time.time() > self._until + 1:
                return

    def start(self) -> "Capture":
        self._thread.start()
        return self

    def stop(self) -> "Capture":
        """Takes what has arrived so far, then writes the file."""
        self._until = time.time()
        self._thread.join()
        self._socket.close()
        with open(self.file, "wb") as f:
            f.write(PCAP_HEAD)
            for at, frame in self.frames:
                f.write(struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(frame), len(frame)))
                f.write(frame)
        return self

    def holds(self, needle: bytes) -> int:
        """In how many frames these bytes are."""
        return sum(needle in frame for _, frame in self.frames)

    def flows(self) -> list[Flow]:
        """Every direction of every TCP connection that carried something."""
        found: dict[tuple[object, ...], Flow] = {}
        for _, frame in self.frames:
            self._sort(frame, found)
        return [f for f in found.values() if f.pieces]

    @staticmethod
    def _sort(frame: bytes, found: dict[tuple[object, ...], Flow]) -> None:
        kind = struct.unpack_from("!H", frame, 12)[0]
        if kind == 0x0800 and frame[23] == 6:
            tcp, end = 14 + (frame[14] & 15) * 4, 14 + struct.unpack_from("!H", frame, 16)[0]
            ends = [socket.inet_ntop(socket.AF_INET, frame[i:i + 4]) for i in (26, 30)]
        elif kind == 0x86DD and frame[20] == 6:
            tcp, end = 54, 54 + struct.unpack_from("!H", frame, 18)[0]
            ends = [socket.inet_ntop(socket.AF_INET6, frame[i:i + 16]) for i in (22, 38)]
        else:
            return
        source, target, sequence = struct.unpack_from("!HHI", frame, tcp)
        data = frame[tcp + (frame[tcp + 12] >> 4) * 4:end]
        key = (ends[0], source, ends[1], target)
        flow = found.setdefault(key, Flow((ends[0], source), (ends[1], target)))
        if frame[tcp + 13] & 2:
            flow.starts, flow.first = True, sequence + 1
        elif flow.first is None:
            flow.first = sequence
        flow.sealed += data.startswith(b"\x17\x03\x03")
        if data:
            at = (sequence - flow.first) & 0xFFFFFFFF
            if at < 1 << 31 and len(flow.pieces.get(at, b"")) < len(data):
                flow.pieces[at] = data
