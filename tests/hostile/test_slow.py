"""Those who are slow and those who are many: who does not get to the point is sent away, who does
not read costs a bounded amount, and without descriptors left nobody spins.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import asyncio
import os
import resource
import threading

import pytest

from actors import slow
from actors.answers import OK
from actors.mesh import Mesh
from actors.prober import REQUEST, Prober
from actors.scripted import App, Reply
from bed.http_client import read_all
from bed.wait import until

LARGE = 64 << 20


@pytest.fixture(scope="module", name="app")
def fixture_app(stage):
    def script(request):
        if request.target == b"/endless":
            return Reply([OK + b"Content-Length: %d\r\n\r\n" % LARGE, bytes(65536)], "repeat")
        return Reply([OK + b"Content-Length: 5\r\n\r\nhello"])
    return App(stage, script)


@pytest.fixture(scope="module", name="mesh")
def fixture_mesh(app):
    made = Mesh(app.port)
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def many_descriptors():
    """For this side."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 8192), hard), hard))


def half_open(mesh, count):
    """A third says nothing, a third half a head, a third half a hello."""
    beginnings = (b"", slow.HEAD, b"\x16\x03\x01\x02\x00\x01")
    clients = [mesh.connect(mesh.inbound) for _ in range(count)]
    for number, client in enumerate(clients):
        client.sendall(beginnings[number % 3])
    return clients


def test_thousands_that_are_half_open_hurt_nobody(mesh, is_sanitized):
    count = 2000
    before, few = mesh.server.rss_kib(), mesh.server.descriptors()
    clients = []
    try:
        with Prober(mesh.inbound) as prober:
            clients = half_open(mesh, count)
            served = prober.served
            until("others are served", lambda: prober.served > served + 20)
        growth = mesh.server.rss_kib() - before
        held = mesh.server.descriptors()
    finally:
        for client in clients:
            client.close()
    print(f"{count} half-open connections: {growth:+d} KiB, "
          f"worst probe {prober.worst * 1000:.0f} ms")
    assert held > count / 2
    assert not prober.failures, prober.failures[:3]
    assert is_sanitized or growth <= count * 16
    until("they are gone", lambda: mesh.server.descriptors() <= few + 10)


def test_who_does_not_get_to_the_point_is_sent_away(mesh):
    """All at once: the time limit is ten seconds."""
    cases = [(f"{way}, {name}", getattr(mesh, way), what)
             for way in ("inbound", "outbound") for name, what in slow.HTTP.items()]
    cases += [(name, mesh.inbound, what) for name, what in slow.tls(mesh.leaf("client")).items()]

    async def all_of_them():
        over = asyncio.Event()
        try:
            return await asyncio.gather(*(slow.act(port, what, over) for _, port, what in cases))
        finally:
            over.set()

    with Prober(mesh.inbound) as prober:
        said = asyncio.run(all_of_them())
    wrong = [f"{name}: {data[:100]!r}" for (name, _, what), data in zip(cases, said)
             if what.ends_with not in data]
    assert not wrong, "\n".join(wrong)
    assert not prober.failures and prober.served > 10


@pytest.mark.parametrize("way", ["inbound", "outbound"])
def test_readers_who_do_not_read_cost_little(mesh, is_sanitized, way):
    port, count = getattr(mesh, way), 50
    before = mesh.server.rss_kib() + mesh.client.rss_kib()
    clients = [mesh.connect(port) for _ in range(count)]
    try:
        with Prober(port) as prober:
            for client in clients:
                client.sendall(b"GET /endless HTTP/1.1\r\nHost: app\r\n\r\n")
            heads = [client.recv(1024) for client in clients]
            served = prober.served
            until("others are served", lambda: prober.served > served + 50)
        growth = mesh.server.rss_kib() + mesh.client.rss_kib() - before
    finally:
        for client in clients:
            client.close()
    print(f"{way}: {growth:+d} KiB for {count} readers of {LARGE >> 20} MiB")
    assert all(head.startswith(b"HTTP/1.1 200 ") for head in heads)
    assert not prober.failures, prober.failures[:3]
    # A stream's window of 256 KiB in each sidecar and what is queued towards the reader.
    assert is_sanitized or growth <= count * 1024


# ---- no descriptors left ----

@pytest.fixture(name="cramped")
def fixture_cramped(app):
    made = Mesh(app.port, descriptors=256)
    yield made
    made.stop()


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_without_descriptors_nobody_spins_and_it_recovers(cramped):
    server, mark = cramped.server, cramped.server.mark()
    clients = [cramped.connect(cramped.inbound) for _ in range(400)]
    try:
        server.await_log(r"cannot accept: .*ulimit -n", mark)
        begun = processor_seconds(server.pid)
        threading.Event().wait(1)
        spent = processor_seconds(server.pid) - begun
        assert spent < 0.5, f"{spent} s of processor time in a second of waiting"
        # Those that are in can get no connection to the app; they hear so.
        clients[0].sendall(REQUEST)
        answer = read_all(clients[0])
        assert answer.startswith((b"HTTP/1.1 503 ", b"HTTP/1.1 200 ")), answer
        assert b"x-weft-reason" in answer or b" 200 " in answer[:20]
    finally:
        for client in clients:
            client.close()
    prober = Prober(cramped.inbound)
    prober.once()
    assert prober.served == 1, prober.failures
    until("they are gone", lambda: server.descriptors() < 60)


def test_a_crowd_in_a_cramped_place_gets_answers(cramped):
    """Each gets its answer or a reason, in the end."""
    clients = [cramped.connect(cramped.inbound) for _ in range(300)]
    statuses = {}
    for client in clients:
        client.sendall(REQUEST)
    for client in clients:
        with client:
            status = read_all(client)[9:12]
            statuses[status] = statuses.get(status, 0) + 1
    print(f"300 requests with 256 descriptors: {statuses}")
    assert set(statuses) <= {b"200", b"503"} and statuses.get(b"200"), statuses
