"""Whom a sidecar speaks to: the workload with the right certificate, and nobody who merely sits
at its address; the client hears why not, and the other side not a word of the request.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import re
import ssl

import pytest

from actors import hellos
from actors.bad_leaves import LEAVES, ME, NAMES, TRUST, World
from actors.impostor import Impostor, server_context
from actors.mesh import Mesh
from bed.http_client import read_all
from bed.pki import Authority


@pytest.fixture(scope="module", name="impostor")
def fixture_impostor():
    made = Impostor()
    yield made
    made.close()


@pytest.fixture(scope="module", name="mesh")
def fixture_mesh(impostor):
    made = Mesh(1, impostor=impostor.port)
    yield made
    made.stop()


@pytest.fixture(scope="module", name="world")
def fixture_world(mesh):
    return World(mesh.ca, Authority(mesh.folder / "foreign", "hostile root"), mesh.folder)


def call(mesh):
    with mesh.connect(mesh.outbound) as sock:
        sock.sendall(b"GET /secret HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n")
        return read_all(sock)


def show(mesh, impostor, context, words=b""):
    """What the client gets and the log says when the other side shows that."""
    impostor.context, impostor.words, impostor.heard, met = context, words, b"", impostor.met
    mark = mesh.client.mark()
    answer = call(mesh)
    assert impostor.met > met, "nobody came"
    return answer, mesh.client.output(mark)


def refused(mesh, impostor, context, why, words=b""):
    answer, _ = show(mesh, impostor, context, words)
    assert answer.startswith(b"HTTP/1.1 503 "), answer
    assert b"\r\nx-weft-reason: tls_failed\r\n" in answer, answer
    assert re.search(why, answer.decode()), answer
    assert not impostor.heard
    mesh.client.await_log(rf"TLS handshake failed: .*({why})")


def test_the_right_one_is_told(mesh, impostor, world):
    show(mesh, impostor, server_context(world.mesh.workload(ME)))
    assert impostor.heard.startswith(b"PRI * HTTP/2.0\r\n"), impostor.heard


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_certificate_is_refused(mesh, impostor, world, name):
    bad = LEAVES[name]
    refused(mesh, impostor, server_context(bad.make(world)), bad.log + "|expected '")


@pytest.mark.parametrize("name", ["admin", "server2", "serve"])
def test_somebody_else_of_the_mesh_is_refused(mesh, impostor, world, name):
    other = world.mesh.workload(f"spiffe://{TRUST}/ns/default/sa/{name}")
    refused(mesh, impostor, server_context(other), "expected '.*/server' but the peer is '")


def test_tls_1_2_is_refused(mesh, impostor, world):
    context = server_context(world.mesh.workload(ME), newest=ssl.TLSVersion.TLSv1_2)
    refused(mesh, impostor, context, "version")


def test_without_our_alpn_it_is_no_sidecar(mesh, impostor, world):
    for alpn in (None, "h2", "weft-tcp"):
        refused(mesh, impostor, server_context(world.mesh.workload(ME), alpn), "ALPN")


@pytest.mark.parametrize("name", hellos.GARBAGE)
def test_who_answers_with_garbage_is_refused(mesh, impostor, name):
    refused(mesh, impostor, None, ".+", hellos.GARBAGE[name]())


@pytest.mark.parametrize("words", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                                   b"\x15\x03\x03\x00\x02\x02\x28"], ids=["end", "HTTP", "alert"])
def test_plain_text_is_no_answer(mesh, impostor, words):
    answer, _ = show(mesh, impostor, None, words)
    assert answer.startswith(b"HTTP/1.1 503 ") and b"x-weft-reason: " in answer, answer
