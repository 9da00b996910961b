"""A DNS server on loopback whose answers a test chooses, over UDP and TCP.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import socket
import socketserver
import struct
import threading
from typing import Any

A, AAAA, ANY_CLASS = 1, 28, 1
SERVFAIL, NXDOMAIN = 2, 3


class DnsServer:
    """names: for each, its addresses; mode: how it answers all of them."""

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = {}
        self.ttl = 1
        self.mode = "well"  # or "fails", "is silent", "truncates", "lies" (another id)
        self.asked: list[str] = []
        self._tcp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _over_tcp(self))
        self._tcp.daemon_threads = True
        self.port = int(self._tcp.server_address[1])
        self._udp = socketserver.ThreadingUDPServer(("127.0.0.1", self.port), _over_udp(self))
        for server in (self._tcp, self._udp):
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        for server in (self._tcp, self._udp):
            server.shutdown()
            server.server_close()

    def answer(self, question: bytes, is_udp: bool) -> bytes | None:
        """Of one question, as all of ours are (RFC 1035 §4)."""
        name, at = "", 12
        while question[at]:
            name += question[at + 1:at + 1 + question[at]].decode() + "."
            at += 1 + question[at]
        kind = struct.unpack_from("!H", question, at + 1)[0]
        name = name.rstrip(".").lower()
        self.asked.append(name)
        if self.mode == "is silent":
            return None
        found = [socket.inet_aton(a) for a in self.names.get(name, [])] if kind == A else []
        code = SERVFAIL if self.mode == "fails" else 0 if name in self.names else NXDOMAIN
        flags = 0x8180 | code
        if self.mode == "truncates" and is_udp:
            flags, found = flags | 0x200, []
        if code:
            found = []
        ident = struct.unpack_from("!H", question)[0] ^ (self.mode == "lies")
        head = struct.pack("!6H", ident, flags, 1, len(found), 0, 0)
        records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", A, ANY_CLASS, self.ttl, 4) + a
                           for a in found)
        return head + question[12:at + 5] + records


def _over_udp(of: DnsServer) -> Any:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, sock = self.request
            answer = of.answer(data, True)
            if answer:
                sock.sendto(answer, self.client_address)
    return Handler


def _over_tcp(of: DnsServer) -> Any:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            size = self.rfile.read(2)
            while len(size) == 2:
                answer = of.answer(self.rfile.read(struct.unpack("!H", size)[0]), False)
                if answer:
                    self.wfile.write(struct.pack("!H", len(answer)) + answer)
                size = self.rfile.read(2)
    return Handler
