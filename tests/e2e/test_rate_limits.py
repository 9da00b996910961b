"""How often, at a gateway with four workers that reads a folder: exactly as many requests pass as
the limit says, whoever is asked for them, and an edit holds at once and forgets nothing.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import collections
import concurrent.futures
import contextlib
import json
import select

import pytest

from bed import Bed, Port
from bed.http_client import Client
from bed.load import Load
from bed.wait import SAFETY, until
from conftest import make, take_down

HOST = "api.example.com"
CLIENTS = 64
CONFIG = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: door, namespace: default}}
spec:
  gatewayClassName: weft
  listeners: [{{name: http, port: 80, protocol: HTTP}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: api, namespace: default}}
spec:
  parentRefs: [{{name: door}}]
  hostnames: [{HOST}]
  rules: [{{backendRefs: [{{name: web, port: 80}}]}}]
"""
FILTER = """
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: {0}, namespace: default}}
spec:
  targetRefs: [{{kind: HTTPRoute, name: api}}]
  {1}
"""
ALGORITHMS = {
    "fixedWindow": "{year: 500}",
    "slidingLog": "{max: 500, window: 1h}",
    "slidingCounter": "{max: 500, window: 24h}",
    "tokenBucket": "{max: 500, refillPerSecond: 1m}",
    "leakyBucket": "{burst: 499, ratePerSecond: 1m, noDelay: true}",
}


class World:
    """A gateway, an app behind it, and somebody who asks."""

    def __init__(self):
        self.bed = Bed("rate-limits")
        bed = self.bed
        self.door, self.outside, self.app = (
            bed.add_pod(name, meshed=False) for name in ("door", "outside", "app"))
        bed.add_service("web", [Port(80, 8080)], app="app")
        bed.policies.write("12-door.yaml", CONFIG)
        bed.publish()
        self.app.start_demo("ratings", "v1", 8080)
        self.door.start_ingress("door", workers=4)

    def client(self):
        return Client(lambda _, port: self.outside.connect(self.door.ip, port), HOST, 80)

    def ask(self, path="/who", **headers):
        with self.client() as client:
            return client.get(path, {k.replace("_", "-"): v for k, v in headers.items()})

    def hammer(self, count):
        """That many requests of 64 clients; how often which status came."""
        load = Load(self.client, "/who", CLIENTS, is_good=lambda a: a.status in (200, 429),
                    reconnect_every=10)
        result = load.run(count)
        assert not result.failures, result.why()
        return result.kinds


@pytest.fixture(scope="module", name="world")
def fixture_world():
    world = make(World)
    yield world
    take_down(world.bed)


@contextlib.contextmanager
def filtered(world, name, spec):
    with world.bed.policy(FILTER.format(name, spec)):
        yield


# requirement: I4, I5, I8, I10, I15, I26
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_exactly_as_many_pass_as_the_limit_says(world, algorithm):
    spec = f"rateLimit: {{limits: [{{{algorithm}: {ALGORITHMS[algorithm]}, by: [{{type: IP}}]}}]}}"
    with filtered(world, f"limit-{algorithm.lower()}", spec):
        assert world.hammer(2000) == {200: 500, 429: 1500}
        events = {event: world.door.sidecar.metric("weft_filter_events_total", filter="rateLimit",
                                                   event=event)
                  for event in ("allowed", "limited")}
        assert events["allowed"] % 500 == 0 and events["limited"] % 1500 == 0


# requirement: I22
def test_what_is_refused_reaches_no_app(world):
    """A flood from one address ends at the gateway."""
    def asked():
        return world.ask("/count").json()["count"]
    limit = "rateLimit: {limits: [{fixedWindow: {year: 20}, by: [{type: IP}]}]}"
    before = asked()
    with filtered(world, "flood", limit):
        assert world.hammer(1000) == {200: 20, 429: 980}
    assert asked() == before + 20


# requirement: I23
def test_an_edit_holds_at_once_and_forgets_nothing(world):
    limit = "rateLimit: {{limits: [{{fixedWindow: {{year: {0}}}}}]}}"
    with filtered(world, "edited", limit.format(100)):
        assert world.hammer(300)[200] == 100
        world.bed.apply("50-test.yaml", FILTER.format("edited", limit.format(150)))
        assert world.hammer(300)[200] == 50
        world.bed.apply("50-test.yaml", FILTER.format("edited", limit.format(20)))
        assert world.hammer(50)[200] == 0


# requirement: I11, I12
def test_what_a_client_reads(world):
    with filtered(world, "told", "rateLimit: {limits: [{fixedWindow: {day: 2, month: 500}}]}"):
        told = [world.ask() for _ in range(3)]
    assert [t.status for t in told] == [200, 200, 429]
    assert [t.headers["x-ratelimit-remaining-day"] for t in told] == ["1", "0", "0"]
    assert [t.headers["x-ratelimit-remaining-month"] for t in told] == ["499", "498", "498"]
    assert "retry-after" not in told[1].headers
    assert 0 < int(told[2].headers["retry-after"]) <= 86400
    assert told[2].text() == "API rate limit exceeded\n"


