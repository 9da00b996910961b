"""Limits that several gateways share in Redis: exact over all of them, and what clients see when
the server is gone, comes back empty, takes no password or no writes. Needs no root.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import http.server
import pathlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterator

import pytest

from bed.here import Doors, gateway_and_route, service
from bed.pki import Authority
from bed.redis_server import RedisServer
from bed.wait import until

LIMITED = """
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: limits, namespace: default}}
spec:
  targetRefs: [{{kind: HTTPRoute, name: site}}]
  rateLimit:
    limits: [{limit}]
    store:
      redis:
        backendRef: {{name: redis, port: 6379}}
        {more}
"""
SECRET = """
apiVersion: v1
kind: Secret
metadata: {{name: redis-password, namespace: default}}
stringData: {{password: {0}}}
"""
BY_ALL = "by: [{type: Global}]"
PLANS = """
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {name: keys, namespace: default}
spec:
  targetRefs: [{kind: HTTPRoute, name: site}]
  keyAuth: {}
---
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {name: plans, namespace: default}
spec:
  targetRefs: [{kind: HTTPRoute, name: site}]
  quota:
    plans:
    - {name: gold, fixedWindow: {year: 6}}
    - {name: free, fixedWindow: {year: 3}}
    store: {redis: {backendRef: {name: redis, port: 6379}, onFailure: Deny}}
"""
CONSUMER = """
apiVersion: policy.weft.dev/v1alpha1
kind: Consumer
metadata: {{name: {name}, namespace: default}}
spec:
  groups: [{group}]
  credentials: [{{keyAuth: {{secretRef: {{name: {name}-key, key: key}}}}}}]
---
apiVersion: v1
kind: Secret
metadata: {{name: {name}-key, namespace: default}}
stringData: {{key: {name}-secret}}
"""
YEAR = f"{{fixedWindow: {{year: 5}}, {BY_ALL}}}"
ONE_WORKER = ("--workers", "1")
WITH_PASSWORD = "passwordRef: {name: redis-password, key: password}"


class App(http.server.BaseHTTPRequestHandler):
    """Says what the request cost."""
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # pylint: disable=invalid-name
        self.send_response(200)
        self.send_header("content-length", "2")
        self.send_header("x-cost", "3")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: Any) -> None:
        pass


class World:
    """An app, Redis, and gateways."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self._undo = folder, []
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._undo.append(server.shutdown)
        self._app_port = server.server_address[1]
        self.doors: Doors | None = None

    def redis(self, name: str = "redis", **options: Any) -> RedisServer:
        made = RedisServer(self.folder, name, **options)
        self._undo.append(made.kill)
        return made

    def open(self, count: int, *servers: RedisServer, limit: str = YEAR, more: str = "",
             beside: str = "", options: tuple[str, ...] = (), text: str = "") -> Doors:
        """text: instead of the filter with that limit."""
        first = "---".join([gateway_and_route("app") + service("app", self._app_port),
                            service("redis", *[s.port for s in servers], listens=6379,
                                    app="tcp-redis").removeprefix("\n---"),
                            text or LIMITED.format(limit=limit, more=more),
                            *([beside] if beside else [])])
        self.doors = Doors(self.folder, count, first, *options)
        return self.doors

    def close(self) -> None:
        wrong = self.doors.stop() if self.doors else []
        for undo in reversed(self._undo):
            undo()
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def world(tmp_path: pathlib.Path) -> Iterator[World]:
    made = World(tmp_path)
    try:
        yield made
    finally:
        made.close()


def statuses(doors: Doors, count: int) -> list[int]:
    """Of so many requests, one after the other, to each gateway in turn."""
    return [doors.gateways[i % len(doors.gateways)].ask().status for i in range(count)]


def is_unlimited(one: Any) -> bool:
    answer = one.ask()
    return answer.status == 200 and not any("ratelimit" in name for name in answer.headers)


# ---- counting

# requirement: I1, I15, I16, I18
@pytest.mark.parametrize("limit, keys", [
    ("fixedWindow: {year: 60}", ["ratelimit:fixed:"]),
    ("fixedWindow: {month: 60, year: 500}", ["ratelimit:fixed:", "ratelimit:fixed:"]),
    ("slidingLog: {max: 60, window: 100h}", ["ratelimit:log:"]),
    ("slidingCounter: {max: 60, window: 168h}", ["ratelimit:sliding:"]),
    ("tokenBucket: {max: 60, refillPerSecond: 1m}", ["ratelimit:token_bucket:"]),
    ("leakyBucket: {ratePerSecond: 1m, burst: 59, noDelay: true}", ["ratelimit:leaky_bucket:"]),
])
def test_exact_over_two_gateways(world: World, limit: str, keys: list[str]) -> None:
    redis = world.redis()
    doors = world.open(2, redis, limit=f"{{{limit}, {BY_ALL}}}", options=("--workers", "2"))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: doors.gateways[i % 2].ask(), range(200)))
    assert sorted(a.status for a in answers) == [200] * 60 + [429] * 140
    found = redis.keys()
    assert [key[:len(start)] for key, start in zip(found, keys)] == keys, found
    assert len(found) == len(keys)
    for key in found:
        assert int(redis.ask("TTL", key)) > 0
    for one in doors.gateways:
        assert one.metric("weft_redis_requests_total") == 100
        assert one.metric("weft_redis_failures_total") == 0


