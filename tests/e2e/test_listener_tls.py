"""How TLS ends at the listeners of a Gateway, by ListenerPolicies: versions, cipher suites, groups,
ALPN and certificates of clients, as openssl and curl see it; and what becomes of open connections.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import socket
import ssl

import pytest

from bed import Bed, Port, objects, yaml_text
from bed.pki import Authority, openssl
from bed.wait import until
from conftest import make, take_down

LEAF = ["keyUsage=digitalSignature", "extendedKeyUsage=clientAuth"]
NAMES = ("modern", "old", "rsa", "secret", "maybe", "open")
DOOR = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: door, namespace: default}
spec:
  gatewayClassName: weft
  listeners:
""" + "".join(f"""
  - name: {name}
    port: 443
    protocol: HTTPS
    hostname: {name}.example.com
    tls: {{certificateRefs: [{{name: ecdsa}}, {{name: rsa}}]}}
""" for name in NAMES) + """
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: default}
spec:
  parentRefs: [{name: door}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
"""


def policy(section, tls):
    return f"""---
apiVersion: policy.weft.dev/v1alpha1
kind: ListenerPolicy
metadata: {{name: {section}, namespace: default}}
spec:
  targetRefs: [{{kind: Gateway, name: door, sectionName: {section}}}]
  tls: {tls}
"""


def clients(mode, authority, more=""):
    refs = f'[{{group: "", kind: ConfigMap, name: {authority}}}]'
    return f"{{clientCertificates: {{mode: {mode}, caCertificateRefs: {refs}{more}}}}}"


POLICIES = (
    policy("modern", '{minVersion: "1.3", groups: [P-384], alpn: [http/1.1]}')
    + policy("old", '{maxVersion: "1.2", ciphers: [ECDHE-ECDSA-AES256-GCM-SHA384, '
                    'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256], groups: [P-256]}')
    + policy("rsa", "{ciphers: [ECDHE-RSA-AES128-GCM-SHA256, TLS_CHACHA20_POLY1305_SHA256], "
                    "groups: [P-384]}")
    + policy("secret", clients("Required", "partners", ", verificationDepth: 0"))
    + policy("maybe", clients("Optional", "partners")))


class World:
    def __init__(self):
        self.bed = bed = Bed("listenertls")
        self.door, self.outside, app = (
            bed.add_pod(name, meshed=False) for name in ("door", "outside", "app"))
        bed.add_service("web", [Port(80, 8080)], app="app")
        bed.add_authority()
        folder = bed.run.folder("cas", mode=0o755)
        self.public, self.folder = Authority(folder / "public", "public"), folder
        self.partners, self.strangers = (
            Authority(folder / name, name) for name in ("partners", "strangers"))
        self.between = Authority(folder / "between", "between", parent=self.partners)
        self.good = self.partners.issue("good", LEAF)
        self.below = self.between.issue("below", LEAF)
        self.bad = self.strangers.issue("bad", LEAF)
        bed.policies.write("10-secrets.yaml", "---\n".join(
            [self.secret("ecdsa"), self.secret("rsa", rsa=True)]
            + [self.roots(a, a.folder.name) for a in (self.partners, self.strangers)]))
        bed.policies.write("12-door.yaml", DOOR)
        self.policies(POLICIES)
        app.start_demo("ratings", "v1", 8080)
        self.door.start_ingress("door")

    def policies(self, text):
        self.bed.policies.write("14-policies.yaml", text)
        self.bed.publish()

    @staticmethod
    def roots(authority, name):
        return yaml_text.dump({"apiVersion": "v1", "kind": "ConfigMap",
                               "metadata": {"name": name, "namespace": "default"},
                               "data": {"ca.crt": authority.roots.read_text()}})

    def secret(self, name, rsa=False):
        key = None
        if rsa:
            key = self.folder / f"{name}.key"
            openssl("genrsa", "-out", str(key), "2048")
        leaf = self.public.issue(
            name, ["subjectAltName=DNS:*.example.com", "keyUsage=digitalSignature",
                   "extendedKeyUsage=serverAuth"], key=key)
        return yaml_text.dump(objects.tls_secret(name, leaf.cert_pem(), leaf.key_pem()))

    def hello(self, name, *options):
        """What openssl says of a handshake for that listener."""
        done = self.outside.netns.run(
            "openssl", "s_client", "-connect", f"{self.door.ip}:443", "-CAfile",
            str(self.public.roots), "-servername", f"{name}.example.com", *options, check=False,
            text="")
        said = done.stdout + done.stderr
        shown = [line for line in said.splitlines() if line.startswith("New, TLS")]
        version, _, cipher = shown[0][5:].partition(", Cipher is ") if shown else ("", "", "(NONE)")
        return said, version, cipher

    def curl(self, name, *options, path="/headers"):
        """The status, or 000 where there is no answer, and the body."""
        host = f"{name}.example.com"
        done = self.outside.netns.run(
            "curl", "-sS", "--cacert", str(self.public.roots), "--resolve",
            f"{host}:443:{self.door.ip}", "-w", "\n%{http_code} %{http_version}", *options,
            f"https://{host}{path}", check=False)
        body, _, last = done.stdout.rpartition("\n")
        return last.split()[0], body, last.split()[1]

    def shows(self, leaf, chain=None):
        cert = leaf.cert
        if chain:
            cert = self.folder / f"chain-{leaf.cert.stem}.pem"
            cert.write_text(leaf.cert_pem() + chain.roots.read_text())
            cert.chmod(0o644)
        return "--cert", str(cert), "--key", str(leaf.key)


