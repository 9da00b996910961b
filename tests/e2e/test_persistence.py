"""Clients that stay with their version and their endpoint, in at a Gateway and from pod to pod, and
what belongs together at one endpoint. SPDX-License-Identifier: GPL-3.0-or-later
"""
import collections

import pytest

from bed import Bed, Port, objects, yaml_text
from bed.http_client import Client
from bed.pki import Authority
from bed.policy_text import traffic
from bed.tls import browser
from bed.wait import until
from conftest import make, take_down

HOST = "shop.example.com"
PODS = {"one-a": "v1", "one-b": "v1", "two-a": "v2", "two-b": "v2"}
GATEWAY = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: door, namespace: default}}
spec:
  gatewayClassName: weft
  listeners:
  - {{name: http, port: 80, protocol: HTTP}}
  - {{name: https, port: 443, protocol: HTTPS, tls: {{certificateRefs: [{{name: shop}}]}}}}
"""


def route(weights, persistence="", parent="{name: door}"):
    one, two = weights
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: shop, namespace: default}}
spec:
  parentRefs: [{parent}]
  rules:
  - name: split
    backendRefs:
    - {{name: v1, port: 80, weight: {one}}}
    - {{name: v2, port: 80, weight: {two}}}
    {persistence}
"""


STICKY = "sessionPersistence: {sessionName: sid}"
MESH = '{group: "", kind: Service, name: shop, port: 80}'


class World:
    """Two pods of each version behind two replicas of a Gateway, and a pod that calls them."""

    def __init__(self):
        self.bed = Bed("persistence")
        bed = self.bed
        self.pods = {name: bed.add_pod(name, app="shop", version=version)
                     for name, version in PODS.items()}
        self.caller = bed.add_pod("caller")
        self.doors = [bed.add_pod(name, meshed=False) for name in ("door-a", "door-b")]
        self.outside = bed.add_pod("outside", meshed=False)
        bed.add_service("shop", [Port(80, 9080, "http")], app="shop")
        for version in ("v1", "v2"):
            bed.add_service(version, [Port(80, 9080, "http")], app="shop", version=version)
        bed.add_certd()
        self.public = Authority(bed.run.folder("public-ca", mode=0o700), "public root")
        leaf = self.public.server(HOST)
        bed.policies.write("10-certificate.yaml", yaml_text.dump(
            objects.tls_secret("shop", leaf.cert_pem(), leaf.key_pem())))
        bed.policies.write("11-gateway.yaml", GATEWAY)
        for version in ("v1", "v2"):  # so that every pod is met, however fast it is
            bed.policies.write(f"12-{version}.yaml",
                               traffic(version, "loadBalancing: {algorithm: Random}\n"))
        bed.publish()
        for name, pod in self.pods.items():
            pod.start_demo("ratings", name)
        for pod in (*self.pods.values(), self.caller):
            pod.start_sidecar(ready=False)
        for door in self.doors:
            door.start_ingress("door", ready=False)
        for one in bed.sidecars():
            one.await_ready()
            one.await_identity()

    def ask(self, cookie="", door=0, tls=False, headers=None):
        """What a client gets that has that cookie."""
        sent = dict(headers or {}, Host=HOST)
        if cookie:
            sent["Cookie"] = cookie
        with Client(lambda _, port: self.outside.connect(self.doors[door].ip, port), HOST,
                    443 if tls else 80, browser(self.public.roots) if tls else None) as client:
            return client.get("/who", sent)


@pytest.fixture(scope="module", name="world")
def fixture_world():
    world = make(World)
    yield world
    take_down(world.bed)


def who(answer):
    assert answer.status == 200, answer
    return answer.json()["version"]


def set_cookies(answer):
    return [value for name, value in answer.fields if name.lower() == "set-cookie"]


def kept(answer):
    """What the client sends back."""
    (cookie,) = set_cookies(answer)
    return cookie.partition(";")[0]


def meet(world, version):
    """A new client of that version: its cookie, and whom it met."""
    def try_once():
        answer = world.ask()
        return answer if PODS[who(answer)] == version else None
    answer = until(f"a client of {version}", try_once)
    return kept(answer), who(answer)


# requirement: D14
def test_versions_are_called_apart_by_their_labels(world):
    """A Service for each, whose selector has the label."""
    for version in ("v1", "v2"):
        met = {who(world.caller.get(f"http://{version}/who")) for _ in range(30)}
        assert met == {pod for pod, label in PODS.items() if label == version}


# requirement: C15
def test_a_client_stays_with_its_version_and_endpoint(world):
    with world.bed.policy(route((50, 50), STICKY)):
        met = collections.Counter()
        for _ in range(80):  # one of four is missed once in two billion runs
            first = world.ask()
            cookie, pod = kept(first), who(first)
            met[pod] += 1
            for _ in range(3):
                again = world.ask(cookie)
                assert who(again) == pod
                assert not set_cookies(again), "nothing has changed"
        assert set(met) == set(PODS), met


