"""Nodes that vanish: no FIN, no RST, not a single packet more. Both ends find it out, give back
what they held, and go elsewhere. SPDX-License-Identifier: GPL-3.0-or-later
"""
import concurrent.futures
import contextlib
import time

import pytest

from bed.lab import TEST_APP
from bed.policy_text import traffic
from bed.shop import ECHO_PORT
from bed.wait import until

QUICK = "{time: 1s, interval: 1s, probes: 2}"
CLIENTS = f"""
apiVersion: policy.weft.dev/v1alpha1
kind: MeshConfig
metadata: {{name: default, namespace: weft-system}}
spec:
  clientTraffic: {{tcpKeepalive: {QUICK}}}
"""


@contextlib.contextmanager
def vanished(pod):
    """Whatever it sends or is sent is lost."""
    rules = [(tables, chain, flag) for tables in ("iptables", "ip6tables")
             for chain, flag in (("INPUT", "-i"), ("OUTPUT", "-o"))]
    for tables, chain, flag in rules:
        pod.netns.run(tables, "-I", chain, "!", flag, "lo", "-j", "DROP")
    try:
        yield
    finally:
        for tables, chain, flag in rules:
            pod.netns.run(tables, "-D", chain, "!", flag, "lo", "-j", "DROP")


def tcp_peers(pod, of):
    """Connections in the pod with that other end, as the kernel there sees them."""
    shown = pod.netns.run("ss", "-Htn", "state", "established", "dst", of.ip).stdout
    return [line for line in shown.splitlines() if line.strip()]


@pytest.mark.parametrize("kind", ["http", "tunnel"])
def test_what_a_vanished_client_held_is_given_back(shop, kind):
    sidecar = shop.ratings.sidecar
    with shop.bed.policy(CLIENTS):
        shop.outside.get(f"http://{shop.ratings.ip}:9080/who")
        until("nothing to be kept", lambda: not tcp_peers(shop.ratings, shop.outside))
        socks = []
        for _ in range(3):
            port = ECHO_PORT if kind == "tunnel" else 9080
            sock = shop.outside.connect(shop.ratings.ip, port)
            socks.append(sock)
            if kind == "tunnel":
                sock.sendall(b"hello")
                assert sock.recv(100) == b"hello"
            else:
                sock.sendall(b"GET /who HTTP/1.1\r\nHost: ratings\r\n\r\n")
                assert sock.recv(4000).startswith(b"HTTP/1.1 200 ")
        assert len(tcp_peers(shop.ratings, shop.outside)) >= 3
        held = sidecar.descriptors()
        with vanished(shop.outside):
            for sock in socks:
                sock.close()  # nobody hears of it
            until("the sidecar to notice", lambda: not tcp_peers(shop.ratings, shop.outside))
        until("descriptors to be given back", lambda: sidecar.descriptors() <= held - 3)


def test_unacknowledged_answers_to_a_vanished_client_end(lab):
    """Bytes are under way and stay under way: it does not take the kernel's quarter of an hour."""
    with lab.bed.policy(CLIENTS):
        sock = lab.outside.connect(lab.server.ip, TEST_APP)
        sock.sendall(b"GET /slow/1000/50 HTTP/1.1\r\nHost: web\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 200 ")
        assert tcp_peers(lab.server, lab.outside)
        with vanished(lab.outside):
            sock.close()
            until("the sidecar to notice", lambda: not tcp_peers(lab.server, lab.outside))


def test_a_client_that_only_does_not_read_is_not_taken_for_dead(lab):
    """Its window is closed for far longer than a vanished one would be waited for."""
    size = 30_000_000
    with lab.bed.policy(CLIENTS):
        with lab.outside.connect(lab.server.ip, TEST_APP) as sock:
            sock.sendall(b"GET /bytes/%d HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n" % size)
            time.sleep(12)
            got = 0
            while part := sock.recv(1 << 20):
                got += len(part)
            assert got > size


def test_requests_leave_an_endpoint_that_has_vanished(shop):
    """Its silence counts against it, so a few fail and then none."""
    spec = """\
    timeouts: {request: 500ms}
    outlierDetection: {consecutiveFailures: 3, baseEjectionTime: 8s}
    loadBalancing: {algorithm: RoundRobin}"""
    with shop.bed.policy(traffic("reviews", spec)):
        shop.await_whole()
        with vanished(shop.v2):
            statuses = [shop.reviews().status for _ in range(40)]
        failed = [n for n, status in enumerate(statuses) if status != 200]
        assert 1 <= len(failed) <= 3, statuses
        assert failed[-1] < 10, statuses


def test_requests_without_a_deadline_leave_it_too(shop):
    """The sidecar there is asked by PING, and its silence is an answer."""
    with shop.bed.policy(traffic("reviews", "loadBalancing: {algorithm: RoundRobin}")):
        shop.await_whole()
        with vanished(shop.v2), concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: shop.reviews(), range(8)))
        assert [a.status for a in answers] == [200] * 8, answers
        assert {a.json()["version"] for a in answers} == {"v1"}


def test_a_tunnel_to_an_endpoint_that_has_vanished_ends(shop):
    pool = f"connectionPool: {{tcpKeepalive: {QUICK}}}"
    with shop.bed.policy(traffic("ledger", pool)):
        with shop.frontend.connect("ledger", ECHO_PORT) as sock:
            sock.sendall(b"hello")
            assert sock.recv(100) == b"hello"
            with vanished(shop.ratings):
                with contextlib.suppress(ConnectionResetError):
                    assert sock.recv(100) == b""
