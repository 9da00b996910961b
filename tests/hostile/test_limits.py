"""What is too large is refused by its name, and what just fits passes.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import pytest

from actors.mesh import Mesh
from bed.http_client import read_all

HEADER_BYTES, FIELDS, TARGET_BYTES = 65536, 1000, 65536
LINE = b"GET %s HTTP/1.1\r\n"
HOST = b"Host: app\r\n"


@pytest.fixture(scope="module", name="mesh")
def fixture_mesh(origin):
    made = Mesh(origin.port)
    yield made
    made.stop()


def fields(count, size=0):
    """So many field lines after Host, together of `size` bytes as limits count: names, values, and
    32 for each."""
    lines = [b"x-%d: 1\r\n" % n for n in range(count)]
    rest = size - sum(len(line) - 4 + 32 for line in [HOST, *lines])
    if rest > 0:
        lines.append(b"x: " + b"a" * (rest - 33) + b"\r\n")
    return HOST + b"".join(lines)


def target(size):
    return LINE % (b"/i00001x?" + b"a" * (size - 9))


SMALL = LINE % b"/i00001x"
TOO_LARGE = {
    "one long field": (SMALL + fields(0, 2 * HEADER_BYTES), 431),
    "just too long": (SMALL + fields(0, HEADER_BYTES + 1000), 431),
    "a megabyte": (SMALL + fields(0, 1 << 20), 431),
    "one field too many": (SMALL + fields(FIELDS), 431),
    "many fields": (SMALL + fields(5000), 431),
    "many long fields": (SMALL + HOST + b"".join(b"x-%d: %s\r\n" % (n, b"a" * 4000)
                                                 for n in range(20)), 431),
    "a long name": (SMALL + HOST + b"a" * 70000 + b": 1\r\n", 431),
    "a long cookie": (SMALL + HOST + b"Cookie: " + b"a" * 70000 + b"\r\n", 431),
    "a long target": (target(TARGET_BYTES + 1) + HOST, 414),
    "a target of a megabyte": (target(1 << 20) + HOST, 414),
    "a long target in absolute form": (LINE % (b"http://app/" + b"a" * TARGET_BYTES) + HOST, 414),
    "a long method": (SMALL.replace(b"GET", b"G" * 5000) + HOST, 400),
    "a long method of its own": (SMALL.replace(b"GET", b"X" * 256) + HOST, 400),
    "a version to come": (SMALL.replace(b"1.1", b"1.2") + HOST, 505),
    "too many trailers": (SMALL.replace(b"GET", b"POST") + HOST + b"Transfer-Encoding: chunked\r\n"
                          b"\r\n0\r\n" + b"".join(b"x-%d: 1\r\n" % n for n in range(1200)), 431),
    "long trailers": (SMALL.replace(b"GET", b"POST") + HOST + b"Transfer-Encoding: chunked\r\n"
                      b"\r\n0\r\nx: " + b"a" * 70000 + b"\r\n", 431),
    "a long chunk extension": (SMALL.replace(b"GET", b"POST") + HOST +
                               b"Transfer-Encoding: chunked\r\n\r\n5;" + b"a" * 70000, 400),
}
WAYS = pytest.mark.parametrize("way", ["inbound", "outbound"])


def ask(mesh, way, data):
    with mesh.connect(getattr(mesh, way)) as sock:
        try:
            sock.sendall(data + b"\r\n")
        except ConnectionResetError:
            pass  # it was refused before it was whole
        return read_all(sock)


@WAYS
@pytest.mark.parametrize("name", TOO_LARGE)
def test_too_large(mesh, origin, way, name):
    data, status = TOO_LARGE[name]
    origin.forget()
    mark = (mesh.server if way == "inbound" else mesh.client).mark()
    answer = ask(mesh, way, data)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:300]
    assert b"\r\nx-weft-reason: " in answer and b"\r\nconnection: close\r\n" in answer
    assert not origin.requests
    process = mesh.server if way == "inbound" else mesh.client
    process.await_log(rf"bad request, answered {status}: \S+", mark)


@WAYS
@pytest.mark.parametrize("data", [SMALL + fields(0, HEADER_BYTES - 100),
                                  SMALL + fields(FIELDS - 5), target(TARGET_BYTES) + HOST],
                         ids=["bytes", "fields", "target"])
def test_what_just_fits_passes(mesh, origin, way, data):
    origin.forget()
    answer = ask(mesh, way, data + b"Connection: close\r\n")
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:300]
    assert len(origin.requests) == 1 and not origin.faults
