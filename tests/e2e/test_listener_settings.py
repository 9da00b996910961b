"""What a ListenerPolicy says of clients, with real load balancers and clients: the PROXY
protocol of HAProxy and curl, timeouts, connections, bodies, the way to HTTPS.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import shutil
import socket
import subprocess

import pytest

from bed import Bed, Port, objects, programs, yaml_text
from bed.http_client import Client, read_all, read_head
from bed.pki import Authority
from bed.tls import browser
from bed.wait import until
from conftest import make, take_down

HOST = "shop.example.com"
TCP_PORT, TOLD_PORT = 7000, 7001
CONFIG = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: door, namespace: default}}
spec:
  gatewayClassName: weft
  listeners:
  - {{name: http, port: 80, protocol: HTTP}}
  - name: https
    port: 443
    protocol: HTTPS
    tls: {{certificateRefs: [{{name: web}}]}}
  - {{name: tcp, port: {TCP_PORT}, protocol: TCP}}
  - {{name: told, port: {TOLD_PORT}, protocol: TCP}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: web, namespace: default}}
spec:
  parentRefs: [{{name: door, sectionName: http}}, {{name: door, sectionName: https}}]
  rules: [{{backendRefs: [{{name: web, port: 80}}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {{name: tcp, namespace: default}}
spec:
  parentRefs: [{{name: door, sectionName: tcp}}]
  rules: [{{backendRefs: [{{name: greeter, port: 25}}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {{name: told, namespace: default}}
spec:
  parentRefs: [{{name: door, sectionName: told}}]
  rules: [{{backendRefs: [{{name: told, port: 25}}]}}]
"""
TOLD = """
apiVersion: policy.weft.dev/v1alpha1
kind: TrafficPolicy
metadata: {{name: told, namespace: default}}
spec:
  targetRefs: [{{kind: Service, name: told}}]
  connectionPool: {{proxyProtocol: {version}}}
"""
HAPROXY = """
global
  log stdout format raw local0
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
"""
# Port of the balancer: the Gateway's, and what the balancer says.
BALANCED = {1080: (80, "send-proxy"), 2080: (80, "send-proxy-v2"), 3080: (80, ""),
            1443: (443, "send-proxy"), 2443: (443, "send-proxy-v2"),
            1700: (TCP_PORT, "send-proxy"), 2700: (TCP_PORT, "send-proxy-v2")}


def settings(text, section=None):
    target = f"{{kind: Gateway, name: door{f', sectionName: {section}' if section else ''}}}"
    return f"""
apiVersion: policy.weft.dev/v1alpha1
kind: ListenerPolicy
metadata: {{name: settings, namespace: default}}
spec:
  targetRefs: [{target}]
  {text}
"""


class World:
    """The gateway, an app behind it, a balancer in front of it, and a client outside."""

    def __init__(self):
        self.bed = Bed("listeners")
        bed = self.bed
        self.door, self.outside, self.app, self.balancer = (
            bed.add_pod(name, meshed=False) for name in ("door", "outside", "app", "balancer"))
        bed.add_service("web", [Port(80, 8080)], app="app")
        bed.add_service("told", [Port(25, 2526, "tcp-told")], app="app")
        bed.add_service("greeter", [Port(25, 2525, "tcp-greeter")], app="app")
        self.public = Authority(bed.run.folder("cas", mode=0o755) / "public", "public")
        leaf = self.public.server(HOST)
        secret = objects.tls_secret("web", leaf.cert_pem(), leaf.key_pem())
        bed.policies.write("10-certificates.yaml", yaml_text.dump(secret))
        bed.policies.write("12-door.yaml", CONFIG)
        bed.publish()
        self.app.start_demo("ratings", "v1", 8080)
        self.app.start_tcp("greeter", 2525)
        self.door.start_ingress("door", access_log="json")

    def dial(self, _, port):
        return self.outside.connect(self.door.ip, port)

    def ask(self, method="GET", path="/headers", body=None, port=80, tls=None, at=None):
        def dial(_, to):
            return self.outside.connect((at or self.door).ip, to)
        with Client(dial, HOST, port, tls) as client:
            return client.ask(method, path, body, {"Host": HOST})

    def start_haproxy(self, pod, config, port):
        haproxy = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/sbin:/bin")
        if not haproxy:
            pytest.skip("haproxy is missing: apt-get install haproxy")
        path = self.bed.run.folder("haproxy") / f"{pod.name}.cfg"
        path.write_text(HAPROXY + config)
        path.chmod(0o644)

        def is_open():
            try:
                self.outside.connect(pod.ip, port).close()
            except OSError:
                return False
            return True
        process = pod.start([haproxy, "-db", "-f", str(path)], name="haproxy")
        until("HAProxy to listen", is_open)
        return process

    def start_balancer(self):
        """Passes connections on to the gateway."""
        if not self.balancer.apps:
            self.start_haproxy(self.balancer, "".join(
                f"listen p{port}\n  bind :{port}\n  server door {self.door.ip}:{to} {says}\n"
                for port, (to, says) in BALANCED.items()), 3080)

    def refused(self):
        return self.door.sidecar.metric("weft_connections_refused_total")