@pytest.fixture(scope="module", name="world")
def fixture_world():
    world = make(World)
    yield world
    take_down(world.bed)


@pytest.fixture(name="restore")
def fixture_restore(world):
    yield
    world.policies(POLICIES)


# ---- versions, suites, groups ----

@pytest.mark.parametrize("name, options, version, cipher", [
    ("open", (), "TLSv1.3", "TLS_AES_128_GCM_SHA256"),
    ("open", ("-tls1_2",), "TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ("modern", (), "TLSv1.3", "TLS_AES_128_GCM_SHA256"),
    ("old", (), "TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    ("old", ("-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"), "TLSv1.2",
     "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ("rsa", (), "TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"),
    # Its certificate for ECDSA is passed over, for it has no suite for it.
    ("rsa", ("-tls1_2",), "TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256")])
def test_what_is_agreed_on(world, name, options, version, cipher):
    said, *agreed = world.hello(name, *options)
    assert agreed == [version, cipher]
    assert "Verify return code: 0 (ok)" in said


@pytest.mark.parametrize("name, options, alert", [
    ("modern", ("-tls1_2",), "alert protocol version"),
    ("old", ("-tls1_3",), "alert handshake failure"),
    ("open", ("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"), "alert protocol version"),
    ("modern", ("-groups", "X25519:P-256"), ""),
    ("rsa", ("-groups", "X25519:P-256", "-tls1_2"), ""),
    ("old", ("-cipher", "ECDHE-RSA-AES128-GCM-SHA256"), "alert handshake failure"),
    ("rsa", ("-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"), "alert handshake failure"),
    ("open", ("-tls1_2", "-cipher", "AES128-SHA:ECDHE-RSA-AES128-SHA"),
     "alert handshake failure")])
def test_what_is_refused(world, name, options, alert):
    said, _, cipher = world.hello(name, *options)
    assert cipher == "(NONE)"
    assert alert in said


def test_the_group_is_one_of_the_listener_s(world):
    assert "Server Temp Key: X25519" in world.hello("open")[0]
    assert "Server Temp Key: ECDH, secp384r1" in world.hello("modern")[0]
    assert "Server Temp Key: ECDH, prime256v1" in world.hello("old")[0]
    assert "Server Temp Key: ECDH, secp384r1" in world.hello("rsa", "-tls1_2")[0]


def test_alpn(world):
    assert "ALPN protocol: http/1.1" in world.hello("modern", "-alpn", "h2,http/1.1")[0]
    assert "ALPN protocol: h2" in world.hello("open", "-alpn", "h2,http/1.1")[0]
    assert world.curl("modern", "--http2")[2] == "1.1"
    assert world.curl("open", "--http2")[2] == "2"


# ---- certificates of clients ----

def xfcc(body):
    return json.loads(body)["headers"].get("x-forwarded-client-cert")


FORGED = ("-H", "X-Forwarded-Client-Cert: Hash=00;Subject=\"CN=root\"")


def test_required(world):
    status, body, _ = world.curl("secret", *world.shows(world.good), *FORGED)
    assert status == "200"
    assert "CN=good" in str(xfcc(body)) and "CN=root" not in str(xfcc(body))
    assert world.curl("secret")[0] == "000"
    assert world.curl("secret", *world.shows(world.bad))[0] == "000"


def test_optional(world):
    status, body, _ = world.curl("maybe", *FORGED)
    assert (status, xfcc(body)) == ("200", None)
    assert "CN=good" in str(xfcc(world.curl("maybe", *world.shows(world.good))[1]))
    assert world.curl("maybe", *world.shows(world.bad))[0] == "000"


def test_the_depth_of_verification(world):
    below = world.shows(world.below, chain=world.between)
    assert world.curl("maybe", *below)[0] == "200"
    assert world.curl("secret", *below)[0] == "000"


def test_other_hosts_ask_for_none(world):
    assert "No client certificate CA names sent" in world.hello("open")[0]
    status, body, _ = world.curl("open", *world.shows(world.good), *FORGED)
    assert (status, xfcc(body)) == ("200", None)


def test_a_host_is_not_reached_through_another(world):
    assert world.curl("open", "-H", "Host: secret.example.com")[0] == "421"


# ---- changes ----

def connect(world, name, leaf=None):
    context = ssl.create_default_context(cafile=str(world.public.roots))
    if leaf:
        context.load_cert_chain(leaf.cert, leaf.key)
    sock = world.outside.connect(world.door.ip, 443)
    return context.wrap_socket(sock, server_hostname=f"{name}.example.com")


def ask(sock, name):
    """The status; None where the connection has ended."""
    try:
        sock.sendall(f"GET /headers HTTP/1.1\r\nHost: {name}.example.com\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            part = sock.recv(65536)
            if not part:
                return None
            head += part
        rest = head.partition(b"\r\n\r\n")[2]
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        while len(rest) < length:
            rest += sock.recv(65536)
        return int(head.split()[1])
    except (OSError, socket.timeout):
        return None


def test_open_connections_go_on(world, restore):
    with connect(world, "open") as before:
        assert ask(before, "open") == 200
        world.policies(POLICIES + policy("open", '{minVersion: "1.3", alpn: [http/1.1]}'))
        until("the policy is in force", lambda: world.hello("open", "-tls1_2")[2] == "(NONE)")
        assert ask(before, "open") == 200


def test_whom_other_authorities_vouch_for_is_let_go(world, restore):
    with connect(world, "maybe", world.good) as known, connect(world, "maybe") as unknown:
        assert ask(known, "maybe") == ask(unknown, "maybe") == 200
        world.policies(POLICIES + policy("open", clients("Required", "strangers")))
        until("the policy is in force", lambda: world.curl("open")[0] == "000")
        assert ask(known, "maybe") == ask(unknown, "maybe") == 200
        world.policies(POLICIES.replace(policy("maybe", clients("Optional", "partners")),
                                        policy("maybe", clients("Optional", "strangers"))))
        until("the other authority is in force",
              lambda: world.curl("maybe", *world.shows(world.bad))[0] == "200")
        assert ask(known, "maybe") is None
        assert ask(unknown, "maybe") == 200


def test_authorities_that_are_not_there_let_nobody_in(world, restore):
    world.policies(POLICIES + policy("open", clients("Required", "lost")))
    until("it is closed", lambda: world.curl("open", *world.shows(world.good))[0] == "000")
    assert world.curl("secret", *world.shows(world.good))[0] == "200"
