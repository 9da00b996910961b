"""Gateways with listeners of every kind over real sockets and real TLS: names that choose the
listener, TLS passed on or ended, TCP, client certificates, TLS towards backends.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import ssl

import pytest

from bed import Bed, Port, objects, yaml_text
from bed.http_client import Client, read_all
from bed.pki import Authority
from bed.pod import APP_UID
from bed.tls import browser, try_request
from bed.wait import until
from conftest import make, take_down

WEB, OTHER, PASS, END, BACKEND = (
    f"{name}.example.com" for name in ("web", "other", "pass", "end", "backend"))
KNOWN_PORT, TCP_PORT, OPEN_PORT = 8443, 7000, 9443
CONFIG = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: door, namespace: default}}
spec:
  gatewayClassName: weft
  tls:
    frontend:
      default:
        validation: {{caCertificateRefs: [{{group: "", kind: ConfigMap, name: clients}}]}}
      perPort:
      - port: 443
        tls: {{}}
      - port: {OPEN_PORT}
        tls:
          validation:
            mode: AllowInsecureFallback
            caCertificateRefs: [{{group: "", kind: ConfigMap, name: clients}}]
  listeners:
  - {{name: http, port: 80, protocol: HTTP}}
  - name: web
    port: 443
    protocol: HTTPS
    hostname: {WEB}
    tls: {{certificateRefs: [{{name: web}}]}}
  - name: other
    port: 443
    protocol: HTTPS
    hostname: {OTHER}
    tls: {{certificateRefs: [{{name: web}}]}}
  - name: pass
    port: 443
    protocol: TLS
    hostname: {PASS}
    tls: {{mode: Passthrough}}
  - name: end
    port: 443
    protocol: TLS
    hostname: {END}
    tls: {{mode: Terminate, certificateRefs: [{{name: web}}]}}
  - name: known
    port: {KNOWN_PORT}
    protocol: HTTPS
    hostname: {WEB}
    tls: {{certificateRefs: [{{name: web}}]}}
  - name: open
    port: {OPEN_PORT}
    protocol: HTTPS
    hostname: {WEB}
    tls: {{certificateRefs: [{{name: web}}]}}
  - {{name: tcp, port: {TCP_PORT}, protocol: TCP}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: web, namespace: default}}
spec:
  parentRefs: [{{name: door}}]
  rules: [{{backendRefs: [{{name: web, port: 80}}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {{name: pass, namespace: default}}
spec:
  parentRefs: [{{name: door, sectionName: pass}}]
  hostnames: [{PASS}]
  rules: [{{backendRefs: [{{name: secure, port: 443}}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {{name: end, namespace: default}}
spec:
  parentRefs: [{{name: door, sectionName: end}}]
  hostnames: [{END}]
  rules: [{{backendRefs: [{{name: echo, port: 7}}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {{name: tcp, namespace: default}}
spec:
  parentRefs: [{{name: door, sectionName: tcp}}]
  rules:
  - backendRefs:
    - {{name: greeter, port: 25, weight: 1}}
    - {{name: echo, port: 7, weight: 0}}
"""


