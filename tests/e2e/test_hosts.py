"""Which requests a Gateway takes for which route: wildcard hosts of an Ingress (one label) beside
those of the Gateway API (any number), and the content types that are gRPC's.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import pytest

from bed import Bed, Port
from conftest import make, take_down

CONFIG = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: weft-ingress, namespace: weft-system}
spec:
  gatewayClassName: weft
  allowedListeners: {namespaces: {from: All}}
  listeners:
  - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: default}
spec:
  ingressClassName: weft
  rules:
  - host: "*.one.example.com"
    http:
      paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: any, namespace: default}
spec:
  parentRefs: [{name: weft-ingress, namespace: weft-system}]
  hostnames: ["*.any.example.com"]
  rules: [{backendRefs: [{name: web, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: grpc, namespace: default}
spec:
  parentRefs: [{name: weft-ingress, namespace: weft-system}]
  hostnames: [grpc.example.com]
  rules: [{backendRefs: [{name: web, port: 80}]}]
"""


class World:
    def __init__(self):
        self.bed = bed = Bed("hosts")
        self.door = bed.add_pod("door", meshed=False, namespace="weft-system")
        self.outside, self.app = (bed.add_pod(name, meshed=False) for name in ("outside", "app"))
        bed.add_service("web", [Port(80, 8080)], app="app")
        bed.add_authority()
        bed.policies.write("12-door.yaml", CONFIG)
        bed.publish()
        self.app.start_demo("ratings", "v1", 8080)
        self.door.start_ingress("weft-ingress")

    def status(self, method, host, **headers):
        url = f"http://{self.door.ip}/who"
        body = b"" if method == "POST" else None
        return self.outside.ask(method, url, body, {"Host": host, **headers}).status


@pytest.fixture(scope="module", name="world")
def fixture_world():
    world = make(World)
    yield world
    take_down(world.bed)


@pytest.mark.parametrize("host, status", [
    ("a.one.example.com", 200), ("A.ONE.example.com", 200), ("a.b.one.example.com", 404),
    ("one.example.com", 404), ("a.any.example.com", 200), ("a.b.any.example.com", 200),
    ("any.example.com", 404), ("aany.example.com", 404)])
def test_how_many_labels_a_wildcard_stands_for(world, host, status):
    assert world.status("GET", host) == status


@pytest.mark.parametrize("content_type, is_grpc", [
    ("application/grpc", True), ("application/grpc+proto", True), ("APPLICATION/GRPC", True),
    ("application/grpc; charset=utf-8", True), ("application/grpc-web", False),
    ("application/grpc-web+proto", False), ("application/grpcx", False), ("text/plain", False)])
def test_what_a_grpc_route_is_for(world, content_type, is_grpc):
    """What is no gRPC finds no route; what is goes to the app, which knows nothing of it."""
    headers = {"Content-Type": content_type}
    answer = world.outside.ask("POST", f"http://{world.door.ip}/who", b"",
                               {"Host": "grpc.example.com", **headers})
    is_ours = answer.text().startswith("404 Not Found\nrequest id: ")
    assert is_ours != is_grpc, answer
