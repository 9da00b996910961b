"""Responses that a gateway with two workers keeps: the same sequences of requests to it and to
nginx, which must agree on what the cache did; many who want the same at once; a configuration that
changes. Needs no root; without nginx, what it would say is in the table all the same.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import concurrent.futures
import http.server
import pathlib
import shutil
import socket
import subprocess
import threading
from typing import Any, Iterator, NamedTuple

import pytest

from bed import wait
from bed.here import Doors, free_port, gateway_and_route, service
from bed.http_client import Answer, Client

FILTER = """
---
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {name: kept, namespace: default}
spec:
  targetRefs: [{kind: HTTPRoute, name: site}]
  cache:
    ttl: [{statuses: ["200"], for: 5m}, {statuses: ["404"], for: 1m}]
    clientCacheControl: Bypass
    bypass: [{pathPrefix: /payments}]
    staleIfError: 10m
    lockTimeout: 1h
    maxSize: MAX
"""
COMPRESSED = """
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {name: compressed, namespace: default}
spec:
  targetRefs: [{kind: HTTPRoute, name: site}]
  compression: {minSize: 1}
"""
NGINX = """
daemon off; master_process off; pid nginx.pid; error_log error.log;
events {}
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u;
  scgi_temp_path s;
  proxy_cache_path cache keys_zone=kept:10m max_size=1g inactive=60m use_temp_path=off;
  server {
    listen 127.0.0.1:PORT;
    location / {
      proxy_pass http://127.0.0.1:APP;
      proxy_cache kept;
      proxy_cache_key "$scheme$host$request_uri";
      proxy_cache_valid 200 5m;
      proxy_cache_valid 404 1m;
      proxy_cache_bypass $http_cache_control;
      proxy_cache_revalidate on;
      proxy_cache_use_stale error timeout http_500 http_503;
      add_header X-Cache-Status $upstream_cache_status always;
    }
    location /payments { proxy_pass http://127.0.0.1:APP; proxy_cache kept; proxy_no_cache 1;
      proxy_cache_bypass 1; add_header X-Cache-Status $upstream_cache_status always; }
  }
}
"""


class App(http.server.BaseHTTPRequestHandler):
    """Answers as the last part of the path says: /<anything>/<name>."""
    protocol_version = "HTTP/1.1"
    asked: list[str] = []
    go_on = threading.Event()
    failing: set[str] = set()

    def do_GET(self) -> None:  # pylint: disable=invalid-name
        App.asked.append(self.path)
        name = self.path.split("?")[0].rsplit("/", 1)[1]
        if name == "slow":
            App.go_on.wait(wait.SAFETY)
        if self.path in App.failing:
            self._say(503, {}, b"bad")
        elif name == "tagged" and self.headers.get("if-none-match") == '"a"':
            self._say(304, {"etag": '"a"', "cache-control": "max-age=1"}, None)
        else:
            self._say(404 if name == "none" else 200, FIELDS.get(name, {}),
                      self.headers.get("accept-language", "hello").encode())

    do_HEAD = do_GET

    def _say(self, status: int, fields: dict[str, str], body: bytes | None) -> None:
        self.send_response(status)
        for key, value in fields.items():
            self.send_header(key, value)
        if body is not None:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if body is not None and self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


FIELDS = {
    "cookie": {"set-cookie": "a=b"},
    "no-store": {"cache-control": "no-store"},
    "private": {"cache-control": "private, max-age=100"},
    "stale": {"cache-control": "max-age=0"},
    "past": {"expires": "Thu, 01 Jan 1970 00:00:00 GMT"},
    "invalid": {"expires": "0"},
    "shared": {"cache-control": "max-age=0, s-maxage=100"},
    "vary": {"vary": "Accept-Language"},
    "anything": {"vary": "*"},
    "tag": {"etag": '"a"', "accept-ranges": "bytes"},
    "tagged": {"etag": '"a"', "cache-control": "max-age=1"},
    "short": {"cache-control": "max-age=1"},
    "typed": {"content-type": "application/json"},
}


class Step(NamedTuple):
    word: str | None
    method: str = "GET"
    query: str = ""
    status: int = 200
    fields: dict[str, str] = {}
    body: str | None = None


DE, EN = {"accept-language": "de"}, {"accept-language": "en"}
SEQUENCES = {
    "plain": [Step("MISS"), Step("HIT"), Step("HIT", "HEAD")],
    "none": [Step("MISS", status=404), Step("HIT", status=404)],
    "asks-anew": [Step("MISS"), Step("BYPASS", fields={"cache-control": "no-cache"}),
                  Step("HIT")],
    "cookie": [Step("MISS"), Step("MISS")],
    "no-store": [Step("MISS"), Step("MISS")],
    "private": [Step("MISS"), Step("MISS")],
    "stale": [Step("MISS"), Step("MISS")],
    "past": [Step("MISS"), Step("MISS")],
    "invalid": [Step("MISS"), Step("MISS")],
    "shared": [Step("MISS"), Step("HIT")],
    "anything": [Step("MISS"), Step("MISS")],
    "vary": [Step("MISS", fields=DE, body="de"), Step("MISS", fields=EN, body="en"),
             Step("HIT", fields=DE, body="de"), Step("HIT", fields=EN, body="en")],
    "query": [Step("MISS", query="?a"), Step("MISS", query="?b"), Step("HIT", query="?a"),
              Step("HIT", query="?b")],
    "tag": [Step("MISS"), Step("HIT", status=304, fields={"if-none-match": '"a"'}),
            Step("HIT", fields={"if-none-match": '"b"'}),
            Step("HIT", status=206, fields={"range": "bytes=1-2"}, body="el"),
            Step("HIT", status=416, fields={"range": "bytes=9-"})],
}


class World(NamedTuple):
    doors: Doors
    admin: int
    nginx: int  # its port; 0: there is none


@pytest.fixture(scope="module", name="world")
def fixture_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    app = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=app.serve_forever, daemon=True).start()
    admin = free_port()
    doors = Doors(tmp_path_factory.mktemp("cache"), 1,
                  gateway_and_route("app") + service("app", app.server_address[1]),
                  "--workers", "2", "--admin", f"127.0.0.1:{admin}")
    doors.write("10-cache.yaml", FILTER.replace("MAX", "64Mi"))
    folder, port, nginx = tmp_path_factory.mktemp("nginx"), free_port(), None
    if shutil.which("nginx"):
        conf = folder / "nginx.conf"
        conf.write_text(NGINX.replace("PORT", str(port)).replace("APP",
                                                                 str(app.server_address[1])))
        nginx = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(conf),
                                  "-e", "error.log"])
        wait.until("nginx", lambda: socket.create_connection(("127.0.0.1", port)).close() is None)
    yield World(doors, admin, port if nginx else 0)
    if nginx:
        nginx.terminate()
        nginx.wait()
    wrong = doors.stop()
    app.shutdown()
    assert not wrong, "\n".join(wrong)


def ask(port: int, path: str, method: str = "GET", **fields: str) -> Answer:
    def dial(host: str, to: int) -> socket.socket:
        return socket.create_connection((host, to), wait.SAFETY)
    with Client(dial, "127.0.0.1", port) as client:
        return client.ask(method, path, None, {k.replace("_", "-"): v for k, v in fields.items()})


def word(answer: Answer) -> str | None:
    return answer.headers.get("x-cache-status")


def both(world: World) -> list[int]:
    return [world.doors.gateways[0].port] + ([world.nginx] if world.nginx else [])


# requirement: K11, K13
@pytest.mark.parametrize("name", SEQUENCES)
def test_as_nginx_says(world: World, name: str) -> None:
    for port in both(world):
        for step in SEQUENCES[name]:
            got = ask(port, f"/{port}/{name}{step.query}", step.method, **step.fields)
            assert (got.status, word(got)) == (step.status, step.word), (port, step)
            assert step.body is None or got.text() == step.body


def test_what_is_too_old_is_asked_about(world: World) -> None:
    for port in both(world):
        path = f"/{port}/tagged"
        assert word(ask(port, path)) == "MISS"
        got = wait.until("too old", lambda p=port, t=path: next(
            (a for a in [ask(p, t)] if word(a) != "HIT"), None))
        assert (got.status, word(got), got.text()) == (200, "REVALIDATED", "hello")


def test_what_is_too_old_is_better_than_an_error(world: World) -> None:
    for port in both(world):
        path = f"/{port}/short"
        assert word(ask(port, path)) == "MISS"
        App.failing.add(path)
        got = wait.until("too old", lambda p=port, t=path: next(
            (a for a in [ask(p, t)] if word(a) != "HIT"), None))
        assert (got.status, word(got), got.text()) == (200, "STALE", "hello")


# requirement: K12
def test_payments_are_never_kept(world: World) -> None:
    for port in both(world):
        for i in range(2):
            App.asked.clear()
            assert word(ask(port, f"/payments/{port}")) == "BYPASS", (port, i)
            assert App.asked == [f"/payments/{port}"]


def test_one_fetches_for_all(world: World) -> None:
    """On both workers; nobody but the one who fetches would wake the others for an hour."""
    door, many = world.doors.gateways[0], 40
    App.asked.clear()
    App.go_on.clear()
    before = door.metric("weft_filter_events_total", event="collapsed")
    with concurrent.futures.ThreadPoolExecutor(many) as pool:
        answers = [pool.submit(ask, door.port, "/slow") for _ in range(many)]
        wait.until("all but one wait", lambda: door.metric(
            "weft_filter_events_total", event="collapsed") == before + many - 1)
        App.go_on.set()
        words = [word(a.result()) for a in answers]
    assert App.asked == ["/slow"]
    assert sorted(words, key=str) == ["HIT"] * (many - 1) + ["MISS"]


def test_a_change_of_the_configuration_forgets_nothing(world: World) -> None:
    door = world.doors.gateways[0]
    assert word(ask(door.port, "/remembered")) == "MISS"
    world.doors.write("10-cache.yaml", FILTER.replace("MAX", "32Mi"))
    assert word(ask(door.port, "/remembered")) == "HIT"


def test_a_change_of_the_resource_is_seen(world: World) -> None:
    door = world.doors.gateways[0]
    ask(door.port, "/changed")
    assert word(ask(door.port, "/changed")) == "HIT"
    App.do_POST = App.do_GET  # type: ignore[attr-defined]
    assert ask(door.port, "/changed", "POST").status == 200
    assert word(ask(door.port, "/changed")) == "MISS"


def test_each_client_gets_it_compressed_as_it_likes(world: World) -> None:
    door = world.doors.gateways[0]
    world.doors.write("20-compressed.yaml", COMPRESSED)
    assert word(ask(door.port, "/typed")) == "MISS"
    got = ask(door.port, "/typed", accept_encoding="gzip")
    assert (word(got), got.headers.get("content-encoding")) == ("HIT", "gzip")
    got = ask(door.port, "/typed")
    assert (word(got), got.headers.get("content-encoding"), got.text()) == ("HIT", None, "hello")


def test_what_is_forgotten(world: World) -> None:
    door = world.doors.gateways[0]

    def purge(query: str) -> str:
        got = ask(world.admin, f"/cache/purge?{query}", "POST")
        assert got.status == 200
        return got.text()

    for path in ("/purged/a", "/purged/a?b", "/purged/c"):
        assert word(ask(door.port, path)) == "MISS"
    host = f"http%3A%2F%2F127.0.0.1%3A{door.port}"
    assert purge(f"url={host}%2Fpurged%2Fa") == "1 response is forgotten\n"
    assert word(ask(door.port, "/purged/a")) == "MISS"
    assert word(ask(door.port, "/purged/a?b")) == "HIT"
    assert purge(f"prefix={host}%2Fpurged%2F") == "3 responses are forgotten\n"
    assert word(ask(door.port, "/purged/c")) == "MISS"
    purge("all=true")
    assert word(ask(door.port, "/purged/c")) == "MISS"
