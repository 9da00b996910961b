"""Backends outside of the cluster: by a host name whose addresses change, by addresses with weights
and backups, over TLS; and DNS servers that fail, are silent, lie or truncate. Needs no root.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import http.server
import pathlib
import ssl
import threading
from typing import Any, Iterator

import pytest

from bed.dns_server import DnsServer
from bed.here import GATEWAY_PORT, Doors, Gateway, free_port
from bed.pki import Authority
from bed.wait import until

HOST = "legacy.example.com"
ONE, TWO, THREE = "127.0.0.21", "127.0.0.22", "127.0.0.23"
ROUTE = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: web, namespace: default}}
spec:
  gatewayClassName: weft
  listeners: [{{name: http, port: {GATEWAY_PORT}, protocol: HTTP}}]
---
apiVersion: policy.weft.dev/v1alpha1
kind: ListenerPolicy
metadata: {{name: told, namespace: default}}
spec: {{targetRefs: [{{kind: Gateway, name: web}}], failureDetails: Always}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: site, namespace: default}}
spec:
  parentRefs: [{{name: web}}]
  rules:
  - backendRefs:
    - {{group: policy.weft.dev, kind: ExternalService, name: legacy, port: {{port}}}}
"""
SERVICE = """
---
apiVersion: policy.weft.dev/v1alpha1
kind: ExternalService
metadata: {{name: legacy, namespace: default}}
spec:
  ports: [{{name: http, port: {port}}}]
  {where}
"""
POLICY = """
---
apiVersion: policy.weft.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: legacy, namespace: default}
spec:
  targetRefs: [{kind: ExternalService, name: legacy}]
  loadBalancing: {algorithm: RoundRobin}
"""
LOCAL = "  allowLocalAddresses: true"
BY_NAME = f"host: {HOST}\n{LOCAL}"