class World:
    """The gateway, its backends, and who may vouch for whom."""

    def __init__(self):
        self.bed = Bed("gateway")
        bed = self.bed
        self.door, self.outside, self.app = (
            bed.add_pod(name, meshed=False) for name in ("door", "outside", "app"))
        bed.add_service("web", [Port(80, 8080)], app="app")
        bed.add_service("secure", [Port(443, 8443)], app="app")
        bed.add_service("echo", [Port(7, 7007, "tcp-echo")], app="app")
        bed.add_service("greeter", [Port(25, 2525, "tcp-greeter")], app="app")
        bed.add_service("mirror", [Port(80, 8081)], app="app")
        bed.add_authority()
        folder = bed.run.folder("cas", mode=0o755)
        names = ("public", "clients", "strangers", "backends")
        self.public, self.clients, self.strangers, self.backends = (
            Authority(folder / name, name) for name in names)
        leaf = self.public.server(WEB, OTHER, END)
        secret = objects.tls_secret("web", leaf.cert_pem(), leaf.key_pem())
        bed.policies.write("10-certificates.yaml", yaml_text.dump(secret))
        bed.policies.write("11-clients.yaml", self.config_map("clients", self.clients))
        bed.policies.write("12-door.yaml", CONFIG)
        bed.publish()
        self.start_apps()
        self.door.start_ingress("door")

    def start_apps(self):
        self.app.start_demo("ratings", "v1", 8080)
        self.app.start_demo("ratings", "v2", 8081)
        self.app.start_tcp("echo", 7007)
        self.app.start_tcp("greeter", 2525)
        backend = self.backends.issue(BACKEND, [
            "basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature",
            "extendedKeyUsage=serverAuth",
            f"subjectAltName=DNS:{BACKEND},DNS:{PASS},URI:spiffe://elsewhere/backend"])
        own = self.bed.run.folder("backend", uid=APP_UID)
        for file, text in (("cert", backend.cert_pem()), ("key", backend.key_pem())):
            (own / file).write_text(text)
            (own / file).chmod(0o644)
        self.app.start([self.bed.run.program("weft-test-app"), "--listen", "[::]:8443", "--name",
                        "secure", "--tls", f"{own / 'cert'},{own / 'key'}"], "listening on",
                       name="secure")

    @staticmethod
    def config_map(name, authority):
        return yaml_text.dump({"apiVersion": "v1", "kind": "ConfigMap",
                               "metadata": {"name": name, "namespace": "default"},
                               "data": {"ca.crt": authority.roots.read_text()}})

    def dial(self, _, port):
        return self.outside.connect(self.door.ip, port)

    def ask(self, path="/who", host=WEB, port=80, tls=None, sni=None, **headers):
        with Client(self.dial, sni or host, port, tls) as client:
            return client.get(path, {"Host": host, **headers})


@pytest.fixture(scope="module", name="world")
def fixture_world():
    world = make(World)
    yield world
    take_down(world.bed)


def wrapped(world, name, port=443, roots=None):
    """A TLS connection to the gateway."""
    context = browser(roots or world.public.roots)
    return context.wrap_socket(world.dial(None, port), server_hostname=name)


# ---- names ----

@pytest.mark.parametrize("sni, host, status", [
    (WEB, WEB, 200), (OTHER, OTHER, 200), (WEB, OTHER, 421), (OTHER, WEB, 421), (WEB, PASS, 421)])
def test_a_request_belongs_to_the_listener_of_its_connection(world, sni, host, status):
    answer = world.ask(host=host, sni=sni, port=443, tls=browser(world.public.roots))
    assert answer.status == status
    assert not answer.reason


def test_a_name_without_a_listener(world):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name in ("nobody.example.com", None):
        for port, says in ((443, ("reset", "EOF")), (KNOWN_PORT, ("UNRECOGNIZED_NAME",
                                                                "unrecognized name"))):
            attempt = try_request(world.dial(None, port), context, name)
            assert any(word in attempt.error for word in says), (name, port, attempt.error)


# ---- TLS listeners ----

def test_passed_on_as_it_is(world):
    """The certificate is the backend's, which the gateway has no key of."""
    with wrapped(world, PASS, roots=world.backends.roots) as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"secure" in read_all(tls)


def test_ended_at_the_gateway(world):
    with wrapped(world, END) as tls:
        assert tls.selected_alpn_protocol() is None
        for word in (b"ping", b"GET / HTTP/1.1\r\n\r\n"):
            tls.sendall(word)
            assert tls.recv(100) == word


def test_a_backend_that_is_gone(world):
    gone = CONFIG.replace("name: secure, port: 443", "name: nobody, port: 443").replace(
        "name: echo, port: 7}]}", "name: nobody, port: 7}]}")
    with changed(world, gone):
        for name in (PASS, END):
            with pytest.raises(OSError):
                wrapped(world, name, roots=world.backends.roots)


