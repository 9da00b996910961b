"""The YAML of the pages for users: each block is valid beside the objects that the pages speak of.
Needs no root. SPDX-License-Identifier: GPL-3.0-or-later
"""
import pathlib
import re
import subprocess

import pytest

from bed import programs

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [page for folder in ("how-to", "tutorials")
         for page in sorted((ROOT / "docs" / folder).glob("*.md"))]
WORLD = ("service", "gateway", "gateway-class", "namespace", "secret", "pod", "endpoint-slice",
         "config-map", "node", "ingress")
# What pages have the reader make with kubectl, or have already.
MADE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop-api, namespace: shop}
spec:
  parentRefs: [{name: front-door, sectionName: http}]
  hostnames: [api.example.com]
  rules: [{backendRefs: [{name: reviews, port: 9080}]}]
---
apiVersion: v1
kind: Secret
metadata: {name: mobile-app, namespace: shop, labels: {policy.weft.dev/credential: "yes"}}
stringData: {key: a-long-random-text}
---
apiVersion: v1
kind: Service
metadata: {name: dns, namespace: shop}
spec: {clusterIP: 10.96.0.53, ports: [{name: dns, port: 53, protocol: UDP}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: dns-1, namespace: shop, labels: {kubernetes.io/service-name: dns}}
addressType: IPv4
ports: [{name: dns, port: 5353, protocol: UDP}]
endpoints: [{addresses: [10.77.0.53]}]
---
apiVersion: v1
kind: Service
metadata: {name: mail, namespace: shop}
spec: {clusterIP: 10.96.0.25, ports: [{name: smtp, port: 25, appProtocol: tcp}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: mail-1, namespace: shop, labels: {kubernetes.io/service-name: mail}}
addressType: IPv4
ports: [{name: smtp, port: 25}]
endpoints: [{addresses: [10.77.0.25]}]
---
apiVersion: policy.weft.dev/v1alpha1
kind: RequestAuthentication
metadata: {name: made, namespace: shop}
spec:
  targetRefs: [{kind: Gateway, name: front-door}]
  jwtRules: [{issuer: made, jwksUri: "https://login.example.com/keys"}]
"""
# The examples' Secret and ConfigMap hold words instead of certificates.
PLACEHOLDERS = re.compile("holds a placeholder|certificate 1: it is not Base64")
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    """What it is called, and its text."""
    return [(f"{page.stem}-{number}", text) for page in PAGES
            for number, text in enumerate(BLOCK.findall(page.read_text()), 1)]


@pytest.mark.parametrize("name, text", blocks(), ids=[name for name, _ in blocks()])
def test_each_block_is_valid(tmp_path: pathlib.Path, name: str, text: str) -> None:
    for stem in WORLD:
        example = ROOT / "policies" / "examples" / f"{stem}.yaml"
        (tmp_path / example.name).write_text(example.read_text())
    (tmp_path / "made.yaml").write_text(MADE)
    (tmp_path / f"page-{name}.yaml").write_text(text)
    done = subprocess.run([programs.program("weftctl"), "validate", str(tmp_path)], text=True,
                          capture_output=True, check=False, timeout=60)
    lines = (done.stdout + done.stderr).splitlines()
    said = [line for line in lines if f"page-{name}" in line
            and not PLACEHOLDERS.search(line)]
    assert (done.returncode, said) == (0, [])


def test_there_are_blocks() -> None:
    assert len(blocks()) >= 15