# requirement: I11, I12, I16
def test_headers_say_what_all_gateways_know(world: World) -> None:
    doors = world.open(2, world.redis())
    for i in range(5):
        told = doors.gateways[i % 2].ask()
        assert told.headers["x-ratelimit-remaining-year"] == str(4 - i)
        assert told.headers["x-ratelimit-limit-year"] == "5"
    refused = doors.gateways[1].ask()
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) > 0
    assert refused.text() == "API rate limit exceeded\n"


def test_whoever_refuses_counts_nowhere(world: World) -> None:
    """Of two limits the one with room is not used up by requests that the other refuses."""
    redis = world.redis()
    doors = world.open(2, redis, limit=f"{{fixedWindow: {{month: 2, year: 50}}, {BY_ALL}}}")
    assert statuses(doors, 6) == [200, 200, 429, 429, 429, 429]
    counts = sorted(redis.ask("HGET", key, "count") for key in redis.keys())
    assert counts == ["2", "2"]


def test_headers_that_tell_clients_apart_are_not_readable(world: World) -> None:
    redis = world.redis()
    doors = world.open(1, redis,
                       limit="{fixedWindow: {year: 1}, by: [{type: Header, name: x-api-key}]}")
    one = doors.gateways[0]
    assert [one.ask(x_api_key=k).status for k in ("hush", "hush", "other")] == [200, 429, 200]
    assert len(redis.keys()) == 2 and not any("hush" in key for key in redis.keys())


def test_a_changed_limit_holds_at_once_and_forgets_nothing(world: World) -> None:
    doors = world.open(2, world.redis())
    assert statuses(doors, 6) == [200] * 5 + [429]
    doors.write("00-first.yaml",
                doors.policies.read("00-first.yaml").replace("year: 5", "year: 7"))
    assert statuses(doors, 4) == [200, 200, 429, 429]


def test_costs_of_responses_are_charged(world: World) -> None:
    redis = world.redis()
    doors = world.open(2, redis, limit=f"{{fixedWindow: {{year: 5}}, {BY_ALL}, "
                                       "cost: {responseHeader: x-cost}}")

    def count() -> int:
        return int(redis.ask("HGET", redis.keys()[0], "count") or 0) if redis.keys() else 0
    for i in (1, 2):
        assert doors.gateways[i % 2].ask().status == 200
        until("charged", lambda n=i: count() == 3 * n)
    assert doors.gateways[0].ask().status == 429


def test_a_database_of_its_own(world: World) -> None:
    redis = world.redis()
    doors = world.open(1, redis, more="database: 3")
    assert statuses(doors, 6) == [200] * 5 + [429]
    assert not redis.keys()
    assert "keys=1" in redis.ask("INFO", "keyspace")


# ---- what goes wrong

# requirement: I9, I19
@pytest.mark.parametrize("on_failure, status, body", [
    ("", 200, "ok"), ("onFailure: Allow", 200, "ok"),
    ("onFailure: Deny", 503, "503")])
def test_killed_and_started_again(world: World, on_failure: str, status: int, body: str) -> None:
    redis = world.redis()
    doors = world.open(2, redis, more=on_failure, options=ONE_WORKER)
    assert statuses(doors, 6) == [200] * 5 + [429]
    redis.kill()
    for one in doors.gateways:
        mark = one.mark()
        answers = [one.ask() for _ in range(20)]
        assert {(a.status, a.text().split()[0]) for a in answers} == {(status, body)}
        assert not any("ratelimit" in name for a in answers for name in a.headers)
        one.await_log("could not connect", mark)
        assert one.output(mark).count("warn redis:") == 1  # and not for each request
        assert one.metric("weft_filter_events_total", filter="rateLimit",
                          event="store_failed") == 20
    redis.start()  # it knows no script and no count
    for one in doors.gateways:
        until("it is used again", lambda o=one: o.ask().status == 429)
        one.await_log("answers again")
    assert statuses(doors, 4) == [429] * 4


def test_a_script_that_was_forgotten(world: World) -> None:
    redis = world.redis()
    doors = world.open(2, redis)
    for expected in (200, 200, 200, 200, 200, 429):
        redis.ask("SCRIPT", "FLUSH")
        assert statuses(doors, 1) == [expected]


def test_a_wrong_password_and_the_right_one(world: World) -> None:
    redis = world.redis(password="the-right-one")
    doors = world.open(1, redis, more=WITH_PASSWORD, beside=SECRET.format("a-wrong-one"))
    one = doors.gateways[0]
    assert [is_unlimited(one) for _ in range(8)] == [True] * 8
    one.await_log("refuses the login: WRONGPASS")
    doors.write("00-first.yaml",
                doors.policies.read("00-first.yaml").replace("a-wrong-one", "the-right-one"))
    assert statuses(doors, 6) == [200] * 5 + [429]
    assert "-one" not in one.output().replace("gateway-", "")


