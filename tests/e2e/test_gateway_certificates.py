"""Several certificates on one listener: which one a client is shown, with TLS 1.3 and 1.2.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import pytest

from bed import Bed, Port, objects, yaml_text
from bed.pki import Authority, openssl
from conftest import make, take_down

WEB, OTHER, WILD = "web.example.com", "other.example.com", "deep.example.com"
CONFIG = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: door, namespace: default}
spec:
  gatewayClassName: weft
  listeners:
  - name: web
    port: 443
    protocol: HTTPS
    tls:
      certificateRefs: [{name: first}, {name: web-rsa}, {name: other}, {name: wild-rsa}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: default}
spec:
  parentRefs: [{name: door}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
"""


class World:
    def __init__(self):
        self.bed = bed = Bed("certificates")
        self.door, self.outside, app = (
            bed.add_pod(name, meshed=False) for name in ("door", "outside", "app"))
        bed.add_service("web", [Port(80, 8080)], app="app")
        bed.add_authority()
        folder = bed.run.folder("cas", mode=0o755)
        self.authority, self.folder = Authority(folder / "public", "public"), folder
        secrets = [self.secret("first", WEB), self.secret("web-rsa", WEB, rsa=True),
                   self.secret("other", OTHER), self.secret("wild-rsa", "*.example.com", rsa=True)]
        bed.policies.write("10-certificates.yaml", "---\n".join(secrets))
        bed.policies.write("12-door.yaml", CONFIG)
        bed.publish()
        app.start_demo("ratings", "v1", 8080)
        self.door.start_ingress("door")

    def secret(self, name, host, rsa=False):
        key = None
        if rsa:
            key = self.folder / f"{name}.key"
            openssl("genrsa", "-out", str(key), "2048")
        leaf = self.authority.issue(
            name, [f"subjectAltName=DNS:{host}", "keyUsage=digitalSignature",
                   "extendedKeyUsage=serverAuth"], key=key)
        return yaml_text.dump(objects.tls_secret(name, leaf.cert_pem(), leaf.key_pem()))

    def shown(self, sni, *options):
        """The common name of the certificate that a client with these options is shown."""
        name = ["-servername", sni] if sni else ["-noservername"]
        done = self.outside.netns.run(
            "openssl", "s_client", "-connect", f"{self.door.ip}:443", "-CAfile",
            str(self.authority.roots), *name, *options, check=False, text="")
        for line in done.stdout.splitlines():
            if line.startswith("subject="):
                return line.rpartition("=")[2].strip()
        return None


@pytest.fixture(scope="module", name="world")
def fixture_world():
    world = make(World)
    yield world
    take_down(world.bed)


RSA_13 = ("-tls1_3", "-sigalgs", "RSA-PSS+SHA256")
ECDSA_13 = ("-tls1_3", "-sigalgs", "ECDSA+SHA256")
RSA_12 = ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")
ECDSA_12 = ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")


@pytest.mark.parametrize("sni, options, name", [
    (WEB, (), "first"), (OTHER, (), "other"), (WILD, (), "wild-rsa"), (None, (), "first"),
    (WEB, RSA_13, "web-rsa"), (WEB, ECDSA_13, "first"), (OTHER, RSA_13, "wild-rsa"),
    (WEB, RSA_12, "web-rsa"), (WEB, ECDSA_12, "first"), (OTHER, ECDSA_12, "other"),
    (WILD, ECDSA_12, "first"), (None, RSA_12, "web-rsa")])
def test_which_certificate_is_shown(world, sni, options, name):
    assert world.shown(sni, *options) == name
