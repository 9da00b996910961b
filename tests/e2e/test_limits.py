"""A sidecar at the end of what it has: it says so, serves what it can, and recovers.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import resource
import socket

import pytest

from bed.http_client import read_head
from bed.lab import TEST_APP
from bed.policy_text import traffic
from bed.wait import until

BREAKER = traffic("web", "circuitBreaker: {maxRequests: 2}")


def flood(lab, count):
    """That many connections that were asked for; how far each of them got is not known."""
    socks = []
    for _ in range(count):
        sock = lab.client.netns.new_socket()
        sock.setblocking(False)
        sock.connect_ex((lab.bed.resolve("web"), TEST_APP))
        socks.append(sock)
    return socks


def test_out_of_file_descriptors(lab):
    """Connections beyond the limit wait or end; those that are open go on; then all is well."""
    pod, limit = lab.client, 80
    assert pod.sidecar.stop() == 0
    sidecar = pod.start_sidecar(max_files=limit)
    sidecar.await_identity()
    socks = []
    try:
        with pod.client("web", TEST_APP) as kept:
            assert kept.get("/").status == 200
            socks = flood(lab, 300)
            until("the limit to be reached", lambda: sidecar.descriptors() >= limit - 2)
            assert kept.get("/").status == 200, "an open connection must go on"
            for sock in socks:
                sock.close()
            until("new connections to be served",
                  lambda: pod.get(f"http://web:{TEST_APP}/").status == 200, aid=sidecar.tail)
        assert "descriptors" in sidecar.output() or "EMFILE" in sidecar.output() or \
            "too many open files" in sidecar.output().lower(), sidecar.tail()
    finally:
        for sock in socks:
            sock.close()
        assert sidecar.stop() == 0
        pod.start_sidecar()
        pod.sidecar.await_identity()


def test_a_circuit_breaker_opens_and_closes(lab):
    with lab.bed.policy(BREAKER):
        held = []
        for _ in range(3):
            sock = lab.client.connect("web", TEST_APP)
            sock.sendall(b"GET /delay/1500 HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
            held.append(sock)
        answers = []
        for _ in range(6):
            answers.append(lab.client.get(f"http://web:{TEST_APP}/delay/1"))
        statuses = [read_head(sock)[0].split(b" ")[1] for sock in held]
        for sock in held:
            sock.close()
        assert b"200" in statuses
        refused = [a for a in answers if a.status == 503]
        assert refused and {a.reason for a in refused} == {"overflow"}, answers
        assert lab.client.get(f"http://web:{TEST_APP}/").status == 200


def test_many_idle_connections(lab, is_sanitized):
    sidecar = lab.client.sidecar
    before, count = sidecar.rss_kib(), sidecar.descriptors()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    socks = []
    try:
        for _ in range(800):
            sock = lab.client.connect("web", TEST_APP)
            sock.sendall(b"GET / HTTP/1.1\r\nHost: web\r\n\r\n")
            socks.append(sock)
        for sock in socks:
            read_head(sock)
        if not is_sanitized:
            assert (sidecar.rss_kib() - before) / 800 < 24, "KiB for each idle connection"
        assert lab.client.get(f"http://web:{TEST_APP}/").status == 200
    finally:
        for sock in socks:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    until("the connections to be gone", lambda: sidecar.descriptors() <= count + 5,
          aid=sidecar.tail)


# ---- limits are one for all workers ----

@pytest.fixture(name="four")
def fixture_four(lab):
    """The client's sidecar with four workers."""
    pod = lab.client
    assert pod.sidecar.stop() == 0
    pod.start_sidecar(workers=4)
    pod.sidecar.await_identity()
    yield lab
    assert pod.sidecar.stop() == 0
    pod.start_sidecar()
    pod.sidecar.await_identity()


def breaker(service, limits):
    return traffic(service, f"circuitBreaker: {limits}\nretries: {{attempts: 0}}")


def test_as_many_requests_as_it_says_whichever_workers_have_them(four):
    with four.bed.policy(breaker("deaf", "{maxRequests: 2}")):
        for _ in range(3):
            socks = []
            for _ in range(24):
                sock = four.client.connect("deaf", four.port("deaf"))
                sock.sendall(b"GET / HTTP/1.1\r\nHost: deaf\r\n\r\n")
                socks.append(sock)
            refused = 0
            for sock in socks:
                sock.settimeout(0.5)
                try:
                    head, _ = read_head(sock)
                    assert head.startswith(b"HTTP/1.1 503 ") and b"overflow" in head, head
                    refused += 1
                except TimeoutError:
                    pass  # one of those that the app has
            assert refused == 22
            for sock in socks:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                sock.close()
            until("those that waited to be gone", lambda: in_flight(four) == 0)


def in_flight(lab):
    """Requests of all workers to all services."""
    workers = lab.client.sidecar.ask(15000, "GET", "/clusters").json()
    return sum(c["active"] for w in workers for c in w["clusters"])


def test_as_many_tunnels_as_it_says(four):
    with four.bed.policy(breaker("echo", "{maxConnections: 3}")):
        served = []
        for _ in range(24):
            try:
                sock = four.client.connect("echo", four.port("echo"))
                sock.sendall(b"hello")
                if sock.recv(100) == b"hello":
                    served.append(sock)
            except OSError:
                pass  # reset
        assert len(served) == 3
        for sock in served:
            sock.close()


def test_one_connection_goes_from_worker_to_worker(four):
    with four.bed.policy(breaker("mirror", "{maxConnections: 1}")):
        result = four.client.load(f"http://mirror:{four.port('mirror')}/", threads=8).run(60)
        assert not result.failures, result.why()
