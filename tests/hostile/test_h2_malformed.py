"""HTTP/2 that is none: no request with two meanings reaches an app that speaks HTTP/1, broken
frames end the connection and nothing else, and half-right requests are answered with a reason.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import socket

import pytest

from actors import h2_bad_frames, h2_heads
from actors.mesh import Mesh
from actors.prober import Prober
from bed import h2_frames as h2
from bed.http_client import read_all

MALFORMED = {f"head, {name}": [h2.headers(1, fields)] for name, fields in h2_heads.requests()} | \
    {f"body, {name}": frames for name, frames in h2_heads.bodies()}


@pytest.fixture(scope="module", name="mesh")
def fixture_mesh(origin):
    made = Mesh(origin.port)
    yield made
    made.stop()


def exchange(port, frames):
    """How stream 1 ended: "answer <status>", "reset <code>" or "goaway <code>"."""
    connection = h2.Connection(connect(port))
    with connection.sock:
        connection.send(*frames)
        while (got := connection.receive()) is not None:
            if got.kind == h2.RST_STREAM and got.stream == 1:
                return f"reset {got.error}"
            if got.kind == h2.GOAWAY and got.error != h2.NO_ERROR:
                return f"goaway {got.error}"
            if got.kind == h2.HEADERS and got.stream == 1:
                return f"answer {status(got.payload)}"
        return "closed"


def status(block):
    """Of a block that begins with :status, as an entry of the static table or as a literal."""
    if block[0] & 0x80:
        return {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}[block[0] & 0x7f]
    text = block[2:2 + (block[1] & 0x7f)]
    return int(huffman_digits(text) if block[1] & 0x80 else text)


def huffman_digits(data):
    """Digits are five bits (0, 1, 2) or six (RFC 7541, Appendix B)."""
    bits, text = "".join(f"{byte:08b}" for byte in data), ""
    while len(text) < 3:
        size = 5 if bits[:5] in ("00000", "00001", "00010") else 6
        code = int(bits[:size], 2)
        text, bits = text + str(code if size == 5 else code - 0b011001 + 3), bits[size:]
    return text


def connect(port):
    sock = socket.create_connection(("127.0.0.1", port), 60)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def test_what_is_malformed_in_http_2_never_becomes_http_1(mesh, origin):
    origin.forget()
    passed, ends = [], {}
    for name, frames in MALFORMED.items():
        end = exchange(mesh.outbound, frames)
        ends[end] = ends.get(end, 0) + 1
        if end in ("answer 200", "closed"):
            passed.append(f"{name}: {end}")
    print(f"{len(MALFORMED)} malformed requests: {ends}")
    assert not passed, "\n".join(passed)
    assert not origin.faults, origin.faults
    assert not origin.requests, origin.requests[:5]


@pytest.mark.parametrize("name", h2_heads.FINE)
def test_what_is_right_becomes_one_request(mesh, origin, name):
    frames, method, target, body = h2_heads.FINE[name]
    origin.forget()
    assert exchange(mesh.outbound, frames) == "answer 200"
    assert len(origin.requests) == 1 and not [f for f in origin.faults if "nobody's" not in f]
    request = origin.requests[0]
    assert (request.method, request.target, request.body) == (method, target, body)
    assert request.values(b"host") == [b"legacy"]


@pytest.mark.parametrize("way", ["inbound", "outbound"])
def test_broken_frames_end_the_connection(mesh, way):
    wrong, port = [], getattr(mesh, way)
    cases = dict(h2_bad_frames.of_the_connection())
    with Prober(port) as prober:
        for name, frames in cases.items():
            with connect(port) as sock:
                sock.sendall(h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0) + frames)
                code = goaway(read_all(sock))
                if not code:
                    wrong.append(f"{name}: {code}")
    assert not wrong, "\n".join(wrong)
    assert not prober.failures, prober.failures[:3]


def goaway(data):
    at, code = 0, None
    while len(data) - at >= 17:
        length = int.from_bytes(data[at:at + 3], "big")
        if data[at + 3] == h2.GOAWAY:
            code = int.from_bytes(data[at + 13:at + 17], "big")
        at += 9 + length
    return code


@pytest.mark.parametrize("way", ["inbound", "outbound"])
@pytest.mark.parametrize("name", dict(h2_bad_frames.prefaces()))
def test_a_preface_that_is_none(mesh, way, name):
    port = getattr(mesh, way)
    with connect(port) as sock:
        sock.sendall(dict(h2_bad_frames.prefaces())[name])
        data = read_all(sock)
    assert goaway(data) or data.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 ", b"HTTP/1.1 505 "))
    Prober(port).once()


def test_a_head_too_large_is_answered(mesh):
    """431, as in HTTP/1."""
    many = [*h2.request("app"), *((f"x-{n}", "1") for n in range(1100))]
    large = [*h2.request("app"), *((f"x-{n}", "a" * 7000) for n in range(12))]
    for fields, expected in ((many, "answer 431"), (large, "answer 431"),
                             (h2.request("app", "/" + "a" * 70000), "answer 414")):
        block = h2.block(fields)
        pieces = [block[at:at + 16000] for at in range(0, len(block), 16000)] + [b""]
        frames = [h2.frame(h2.HEADERS, 1, 1, pieces[0])]
        frames += [h2.frame(h2.CONTINUATION, 0, 1, piece) for piece in pieces[1:-1]]
        frames += [h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1, pieces[-1])]
        assert exchange(mesh.inbound, frames) == expected
