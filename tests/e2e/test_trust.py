"""Whom a gateway believes, and for how long: clients by what they show and nothing that others have
shown; lists of authorities with members that are of no use; connections when authorities are
replaced; listeners whose certificate is not there.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import http.client
import ssl

import pytest

from bed import Bed, Port, objects, yaml_text
from bed.http_client import Client
from bed.pki import Authority, openssl
from bed.pod import APP_UID
from bed.tls import browser, try_request
from bed.wait import until
from conftest import make, take_down

WEB, LOST, ODD = "web.example.com", "lost.example.com", "odd.example.com"
BACKEND = "backend.example.com"
NAMES_PORT, KNOWN_PORT = 443, 8443
CLIENT_USE = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature"]
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
      perPort: [{{port: {NAMES_PORT}, tls: {{}}}}]
  listeners:
  - {{name: http, port: 80, protocol: HTTP}}
  - {{name: all, port: {NAMES_PORT}, protocol: HTTPS, tls: {{certificateRefs: [{{name: web}}]}}}}
  - name: lost
    port: {NAMES_PORT}
    protocol: HTTPS
    hostname: {LOST}
    tls: {{certificateRefs: [{{name: nobody}}]}}
  - name: odd
    port: {NAMES_PORT}
    protocol: HTTPS
    hostname: {ODD}
    tls: {{certificateRefs: [{{name: ed25519}}]}}
  - {{name: known, port: {KNOWN_PORT}, protocol: HTTPS, tls: {{certificateRefs: [{{name: web}}]}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: web, namespace: default}}
spec:
  parentRefs: [{{name: door}}]
  rules:
  - matches: [{{headers: [{{name: to, value: secure}}]}}]
    backendRefs: [{{name: secure, port: 443}}]
  - matches: [{{headers: [{{name: to, value: bare}}]}}]
    backendRefs: [{{name: bare, port: 443}}]
  - backendRefs: [{{name: web, port: 80}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{name: secure, namespace: default}}
spec:
  targetRefs:
  - {{group: "", kind: Service, name: secure}}
  - {{group: "", kind: Service, name: bare}}
  validation:
    hostname: {BACKEND}
    caCertificateRefs: [{{group: "", kind: ConfigMap, name: backends}}]
"""


def config_map(name, *roots):
    return yaml_text.dump({"apiVersion": "v1", "kind": "ConfigMap",
                           "metadata": {"name": name, "namespace": "default"},
                           "data": {"ca.crt": "".join(roots)}})


class World:
    def __init__(self):
        self.bed = bed = Bed("trust")
        self.door, self.outside, self.app = (
            bed.add_pod(name, meshed=False) for name in ("door", "outside", "app"))
        bed.add_service("web", [Port(80, 8080)], app="app")
        bed.add_service("secure", [Port(443, 8443)], app="app")
        bed.add_service("bare", [Port(443, 8444)], app="app")
        bed.add_authority()
        self.folder = bed.run.folder("cas", mode=0o755)
        self.public, self.clients, self.others, self.backends = (
            Authority(self.folder / name, name)
            for name in ("public", "clients", "others", "backends"))
        leaf = self.public.issue("web", [*CLIENT_USE, "extendedKeyUsage=serverAuth",
                                         f"subjectAltName=DNS:{WEB},DNS:{LOST},DNS:{ODD}"])
        secret = objects.tls_secret("web", leaf.cert_pem(), leaf.key_pem())
        bed.policies.write("10-certificates.yaml",
                           yaml_text.dump(secret) + "---\n" + self.ed25519_secret())
        bed.policies.write("11-clients.yaml", config_map("clients", self.pem(self.clients)))
        bed.policies.write("11-backends.yaml", config_map("backends", self.pem(self.backends)))
        bed.policies.write("12-door.yaml", CONFIG)
        bed.publish()
        self.app.start_demo("ratings", "v1", 8080)
        self.start_backend()
        self.door.start_ingress("door")

    @staticmethod
    def pem(authority):
        return authority.roots.read_text()

    def ed25519(self, name):
        key, cert = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", str(key), "-out",
                str(cert), "-days", "30", "-subj", f"/CN={name}", "-addext",
                f"subjectAltName=DNS:{ODD}")
        return cert.read_text(), key.read_text()

    def ed25519_secret(self):
        cert, key = self.ed25519("odd")
        return yaml_text.dump(objects.tls_secret("ed25519", cert, key))

    def start_backend(self):
        leaf = self.backends.server(BACKEND)
        own = self.bed.run.folder("backend", uid=APP_UID)
        for file, text in (("cert", leaf.cert_pem()), ("key", leaf.key_pem())):
            (own / file).write_text(text)
            (own / file).chmod(0o644)
        self.app.start([self.bed.run.program("weft-test-app"), "--listen", "[::]:8443", "--name",
                        "secure", "--tls", f"{own / 'cert'},{own / 'key'}"], "listening on",
                       name="secure")
        self.app.start_python("bare_app.py", str(own / "cert"), str(own / "key"), "8444",
                              name="bare")

    def dial(self, _, port):
        return self.outside.connect(self.door.ip, port)

    def client(self, leaf, newest=ssl.TLSVersion.TLSv1_3):
        context = browser(self.public.roots)
        context.maximum_version = newest
        if leaf:
            context.load_cert_chain(leaf.cert, leaf.key)
        return context


@pytest.fixture(scope="module", name="world")
def fixture_world():
    world = make(World)
    yield world
    take_down(world.bed)


@pytest.fixture(name="as_it_was")
def fixture_as_it_was(world):
    yield
    world.bed.apply("11-clients.yaml", config_map("clients", world.pem(world.clients)))
    world.bed.apply("11-backends.yaml", config_map("backends", world.pem(world.backends)))


