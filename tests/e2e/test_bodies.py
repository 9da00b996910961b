"""Large bodies and slow readers: every byte arrives, and memory stays bounded.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import hashlib
import random
import socket
import threading

from bed.http_client import read_all, read_head
from bed.lab import TEST_APP
from bed.wait import until

MIB = 1 << 20
SIZE = 64 * MIB
# What a sidecar may take on top for one connection whose other side does not read: kernel buffers
# are not its memory; streams and connections have windows of a few MiB.
SLACK_KIB = 48 * 1024


class Echo:
    """Sends SIZE bytes to /echo and reads them back at the same time; both ends are summed."""

    def __init__(self, pod, framing):
        self.sock = pod.connect("web", TEST_APP, timeout=120)
        self.framing = framing
        self.sent = hashlib.sha256()
        self.thread = threading.Thread(target=self._send, daemon=True)
        length = f"Content-Length: {SIZE}" if framing == "length" else "Transfer-Encoding: chunked"
        self.sock.sendall(f"POST /echo HTTP/1.1\r\nHost: web\r\n{length}\r\n"
                          "Connection: close\r\n\r\n".encode())
        self.thread.start()

    def _send(self):
        block = random.Random(7).randbytes(MIB)
        for n in range(SIZE // MIB):
            piece = n.to_bytes(8, "big") + block[8:]
            self.sent.update(piece)
            if self.framing == "chunks":
                piece = b"%x\r\n" % len(piece) + piece + b"\r\n"
            self.sock.sendall(piece)
        if self.framing == "chunks":
            self.sock.sendall(b"0\r\n\r\n")

    def receive(self):
        """(status line, SHA-256 of the body, its length)"""
        head, data = read_head(self.sock)
        digest, total = hashlib.sha256(), 0
        if b"chunked" in head.lower():
            with self.sock.makefile("rb") as rest:
                body = Chunks(data, rest)
                while part := body.next():
                    digest.update(part)
                    total += len(part)
        else:
            while data or (data := self.sock.recv(MIB)):
                digest.update(data)
                total += len(data)
                data = b""
        self.thread.join()
        self.sock.close()
        return head.split(b"\r\n")[0], digest, total


class Chunks:
    """A chunked body, piece by piece."""

    def __init__(self, begun, rest):
        self.begun, self.rest = begun, rest

    def _line(self):
        while b"\r\n" not in self.begun:
            part = self.rest.read1(65536)
            assert part, "the answer broke off"
            self.begun += part
        line, _, self.begun = self.begun.partition(b"\r\n")
        return line

    def next(self):
        size = int(self._line(), 16)
        if size == 0:
            self._line()
            return b""
        while len(self.begun) < size + 2:
            part = self.rest.read1(1 << 20)
            assert part, "the answer broke off"
            self.begun += part
        piece, self.begun = self.begun[:size], self.begun[size + 2:]
        return piece


def echo_whole(lab, framing, is_sanitized):
    sidecars = [lab.client.sidecar, lab.server.sidecar]
    before = [s.rss_kib() for s in sidecars]
    echo = Echo(lab.client, framing)
    status, digest, total = echo.receive()
    assert status.startswith(b"HTTP/1.1 200")
    assert total == SIZE
    assert digest.digest() == echo.sent.digest()
    if not is_sanitized:
        grown = [s.rss_kib() - b for s, b in zip(sidecars, before)]
        assert max(grown) < SLACK_KIB, grown


# requirement: K19
def test_64_mib_there_and_back_by_length(lab, is_sanitized):
    echo_whole(lab, "length", is_sanitized)


def test_64_mib_there_and_back_in_chunks(lab, is_sanitized):
    echo_whole(lab, "chunks", is_sanitized)


def test_a_reader_that_does_not_read_costs_little(lab, is_sanitized):
    """The app could send 1 GiB; nobody takes it."""
    sidecars = [lab.client.sidecar, lab.server.sidecar]
    before = [s.rss_kib() for s in sidecars]
    socks = []
    try:
        for _ in range(4):
            sock = lab.client.connect("web", TEST_APP)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            sock.sendall(b"GET /bytes/1073741824 HTTP/1.1\r\nHost: web\r\n\r\n")
            head, _ = read_head(sock)
            assert head.startswith(b"HTTP/1.1 200")
            socks.append(sock)
        # While it is stuck, others get their answers over the same mesh connection.
        result = lab.client.load(f"http://web:{TEST_APP}/bytes/100").run(300)
        assert not result.failures, result.why()
        if not is_sanitized:
            grown = [s.rss_kib() - b for s, b in zip(sidecars, before)]
            assert max(grown) < SLACK_KIB, grown
    finally:
        for sock in socks:
            sock.close()
    assert lab.client.get(f"http://web:{TEST_APP}/").status == 200


# requirement: L7
def test_an_app_that_does_not_read_costs_little(lab, is_sanitized):
    """A request body of 256 MiB for an app that does not take it: the sender gets stuck, and what
    it could send does not pile up in between."""
    sidecars = [lab.client.sidecar, lab.server.sidecar]
    before = [s.rss_kib() for s in sidecars]
    sock = lab.client.connect("deaf", lab.port("deaf"))
    sock.sendall(b"POST / HTTP/1.1\r\nHost: deaf\r\nContent-Length: 268435456\r\n\r\n")
    sent = 0
    sock.settimeout(2)
    try:
        while sent < 256 * MIB:
            sent += sock.send(bytes(65536))
    except TimeoutError:
        pass
    finally:
        sock.close()
    assert sent < 128 * MIB, "somebody took it"
    if not is_sanitized:
        grown = [s.rss_kib() - b for s, b in zip(sidecars, before)]
        assert max(grown) < SLACK_KIB, grown
    assert lab.client.get(f"http://web:{TEST_APP}/").status == 200


def test_readers_that_do_not_read_hold_up_nobody_else(lab):
    """More of them than what any window of the connection between the sidecars could hold for."""
    count, size = 600, 8 * MIB
    readers = []
    try:
        for _ in range(count):
            sock = lab.client.connect("web", TEST_APP)
            readers.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.sendall(f"GET /bytes/{size} HTTP/1.1\r\nHost: web\r\n\r\n".encode())
            read_head(sock)
        for _ in range(20):
            with lab.client.client("web", TEST_APP) as client:
                assert len(client.get(f"/bytes/{size}").body) == size
    finally:
        for sock in readers:
            sock.close()


def test_a_client_that_leaves_ends_the_work(lab):
    count = lab.server.sidecar.descriptors()
    for _ in range(20):
        with lab.client.connect("web", TEST_APP) as sock:
            sock.sendall(b"GET /bytes/1073741824 HTTP/1.1\r\nHost: web\r\n\r\n")
            read_head(sock)
    until("connections to be let go", lambda: lab.server.sidecar.descriptors() <= count + 3,
          aid=lab.server.sidecar.tail)
    assert lab.client.get(f"http://web:{TEST_APP}/").status == 200


def test_opaque_bytes_in_bulk(lab):
    sent, got = hashlib.sha256(), hashlib.sha256()
    with lab.client.connect("echo", lab.port("echo"), timeout=120) as sock:
        def send():
            for n in range(32):
                piece = random.Random(n).randbytes(MIB)
                sent.update(piece)
                sock.sendall(piece)
            sock.shutdown(socket.SHUT_WR)
        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        while part := sock.recv(MIB):
            got.update(part)
        thread.join()
    assert got.digest() == sent.digest()


def test_bytes_on_a_closing_connection_are_not_lost(lab):
    """The app sends and closes at once; the client reads late."""
    script = b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n" + b"z" * 4000
    with lab.client.connect("scripted", lab.port("scripted")) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(f"GET /{script.hex()} HTTP/1.1\r\nHost: scripted\r\n"
                     "Connection: close\r\n\r\n".encode())
        assert read_all(sock).endswith(b"z" * 4000)
