"""How gateways are laid out: one for each kind of client, one behind another, versions and stages
of an API side by side, and many routes. Needs no root.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import http.server
import json
import pathlib
import socket
import threading
from typing import Any, Iterator

import pytest

from bed import wait
from bed.here import GATEWAY_PORT, Doors, Gateway, service
from bed.http_client import Answer, Client

FORGED = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"}


class App(http.server.ThreadingHTTPServer):
    """Says its name and what it was asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def service(self) -> str:
        return service(self.name, self.server_address[1])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # pylint: disable=invalid-name
        size = len(self.rfile.read(int(self.headers.get("content-length", "0"))))
        body = json.dumps({"app": self.server.name, "path": self.path, "size": size,  # type: ignore
                           "headers": {k.lower(): v for k, v in self.headers.items()}}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        pass


class World:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self.apps, self.doors = folder, dict[str, App](), list[Doors]()

    def app(self, name: str) -> str:
        self.apps[name] = App(name)
        return self.apps[name].service

    def open(self, text: str, *names: str) -> list[Gateway]:
        folder = self.folder / f"doors-{len(self.doors)}"
        folder.mkdir()
        self.doors.append(Doors(folder, 1, text.removeprefix("\n---"), names=names))
        return self.doors[-1].gateways

    def close(self) -> None:
        wrong = [line for doors in self.doors for line in doors.stop()]
        for app in self.apps.values():
            app.shutdown()
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def world(tmp_path: pathlib.Path) -> Iterator[World]:
    made = World(tmp_path)
    try:
        yield made
    finally:
        made.close()


def gateway(name: str = "web") -> str:
    return f"""
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}, namespace: default}}
spec:
  gatewayClassName: weft
  listeners: [{{name: http, port: {GATEWAY_PORT}, protocol: HTTP}}]
"""


def route(name: str, rules: str, parent: str = "web", host: str = "") -> str:
    return f"""
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}, namespace: default}}
spec:
  parentRefs: [{{name: {parent}}}]
  {f"hostnames: [{host}]" if host else ""}
  rules: {rules}
"""


def to(backend: str, match: str = "") -> str:
    matches = f"matches: [{match}], " if match else ""
    return f"{{{matches}backendRefs: [{{name: {backend}, port: 80}}]}}"


def post(door: Gateway, path: str, body: bytes) -> Answer:
    def dial(host: str, port: int) -> socket.socket:
        return socket.create_connection((host, port), wait.SAFETY)
    with Client(dial, "127.0.0.1", door.port) as client:
        return client.ask("POST", path, body, {})


# requirement: A6
def test_one_gateway_for_each_kind_of_client(world: World) -> None:
    """Each serves its own routes, with filters of its own, from one set of policies."""
    browsers, phones = world.open(
        world.app("pages") + world.app("feed") + gateway("browsers") + gateway("phones") +
        route("pages", f"[{to('pages')}]", "browsers") + route("feed", f"[{to('feed')}]", "phones")
        + """
---
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {name: phones, namespace: default}
spec:
  targetRefs: [{kind: Gateway, name: phones}]
  requestSize: {max: 10}
""", "browsers", "phones")
    assert browsers.ask("/").json()["app"] == "pages"
    assert phones.ask("/").json()["app"] == "feed"
    assert post(browsers, "/", b"0123456789a").status == 200
    assert post(phones, "/", b"0123456789a").status == 413


# requirement: A7, A8
def test_a_gateway_behind_a_gateway(world: World) -> None:
    """The one inside names all whom a request came through, and believes the one outside where it
    is told to."""
    inner, = world.open(world.app("api") + gateway() + route("api", f"[{to('api')}]"))
    edge, = world.open(gateway() + service("inner", inner.port) +
                       route("inner", f"[{to('inner')}]"))
    seen = edge.ask("/x", **FORGED).json()["headers"]
    assert seen["x-forwarded-proto"] == "http" and "198.51.100.7" not in seen["x-forwarded-for"]
    assert seen["host"] == f"127.0.0.1:{edge.port}"
    trust = """
---
apiVersion: policy.weft.dev/v1alpha1
kind: ListenerPolicy
metadata: {name: believe, namespace: default}
spec: {targetRefs: [{kind: Gateway, name: web}], trustedAddresses: [127.0.0.1]}
"""
    for doors in world.doors:
        doors.write("50-trust.yaml", trust.removeprefix("\n---"))
    seen = edge.ask("/x", **FORGED).json()["headers"]
    assert seen["x-forwarded-proto"] == "https"
    assert seen["x-forwarded-for"] == "198.51.100.7, 127.0.0.1, 127.0.0.1"
    assert seen["x-real-ip"] == "198.51.100.7"


# requirement: C7
def test_versions_by_path_and_by_header(world: World) -> None:
    rules = ", ".join([
        to("old", "{path: {value: /v1}}"), to("new", "{path: {value: /v2}}"),
        to("new", "{headers: [{name: x-api-version, value: v2}]}"), to("old")])
    door, = world.open(world.app("old") + world.app("new") + gateway() + route("api", f"[{rules}]"))
    assert [door.ask(p).json()["app"] for p in ("/v1/users", "/v2/users", "/users")] == \
        ["old", "new", "old"]
    assert door.ask("/users", X_Api_Version="v2").json()["app"] == "new"


# requirement: A22
def test_a_new_service_takes_over_path_by_path(world: World) -> None:
    old_only = world.app("old") + world.app("new") + gateway() + route("rest", f"[{to('old')}]")
    door, = world.open(old_only)
    assert door.ask("/users/7").json()["app"] == "old"
    world.doors[0].write("50-users.yaml", route(
        "users", f"[{to('new', '{path: {value: /users}}')}]").removeprefix("\n---"))
    assert door.ask("/users/7").json()["app"] == "new"
    assert door.ask("/orders/7").json()["app"] == "old"


# requirement: C17
def test_stages_by_host_and_by_prefix(world: World) -> None:
    stages = {"production": "api.example.com", "staging": "staging.example.com"}
    door, = world.open(gateway() + "".join(
        world.app(stage) + route(stage, f"[{to(stage, '{path: {value: /v1}}')}]", host=host)
        for stage, host in stages.items()))
    for stage, host in stages.items():
        assert door.ask("/v1/x", Host=host).json()["app"] == stage
        assert door.ask("/x", Host=host).status == 404
    assert door.ask("/v1/x", Host="other.example.com").status == 404


# requirement: C12
def test_many_routes(world: World) -> None:
    count = 600
    door, = world.open(world.app("api") + gateway() + "".join(
        route(f"resource-{i}", f"[{to('api', f'{{path: {{value: /resource-{i}}}}}')}]")
        for i in range(count)))
    for i in (0, 1, count // 2, count - 1):
        assert door.ask(f"/resource-{i}/x").json()["path"] == f"/resource-{i}/x"
    assert door.ask(f"/resource-{count}").status == 404


# requirement: J2
def test_a_route_for_large_uploads(world: World) -> None:
    """What limits bodies at the Gateway is replaced for one route."""
    limit = """
---
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: {0}, namespace: default}}
spec:
  targetRefs: [{{kind: {1}}}]
  requestSize: {{max: {2}}}
"""
    door, = world.open(world.app("api") + gateway() +
                       route("uploads", f"[{to('api', '{path: {value: /uploads}}')}]") +
                       route("rest", f"[{to('api')}]") +
                       limit.format("all", "Gateway, name: web", "1Ki") +
                       limit.format("uploads", "HTTPRoute, name: uploads", "64Mi"))
    body = bytes(1 << 20)
    assert post(door, "/x", body).status == 413
    answer = post(door, "/uploads/x", body)
    assert answer.status == 200 and answer.json()["size"] == len(body)