BODIES = {
    '{"error":"rate_limit_exceeded","message":"Too many requests. Please retry after some time.",'
    '"retry_after":{{retry_after}}}':
        {"error": "rate_limit_exceeded", "retry_after": int,
         "message": "Too many requests. Please retry after some time."},
    '{"error":"Too Many Requests","message":"Too many requests","retryAfter":{{retry_after}},'
    '"limit":{{limit}}}':
        {"error": "Too Many Requests", "message": "Too many requests", "retryAfter": int,
         "limit": 1},
}


# requirement: I13, I14
@pytest.mark.parametrize("body", BODIES)
def test_bodies_of_refusals(world, body):
    with filtered(world, "bodies", f"rateLimit: {{limits: [{{fixedWindow: {{year: 1}}}}], "
                                   f"refusal: {{body: '{body}'}}}}"):
        world.ask()
        told = world.ask()
    assert told.status == 429 and told.headers["content-type"] == "application/json"
    said, wanted = json.loads(told.text()), BODIES[body]
    assert said.keys() == wanted.keys()
    for key, value in wanted.items():
        assert said[key] == value if value is not int else said[key] > 0


# requirement: I6
def test_those_of_a_burst_wait_for_their_turn(world):
    limit = "rateLimit: {limits: [{leakyBucket: {ratePerSecond: 20, burst: 4}}]}"
    with filtered(world, "leaky", limit), concurrent.futures.ThreadPoolExecutor(20) as pool:
        statuses = collections.Counter(pool.map(lambda _: world.ask().status, range(20)))
    assert set(statuses) == {200, 429} and statuses[200] >= 5


# requirement: I17
def test_keys_and_addresses_have_counters_of_their_own(world):
    limit = ("rateLimit: {limits: [{fixedWindow: {year: 2}, "
             "by: [{type: Header, name: X-API-Key}]}]}")
    with filtered(world, "keyed", limit):
        for key in ("one", "two"):
            assert [world.ask(x_api_key=key).status for _ in range(3)] == [200, 200, 429]
        assert [world.ask().status for _ in range(3)] == [200, 200, 429]


# requirement: I7
def test_only_so_many_are_under_way(world):
    with filtered(world, "connections", "connectionLimit: {max: 3}"):
        held = []
        for _ in range(4):
            sock = world.outside.connect(world.door.ip, 80)
            sock.sendall(b"POST /echo HTTP/1.1\r\nHost: %s\r\nContent-Length: 5\r\n\r\n" %
                         HOST.encode())
            held.append(sock)
        answered, _, _ = select.select(held, [], [], SAFETY)
        assert len(answered) == 1
        held.remove(answered[0])
        assert answered[0].recv(4096).startswith(b"HTTP/1.1 429 ")
        answered[0].close()
        told = world.ask()
        assert told.status == 429 and told.headers["retry-after"] == "1"
        held.pop().close()
        until("one of them to be over", lambda: world.ask().status == 200)
        for sock in held:
            sock.close()


# requirement: J3
def test_only_these_addresses(world):
    with filtered(world, "from-where", "ipRestriction: {allow: [192.0.2.0/24]}"):
        told = world.ask(x_forwarded_for="192.0.2.1")
        assert told.status == 403
        assert told.text() == f"IP address not allowed: {world.outside.ip}\n"
    with filtered(world, "from-where", f"ipRestriction: {{allow: [{world.outside.ip}]}}"):
        assert world.ask().status == 200
    with filtered(world, "from-where", f"ipRestriction: {{deny: [{world.outside.ip}]}}"):
        assert world.ask().status == 403


# requirement: J4, J5
def test_programs_by_their_names(world):
    with filtered(world, "bots", "botDetection: {}"):
        assert world.ask(user_agent="curl/8.5.0").status == 200
        assert world.ask(user_agent="sqlmap/1.8#stable (https://example.org)").status == 403
    with filtered(world, "bots", "botDetection: {deny: [curl, wget], builtIn: false}"):
        assert world.ask(user_agent="Curl/8.5.0").status == 403
        assert world.ask(user_agent="sqlmap/1.8").status == 200


# requirement: K21
def test_an_id_of_each_request(world):
    with filtered(world, "ids", "correlationID: {header: X-Correlation-ID}"):
        told = world.ask()
        assert len(told.headers["x-correlation-id"]) == 36
        assert world.ask(x_correlation_id="mine").headers["x-correlation-id"] == "mine"
    with filtered(world, "ids", "correlationID: {}"):
        told = world.ask("/headers", x_request_id="mine")
        assert told.headers["x-request-id"] == "mine"
        assert told.json()["headers"]["x-request-id"] == "mine"
    with filtered(world, "ids", "correlationID: {replace: true, generator: Counter}"):
        first, second = (world.ask("/headers", x_request_id="mine") for _ in range(2))
    ids = [told.headers["x-request-id"] for told in (first, second)]
    assert ids == [told.json()["headers"]["x-request-id"] for told in (first, second)]
    assert [i.partition("#")[2] for i in ids] == ["1", "2"]
