"""External authorization with authorizers that know nothing of us: one of gRPC, made of Envoy's own
messages (skipped by name where Go, to build it, is missing), and one of HTTP; at a Gateway, along a
route and by an AuthorizationPolicy at a sidecar.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import pathlib
import time
from typing import Any, Iterator, Mapping

import pytest

from bed import Bed, go_program
from bed.http_client import Answer
from bed.objects import Port
from bed.programs import Unavailable
from bed.wait import until

APPS = pathlib.Path(__file__).resolve().parents[1] / "bed" / "apps"
GRPC_PORT, HTTP_PORT, APP_PORT, GATEWAY_PORT = 9191, 9192, 8080, 8000
GATEWAY = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge, namespace: default}}
spec:
  gatewayClassName: weft
  listeners: [{{name: http, port: {GATEWAY_PORT}, protocol: HTTP}}]
"""
ROUTE = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: edge, namespace: default}}
spec:
  parentRefs: [{{name: edge}}]
  rules:
  - backendRefs: [{{name: app, port: {APP_PORT}}}]
    filters: [FILTERS]
"""
FILTER = """
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {name: authorizer, namespace: default}
spec:
  TARGET
  extAuth: {SPEC}
"""
AT_GATEWAY = "targetRefs: [{kind: Gateway, name: edge}]"
SPECS = {
    "GRPC": f"protocol: GRPC, backendRef: {{name: authz, port: {GRPC_PORT}}}, timeout: 1s, "
            "contextExtensions: {tenant: shop}",
    "HTTP": f"protocol: HTTP, backendRef: {{name: authz, port: {HTTP_PORT}}}, timeout: 1s, "
            "allowedHeaders: [x-ask], headersToBackend: [x-user, x-shown]",
}
CUSTOM = """
apiVersion: policy.weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {name: ask, namespace: default}
spec:
  selector: {matchLabels: {app: app}}
  action: CUSTOM
  provider: {name: authorizer}
  rules: [{to: [{operation: {paths: ["/secret*"]}}]}]
