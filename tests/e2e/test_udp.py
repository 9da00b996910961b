"""Datagrams through a Gateway with four workers, over real sockets of both families: questions and
answers of many clients, sizes up to the largest, servers that are not there, changes meanwhile.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import collections
import contextlib
import json
import selectors
import socket
import threading

import pytest

from bed import Bed, Port
from bed.wait import until
from conftest import make, take_down

PORT, WEIGHED, DEAD, SHORT = 53, 54, 55, 56
LARGEST = 65507  # of IPv4: 65535 without the headers (RFC 768, RFC 791)
CLIENTS = 100
LISTENERS = {"dns": PORT, "weighed": WEIGHED, "dead": DEAD, "short": SHORT}


def route(name, *backends):
    return f"""
---
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: {{name: {name}, namespace: default}}
spec:
  parentRefs: [{{name: door, sectionName: {name}}}]
  rules: [{{backendRefs: [{", ".join(backends)}]}}]
"""


def backend(name, weight=1):
    return f"{{name: {name}, port: 53, weight: {weight}}}"


GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: door, namespace: default}
spec:
  gatewayClassName: weft
  listeners:
""" + "".join(f"  - {{name: {name}, port: {port}, protocol: UDP}}\n"
              for name, port in LISTENERS.items()) + f"""
  - {{name: tcp, port: {PORT}, protocol: TCP}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {{name: tcp, namespace: default}}
spec:
  parentRefs: [{{name: door, sectionName: tcp}}]
  rules: [{{backendRefs: [{{name: one, port: 53}}]}}]
---
apiVersion: policy.weft.dev/v1alpha1
kind: TrafficPolicy
metadata: {{name: short, namespace: default}}
spec:
  targetRefs: [{{group: "", kind: Service, name: short}}]
  timeouts: {{idle: 500ms}}
"""
ROUTES = (route("dns", backend("one")) + route("weighed", backend("one", 3), backend("nobody", 1))
          + route("dead", backend("dead")) + route("short", backend("short")))


class Echo:
    """A server that answers with its name and what it was asked, and remembers by whom."""

    def __init__(self, pod, name, port):
        self.name = name.encode()
        self.askers = collections.Counter()
        self.sock = pod.netns.new_socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        self.sock.bind(("::", port))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                data, peer = self.sock.recvfrom(65536)
                if data == b"stop":
                    return
                self.askers[peer[:2]] += 1
                self.sock.sendto(data if len(data) > 65000 else self.name + b" " + data, peer)

    def stop(self, pod):
        with pod.netns.new_socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"stop", ("127.0.0.1", self.sock.getsockname()[1]))
        self.thread.join(30)
        self.sock.close()


class World:
    """The gateway, two servers for datagrams behind it, and a pod full of clients."""

    def __init__(self):
        self.bed = Bed("udp")
        bed = self.bed
        self.door, self.outside, self.one, self.two = (
            bed.add_pod(name, meshed=False) for name in ("door", "outside", "one", "two"))
        port = Port(53, 5353, "dns", protocol="UDP")
        bed.add_service("one", [port, Port(53, 5354, "tcp-dns")], app="one")
        bed.add_service("two", [port], app="two")
        bed.add_service("short", [Port(53, 5353, "dns", protocol="UDP")], app="one")
        bed.add_service("dead", [Port(53, 9, "dns", protocol="UDP")], app="one")
        bed.add_authority()
        bed.policies.write("10-door.yaml", GATEWAY)
        bed.policies.write("11-routes.yaml", ROUTES)
        bed.publish()
        self.servers = [Echo(self.one, "one", 5353), Echo(self.two, "two", 5353)]
        self.one.start_tcp("greeter", 5354)
        self.sidecar = self.door.start_ingress("door", workers=4, access_log="json")

    def client(self, port=PORT, v6=False):
        """Hears nobody but the address that it asks."""
        sock = self.outside.netns.new_socket(socket.AF_INET6 if v6 else socket.AF_INET,
                                             socket.SOCK_DGRAM)
        sock.settimeout(30)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024 * 1024)
        sock.connect((self.door.ip6 if v6 else self.door.ip, port))
        return sock

    def dropped(self, reason):
        return self.sidecar.metric("weft_udp_datagrams_dropped_total", reason=reason)

    def flows(self):
        return self.sidecar.metric("weft_udp_flows_active")

    def close(self):
        self.servers[0].stop(self.one)
        self.servers[1].stop(self.two)


@pytest.fixture(scope="module", name="world")
def fixture_world():
    world = make(World)
    yield world
    world.close()
    take_down(world.bed)


def ask(sock, data):
    """Datagrams may be lost, so a client asks again."""
    for _ in range(20):
        sock.settimeout(3)
        with contextlib.suppress(TimeoutError):
            sock.send(data)
            return sock.recv(65536)
    raise AssertionError("no answer")