@pytest.fixture(scope="module", name="world")
def fixture_world():
    world = make(World)
    yield world
    take_down(world.bed)


def client_of(answer):
    """Whom the app takes the request to be from."""
    assert answer.status == 200, answer
    headers = {k.lower(): v for k, v in answer.json()["headers"].items()}
    return headers["x-forwarded-for"], headers["x-real-ip"]


# ---- the PROXY protocol ----

# requirement: K20
@pytest.mark.parametrize("port", [1080, 2080])
def test_the_client_behind_a_balancer(world, port):
    world.start_balancer()
    with world.bed.policy(settings("proxyProtocol: Required")):
        answer = world.ask(port=port, at=world.balancer)
        assert client_of(answer) == (world.outside.ip, world.outside.ip)
    answer = world.ask(port=3080, at=world.balancer)
    assert client_of(answer) == (world.balancer.ip, world.balancer.ip)


@pytest.mark.parametrize("port", [1443, 2443])
def test_the_header_comes_before_tls(world, port):
    world.start_balancer()
    with world.bed.policy(settings("proxyProtocol: Required")):
        answer = world.ask(port=port, at=world.balancer, tls=browser(world.public.roots))
        assert client_of(answer) == (world.outside.ip, world.outside.ip)


@pytest.mark.parametrize("port", [1700, 2700])
def test_a_tcp_listener_behind_a_balancer(world, port):
    world.start_balancer()
    with world.bed.policy(settings("proxyProtocol: Required")):
        mark = world.door.sidecar.mark()
        with world.outside.connect(world.balancer.ip, port) as sock:
            lines = sock.makefile("rb")
            assert lines.readline() == b"220 at your service\r\n"
            sock.sendall(b"helo\r\n")
            assert lines.readline() == b"250 helo\r\n"
            sock.shutdown(socket.SHUT_RDWR)
        world.door.sidecar.await_log(rf'"downstream_remote_address":"{world.outside.ip}:', mark)


