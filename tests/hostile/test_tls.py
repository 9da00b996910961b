"""Who is let in at the mesh port: those with the right certificate, in TLS 1.3, and nobody else;
and each who is not is told of in the log by the cause. SPDX-License-Identifier: GPL-3.0-or-later
"""
import re
import ssl

import pytest

from actors import hellos
from actors.bad_leaves import LEAVES, NAMES, World
from actors.mesh import Mesh
from actors.prober import Prober
from bed import h2_frames as h2
from bed.http_client import read_all
from bed.pki import Authority
from bed.tls import mesh_client, try_request

STRICT = """apiVersion: policy.weft.dev/v1alpha1
kind: PeerAuthentication
metadata: { name: default, namespace: default }
spec: { mtls: { mode: STRICT } }
"""


@pytest.fixture(scope="module", name="mesh")
def fixture_mesh(origin):
    made = Mesh(origin.port, extra=STRICT)
    yield made
    made.stop()


@pytest.fixture(scope="module", name="undeclared")
def fixture_undeclared(origin):
    """A workload whose port says nothing of its protocol, and takes plain text."""
    made = Mesh(origin.port, protocol="main")
    yield made
    made.stop()


@pytest.fixture(scope="module", name="world")
def fixture_world(mesh):
    return World(mesh.ca, Authority(mesh.folder / "foreign", "hostile root"), mesh.folder)


def knock(mesh, leaf, alpn="weft-h1", newest=ssl.TLSVersion.TLSv1_3):
    return try_request(mesh.connect(mesh.inbound), mesh_client(leaf, alpn, newest), "app",
                       "/i00001x")


def test_a_good_certificate_is_let_in(mesh, origin):
    origin.forget()
    attempt = knock(mesh, mesh.leaf("client"))
    assert attempt.answer.startswith(b"HTTP/1.1 200 "), attempt
    assert (attempt.version, attempt.alpn) == ("TLSv1.3", "weft-h1")
    told = origin.requests[-1].values(b"x-forwarded-client-cert")[0]
    assert told.endswith(b"/sa/client")


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_certificate_is_refused(mesh, origin, world, name):
    leaf = LEAVES[name].make(world)
    origin.forget()
    mark = mesh.server.mark()
    attempt = knock(mesh, leaf)
    assert not attempt.was_served, attempt
    line = mesh.server.await_log(r"TLS handshake failed: (.+)", mark).group(1)
    assert re.search(LEAVES[name].log, line), line
    assert not origin.requests


def test_no_certificate(mesh):
    mark = mesh.server.mark()
    attempt = knock(mesh, None)
    assert not attempt.was_served and attempt.error, attempt
    mesh.server.await_log(r"TLS handshake failed: .*showed no certificate", mark)


def test_tls_1_2_is_refused(mesh):
    mark = mesh.server.mark()
    attempt = knock(mesh, mesh.leaf("client"), newest=ssl.TLSVersion.TLSv1_2)
    assert not attempt.was_served and "protocol" in attempt.error.lower(), attempt
    mesh.server.await_log(r"TLS handshake failed: .*no TLS version in common", mark)


def test_nothing_to_resume_with(mesh):
    """After a resumption nobody would know who the peer is: there are no tickets."""
    context = mesh_client(mesh.leaf("client"))
    with context.wrap_socket(mesh.connect(mesh.inbound), server_hostname="app") as tls:
        tls.sendall(b"GET /i00001x HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n")
        assert tls.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert tls.session is None or not tls.session.has_ticket


@pytest.mark.parametrize("cut", [b"GET /i00001x HTTP/1.1\r\nHost: app\r\n\r\n",
                                 h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0) +
                                 h2.headers(1, h2.request("app", "/i00001x"))])
def test_plain_http_at_a_strict_port_gets_a_reason(mesh, origin, cut):
    origin.forget()
    with mesh.connect(mesh.inbound) as sock:
        sock.sendall(cut)
        data = b""
        while b"plaintext_denied" not in data and b"mutual TLS only" not in data:
            part = sock.recv(65536)
            assert part, data
            data += part
    assert data.startswith(b"HTTP/1.1 403 ") or not data.startswith(b"HTTP/1.1")
    assert not origin.requests


@pytest.mark.parametrize("alpn", [["http/1.1"], ["h2", "http/1.1"], ["weft-h3"], None])
def test_without_our_alpn_it_is_the_apps_own_tls(mesh, undeclared, origin, alpn):
    """Passed on as it is where that is allowed, and refused where the port is declared HTTP."""
    context = mesh_client(mesh.leaf("client"))
    context.set_alpn_protocols(alpn or [])
    origin.forget()
    mark, faults = mesh.server.mark(), len(origin.faults)
    assert not try_request(mesh.connect(mesh.inbound), context, "app").was_served
    mesh.server.await_log(r"refused: .*declared to be HTTP and the client speaks TLS", mark)
    assert not try_request(undeclared.connect(undeclared.inbound), context, "app").was_served
    assert len(origin.faults) == faults + 1 and "\\x16\\x03" in origin.faults[-1]


# ---- what is no TLS, or almost ----

@pytest.mark.parametrize("name", hellos.GARBAGE)
def test_garbage_is_closed(mesh, name):
    mark = mesh.server.mark()
    with Prober(mesh.outbound) as prober, mesh.connect(mesh.inbound) as sock:
        try:
            sock.sendall(hellos.GARBAGE[name]())
            sock.shutdown(1)
        except OSError:
            pass
        data = read_all(sock)
    assert not data or data[0] == 0x15 or data.startswith(b"HTTP/1.1 400 "), data[:100]
    mesh.server.await_log(r"refused: .+|TLS handshake failed: .+|answered 400: .+", mark)
    assert not prober.failures, prober.failures[:3]


def test_a_hello_with_any_byte_changed(mesh, origin):
    """Every byte of a good hello, one at a time, and cut at every place."""
    hello = hellos.client_hello(mesh_client(mesh.leaf("client")))
    origin.forget()
    with Prober(mesh.outbound) as prober:
        for at, byte in enumerate(hello):
            for data in (hello[:at] + bytes([byte ^ (1 << at % 8)]) + hello[at + 1:],
                         hello[:at + 1]):
                with mesh.connect(mesh.inbound) as sock:
                    sock.sendall(data)
                    sock.shutdown(1)
                    read_all(sock)
    assert not prober.failures, prober.failures[:3]
    assert all(r.target == b"/probe" for r in origin.requests)
    assert knock(mesh, mesh.leaf("client")).was_served


def test_garbage_inside_of_tls(mesh):
    for alpn in ("weft-h1", "weft-h2", "weft-tcp"):
        context = mesh_client(mesh.leaf("client"), alpn)
        with context.wrap_socket(mesh.connect(mesh.inbound), server_hostname="app") as tls:
            try:
                tls.sendall(bytes(range(256)) * 100)
                while tls.recv(65536):
                    pass
            except OSError:
                pass
    assert knock(mesh, mesh.leaf("client")).was_served


def test_a_record_that_was_altered(mesh):
    """Behind a good handshake, one byte changed on its way."""
    sock, session = hellos.raw_session(mesh, mesh_client(mesh.leaf("client")))
    mark = mesh.server.mark()
    with sock:
        session.tls.write(b"GET /i00001x HTTP/1.1\r\nHost: app\r\n\r\n")
        record = bytearray(session.outgoing.read())
        record[-3] ^= 1
        sock.sendall(record)
        read_all(sock)
    mesh.server.await_log(r"connection ended: .*(altered|decrypt)", mark)