def test_all_replicas_of_a_gateway_know_it(world):
    with world.bed.policy(route((50, 50), STICKY)):
        for _ in range(8):
            first = world.ask(door=0)
            for _ in range(4):
                assert who(world.ask(kept(first), door=1)) == who(first)


# requirement: C15
def test_a_canary_without_weight_keeps_its_clients(world):
    with world.bed.policy(route((50, 50), STICKY)):
        cookie, pod = meet(world, "v2")
    with world.bed.policy(route((100, 0), STICKY)):
        for _ in range(10):
            assert who(world.ask(cookie)) == pod
            assert PODS[who(world.ask())] == "v1"


def test_what_the_cookie_is(world):
    with world.bed.policy(route((50, 50), STICKY)):
        name, _, rest = set_cookies(world.ask())[0].partition("=")
        assert name == "sid"
        assert rest.partition(";")[2] == " Path=/; HttpOnly; SameSite=Lax"
        secure = set_cookies(world.ask(tls=True))[0]
        assert secure.partition(";")[2] == " Path=/; HttpOnly; SameSite=Lax; Secure"
    with world.bed.policy(route((50, 50), """sessionPersistence:
      {absoluteTimeout: 1h, cookieConfig: {lifetimeType: Permanent}}""")):
        cookie = set_cookies(world.ask())[0]
        assert cookie.startswith("weft-session-")
        assert "Max-Age=3600" in cookie


def test_by_header(world):
    text = route((50, 50), "sessionPersistence: {type: Header, sessionName: X-Session}")
    with world.bed.policy(text):
        for _ in range(5):
            first = world.ask()
            token = first.headers["x-session"]
            for _ in range(5):
                assert who(world.ask(headers={"X-Session": token})) == who(first)


def test_a_cookie_that_is_none_of_ours(world):
    with world.bed.policy(route((50, 50), STICKY)):
        cookie = kept(world.ask())
        forged = cookie[:-5] + ("AAAAA" if cookie[-5:] != "AAAAA" else "BBBBB")
        for shown in (forged, "sid=", "sid=" + "A" * 82, "sid=%00;;;=", cookie + cookie):
            assert set_cookies(world.ask(shown)), shown


def test_an_endpoint_that_fails_is_left_within_the_version(world):
    policy = traffic("v2", """\
    outlierDetection: {consecutiveFailures: 2, baseEjectionTime: 30s}
""").replace("metadata: {name: v2,", "metadata: {name: v2-failures,")
    with world.bed.policy(policy, "51-outlier.yaml"), \
            world.bed.policy(route((90, 10), STICKY)):
        cookie, pod = meet(world, "v2")
        other = {"two-a": "two-b", "two-b": "two-a"}[pod]
        world.pods[pod].control(fail=503)
        try:
            answer = until("another endpoint to answer",
                           lambda: (a := world.ask(cookie)).status == 200 and a)
        finally:
            world.pods[pod].control()
        assert who(answer) == other
        for _ in range(5):
            assert who(world.ask(kept(answer))) == other


# requirement: C15
def test_from_pod_to_pod(world):
    with world.bed.policy(route((50, 50), STICKY, MESH)):
        met = set()
        for _ in range(80):
            first = world.caller.get("http://shop/who")
            met.add(who(first))
            for _ in range(3):
                assert who(world.caller.get("http://shop/who", {"Cookie": kept(first)})) == \
                    who(first)
        assert met == set(PODS)


@pytest.mark.parametrize("balancer", ["RingHash", "Maglev"])
def test_what_belongs_together_goes_together(world, balancer):
    policy = traffic("shop", f"""\
    loadBalancing:
      algorithm: {balancer}
      hashOn: [{{type: Header, name: x-user}}, {{type: Cookie, name: visitor}}]
""")
    plain = route((1, 1)).replace("""    - {name: v1, port: 80, weight: 1}
    - {name: v2, port: 80, weight: 1}
""", "    - {name: shop, port: 80}\n")
    with world.bed.policy(policy, "51-hash.yaml"), world.bed.policy(plain):
        met = set()
        for user in range(24):
            answers = [who(world.ask(door=i % 2, headers={"x-user": f"user-{user}"}))
                       for i in range(4)]
            assert len(set(answers)) == 1, "both replicas choose alike"
            met.add(answers[0])
        assert met == set(PODS)
        first = world.ask()
        assert kept(first).startswith("visitor=")
        for i in range(6):
            again = world.ask(kept(first), door=i % 2)
            assert who(again) == who(first) and not set_cookies(again)