def test_a_connection_without_the_header_is_closed(world):
    world.start_balancer()
    with world.bed.policy(settings("proxyProtocol: Required")):
        before, mark = world.refused(), world.door.sidecar.mark()
        with world.dial(None, 80) as sock:
            sock.sendall(f"GET /headers HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            assert read_all(sock) == b""
        world.door.sidecar.await_log("refused: it does not begin with a PROXY header", mark)
        assert world.refused() == before + 1
        with world.outside.connect(world.balancer.ip, 3080) as sock:
            sock.sendall(f"GET /headers HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            assert read_all(sock) == b""


def test_only_the_balancer_may_say_it(world):
    world.start_balancer()
    with world.bed.policy(settings(
            f"proxyProtocol: Required\n  trustedAddresses: [{world.balancer.ip}]")):
        answer = world.ask(port=2080, at=world.balancer)
        assert client_of(answer) == (world.outside.ip, world.outside.ip)
        with world.dial(None, 80) as sock:
            sock.sendall(f"PROXY TCP4 192.0.2.1 {world.door.ip} 1 80\r\n"
                         f"GET /headers HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            try:
                assert read_all(sock) == b""
            except ConnectionResetError:
                pass


def test_curl_speaks_it(world):
    curl = shutil.which("curl")
    if not curl:
        pytest.skip("curl is missing: apt-get install curl")
    with world.bed.policy(settings("proxyProtocol: Required")):
        done = world.outside.netns.run(curl, "-sS", "--haproxy-protocol", "-H", f"Host: {HOST}",
                                       f"http://{world.door.ip}/headers")
        headers = {k.lower(): v for k, v in json.loads(done.stdout)["headers"].items()}
        assert headers["x-forwarded-for"] == world.outside.ip


def test_open_connections_go_on_when_it_is_turned_on(world):
    with Client(world.dial, HOST, 80) as client:
        assert client.get("/who").status == 200
        with world.bed.policy(settings("proxyProtocol: Required\n  maxConnections: 1")):
            assert client.get("/who").status == 200
        assert client.get("/who").status == 200


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_a_backend_is_told(world, version):
    """HAProxy is the backend: it serves nobody without a header, and logs whom that names."""
    config = "listen told\n  bind :2526 accept-proxy\n  log global\n" \
             "  log-format client=%ci\n  server greeter 127.0.0.1:2525\n"
    haproxy = world.start_haproxy(world.app, config, 2526)
    try:
        with world.bed.policy(TOLD.format(version=version)):
            mark = haproxy.mark()
            with world.dial(None, TOLD_PORT) as sock:
                lines = sock.makefile("rb")
                assert lines.readline() == b"220 at your service\r\n"
                sock.sendall(b"helo\r\n")
                assert lines.readline() == b"250 helo\r\n"
                sock.shutdown(socket.SHUT_RDWR)
            haproxy.await_log(f"client={world.outside.ip}", mark)
        with world.dial(None, TOLD_PORT) as sock:
            sock.sendall(b"helo\r\n")
            assert read_all(sock) == b""
    finally:
        haproxy.kill()
        world.app.apps.remove(haproxy)


# ---- time and numbers ----

def test_a_client_that_does_not_send_its_body(world):
    with world.bed.policy(settings("timeouts: {requestBody: 300ms}")):
        with world.dial(None, 80) as sock:
            sock.sendall(f"POST /sum HTTP/1.1\r\nHost: {HOST}\r\ncontent-length: 9\r\n\r\nabc"
                         .encode())
            assert read_head(sock)[0].startswith(b"HTTP/1.1 408 ")


def test_a_client_that_does_not_end_its_header(world):
    with world.bed.policy(settings("timeouts: {requestHeader: 300ms}")):
        with world.dial(None, 80) as sock:
            sock.sendall(b"GET /headers HTTP/1.1\r\nHost:")
            assert read_head(sock)[0].startswith(b"HTTP/1.1 408 ")


def test_an_idle_connection_ends(world):
    with world.bed.policy(settings("timeouts: {idle: 300ms}")):
        with world.dial(None, 80) as sock:
            assert sock.recv(1) == b""


def test_the_last_request_of_a_connection(world):
    with world.bed.policy(settings("maxRequestsPerConnection: 2")):
        with world.dial(None, 80) as sock:
            for last in (False, True):
                sock.sendall(f"GET /who HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
                head, rest = read_head(sock)
                assert (b"connection: close" in head.lower()) == last
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                while len(rest) < length:
                    rest += sock.recv(length - len(rest))
            assert sock.recv(1) == b""


def test_one_connection_too_many(world):
    def is_served(client):
        try:
            return client.get("/who").status == 200
        except (OSError, EOFError, ValueError):
            return False

    def client():
        return Client(world.dial, HOST, 80)

    with world.bed.policy(settings("maxConnections: 2", "http")):
        with client() as one, client() as two:
            until("those of before to have ended", lambda: is_served(one) and is_served(two))
            with client() as three:
                assert not is_served(three)
            assert world.door.sidecar.metric("weft_connections_over_limit_total") >= 1
            assert is_served(one)
        with client() as four:
            until("a place to be free", lambda: is_served(four))


# ---- what is sent ----

def test_a_body_that_is_too_large(world):
    with world.bed.policy(settings("maxRequestBody: 1k\n  failureDetails: Always")):
        assert world.ask("POST", "/sum", b"x" * 1000).status == 200
        answer = world.ask("POST", "/sum", b"x" * 1001)
        assert (answer.status, answer.reason) == (413, "request_too_large")
        assert world.ask("POST", "/sum", b"x" * 100000).status == 413


def test_the_server_field(world):
    def said():
        return world.ask(path="/who").headers.get("server")

    assert said() is None  # neither the app nor Weft
    with world.bed.policy(settings("serverHeader: {action: Set, value: shop}")):
        assert said() == "shop"


def test_everything_goes_to_https(world):
    def location(path):
        answer = world.ask(path=path)
        return answer.status, answer.headers.get("location")

    with world.bed.policy(settings("httpsRedirect: {mode: Enabled, statusCode: 308}")):
        assert location("/who?a=b") == (308, f"https://{HOST}/who?a=b")
        assert location("/.well-known/acme-challenge/x")[0] != 308
        answer = world.ask(path="/who", port=443, tls=browser(world.public.roots))
        assert answer.status == 200


def test_explain_says_where_requests_go(world):
    with world.bed.policy(settings("httpsRedirect: {mode: Enabled, statusCode: 308}")):
        done = subprocess.run([programs.program("weftctl"), "explain", "--policies",
                               str(world.bed.policies.path), "-n", "default", "-o", "json",
                               "--from", "gateway/door", f"http://{HOST}/who"],
                              text=True, check=False, capture_output=True, timeout=60)
    assert json.loads(done.stdout)["status"] == 308
    assert f"httpsRedirect): https://{HOST}/who" in done.stdout


def test_http2_streams(world):
    """What the Gateway announces in its SETTINGS (RFC 9113 §6.5.2)."""
    def announced():
        context = browser(world.public.roots, ["h2"])
        with context.wrap_socket(world.dial(None, 443), server_hostname=HOST) as tls:
            tls.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
            text = b""
            while len(text) < 9 or len(text) < 9 + int.from_bytes(text[:3], "big"):
                text += tls.recv(1000)
            frame = text[9:9 + int.from_bytes(text[:3], "big")]
            return {int.from_bytes(frame[i:i + 2], "big"): int.from_bytes(frame[i + 2:i + 6], "big")
                    for i in range(0, len(frame), 6)}

    assert announced()[3] == 100
    with world.bed.policy(settings("http2: {maxConcurrentStreams: 7, streamWindow: 131072}")):
        assert announced()[3] == 7
        assert announced()[4] == 131072
