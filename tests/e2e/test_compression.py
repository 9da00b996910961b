"""Responses that are compressed at a gateway, as clients decode them: gzip by Python, brotli and
zstd by their own programs; in pieces as they come; large ones with little memory. Needs no root.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import gzip
import hashlib
import http.server
import json
import pathlib
import socket
import subprocess
import threading
import zlib
from typing import Any, Iterator

import pytest

from bed import wait
from bed.here import Doors, gateway_and_route, service

ITEMS = [{"id": i, "name": f"item-{i * 7919 % 1000}"} for i in range(400)]
PAGE = json.dumps(ITEMS).encode()
LARGE = 64 * 1024  # blocks of 1 KiB
FILTER = """
---
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {name: compressed, namespace: default}
spec:
  targetRefs: [{kind: HTTPRoute, name: site}]
  compression: {}
"""


def block(i: int) -> bytes:
    return hashlib.sha256(str(i // 4).encode()).hexdigest().encode() * 16


class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    go_on = threading.Event()

    def do_GET(self) -> None:  # pylint: disable=invalid-name
        self.send_response(200)
        events = self.path == "/events"
        self.send_header("content-type", "text/event-stream" if events else "application/json")
        if self.path == "/page":
            self.send_header("content-length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)
            return
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for path, first, second in (("/pieces", PAGE[:5000], PAGE[5000:]),
                                    ("/events", b"data: 1\n\n", b"data: 2\n\n")):
            if self.path == path:
                self._piece(first)
                App.go_on.wait(wait.SAFETY)
                self._piece(second)
        for i in range(LARGE if self.path == "/large" else 0):
            self._piece(block(i))
        self._piece(b"")

    def _piece(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module", name="doors")
def fixture_doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    app = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=app.serve_forever, daemon=True).start()
    doors = Doors(tmp_path_factory.mktemp("compression"), 1,
                  gateway_and_route("app") + service("app", app.server_address[1]) + FILTER,
                  "--workers", "2")
    yield doors
    wrong = doors.stop()
    app.shutdown()
    assert not wrong, "\n".join(wrong)


def decode(coding: str, data: bytes) -> bytes:
    if coding == "gzip":
        return gzip.decompress(data)
    program = {"br": ["brotli", "-dc"], "zstd": ["zstd", "-dqc"]}[coding]
    return subprocess.run(program, input=data, capture_output=True, check=True).stdout


# requirement: K15
@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
def test_what_clients_decode(doors: Doors, tmp_path: pathlib.Path, coding: str,
                             version: str) -> None:
    heads, body = tmp_path / "heads", tmp_path / "body"
    url = f"http://127.0.0.1:{doors.gateways[0].port}/page"
    subprocess.run(["curl", "-sS", version, "-D", heads, "-o", body, "-H",
                    f"accept-encoding: {coding}", url], check=True)
    told = heads.read_text().lower()
    assert f"content-encoding: {coding}" in told and "vary: accept-encoding" in told
    assert "content-length" not in told
    assert len(body.read_bytes()) < len(PAGE) / 4
    assert decode(coding, body.read_bytes()) == PAGE


@pytest.mark.parametrize("accepted, coding", [
    ("gzip;q=0.5, br;q=0.8, zstd;q=0.1", "br"), ("zstd, gzip", "zstd"), ("*", "br"),
    ("*;q=0.5, br;q=0", "zstd"), ("X-GZIP", "gzip"), ("gzip;q=0.001", "gzip"),
    ("identity, gzip;q=0.5", ""), ("gzip;q=0", ""), ("deflate", ""), ("", "")])
def test_which_coding(doors: Doors, accepted: str, coding: str) -> None:
    told = doors.gateways[0].ask("/page", accept_encoding=accepted)
    assert told.headers.get("content-encoding", "") == coding
    assert told.headers["vary"] == "Accept-Encoding"


def test_pieces_arrive_as_they_are_sent(doors: Doors) -> None:
    App.go_on.clear()
    inflater, got = zlib.decompressobj(31), b""
    with socket.create_connection(("127.0.0.1", doors.gateways[0].port), wait.SAFETY) as sock:
        sock.sendall(b"GET /pieces HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n"
                     b"Connection: close\r\n\r\n")
        stream = sock.makefile("rb")
        while stream.readline() != b"\r\n":
            pass
        while size := int(stream.readline(), 16):
            got += inflater.decompress(stream.read(size))
            stream.readline()
            if got == PAGE[:5000]:
                App.go_on.set()  # what was sent has arrived, and more was not sent yet
    assert App.go_on.is_set() and got == PAGE


# requirement: L4
def test_events_arrive_as_they_are_sent(doors: Doors) -> None:
    """Neither compressed nor waited for, though the client accepts the coding."""
    App.go_on.clear()
    got = b""
    with socket.create_connection(("127.0.0.1", doors.gateways[0].port), wait.SAFETY) as sock:
        sock.sendall(b"GET /events HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n"
                     b"Connection: close\r\n\r\n")
        while data := sock.recv(65536):
            got += data
            if b"data: 1\n\n" in got and not App.go_on.is_set():
                assert b"data: 2" not in got
                App.go_on.set()
    assert App.go_on.is_set() and b"data: 2\n\n" in got
    assert b"content-encoding" not in got.lower()


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_large_one_takes_little_memory(doors: Doors, coding: str, is_sanitized: bool) -> None:
    door = doors.gateways[0]
    before = door.rss_kib()
    with subprocess.Popen(["curl", "-sS", "-H", f"accept-encoding: {coding}",
                           f"http://127.0.0.1:{door.port}/large"], stdout=subprocess.PIPE) as curl:
        assert curl.stdout
        data = curl.stdout.read()
    plain = decode(coding, data)
    assert len(plain) == LARGE * 1024 and plain[-1024:] == block(LARGE - 1)
    assert hashlib.sha256(plain).digest() == hashlib.sha256(
        b"".join(block(i) for i in range(LARGE))).digest()
    assert is_sanitized or door.rss_kib() - before < 24 * 1024