class changed:
    """Another configuration of the gateway for a while."""

    def __init__(self, world, text):
        self.world, self.text = world, text

    def __enter__(self):
        self.world.bed.apply("12-door.yaml", self.text)

    def __exit__(self, *_):
        self.world.bed.apply("12-door.yaml", CONFIG)


# ---- TCP ----

def test_tcp_whoever_speaks_first(world):
    with world.dial(None, TCP_PORT) as sock:
        lines = sock.makefile("rb")
        assert lines.readline() == b"220 at your service\r\n"
        sock.sendall(b"helo\r\n")
        assert lines.readline() == b"250 helo\r\n"


def test_tcp_to_another_backend(world):
    other = CONFIG.replace("port: 7, weight: 0", "port: 7, weight: 3").replace(
        "port: 25, weight: 1", "port: 25, weight: 0")
    with changed(world, other):
        with world.dial(None, TCP_PORT) as sock:
            sock.sendall(b"ping")
            assert sock.recv(100) == b"ping"
    assert world.door.sidecar.metric("istio_tcp_connections_opened_total",
                                     destination_service_name="echo") > 0


def test_ports_come_and_go(world):
    moved = CONFIG.replace(f"name: tcp, port: {TCP_PORT}", "name: tcp, port: 7100")
    with world.dial(None, TCP_PORT) as kept:
        assert kept.recv(100).startswith(b"220")
        with changed(world, moved):
            with world.dial(None, 7100) as sock:
                assert sock.recv(100).startswith(b"220")
            until("the old port closed", lambda: refused(world, TCP_PORT))
            kept.sendall(b"still\r\n")
            assert kept.recv(100) == b"250 still\r\n"


def refused(world, port):
    try:
        world.dial(None, port).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_port_that_somebody_else_has(world):
    """The gateway serves everything else, says what is missing, and takes the port when it can."""
    taken = world.door.start_tcp("echo", 7200)
    moved = CONFIG.replace(f"name: tcp, port: {TCP_PORT}", "name: tcp, port: 7200")
    sidecar = world.door.sidecar
    with changed(world, moved):
        assert world.ask().status == 200
        sidecar.await_log("cannot listen on")
        until("counted", lambda: sidecar.metric("weft_gateway_listeners_missing") > 0)
        taken.stop()

        def is_served():
            with world.dial(None, 7200) as sock:
                return sock.recv(100).startswith(b"220")
        until("the port served", is_served)
        until("all ports bound", lambda: sidecar.metric("weft_gateway_listeners_missing") == 0)


# ---- who calls ----

def known(world, authority, more=()):
    context = browser(world.public.roots)
    if authority:
        leaf = authority.issue("a client", ["basicConstraints=critical,CA:FALSE",
                                            "keyUsage=critical,digitalSignature",
                                            "extendedKeyUsage=clientAuth", *more])
        context.load_cert_chain(leaf.cert, leaf.key)
    return context


@pytest.mark.parametrize("who", ["clients", "strangers", None])
def test_client_certificates(world, who):
    context = known(world, getattr(world, who) if who else None)
    if who == "clients":
        answer = world.ask("/", port=KNOWN_PORT, tls=context)
        assert "Hash=" in answer.json()["headers"]["x-forwarded-client-cert"]
    else:
        attempt = try_request(world.dial(None, KNOWN_PORT), context, WEB)
        assert attempt.error and not attempt.was_served, attempt


@pytest.mark.parametrize("who", ["clients", "strangers", None])
def test_client_certificates_that_need_not_be_good(world, who):
    context = known(world, getattr(world, who) if who else None)
    told = world.ask("/", port=OPEN_PORT, tls=context, **{"x-forwarded-client-cert": "Hash=forged"})
    assert told.status == 200
    shown = told.json()["headers"].get("x-forwarded-client-cert", "")
    assert "forged" not in shown
    assert ("Hash=" in shown) == (who == "clients")


