"""HTTP/2 by prior knowledge from app to app, and misbehaving clients of it.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import re
import struct

import pytest

from bed import h2_frames as h2
from bed.lab import TEST_APP, TEST_APP_H2
from bed.programs import Unavailable, tool


def need(name):
    try:
        return tool(name)
    except Unavailable as e:
        pytest.skip(str(e))


def run(lab, *command):
    done = lab.client.netns.run(*command, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(name="connection")
def fixture_connection(lab):
    connection = h2.Connection(lab.client.connect("web-h2", TEST_APP_H2))
    yield connection
    connection.close()
    assert lab.client.get("http://web:8080/").status == 200, "others were disturbed"


# ---- what must work ----

def test_a_call_in_http_2(lab):
    out = run(lab, need("nghttp"), "-nv", f"http://web-h2:{TEST_APP_H2}/headers")
    assert re.search(r":status: 200", out), out


def test_the_app_is_spoken_to_in_http_2(lab):
    """A strict app: it would not understand HTTP/1."""
    strict = lab.start_test_app(lab.server, 8091, "--h2c")
    try:
        out = run(lab, need("nghttp"), "-nv", f"http://{lab.server.ip}:8091/")
        assert re.search(r":status: 200", out), out
    finally:
        strict.stop()


def test_trailers_as_grpc_sends_them(lab):
    message = lab.bed.run.path / "message"
    message.write_bytes(b"\0\0\0\0\5hello")
    out = run(lab, need("nghttp"), "-nv", "-H", "te: trailers", "-H",
              "content-type: application/grpc", "-d", str(message),
              f"http://web-h2:{TEST_APP_H2}/weft.Test/Echo")
    body = out.index("recv DATA")
    assert ":status: 200" in out[:body]
    assert re.search(r"recv \(stream_id=\d+\) grpc-status: 0", out[body:]), out


def test_an_error_is_said_in_the_words_of_grpc(lab):
    nobody = f"http://web-h2:{TEST_APP_H2}/status/404"
    with lab.bed.policy("""
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web-h2, namespace: default}
spec:
  parentRefs: [{group: "", kind: Service, name: web-h2, port: 8081}]
  rules:
  - matches: [{path: {type: Exact, value: /never}}]
    backendRefs: [{name: web-h2, port: 8081}]