"""
EXTERNAL_AUTH = f"""{{type: ExternalAuth, externalAuth: {{protocol: HTTP,
      backendRef: {{name: authz, port: {HTTP_PORT}}},
      http: {{allowedHeaders: [x-ask], allowedResponseHeaders: [x-user, x-shown]}}}}}}"""


class Door:
    """An app in the mesh that answers with the request that it got, a Gateway in front of it, and a
    pod with both authorizers."""

    def __init__(self, server: pathlib.Path) -> None:
        self.bed = Bed("ext-auth")
        try:
            self._build(server)
        except BaseException:
            self.bed.delete()
            raise

    def _build(self, server: pathlib.Path) -> None:
        bed = self.bed
        self.app = bed.add_pod("app")
        self.authz, self.edge, self.outside = (bed.add_pod(n, meshed=False)
                                               for n in ("authz", "edge", "outside"))
        bed.add_service("app", [Port(APP_PORT, APP_PORT, "http")])
        bed.add_service("authz", [Port(GRPC_PORT, GRPC_PORT, "grpc"),
                                  Port(HTTP_PORT, HTTP_PORT, "http")])
        bed.add_certd()
        bed.publish()
        bed.policies.write("20-edge.yaml", GATEWAY + "---" + ROUTE.replace("FILTERS", ""))
        folder = bed.run.folder("authorizer")
        self.server = folder / server.name
        self.server.write_bytes(server.read_bytes())
        self.server.chmod(0o755)
        self.app.start_python("http_app.py", "mirror", str(APP_PORT))
        self.start_grpc()
        self.start_http()
        self.app.start_sidecar(ready=False)
        self.edge.start_ingress("edge", ready=False)
        for one in bed.sidecars():
            one.await_ready()
            one.await_identity()

    def start_grpc(self) -> None:
        self.authz.start([str(self.server), f"-port={GRPC_PORT}"], "ready", name="GRPC")

    def start_http(self) -> None:
        self.authz.start_python("auth_app.py", str(HTTP_PORT), name="HTTP")

    def restart(self, protocol: str) -> None:
        (self.start_grpc if protocol == "GRPC" else self.start_http)()

    def knock(self, path: str = "/x", ask: str = "", method: str = "GET", body: bytes | None = None,
              headers: Mapping[str, str] | None = None) -> Answer:
        said = {**({"x-ask": ask} if ask else {}), **(headers or {})}
        return self.outside.ask(method, f"http://{self.edge.ip}:{GATEWAY_PORT}{path}", body, said)


@pytest.fixture(name="door", scope="module")
def fixture_door() -> Iterator[Door]:
    try:
        made = Door(go_program.build_own(APPS / "ext_authz"))
    except Unavailable as e:
        pytest.skip(str(e))
    yield made
    ended, complaints = made.bed.stop(), made.bed.complaints()
    made.bed.delete()
    assert not complaints, "\n".join(complaints)
    assert not ended, f"ended badly: {ended}"


def at_gateway(protocol: str, more: str = "") -> str:
    spec = SPECS[protocol] + more
    return FILTER.replace("TARGET", AT_GATEWAY).replace("SPEC", spec)


def shown(answer: Answer) -> Any:
    """What the authorizer was shown, out of what the app got."""
    assert answer.status == 200, answer
    line = next(l for l in answer.text().splitlines() if l.lower().startswith("x-shown: "))
    return json.loads(line.split(": ", 1)[1])


BOTH = pytest.mark.parametrize("protocol", sorted(SPECS))


def test_grpc_is_shown_the_request(door):
    with door.bed.policy(at_gateway("GRPC", ", body: {maxBytes: 5}")):
        answer = door.knock("/a?b=c", "allow", "POST", b"hello", {"x-user": "root"})
        told = shown(answer)
        assert told["method"] == "POST" and told["path"] == "/a?b=c" and told["scheme"] == "http"
        assert told["host"] == f"{door.edge.ip}:{GATEWAY_PORT}" and told["protocol"] == "HTTP/1.1"
        assert told["body"] == "hello" and told["partial"] == "false"
        assert told["address"] == door.outside.ip and told["context"] == {"tenant": "shop"}
        assert abs(told["seconds"] - time.time()) < 3600
        got = answer.text()
        assert "POST /a?b=c&by=ann HTTP/1.1" in got and "x-user: ann" in got
        assert "root" not in got and "x-ask" not in got and got.endswith("hello")
        assert answer.headers["x-checked"] == "yes"
        assert door.knock("/a", "allow", "POST", b"hello!").status == 413


def test_http_is_shown_the_request(door):
    with door.bed.policy(at_gateway("HTTP", ", path: /check, body: {maxBytes: 5}")):
        answer = door.knock("/a?b=c", "allow", "POST", b"hello",
                            {"X-User": "root", "cookie": "secret"})
        told = shown(answer)
        assert (told["method"], told["path"], told["body"]) == ("POST", "/check/a?b=c", "hello")
        assert told["headers"]["host"] == f"{door.edge.ip}:{GATEWAY_PORT}"
        assert told["headers"]["x-envoy-auth-partial-body"] == "false"
        assert "cookie" not in told["headers"]
        assert "x-user: ann" in answer.text() and "root" not in answer.text()
        assert door.knock("/a", "allow", "POST", b"hello!").status == 413


@BOTH
def test_it_denies(door, protocol):
    with door.bed.policy(at_gateway(protocol)):
        answer = door.knock(ask="deny")
        assert (answer.status, answer.text()) == (401, "who are you?")
        assert "www-authenticate" in answer.headers
        assert door.knock().status in (401, 403)
        assert door.knock(ask="allow").status == 200


@BOTH
def test_it_is_too_slow(door, protocol):
    with door.bed.policy(at_gateway(protocol, ", statusOnError: 503")):
        assert door.knock(ask="slow").status == 503
        assert door.knock(ask="allow").status == 200
    with door.bed.policy(at_gateway(protocol, ", failOpen: true")):
        assert door.knock(ask="slow").status == 200


@BOTH
def test_it_dies_and_comes_back(door, protocol):
    with door.bed.policy(at_gateway(protocol, ", statusOnError: 503")):
        assert door.knock(ask="allow").status == 200
        door.authz.find(protocol).kill()
        until(f"{protocol} is missed", lambda: door.knock(ask="allow").status == 503)
        assert all(door.knock(ask="allow").status == 503 for _ in range(5))
        door.restart(protocol)
        until(f"{protocol} is asked again", lambda: door.knock(ask="allow").status == 200)


def test_an_error_of_its_own(door):
    with door.bed.policy(at_gateway("HTTP")):
        assert door.knock(ask="broken").status == 403


@BOTH
def test_a_policy_at_the_sidecar_chooses(door, protocol):
    provider = FILTER.replace("TARGET", "").replace("SPEC", SPECS[protocol])
    with door.bed.policy(provider + "---" + CUSTOM):
        assert door.knock("/open").status == 200
        assert door.knock("/secret").status in (401, 403)
        assert door.knock("/secret", "deny").status == 401
        told = shown(door.knock("/secret", "allow"))
        assert told["path"] == "/secret"
        if protocol == "GRPC":
            assert told["principal"].startswith("spiffe://") and "edge" in told["principal"]
    with door.bed.policy(CUSTOM):  # nobody can be asked
        assert door.knock("/open").status == 200
        assert door.knock("/secret", "allow").status == 403


def test_external_auth_of_a_route(door):
    door.bed.apply("20-edge.yaml", GATEWAY + "---" + ROUTE.replace("FILTERS", EXTERNAL_AUTH))
    try:
        assert door.knock(ask="deny").status == 401
        answer = door.knock("/a", "allow", headers={"x-user": "root"})
        assert shown(answer)["path"] == "/a"
        assert "x-user: ann" in answer.text() and "root" not in answer.text()
    finally:
        door.bed.apply("20-edge.yaml", GATEWAY + "---" + ROUTE.replace("FILTERS", ""))
