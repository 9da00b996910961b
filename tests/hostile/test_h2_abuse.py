"""Abuse of HTTP/2: twenty thousand frames of each kind end the connection or cost nothing, nobody
else is disturbed, memory does not grow, and the app never has more work than the limit.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import select
import socket
import struct

import pytest

from actors.floods import FLOODS
from actors.holder import Holder, large_reply
from actors.mesh import Mesh
from actors.prober import Prober
from bed import h2_frames as h2
from bed.wait import until

MAX_STREAMS = 1000  # what an inbound listener lets one connection have open
GROWTH_KIB = 8 * 1024
STEPS_AT_ONCE = 50
STALLED = 2.0  # the other side has stopped reading


@pytest.fixture(scope="module", name="holder")
def fixture_holder(stage):
    return Holder(stage)


@pytest.fixture(scope="module", name="mesh")
def fixture_mesh(holder):
    made = Mesh(holder.port)
    warm_up(made, holder)
    yield made
    made.stop()


def warm_up(mesh, holder):
    """What is taken once and kept is no growth."""
    with Prober(mesh.inbound) as prober:
        flood(mesh.inbound, FLOODS["far too many streams"])
        flood(mesh.inbound, FLOODS["rapid reset"])
    until("all requests are given up", lambda: holder.open == 0)
    assert not prober.failures, prober.failures[:3]


class Attack:
    """A connection that sends without regard."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), 60)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall(h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0))
        self.sock.setblocking(False)
        self.data, self.over = b"", False

    def read(self):
        try:
            while not self.over:
                part = self.sock.recv(65536)
                self.over = not part
                self.data += part
        except BlockingIOError:
            pass
        except OSError:
            self.over = True

    def send(self, data, reads):
        """False when nobody takes it any more."""
        while data and not self.over:
            if not select.select([], [self.sock], [], STALLED)[1]:
                return False
            try:
                data = data[self.sock.send(data):]
            except BlockingIOError:
                pass
            except OSError:
                self.read()
                self.over = True
            if reads:
                self.read()
        return not self.over

    def goaway(self):
        """The code of the last GOAWAY that came; None: there was none."""
        at, code = 0, None
        while len(self.data) - at >= 9:
            length, kind = int.from_bytes(self.data[at:at + 3], "big"), self.data[at + 3]
            if kind == h2.GOAWAY and len(self.data) >= at + 17:
                code = struct.unpack_from("!I", self.data, at + 13)[0]
            at += 9 + length
        return code


def flood(port, what):
    """The attack, to its end or the connection's; how it ended."""
    attack = Attack(port)
    with attack.sock:
        for first in range(0, what.steps, STEPS_AT_ONCE):
            steps = range(first, min(first + STEPS_AT_ONCE, what.steps))
            if not attack.send(b"".join(map(what.step, steps)), what.reads):
                break
        if what.closes and not attack.over:
            attack.sock.setblocking(True)
            attack.sock.settimeout(60)
            try:
                while part := attack.sock.recv(65536):
                    attack.data += part
            except ConnectionResetError:
                pass
            attack.over = True
        return attack.over, attack.goaway()


@pytest.mark.parametrize("name", FLOODS)
def test_flood(mesh, holder, is_sanitized, name):
    what = FLOODS[name]
    holder.most = 0
    before = mesh.server.rss_kib()
    with Prober(mesh.inbound) as prober:
        over, code = flood(mesh.inbound, what)
        until("all requests are given up", lambda: holder.open == 0)
    growth = mesh.server.rss_kib() - before
    print(f"{name}: {'closed' if over else 'went on'}, code {code}, {prober.served} probes, "
          f"worst {prober.worst * 1000:.0f} ms, {growth:+d} KiB, {holder.most} at once")
    assert not prober.failures, prober.failures[:3]
    assert mesh.server.is_running(), mesh.server.tail()
    assert over or not what.closes
    assert code != h2.NO_ERROR or not what.closes
    assert holder.most <= MAX_STREAMS
    assert is_sanitized or growth <= GROWTH_KIB


BURST_KIB = 4 * 1024


def has_heard(attack, last):
    """The answer to that PING, or the end of the connection."""
    attack.read()
    return attack.over or last in attack.data


def test_resets_in_one_burst(holder, is_sanitized):
    """Thousands of requests, each reset at once, arrive before the first could be cleared away."""
    if is_sanitized:
        pytest.skip("memory figures say nothing there")
    fresh = Mesh(holder.port)
    try:
        with Prober(fresh.inbound) as prober:
            until("it serves", lambda: prober.served > 3)
        burst = b"".join(map(FLOODS["rapid reset"].step, range(4000)))
        fresh.server.forget_peak()
        before = fresh.server.peak_kib()
        for _ in range(4):
            attack = Attack(fresh.inbound)
            attack.send(burst + h2.frame(h2.PING, 0, 0, b"the last"), True)
            until("it has read all of it", lambda: has_heard(attack, b"the last"))
        growth = fresh.server.peak_kib() - before
        print(f"peak {growth:+d} KiB")
        assert growth <= BURST_KIB
        with Prober(fresh.inbound) as prober:
            until("it serves", lambda: prober.served > 3)
    finally:
        fresh.stop()


# ---- answers that nobody takes ----

def hoard(port, windows, streams):
    """Asks for much and reads nothing; keeps the connection."""
    attack = Attack(port)
    attack.send(windows, True)
    for stream in range(1, 2 * streams, 2):
        attack.send(h2.headers(stream, h2.request("app")), True)
    return attack


@pytest.mark.parametrize("window", [0, 1, 0x7fffffff])
def test_large_answers_nobody_takes_are_not_piled_up(mesh, holder, is_sanitized, window):
    """Window 0 and 1: HTTP/2 does not let us send. A great one: the TCP window does not."""
    settings = h2.frame(h2.SETTINGS, 0, 0, struct.pack("!HI", 4, window))
    if window > 65535:
        settings += h2.frame(h2.WINDOW_UPDATE, 0, 0, struct.pack("!I", window - 65535))
    streams, size = 16, 2 << 20
    holder.reply, before, asked = large_reply(size), mesh.server.rss_kib(), holder.requests
    attacks = []
    try:
        with Prober(mesh.inbound) as prober:
            for _ in range(4):
                attacks.append(hoard(mesh.inbound, settings, streams))
            until("the app was asked", lambda: holder.requests - asked == 4 * streams)
            served = prober.served
            until("others are served", lambda: prober.served > served + 20)
        growth = mesh.server.rss_kib() - before
        print(f"window {window}: {growth:+d} KiB for {4 * streams} answers of {size >> 10} KiB")
        assert not prober.failures, prober.failures[:3]
        # The receive windows towards the app, 256 KiB a stream and 4 MiB a connection.
        assert is_sanitized or growth <= 4 * streams * 320 + GROWTH_KIB
    finally:
        holder.reply = None
        for attack in attacks:
            attack.sock.close()


def test_a_connection_without_settings_runs_into_its_time_limit(mesh):
    """A preface, and then nothing."""
    with mesh.connect(mesh.inbound) as sock:
        sock.sendall(h2.PREFACE)
        data = b""
        while part := sock.recv(65536):
            data += part
    assert bytes([h2.GOAWAY]) in data