# requirement: A24, L5
@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_many_clients(world, v6):
    """Each gets its own answers and nobody else's, from the address that it asked; all that it says
    is with one server over one socket, whichever of the workers has it."""
    before = sum(len(s.askers) for s in world.servers)
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as ready:
        socks = [stack.enter_context(world.client(v6=v6)) for _ in range(CLIENTS)]
        for i, sock in enumerate(socks):
            sock.setblocking(False)
            ready.register(sock, selectors.EVENT_READ, (i, set()))
        wanted = {i: {b"one %d %d" % (i, k) for k in range(5)} for i in range(CLIENTS)}
        asked = 0
        while any(wanted.values()):
            asked += 1
            assert asked < 200, "answers are missing"
            for i, left in wanted.items():
                for text in left:
                    socks[i].send(text[4:])
            while events := ready.select(1 if asked > 1 else 0.3):
                for key, _ in events:
                    data = key.fileobj.recv(65536)
                    i = key.data[0]
                    assert data.startswith(b"one %d " % i), data
                    wanted[i].discard(data)
        assert sum(len(s.askers) for s in world.servers) - before == CLIENTS
        assert world.flows() >= CLIENTS


@pytest.mark.parametrize("size", [0, 1, 1472, 1473, 9000, 65000, LARGEST])
def test_sizes(world, size):
    with world.client() as sock:
        data = bytes(i % 251 for i in range(size))
        wanted = data if size > 65000 else b"one " + data
        assert ask(sock, data) == wanted


def test_answers_come_from_the_address_that_was_asked(world):
    """The gateway listens at all of its addresses; a client that asks a second one hears nobody
    else, because its socket is connected to it."""
    second = "10.244.77.7"
    world.door.netns.ip("addr", "add", f"{second}/32", "dev", "lo")
    world.outside.netns.ip("route", "add", f"{second}/32", "via", world.door.ip)
    with world.client() as sock:
        sock.connect((second, PORT))
        assert ask(sock, b"hello") == b"one hello"


def test_one_number_for_both(world):
    with world.outside.connect(world.door.ip, PORT) as sock:
        assert sock.makefile("rb").readline() == b"220 at your service\r\n"
    with world.client() as sock:
        assert ask(sock, b"x") == b"one x"


def test_a_share_that_leads_nowhere(world):
    """Its clients get nothing, however often they ask; the others always."""
    answered, asked = 0, 80
    before = world.dropped("no_cluster")
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(world.client(WEIGHED)) for _ in range(asked)]
        for _ in range(3):
            for sock in socks:
                sock.send(b"x")
        until("a datagram is dropped", lambda: world.dropped("no_cluster") > before)
        with world.client() as last:
            ask(last, b"behind all others")
        for sock in socks:
            sock.settimeout(0.2)
            with contextlib.suppress(TimeoutError):
                answered += sock.recv(100) == b"one x"
    assert 40 <= answered <= 75
    assert (world.dropped("no_cluster") - before) % 3 == 0


def test_nobody_listens(world):
    """The server's system says so (ICMP port unreachable): the flow ends, and the log says why."""
    with world.client(DEAD) as sock:
        mark = world.sidecar.mark()
        sock.send(b"x")
        line = world.sidecar.await_log(r'.*"response_flags":"UF".*', mark).group(0)
        record = json.loads(line[line.index("{"):])
        assert record["protocol"] == "UDP" and record["bytes_received"] == 1
        assert record["upstream_host"] == f"{world.one.ip}:9"
        assert record["downstream_remote_address"].startswith(world.outside.ip)


def test_silence_ends_it(world):
    with world.client(SHORT) as sock:
        assert ask(sock, b"x") == b"one x"
        labels = {"request_protocol": "udp", "destination_service_name": "short"}
        until("the flow ends", lambda: world.sidecar.metric(
            "istio_tcp_connections_closed_total", **labels) >= 1)
        assert world.sidecar.metric("istio_tcp_received_bytes_total", **labels) >= 1
        assert ask(sock, b"y") == b"one y"


def test_another_backend(world):
    """Flows to a backend that the route no longer has end; the client's next datagram goes on."""
    with world.client() as sock:
        assert ask(sock, b"x") == b"one x"
        world.bed.apply("11-routes.yaml", route("dns", backend("two")))
        until("the client moves", lambda: ask(sock, b"x") == b"two x")
        world.bed.apply("11-routes.yaml", ROUTES)
        until("the client comes back", lambda: ask(sock, b"x") == b"one x")


def test_denied(world):
    """Policies that know addresses hold for datagrams, and end flows that run."""
    world.bed.apply("20-deny.yaml", """
apiVersion: policy.weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {name: nobody, namespace: default}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: door}]
  action: DENY
  rules: [{from: [{source: {remoteIpBlocks: ["0.0.0.0/0", "::/0"]}}]}]
""")
    before = world.dropped("authz_denied")
    with world.client() as sock:
        sock.send(b"x")
        until("it is denied", lambda: world.dropped("authz_denied") > before)
        assert world.flows() == 0
    world.bed.withdraw("20-deny.yaml")
