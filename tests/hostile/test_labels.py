"""What mesh peers say of themselves does not make the page of metrics, or memory, grow.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import re
import urllib.request

import pytest

from actors.mesh import Mesh
from bed.tls import mesh_client

PEERS = 300
SAID = {
    "long": lambda n: f"default/{'a' * 4000}{n}",
    "no name": lambda n: f'default/a" b{n}',
    "another namespace": lambda n: f"payments/peer-{n}",
}


@pytest.fixture(scope="module", name="mesh")
def fixture_mesh(origin):
    made = Mesh(origin.port)
    yield made
    made.stop()


def page(mesh, name="server"):
    url = f"http://127.0.0.1:{mesh.metrics[name]}/metrics"
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()


def call(mesh, context, said):
    """One request of a peer that calls itself that."""
    with context.wrap_socket(mesh.connect(mesh.inbound), server_hostname="app") as tls:
        tls.sendall(f"GET /i00001x HTTP/1.1\r\nHost: app\r\nx-weft-source: {said}\r\n"
                    "Connection: close\r\n\r\n".encode())
        assert tls.recv(12) == b"HTTP/1.1 200"


def sources(text):
    """(workload, namespace) of who was counted."""
    return {(m["workload"], m["space"]) for m in re.finditer(
        r'^istio_requests_total\{.*source_workload="(?P<workload>[^"]*)",'
        r'source_workload_namespace="(?P<space>[^"]*)"', text, re.M)}


@pytest.mark.parametrize("kind", SAID)
def test_names_of_peers(mesh, kind):
    leaf = mesh.leaf("somebody")
    context = mesh_client(leaf)
    for n in range(PEERS if kind == "long" else 3):
        call(mesh, context, SAID[kind](n))
    text = page(mesh)
    assert len(text) < 200_000
    told = sources(text)
    assert {space for _, space in told} == {"default"}, told
    if kind == "another namespace":
        assert ("peer-1", "default") in told
    else:
        assert ("unknown", "default") in told
    assert not [w for w, _ in told if len(w) > 253 or " " in w], told
    refused = int(re.search(r"^weft_peer_names_refused_total (\d+)$", text, re.M)[1])
    assert refused >= (PEERS if kind == "long" else 3)


def test_a_page_that_is_not_read(mesh):
    """Too many readers at a time are refused; those that do not read are given up in the end."""
    readers = [mesh.connect(mesh.metrics["server"]) for _ in range(3)]
    for sock in readers:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert "istio_build" in page(mesh)
    for sock in readers:
        sock.close()