def test_no_password_where_one_is_needed(world: World) -> None:
    doors = world.open(1, world.redis(password="the-right-one"), more="onFailure: Deny")
    assert doors.gateways[0].ask().status == 503
    doors.gateways[0].await_log("NOAUTH")


def test_a_user_who_may_do_only_that(world: World) -> None:
    redis = world.redis()
    redis.ask("ACL", "SETUSER", "limiter", "on", ">pass", "~ratelimit:*", "resetchannels",
              "-@all", "+eval", "+evalsha", "+time", "+hmget", "+hmset", "+pexpire")
    redis.ask("ACL", "SETUSER", "default", "off")
    doors = world.open(1, redis, more="username: limiter\n        " + WITH_PASSWORD,
                       beside=SECRET.format("pass"))
    assert statuses(doors, 6) == [200] * 5 + [429]


# requirement: I19
@pytest.mark.parametrize("on_failure, expected", [("Allow", 200), ("Deny", 503)])
def test_a_server_that_is_full(world: World, on_failure: str, expected: int) -> None:
    redis = world.redis()
    doors = world.open(1, redis, more=f"onFailure: {on_failure}", options=ONE_WORKER)
    one = doors.gateways[0]
    redis.ask("CONFIG", "SET", "maxmemory", "1")  # and noeviction, which is the default
    mark = one.mark()
    assert [one.ask().status for _ in range(5)] == [expected] * 5
    one.await_log("OOM", mark)
    assert one.output(mark).count("OOM") == 1
    redis.ask("CONFIG", "SET", "maxmemory", "0")
    assert statuses(doors, 6) == [200] * 5 + [429]


def test_over_tls(world: World) -> None:
    authority = Authority(world.folder / "ca")
    leaf = authority.server("redis.internal")
    redis = world.redis(tls=leaf)
    trust = "\n".join("    " + line for line in authority.roots.read_text().splitlines())
    doors = world.open(1, redis, more="onFailure: Deny", beside=f"""
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{name: redis, namespace: default}}
spec:
  targetRefs: [{{group: "", kind: Service, name: redis}}]
  validation:
    caCertificateRefs: [{{group: "", kind: ConfigMap, name: redis-ca}}]
    hostname: redis.internal
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: redis-ca, namespace: default}}
data:
  ca.crt: |
{trust}
""")
    assert statuses(doors, 6) == [200] * 5 + [429]
    first = doors.policies.read("00-first.yaml")
    doors.write("00-first.yaml", first.replace("hostname: redis.internal", "hostname: other"))
    assert doors.gateways[0].ask().status == 503


def test_the_second_takes_over(world: World) -> None:
    servers = [world.redis("one"), world.redis("two")]
    doors = world.open(2, *servers)
    assert statuses(doors, 6) == [200] * 5 + [429]
    holders = [s for s in servers if s.keys()]
    assert len(holders) == 1  # both gateways agree
    holders[0].kill()
    other = next(s for s in servers if s is not holders[0])
    assert statuses(doors, 6) == [200] * 5 + [429]  # which counts from the beginning
    assert len(other.keys()) == 1


# ---- usage plans

# requirement: H32, I8, I21
def test_plans_are_over_all_gateways_and_outlive_them(world: World) -> None:
    redis = world.redis()
    people = "---".join(CONSUMER.format(name=name, group=group) for name, group in
                        [("ann", "gold"), ("bob", "free"), ("cid", "free"), ("dan", "none")])
    doors = world.open(2, redis, text=PLANS, beside=people)

    def ask(name: str, count: int) -> list[int]:
        return [doors.gateways[i % 2].ask(x_api_key=f"{name}-secret").status
                for i in range(count)]
    assert ask("ann", 4) == [200] * 4
    assert ask("bob", 4) == [200, 200, 200, 429]
    assert ask("cid", 1) == [200]
    assert ask("dan", 1) == [403]  # no plan
    assert doors.gateways[0].ask().status == 401
    assert redis.keys() == [
        f"ratelimit:fixed:default/plans/quota/year/consumer=11:default/{name}"
        for name in ("ann", "bob", "cid")]
    # Whoever changes plans takes along what is used.
    first = doors.policies.read("00-first.yaml")
    doors.write("00-first.yaml", first.replace(CONSUMER.format(name="bob", group="free"),
                                               CONSUMER.format(name="bob", group="gold")))
    assert ask("bob", 4) == [200, 200, 200, 429]
    # And gateways that begin anew know all of it.
    assert not doors.stop()
    folder = world.folder / "again"
    folder.mkdir()
    doors = world.doors = Doors(folder, 2, doors.policies.read("00-first.yaml"))
    assert ask("ann", 3) == [200, 200, 429]
    assert ask("cid", 3) == [200, 200, 429]
