"""Certificates over time: got, renewed, lost, got back. SPDX-License-Identifier: GPL-3.0-or-later
"""
import os
import re
import shutil

import pytest

from bed import Bed, Port
from bed.pki import Authority
from bed.wait import until
from conftest import make, take_down

# Certificates live for seconds here: nobody may wait for an app that has no sockets.
STOPS_SOON = {"drain_time": "100ms"}


@pytest.fixture(scope="module", name="bed")
def fixture_bed():
    bed = make(lambda: Bed("id"))
    bed.add_pod("client")
    bed.add_pod("server", "ratings")
    bed.add_pod("outside", meshed=False)
    bed.add_service("server", [Port(9080, 9080)])
    bed.add_certd(leaf_ttl="12s")
    bed.publish()
    bed.pods["server"].start_demo("ratings")
    for name in ("client", "server"):
        bed.pods[name].start_sidecar(**STOPS_SOON)
        bed.pods[name].sidecar.await_identity()
    yield bed
    take_down(bed)


def replace(file, text):
    """In one step, as a mounted ConfigMap changes."""
    new = file.with_name("new")
    new.write_text(text)
    os.rename(new, file)


def certificate(answer):
    """SHA-256 of the client's certificate, as the app was told."""
    told = answer.json()["headers"].get("x-forwarded-client-cert", "")
    found = re.search(r"Hash=([0-9a-f]{64})", told)
    return found.group(1) if found else None


def ask(bed):
    return bed.pods["client"].get("http://server:9080/headers")


def test_certificates_change_under_load_without_a_failure(bed):
    load = bed.pods["client"].load("http://server:9080/headers", kind=certificate, pause=0.002,
                                   reconnect_every=20).start()
    try:
        until("three certificates", lambda: len(load.result.kinds) >= 3, 120)
    finally:
        result = load.stop()
    assert not result.failures, result.why()
    assert None not in result.kinds


def test_a_connection_keeps_the_certificate_it_began_with(bed):
    """A tunnel and a kept connection live on while certificates change around them."""
    server = bed.pods["server"]
    server.start_tcp("echo", 7001)
    with bed.pods["client"].connect(server.ip, 7001) as sock, \
            bed.pods["client"].client("server", 9080) as client:
        sock.sendall(b"before")
        assert sock.recv(100) == b"before"
        first = certificate(client.get("/headers"))
        until("a new certificate", lambda: certificate(client.get("/headers")) != first, 120)
        sock.sendall(b"after")
        assert sock.recv(100) == b"after"


def test_the_ca_may_be_away(bed):
    bed.certd.stop()
    try:
        load = bed.pods["client"].load("http://server:9080/headers", kind=certificate,
                                       reconnect_every=3).run(200)
        assert not load.failures, load.why()
        assert None not in load.kinds
    finally:
        bed.certd.start()
    now = certificate(ask(bed))
    until("a new certificate", lambda: certificate(ask(bed)) != now, 120)


def test_a_restarted_sidecar_keeps_its_identity_while_the_ca_is_away(bed):
    client = bed.pods["client"]
    now = certificate(ask(bed))
    until("a fresh certificate", lambda: certificate(ask(bed)) != now, 120)
    bed.certd.stop()
    try:
        assert client.sidecar.stop() == 0
        client.start_sidecar(fresh_token=False, **STOPS_SOON)
        client.sidecar.await_identity()
        assert certificate(ask(bed))
    finally:
        bed.certd.start()
        if not client.sidecar.is_running():
            client.start_sidecar(**STOPS_SOON)


def test_the_ca_is_away_at_the_start(bed):
    """Served in the clear under PERMISSIVE, and said; with the CA comes the certificate."""
    late = bed.add_pod("late", "ratings")
    bed.add_service("late", [Port(9080, 9080)])
    bed.publish()
    late.start_demo("ratings", "late")
    late.prepare_identity()
    bed.certd.stop()
    try:
        late.start_sidecar()
        late.sidecar.await_log(r"(?i)(certd|identity).*")
        plain = bed.pods["outside"].get(f"http://{late.ip}:9080/who")
        assert plain.status == 200
        # What wants mutual TLS is refused, with a reason, rather than sent in the clear.
        calling = late.get("http://server:9080/who")
        assert (calling.status, calling.reason) == (503, "identity_missing"), calling
        called = bed.pods["client"].get("http://late:9080/who")
        assert called.status == 503 and called.reason, called
    finally:
        bed.certd.start()
    late.sidecar.await_identity()
    until("mutual TLS", lambda: bed.pods["client"].get("http://late:9080/who").status == 200)
    assert late.get("http://server:9080/who").status == 200