def a_client(authority, name="a client"):
    return authority.issue(name, [*CLIENT_USE, "extendedKeyUsage=clientAuth"])


# ---- what a peer shows itself ----

@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_intermediate_counts_for_whom_shows_it(world, newest):
    """And not for those who come later without it."""
    middle = Authority(world.folder / f"middle{newest}", "middle", parent=world.clients)
    leaf = a_client(middle)
    alone = leaf.cert_pem()
    for chain, served in ((alone, False), (alone + world.pem(middle), True), (alone, False)):
        leaf.cert.write_text(chain)
        attempt = try_request(world.dial(None, KNOWN_PORT), world.client(leaf, newest), WEB)
        assert attempt.was_served == served, (attempt, chain.count("BEGIN"))


def test_a_certificate_for_servers_is_no_client(world):
    leaf = world.clients.issue("a server", [*CLIENT_USE, "extendedKeyUsage=serverAuth"])
    attempt = try_request(world.dial(None, KNOWN_PORT), world.client(leaf), WEB)
    assert not attempt.was_served
    world.door.sidecar.await_log("extended key usage")


# ---- lists of authorities ----

def test_members_that_are_of_no_use_are_left_out(world, as_it_was):
    odd, _ = world.ed25519("root")
    since = world.door.sidecar.mark()
    world.bed.apply("11-clients.yaml", config_map(
        "clients", odd, a_client(world.clients).cert_pem(), world.pem(world.clients),
        "-----BEGIN CERTIFICATE-----\ncut short\n"))
    attempt = try_request(world.dial(None, KNOWN_PORT), world.client(a_client(world.clients)), WEB)
    assert attempt.was_served, attempt
    for why in ("certificate 1: its key is Ed25519, which is not supported",
                "certificate 2: it is not a CA certificate", "certificate 4: it is malformed PEM"):
        world.door.sidecar.await_log(why, since)


def test_no_member_that_is_of_use(world, as_it_was):
    """Nobody is let in, and everything else is served."""
    odd, _ = world.ed25519("root")
    with Client(world.dial, WEB, KNOWN_PORT, world.client(a_client(world.clients))) as known:
        assert known.get("/").status == 200
        world.bed.apply("11-clients.yaml", config_map("clients", odd))
        with pytest.raises(OSError):
            known.get("/")
    with pytest.raises(OSError):
        world.dial(None, KNOWN_PORT).close()
    with Client(world.dial, WEB, 80) as client:
        assert client.get("/").status == 200


# ---- authorities that are replaced ----

def test_clients_when_their_authority_is_replaced(world, as_it_was):
    world.bed.apply("11-clients.yaml", config_map("clients", world.pem(world.clients),
                                                  world.pem(world.others)))
    with Client(world.dial, WEB, KNOWN_PORT, world.client(a_client(world.clients))) as one, \
            Client(world.dial, WEB, KNOWN_PORT, world.client(a_client(world.others))) as other:
        assert one.get("/").status == other.get("/").status == 200
        kept = one._connection.sock  # pylint: disable=protected-access
        world.bed.apply("11-clients.yaml", config_map("clients", world.pem(world.clients)))
        assert one.get("/").status == 200
        assert one._connection.sock is kept  # pylint: disable=protected-access
        with pytest.raises(OSError):
            other.get("/")
    world.door.sidecar.await_log("not among the trusted roots")


@pytest.mark.parametrize("path, whole", [
    ("/length", True), ("/chunked", True), ("/close", False), ("/short", False)])
def test_a_backend_that_says_no_close_notify(world, path, whole):
    """What says itself where it ends is whole; what ends with the connection may lack anything."""
    answer = None
    with Client(world.dial, "door", 80) as client:
        try:
            answer = client.ask("GET", path, headers={"Host": WEB, "to": "bare"})
        except (OSError, http.client.HTTPException):
            pass
    assert (answer is not None and answer.status == 200) == whole, answer
    assert not whole or answer.body == b"hello"


def connections_of(world):
    """The gateway's ends of those to the backend."""
    lines = world.app.netns.run("ss", "-Htn", "state", "established", "sport", "=", ":8443",
                                text="").stdout.splitlines()
    return {line.split()[-1] for line in lines}


def test_backends_when_their_authority_is_replaced(world, as_it_was):
    def ask():
        with Client(world.dial, WEB, 80) as client:
            return client.get("/", {"to": "secure"}).status
    assert ask() == 200
    before = connections_of(world)
    assert before
    world.bed.apply("11-backends.yaml", config_map("backends", world.pem(world.others),
                                                   world.pem(world.backends)))
    assert ask() == 200
    assert connections_of(world) >= before
    world.bed.apply("11-backends.yaml", config_map("backends", world.pem(world.others)))
    until("the connections are closed", lambda: not connections_of(world))
    assert ask() == 503
    world.bed.apply("11-backends.yaml", config_map("backends", world.pem(world.backends)))
    assert ask() == 200


# ---- listeners without a certificate ----

@pytest.mark.parametrize("name, served", [(WEB, True), (LOST, False), (ODD, False)])
def test_a_name_whose_listener_has_no_certificate(world, name, served):
    """The listener for all names has one that would even fit."""
    attempt = try_request(world.dial(None, NAMES_PORT), browser(world.public.roots), name)
    assert attempt.was_served == served, attempt
    if not served:
        assert any(word in attempt.error for word in ("UNRECOGNIZED_NAME", "unrecognized name"))


def test_a_key_that_cannot_be_served_is_named(world):
    world.door.sidecar.await_log(
        "Secret default/ed25519: .*key of its first certificate is Ed25519, which is not supported")
