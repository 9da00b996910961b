"""Bodies that come compressed, as curl and Python's library send them, and a backend that gets them
plain: every coding, by HTTP/1.1 and HTTP/2, large ones with little memory, bombs and damage, and
filters that look into what was compressed. Needs no root.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import gzip
import hashlib
import http.server
import json
import pathlib
import subprocess
import threading
import zlib
from typing import Any, Iterator

import pytest

from bed import wait
from bed.here import Doors, gateway_and_route, service

ITEMS = [{"id": i, "name": f"item-{i * 7919 % 1000}"} for i in range(400)]
PAGE = json.dumps(ITEMS).encode()
LARGE = b"".join(hashlib.sha256(str(i // 4).encode()).hexdigest().encode() for i in range(200000))
FILTER = """
---
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: {name}, namespace: default}}
spec:
  targetRefs: [{{kind: HTTPRoute, name: site}}]
  {spec}
"""
UNPACK = FILTER.format(name="unpacked", spec="decompression: {requests: {maxSize: 64Mi}, "
                       "responses: {when: NotAccepted}}")
CHANGE = FILTER.format(name="changed", spec="transform: {request: {body: {remove: [pin]}}, "
                       "response: {body: {remove: [pin]}}}")


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def program(*command: str) -> Any:
    return lambda data: subprocess.run(command, input=data, capture_output=True, check=True).stdout


CODINGS = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress,
           "deflate;raw": raw_deflate, "br": program("brotli", "-cq", "5"),
           "zstd": program("zstd", "-qc")}


class App(http.server.BaseHTTPRequestHandler):
    """Tells what it got; GET answers in the coding that the path names."""
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # pylint: disable=invalid-name
        body = b""
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
        told = {"length": len(body), "sha256": hashlib.sha256(body).hexdigest(),
                "headers": {k.lower(): v for k, v in self.headers.items()},
                "text": body.decode() if len(body) < 1000 else ""}
        self._answer(json.dumps(told).encode(), {"content-type": "text/plain"})

    def do_GET(self) -> None:  # pylint: disable=invalid-name
        coding = self.path[1:]
        body = PAGE if coding != "pin" else b'{"pin":1,"id":2}'
        coding = "gzip" if coding == "pin" else coding
        data = CODINGS[coding](body)
        self._answer(data[:-4] if self.headers.get("x-cut") else data,
                     {"content-type": "application/json", "etag": '"abc"',
                      "content-encoding": coding.partition(";")[0]})

    def _answer(self, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module", name="doors")
def fixture_doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    app = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=app.serve_forever, daemon=True).start()
    doors = Doors(tmp_path_factory.mktemp("decompression"), 1,
                  gateway_and_route("app") + service("app", app.server_address[1]) + UNPACK,
                  "--workers", "2")
    yield doors
    wrong = doors.stop()
    app.shutdown()
    assert not wrong, "\n".join(wrong)


def post(doors: Doors, tmp_path: pathlib.Path, body: bytes, coding: str, *options: str
         ) -> tuple[int, bytes]:
    sent, got = tmp_path / "sent", tmp_path / "got"
    sent.write_bytes(body)
    url = f"http://127.0.0.1:{doors.gateways[0].port}/"
    status = subprocess.run(
        ["curl", "-sS", "-o", got, "-w", "%{http_code}", "-H", f"content-encoding: {coding}",
         "-H", "content-type: application/json", "--data-binary", f"@{sent}", *options, url],
        capture_output=True, text=True, check=True, timeout=wait.SAFETY).stdout
    return int(status), got.read_bytes()


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
@pytest.mark.parametrize("coding", CODINGS)
def test_what_the_backend_gets(doors: Doors, tmp_path: pathlib.Path, coding: str, version: str
                               ) -> None:
    for chunked in ([], ["-H", "transfer-encoding: chunked"]):
        options = chunked if version == "--http1.1" else []
        status, body = post(doors, tmp_path, CODINGS[coding](PAGE), coding.partition(";")[0],
                            version, *options)
        assert status == 200
        told = json.loads(body)
        assert told["sha256"] == hashlib.sha256(PAGE).hexdigest()
        assert "content-encoding" not in told["headers"]


def test_several_codings(doors: Doors, tmp_path: pathlib.Path) -> None:
    status, body = post(doors, tmp_path, gzip.compress(CODINGS["br"](PAGE)), "br, gzip")
    assert status == 200 and json.loads(body)["sha256"] == hashlib.sha256(PAGE).hexdigest()


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_large_one_takes_little_memory(doors: Doors, tmp_path: pathlib.Path, coding: str,
                                         is_sanitized: bool) -> None:
    before = doors.gateways[0].rss_kib()
    status, body = post(doors, tmp_path, CODINGS[coding](LARGE), coding)
    assert status == 200 and json.loads(body)["sha256"] == hashlib.sha256(LARGE).hexdigest()
    assert is_sanitized or doors.gateways[0].rss_kib() - before < 32 * 1024


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_bomb(doors: Doors, tmp_path: pathlib.Path, coding: str, is_sanitized: bool) -> None:
    before = doors.gateways[0].rss_kib()
    status, body = post(doors, tmp_path, CODINGS[coding](bytes(1 << 27)), coding)
    assert status == 413 and b"many times larger" in body
    assert is_sanitized or doors.gateways[0].rss_kib() - before < 32 * 1024


def test_a_bomb_inside_of_another(doors: Doors, tmp_path: pathlib.Path) -> None:
    inner = gzip.compress(bytes(1 << 26))
    assert post(doors, tmp_path, gzip.compress(inner), "gzip, gzip")[0] == 413
    assert post(doors, tmp_path, gzip.compress(b"x"), "gzip, gzip, gzip, gzip")[0] == 415


def test_damage(doors: Doors, tmp_path: pathlib.Path) -> None:
    packed = gzip.compress(PAGE)
    for body in (packed[:-1], packed[:-9], packed + b"x", PAGE, packed[:-8] + bytes(8)):
        status, said = post(doors, tmp_path, body, "gzip")
        assert status == 400 and b"Content-Encoding" in said
    assert post(doors, tmp_path, packed, "gzip")[0] == 200  # nobody remembers


@pytest.mark.parametrize("coding", CODINGS)
def test_responses(doors: Doors, coding: str) -> None:
    door = doors.gateways[0]
    plain = door.ask(f"/{coding}", accept_encoding="identity")
    assert plain.body == PAGE and plain.headers["etag"] == 'W/"abc"'
    assert "content-encoding" not in plain.headers and plain.headers["vary"] == "Accept-Encoding"
    packed = door.ask(f"/{coding}", accept_encoding="br, deflate, gzip, zstd")
    assert packed.headers["content-encoding"] == coding.partition(";")[0]
    assert packed.headers["etag"] == '"abc"' and packed.headers["vary"] == "Accept-Encoding"


def test_a_response_that_is_cut_short(doors: Doors) -> None:
    door = doors.gateways[0]
    try:
        got = door.ask("/gzip", x_cut="1", accept_encoding="identity")
        assert got.status == 502
    except OSError:
        pass  # it had begun
    assert door.ask("/gzip", accept_encoding="identity").body == PAGE


def test_filters_that_look_into_bodies(doors: Doors, tmp_path: pathlib.Path) -> None:
    doors.write("10-change.yaml", CHANGE)
    try:
        sent = gzip.compress(b'{"pin":1234,"name":"a"}')
        status, body = post(doors, tmp_path, sent, "gzip")
        assert status == 200 and json.loads(body)["text"] == '{"name":"a"}'
        status, body = post(doors, tmp_path, b"{}", "gzip")
        assert status == 400
        assert doors.gateways[0].ask("/pin").body == b'{"id":2}'
    finally:
        doors.write("10-change.yaml", "")