def test_a_join_token_works_once(bed):
    thief = bed.add_pod("thief", "ratings")
    bed.publish()
    used = (bed.run.path / "pods" / "server" / "token").read_text()
    thief.prepare_identity(token=used)
    mark = bed.certd.process.mark()
    thief.start_sidecar(fresh_token=False)
    thief.sidecar.await_log(r"(?i)identity.*(refused|denied|unauthenticated|token).*")
    bed.certd.process.await_log(r"(?i)token", mark)
    answer = thief.get("http://server:9080/who")
    assert (answer.status, answer.reason) == (503, "identity_missing"), answer
    thief.sidecar.stop()


def test_a_token_is_for_one_identity(bed):
    """A sidecar that asks for more than its token says does not get it."""
    liar = bed.add_pod("liar", "admin")
    bed.publish()
    liar.prepare_identity(token=bed.certd.token("spiffe://cluster.local/ns/default/sa/ratings"))
    liar.start_sidecar(fresh_token=False)
    liar.sidecar.await_log(r"(?i)identity.*(admin|ratings|refused|denied).*")
    answer = liar.get("http://server:9080/who")
    assert (answer.status, answer.reason) == (503, "identity_missing"), answer
    liar.sidecar.stop()


@pytest.fixture(name="tunnel")
def fixture_tunnel(bed):
    """An open connection over the mesh, to an app that sends everything back."""
    echo = bed.pods["server"].start_tcp("echo", 7002)
    with bed.pods["client"].connect(bed.pods["server"].ip, 7002) as sock:
        sock.sendall(b"open")
        assert sock.recv(100) == b"open"
        yield sock
    echo.stop()


def is_over(sock):
    try:
        return sock.recv(100) == b""
    except ConnectionResetError:
        return True


def test_a_new_ca_is_joined_with_new_tokens(bed, tunnel):
    """All of the old CA is gone, root and all: a sidecar's certificate is worth nothing there, but
    a fresh token is, without a restart. Connections that the old CA vouched for do not outlive
    it."""
    bed.certd.stop()
    for path in bed.certd.state.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    bed.certd.start()
    marks = {}
    for name in ("client", "server"):
        marks[name] = bed.pods[name].sidecar.mark()
        bed.pods[name].prepare_identity()
    for name, mark in marks.items():
        bed.pods[name].sidecar.await_identity(mark)

    def works():
        answer = ask(bed)
        return answer.status == 200 and certificate(answer)

    until("mutual TLS under the new CA", works)
    assert is_over(tunnel)


def test_roots_that_change_are_trusted_at_once(bed, tunnel):
    """A bundle with one more root: new contexts, no new certificate, no failed handshake, and what
    is open stays."""
    client = bed.pods["client"]
    other = Authority(bed.run.folder("other"), "another root").roots.read_text()
    before = client.sidecar.mark()
    load = client.load("http://server:9080/headers", reconnect_every=3).start()
    try:
        replace(bed.certd.bundle, bed.certd.bundle.read_text() + other)
        client.sidecar.await_log("other roots are trusted from now on", before)
    finally:
        result = load.stop()
    assert not result.failures, result.why()
    assert ask(bed).status == 200
    kept = (bed.run.path / "pods" / "client" / "identity" / "roots.pem").read_text()
    assert other.strip() in kept
    tunnel.sendall(b"still")
    assert tunnel.recv(100) == b"still"


def test_roots_that_are_none_change_nothing(bed):
    client = bed.pods["client"]
    before = client.sidecar.mark()
    whole = bed.certd.bundle.read_text()
    replace(bed.certd.bundle, "no roots at all")
    client.sidecar.await_log("the roots cannot be used", before)
    assert ask(bed).status == 200
    replace(bed.certd.bundle, whole)


@pytest.mark.parametrize("hosts, resolver", [
    ("", "# no name server\n"),                         # a resolver that knows nothing
    ("", "nameserver 192.0.2.1\noptions timeout:30\n"),  # one that never answers
])
def test_a_ca_whose_name_does_not_resolve_is_found_by_its_address(bed, hosts, resolver):
    """As in a pod with `dnsPolicy: None` or `Default`: first the name, then the address."""
    pod = bed.pods["client"]
    pod.sidecar.stop()
    shutil.rmtree(bed.run.path / "pods" / "client" / "identity", ignore_errors=True)
    pod.netns.write_etc("hosts", hosts)
    pod.netns.write_etc("resolv.conf", resolver)
    host, port = bed.certd.address.split(":")
    try:
        pod.start_sidecar(certd=f"weft-certd.weft-system.svc.cluster.local.:{port}", certd_ip=host,
                          **STOPS_SOON)
        pod.sidecar.await_identity()
    finally:
        pod.sidecar.stop()
        bed.publish()
        pod.start_sidecar(**STOPS_SOON)
        pod.sidecar.await_identity()
    assert ask(bed).status == 200