class App(http.server.ThreadingHTTPServer):
    """Says at which address it was asked."""
    daemon_threads = True

    def __init__(self, address: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.status = 200
        super().__init__((address, port), Handler)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # pylint: disable=invalid-name
        app: Any = self.server
        body = app.server_address[0].encode()
        self.send_response(app.status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class World:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self.port, self.dns = folder, free_port(), DnsServer()
        self.apps: dict[str, App] = {}
        self.doors: Doors | None = None

    def app(self, address: str, tls: ssl.SSLContext | None = None) -> App:
        self.apps[address] = App(address, self.port, tls)
        return self.apps[address]

    def policies(self, where: str, more: str = "") -> str:
        return ROUTE.replace("{port}", str(self.port)) + \
            SERVICE.format(port=self.port, where=where) + more

    def open(self, where: str = BY_NAME, more: str = "") -> Gateway:
        self.doors = Doors(self.folder, 1, self.policies(where, more), "--workers", "2",
                           "--dns-servers", f"127.0.0.1:{self.dns.port}")
        return self.doors.gateways[0]

    def close(self) -> None:
        wrong = self.doors.stop() if self.doors else []
        for app in self.apps.values():
            app.close()
        self.dns.stop()
        assert not wrong, "\n".join(wrong)


@pytest.fixture(name="world")
def fixture_world(tmp_path: pathlib.Path) -> Iterator[World]:
    made = World(tmp_path)
    try:
        yield made
    finally:
        made.close()


def answers(door: Gateway, count: int = 12) -> set[str]:
    """Who answers, over connections of their own, so that every worker is asked."""
    return {told.text() if told.status == 200 else f"{told.status} {told.reason}"
            for told in (door.ask() for _ in range(count))}


def await_answers(door: Gateway, wanted: set[str]) -> None:
    until(f"answers of {wanted}", lambda: answers(door) == wanted)


# requirement: D11
def test_addresses_change_under_a_name(world: World) -> None:
    """Answers are good for a second."""
    world.app(ONE)
    world.app(TWO)
    world.dns.names[HOST] = [ONE]
    door = world.open()
    await_answers(door, {ONE})
    world.dns.names[HOST] = [ONE, TWO]
    await_answers(door, {ONE, TWO})
    world.dns.names[HOST] = [TWO]
    await_answers(door, {TWO})
    # The name is asked for as it is: nothing is put behind it.
    assert set(world.dns.asked) == {HOST}


# requirement: D13
@pytest.mark.parametrize("mode", ["fails", "is silent", "lies", "well"])
def test_a_name_that_does_not_resolve(world: World, mode: str) -> None:
    world.app(ONE)
    world.dns.mode = mode
    if mode != "well":
        world.dns.names[HOST] = [ONE]
    door = world.open()
    until("it was asked for", lambda: world.dns.asked)
    told = door.ask()
    assert (told.status, told.reason) == (503, "name_resolution"), told
    world.dns.mode, world.dns.names[HOST] = "well", [ONE]
    await_answers(door, {ONE})


@pytest.mark.parametrize("mode", ["fails", "is silent", "lies"])
def test_what_was_known_goes_on(world: World, mode: str) -> None:
    world.app(ONE)
    world.dns.names[HOST] = [ONE]
    door = world.open()
    await_answers(door, {ONE})
    mark, asked = door.mark(), len(world.dns.asked)
    world.dns.mode = mode
    until("it was asked for again", lambda: len(world.dns.asked) > asked)
    if mode != "is silent":  # whose silence takes a while to be one
        door.await_log(f"{HOST} cannot be resolved: its last addresses stay in use", mark)
    assert answers(door) == {ONE}


def test_an_answer_too_long_for_a_datagram(world: World) -> None:
    world.app(ONE)
    world.dns.names[HOST], world.dns.mode = [ONE], "truncates"
    await_answers(world.open(), {ONE})


def test_a_name_that_leads_to_this_machine(world: World) -> None:
    """It is not called, unless the policy allows it."""
    world.app(ONE)
    world.dns.names[HOST] = [ONE, "169.254.169.254"]
    door = world.open(f"host: {HOST}")
    door.await_log("leads to local addresses only", 0)
    assert answers(door, 4) == {"503 name_resolution"}


# requirement: D12
def test_a_name_of_the_hosts_file(world: World) -> None:
    world.app("127.0.0.1")
    await_answers(world.open("host: localhost\n  allowLocalAddresses: true"), {"127.0.0.1"})
    assert world.dns.asked == []


# requirement: D3
def test_weights_of_servers(world: World) -> None:
    world.app(ONE)
    world.app(TWO)
    two = f"endpoints: [{{address: {ONE}, weight: 3}}, {{address: {TWO}}}]\n"
    door = world.open(two + LOCAL, POLICY)
    told = [door.ask().text() for _ in range(400)]
    # Two workers take turns for themselves.
    assert 298 <= told.count(ONE) <= 302 and told.count(ONE) + told.count(TWO) == 400


# requirement: D4
def test_a_backup_is_for_when_others_are_down(world: World) -> None:
    first = world.app(ONE)
    world.app(TWO)
    world.app(THREE)
    door = world.open(f"endpoints: [{{address: {ONE}}}, {{address: {TWO}}}, "
                      f"{{address: {THREE}, backup: true}}]\n" + LOCAL, POLICY + """\
  healthCheck: {http: {path: /}, interval: 100ms, unhealthyThreshold: 1, healthyThreshold: 1}
""")
    assert answers(door, 40) == {ONE, TWO}
    mark = door.mark()
    first.status = 503
    door.await_log(f"{ONE}.* is unhealthy", mark)
    assert answers(door, 40) == {TWO}
    world.apps[TWO].status = 503
    door.await_log(f"{TWO}.* is unhealthy", mark)
    assert answers(door, 20) == {THREE}
    first.status = 200
    door.await_log(f"{ONE}.* is healthy again", mark)
    assert answers(door, 20) == {ONE}


def test_over_tls(world: World) -> None:
    """The certificate must be for the host, from whom the policy trusts."""
    authority = Authority(world.folder, "theirs")
    names = {ONE: HOST, TWO: "other.example.com"}
    for address, name in names.items():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf = authority.server(name)
        context.load_cert_chain(leaf.cert, leaf.key)
        world.app(address, context)
    roots = "".join(f"    {line}\n" for line in authority.roots.read_text().splitlines())
    ca = f"""
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: their-ca, namespace: default}}
data:
  ca.crt: |
{roots}"""
    tls = f"""{BY_NAME}
  tls: {{hostname: {HOST}, caCertificateRefs: [{{group: "", kind: ConfigMap, name: their-ca}}]}}"""
    world.dns.names[HOST] = [ONE]
    door = world.open(tls, ca)
    await_answers(door, {ONE})
    world.dns.names[HOST] = [TWO]
    await_answers(door, {"503 tls_failed"})