"""):
        out = run(lab, need("nghttp"), "-nv", "-H", "content-type: application/grpc", nobody)
    assert re.search(r"grpc-status: 12", out), out
    assert re.search(r"grpc-message: \S+", out), out


def test_many_streams_at_once(lab):
    out = run(lab, need("h2load"), "-n", "2000", "-c", "4", "-m", "50",
              f"http://web-h2:{TEST_APP_H2}/bytes/1000")
    assert "2000 succeeded, 0 failed" in out, out


def test_http_2_to_a_service_that_speaks_http_1(lab):
    out = run(lab, need("nghttp"), "-nv", f"http://web:{TEST_APP}/headers")
    assert re.search(r":status: 200", out), out


def test_a_request_by_hand(connection):
    connection.send(h2.headers(1, h2.request("web-h2")))
    assert connection.verdict() == ("answer", 0)


# ---- what must not ----

def test_uppercase_names_are_refused(connection):
    connection.send(h2.headers(1, h2.request("web-h2", "/", "GET", ("X-Upper", "1"))))
    assert connection.verdict() in (("reset", h2.PROTOCOL_ERROR), ("goaway", h2.PROTOCOL_ERROR))


BAD_FIELDS = {
    "connection": [("connection", "close")],
    "transfer-encoding": [("transfer-encoding", "chunked")],
    "a pseudo-header after others": [("x", "1"), (":path", "/again")],
    "an unknown pseudo-header": [(":other", "1")],
    "a line feed in a value": [("x", "a\nb")],
    "a NUL in a value": [("x", "a\0b")],
    "te that is not trailers": [("te", "gzip")],
    "a host that contradicts": [("host", "elsewhere")],
}


@pytest.mark.parametrize("what", BAD_FIELDS)
def test_bad_fields_are_refused(connection, what):
    connection.send(h2.headers(1, h2.request("web-h2", "/", "GET", *BAD_FIELDS[what])))
    verdict = connection.verdict()
    assert verdict[0] in ("reset", "goaway") or \
        verdict == ("answer", 0) and what == "a host that contradicts", verdict


@pytest.mark.parametrize("fields", [
    [(":scheme", "http"), (":authority", "web-h2"), (":path", "/")],
    [(":method", "GET"), (":authority", "web-h2"), (":path", "/")],
    [(":method", "GET"), (":scheme", "http"), (":authority", "web-h2")],
    [(":method", "GET"), (":scheme", "http"), (":authority", "web-h2"), (":path", "")],
    [(":method", "GET"), (":method", "GET"), (":scheme", "http"), (":authority", "web-h2"),
     (":path", "/")],
], ids=["no method", "no scheme", "no path", "empty path", "two methods"])
def test_incomplete_requests_are_refused(connection, fields):
    connection.send(h2.headers(1, fields))
    assert connection.verdict()[0] in ("reset", "goaway")


def test_a_body_that_contradicts_its_length(connection):
    fields = h2.request("web-h2", "/echo", "POST", ("content-length", "10"))
    connection.send(h2.headers(1, fields, end=False),
                    h2.frame(h2.DATA, h2.END_STREAM, 1, b"hello"))
    assert connection.verdict()[0] in ("reset", "goaway")


BAD_FRAMES = {
    "data on an idle stream": h2.frame(h2.DATA, 0, 5, b"x"),
    "headers on stream 0": h2.frame(h2.HEADERS, 5, 0, h2.block(h2.request("web-h2"))),
    "an even stream": h2.headers(2, h2.request("web-h2")),
    "a frame that is too long": h2.frame(h2.DATA, 0, 1, bytes(20000)),
    "a window update of 0": h2.frame(h2.WINDOW_UPDATE, 0, 0, bytes(4)),
    "a window that overflows": h2.frame(h2.WINDOW_UPDATE, 0, 0, struct.pack("!I", 0x7FFFFFFF)),
    "settings of a wrong size": h2.frame(h2.SETTINGS, 0, 0, b"12345"),
    "a ping of a wrong size": h2.frame(h2.PING, 0, 0, b"1234"),
    "continuation without headers": h2.frame(h2.CONTINUATION, 4, 1, b""),
    "a push from a client": h2.frame(h2.PUSH_PROMISE, 4, 1, struct.pack("!I", 2)),
    "a header block that is none": h2.frame(h2.HEADERS, 5, 1, b"\xff\xff\xff\xff\xff\xff"),
}


@pytest.mark.parametrize("what", BAD_FRAMES)
def test_bad_frames_end_the_connection(connection, what):
    connection.send(BAD_FRAMES[what])
    kind, code = connection.verdict()
    assert kind in ("goaway", "closed"), (kind, code)


def test_a_header_list_that_is_too_long(connection):
    fields = h2.request("web-h2", "/", "GET", *[(f"x-{n}", "v" * 1000) for n in range(15)])
    connection.send(h2.headers(1, fields))
    assert connection.verdict()[0] in ("answer", "reset")
    parts = h2.block(h2.request("web-h2") + [(f"x-{n}", "v" * 1000) for n in range(400)])
    pieces = [parts[i:i + 16000] for i in range(0, len(parts), 16000)]
    connection.send(h2.frame(h2.HEADERS, 1, 3, pieces[0]))
    for piece in pieces[1:-1]:
        connection.send(h2.frame(h2.CONTINUATION, 0, 3, piece))
    connection.send(h2.frame(h2.CONTINUATION, 4, 3, pieces[-1]))
    assert connection.verdict(3)[0] in ("answer", "reset", "goaway")  # an answer would be a 431


def test_a_flood_of_resets_ends_the_connection(connection):
    for n in range(1, 40001, 2):
        connection.send(h2.headers(n, h2.request("web-h2", "/delay/1000")),
                        h2.frame(h2.RST_STREAM, 0, n, struct.pack("!I", h2.CANCEL)))
    ended = connection.until(h2.GOAWAY)
    assert ended is None or ended.error == h2.ENHANCE_YOUR_CALM


def test_a_flood_of_settings_ends_the_connection(connection):
    for _ in range(200):
        connection.send(h2.frame(h2.SETTINGS, 0, 0, struct.pack("!HI", 3, 100)) * 500)
    ended = connection.until(h2.GOAWAY)
    assert ended is None or ended.error == h2.ENHANCE_YOUR_CALM
