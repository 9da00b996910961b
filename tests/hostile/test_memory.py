"""What connections weigh that do nothing, and that their memory is given back when they are gone.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import time

import pytest

from actors.mesh import Mesh
from bed import h2_frames as h2
from bed.tls import mesh_client
from bed.wait import until

FIRST, CONNECTIONS = 100, 600
KIB_EACH = 12
GIVEN_BACK = 0.8
WITHIN = 60


@pytest.fixture(scope="module", name="mesh")
def fixture_mesh(origin):
    made = Mesh(origin.port)
    yield made
    made.stop()


def open_one(mesh, context):
    """A mesh peer's HTTP/2 connection after one request."""
    sock = context.wrap_socket(mesh.connect(mesh.inbound), server_hostname="app")
    connection = h2.Connection(sock)
    connection.send(h2.headers(1, h2.request("app", "/i00001x")))
    while frame := connection.receive():
        if frame.stream == 1 and frame.flags & h2.END_STREAM and frame.kind <= h2.HEADERS:
            return sock
    raise AssertionError("the connection ended")


def test_idle_connections(mesh, is_sanitized):
    if is_sanitized:
        pytest.skip("memory figures say nothing there")
    context = mesh_client(mesh.leaf("somebody"), "weft-h2")
    first = [open_one(mesh, context) for _ in range(FIRST)]  # with what comes once
    before = mesh.server.rss_kib()
    socks = [open_one(mesh, context) for _ in range(CONNECTIONS)]
    full = mesh.server.rss_kib()
    until(f"{KIB_EACH} KiB a connection",
          lambda: mesh.server.rss_kib() - before <= KIB_EACH * CONNECTIONS, WITHIN)
    rests = mesh.server.rss_kib()
    # They rest, and are as good as before.
    for sock in socks[::50]:
        again = h2.Connection.__new__(h2.Connection)
        again.sock, again._data = sock, b""
        again.send(h2.headers(3, h2.request("app", "/i00001x")))
        while frame := again.receive():
            if frame.stream == 3 and frame.kind == h2.HEADERS:
                break
        assert frame, "the connection ended"
    for sock in first + socks:
        sock.close()
    start = time.monotonic()
    until(f"{GIVEN_BACK:.0%} of the memory is given back",
          lambda: mesh.server.rss_kib() - before <= (1 - GIVEN_BACK) * (full - before), WITHIN)
    print(f"{(full - before) / CONNECTIONS:.1f} KiB a connection at first, "
          f"{(rests - before) / CONNECTIONS:.1f} at rest; "
          f"given back after {time.monotonic() - start:.0f} s")