CERTIFICATES = """
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {name: certificates, namespace: default}
spec: {targetRefs: [{kind: Gateway, name: door}], mtlsAuth: {}}
---
apiVersion: policy.weft.dev/v1alpha1
kind: Consumer
metadata: {name: partner, namespace: default}
spec: {credentials: [{mtlsAuth: {subjectName: %s}}]}
"""


@pytest.mark.parametrize("who", ["clients", "strangers", None])
@pytest.mark.parametrize("names, name, is_good", [
    ((), "a client", True),
    (("subjectAltName=URI:urn:a,DNS:Client.example.com",), "client.example.com", True),
    (("subjectAltName=URI:urn:a,DNS:client.example.com",), "urn:a", True),
    # Where there are others, the common name does not count.
    (("subjectAltName=DNS:client.example.com",), "a client", False)])
def test_consumers_by_their_certificate(world, who, names, name, is_good):
    context = known(world, getattr(world, who) if who else None, names)
    with world.bed.policy(CERTIFICATES % name):
        told = world.ask("/", port=OPEN_PORT, tls=context)
        assert told.status == (200 if who == "clients" and is_good else 401), told
        if told.status == 200:
            assert told.json()["headers"]["x-consumer-username"] == "partner"


# ---- TLS towards backends ----

def backend_policy(world, authority, hostname=BACKEND, names=()):
    validation = {"hostname": hostname, "caCertificateRefs": [
        {"group": "", "kind": "ConfigMap", "name": "trusted"}]}
    if names:
        validation["subjectAltNames"] = list(names)
    policy = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "BackendTLSPolicy",
              "metadata": {"name": "secure", "namespace": "default"},
              "spec": {"targetRefs": [{"group": "", "kind": "Service", "name": "secure"}],
                       "validation": validation}}
    route = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
             "metadata": {"name": "secure", "namespace": "default"},
             "spec": {"parentRefs": [{"name": "door", "sectionName": "http"}],
                      "hostnames": [OTHER],
                      "rules": [{"backendRefs": [{"name": "secure", "port": 443}]}]}}
    return "---\n".join([world.config_map("trusted", authority), yaml_text.dump(policy),
                         yaml_text.dump(route)])


URI = {"type": "URI", "uri": "spiffe://elsewhere/backend"}


@pytest.mark.parametrize("ca, hostname, names, good", [
    ("backends", BACKEND, (), True),
    ("strangers", BACKEND, (), False),
    ("backends", "nobody.example.com", (), False),
    ("backends", "nobody.example.com", (URI,), True),
    ("backends", BACKEND, ({"type": "Hostname", "hostname": "nobody.example.com"},), False)])
def test_backends_over_tls(world, ca, hostname, names, good):
    with world.bed.policy(backend_policy(world, getattr(world, ca), hostname, names)):
        answer = world.ask("/headers", host=OTHER)
    if good:
        assert answer.status == 200, answer
        assert answer.json()["version"] == 20  # HTTP/2, as both ends can
    else:
        assert (answer.status, answer.reason) == (503, "")


def test_a_backend_with_a_policy_is_never_called_in_the_clear(world):
    text = backend_policy(world, world.backends).replace("name: trusted\n  namespace",
                                                         "name: elsewhere\n  namespace")
    with world.bed.policy(text):
        assert world.ask("/headers", host=OTHER).status == 500


# ---- copies ----

def test_a_mirror_gets_a_copy(world):
    route = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: copied, namespace: default}
spec:
  parentRefs: [{name: door, sectionName: http}]
  hostnames: [copied.example.com]
  rules:
  - filters: [{type: RequestMirror, requestMirror: {backendRef: {name: mirror, port: 80}}}]
    backendRefs: [{name: web, port: 80}]
"""
    def count():
        return world.outside.get(f"http://{world.app.ip}:8081/count").json()["count"]
    before = count()
    with world.bed.policy(route):
        for _ in range(5):
            answer = world.ask("/", host="copied.example.com")
            assert answer.json()["app"] == "ratings"
        until("the copies arrived", lambda: count() == before + 5)
