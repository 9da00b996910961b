"""Health checks as they are on real sockets: four workers, endpoints that fail, that are silent and
that go, with nobody calling meanwhile. Needs no root.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import http.server
import json
import pathlib
import threading
from typing import Any, Iterator

import pytest

from bed.here import Doors, Gateway, gateway_and_route, service
from bed.wait import until

CHECK = """
---
apiVersion: policy.weft.dev/v1alpha1
kind: TrafficPolicy
metadata: {{name: health, namespace: default}}
spec:
  targetRefs: [{{kind: Service, name: app}}]
  loadBalancing: {{algorithm: RoundRobin}}
  healthCheck:
    {kind}
    interval: 100ms
    timeout: 200ms
    healthyThreshold: 3
    unhealthyThreshold: 3
"""
HTTP = "http: {path: /health}"


class App(http.server.ThreadingHTTPServer):
    """/health says whether it is healthy; all else says who it is."""

    def __init__(self, port: int = 0) -> None:
        self.health = 200  # 0: silence
        self.checks = 0
        self.may_answer = threading.Event()
        super().__init__(("127.0.0.1", port), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def close(self) -> None:
        self.may_answer.set()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # pylint: disable=invalid-name
        app: Any = self.server
        status = 200
        if self.path == "/health":
            app.checks += 1
            status = app.health or (app.may_answer.wait() and 200)
        body = json.dumps({"port": app.port}).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *_: Any) -> None:
        pass


class World:
    def __init__(self, folder: pathlib.Path, kind: str) -> None:
        self.apps = [App(), App()]
        self.doors = Doors(folder, 1, gateway_and_route("app") +
                           service("app", *[a.port for a in self.apps]) + CHECK.format(kind=kind),
                           "--workers", "4")

    @property
    def door(self) -> Gateway:
        return self.doors.gateways[0]

    def who_answers(self) -> set[int]:
        """Over connections of their own, so that every worker is asked."""
        return {self.door.ask().json()["port"] for _ in range(24)}

    def close(self) -> None:
        wrong = self.doors.stop()
        for app in self.apps:
            app.close()
        assert not wrong, "\n".join(wrong)


@pytest.fixture(name="world")
def fixture_world(tmp_path: pathlib.Path, request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(tmp_path, getattr(request, "param", HTTP))
    try:
        yield made
    finally:
        made.close()


# requirement: D5
@pytest.mark.parametrize("health", [503, 0])
def test_no_worker_uses_what_is_unhealthy(world: World, health: int) -> None:
    first, second = world.apps
    until("both are asked", lambda: first.checks > 1 and second.checks > 1)
    assert world.who_answers() == {first.port, second.port}
    mark = world.door.mark()
    first.health = health
    line = world.door.await_log(f"127.0.0.1:{first.port} of .* is unhealthy", mark)
    assert line
    assert world.who_answers() == {second.port}
    first.health = 200
    first.may_answer.set()
    world.door.await_log(f"127.0.0.1:{first.port} of .* is healthy again", mark)
    assert world.who_answers() == {first.port, second.port}


# requirement: D5
@pytest.mark.parametrize("world", ["tcp: {}"], indirect=True)
def test_by_connecting(world: World) -> None:
    first, second = world.apps
    mark = world.door.mark()
    first.close()
    world.door.await_log(f"127.0.0.1:{first.port} of .* is unhealthy", mark)
    assert world.who_answers() == {second.port}
    assert world.door.metric("weft_health_checks_failed_total") >= 3
    world.apps[0] = App(first.port)
    world.door.await_log(f"127.0.0.1:{first.port} of .* is healthy again", mark)
    assert world.who_answers() == {first.port, second.port}


def test_switching_it_off(world: World) -> None:
    """Who is not asked is not unhealthy."""
    first, second = world.apps
    mark = world.door.mark()
    first.health = 503
    world.door.await_log("is unhealthy", mark)
    assert world.who_answers() == {second.port}
    world.doors.write("00-first.yaml", gateway_and_route("app") +
                      service("app", first.port, second.port) +
                      CHECK.split("  healthCheck:", maxsplit=1)[0].format())
    assert world.who_answers() == {first.port, second.port}
