"""Configuration from weft-policyd, on demand: what an app calls is asked for when it is called,
what changes takes effect, and policyd may come and go. SPDX-License-Identifier: GPL-3.0-or-later
"""
import pytest

from bed import Bed, Port
from bed.policyd_pod import PolicydPod
from bed.wait import until
from conftest import make, take_down

DENY = """
apiVersion: policy.weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {name: nobody, namespace: default}
spec:
  selector: {matchLabels: {app: server}}
  action: DENY
  rules: [{to: [{operation: {paths: ["/secret"]}}]}]
"""

EDITION = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: server, namespace: default}
spec:
  parentRefs: [{group: "", kind: Service, name: server, port: 9080}]
  rules:
  - filters:
    - type: ResponseHeaderModifier
      responseHeaderModifier: {set: [{name: x-edition, value: "EDITION"}]}
    backendRefs: [{name: server, port: 9080}]
"""

TEAPOT = """
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {name: teapot, namespace: default}
spec:
  targetRefs: [{kind: Service, name: server}]
  directResponse: {status: 418, body: "BREW"}
"""

NAMED = EDITION.replace("filters:", """filters:
    - {type: ExtensionRef, extensionRef: {group: policy.weft.dev, kind: HTTPFilter, name: lost}}""")

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: default}
spec:
  gatewayClassName: weft
  listeners: [{name: web, port: 80, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: default}
spec:
  parentRefs: [{name: web}]
  rules:
  - matches: [{path: {type: PathPrefix, value: /who}}]
    backendRefs: [{name: server, port: 9080}]
"""

OPTIONS = {"policy_dir": None, "discovery_wait": "500ms"}


@pytest.fixture(scope="module", name="bed")
def fixture_bed():
    bed = make(lambda: Bed("disc"))
    bed.add_authority()
    for name in ("client", "server", "second", "late"):
        bed.add_pod(name)
    bed.add_pod("outside", meshed=False)
    bed.add_pod("web", meshed=False, **{"gateway.networking.k8s.io/gateway-name": "web"})
    policyd = bed.add_pod("policyd", "weft-policyd", False, "weft-system")
    for name in ("server", "second", "late"):
        bed.add_service(name, [Port(9080, 9080)])
    bed.publish()
    bed.policyd = PolicydPod(policyd)
    bed.policyd.start()
    for name in ("server", "second", "outside"):
        bed.pods[name].start_demo("ratings")
    for name in ("client", "server", "second"):
        start(bed, name)
    yield bed
    bed.policyd.stop()
    take_down(bed)


def start(bed, name, **options):
    return bed.pods[name].start_sidecar(
        discovery=bed.policyd.address, last_good=last_good(bed, name), **{**OPTIONS, **options})


def last_good(bed, name):
    folder = bed.run.folder("pods", name, uid=1337, mode=0o700)
    return folder / "last-good"


def status(bed, name):
    return bed.pods[name].sidecar.ask(15000, "GET", "/status").json()["discovery"]


def ask(bed, host="server", path="/headers"):
    return bed.pods["client"].get(f"http://{host}:9080{path}")


def is_meshed(answer):
    return "x-forwarded-client-cert" in answer.json()["headers"]


@pytest.fixture(name="policyd_is_away")
def fixture_policyd_is_away(bed):
    bed.policyd.kill()
    until("they know", lambda: not status(bed, "client")["connected"])
    yield
    if not bed.policyd.is_running():
        bed.policyd.start()
    for name in ("client", "server"):
        until("they are back", lambda n=name: status(bed, n)["connected"])


# requirement: A11
def test_what_is_called_is_known(bed):
    before = status(bed, "client")["addresses"]
    answer = ask(bed)
    assert answer.status == 200
    assert is_meshed(answer)
    assert status(bed, "client")["addresses"] == before + 1
    dump = bed.pods["client"].sidecar.ask(15000, "GET", "/config_dump").text()
    assert "default/server:9080" in dump
    assert "default/late:9080" not in dump
    assert ask(bed).status == 200
    assert status(bed, "client")["addresses"] == before + 1


def test_a_pod_called_by_its_address(bed):
    answer = bed.pods["client"].get(f"http://{bed.pods['server'].ip}:9080/headers")
    assert answer.status == 200
    assert is_meshed(answer)


def test_what_is_not_of_the_mesh_is_passed_on(bed):
    before = bed.pods["client"].sidecar.metric("weft_discovery_unanswered_total")
    answer = bed.pods["client"].get(f"http://{bed.pods['outside'].ip}:9080/headers")
    assert answer.status == 200
    assert bed.pods["client"].sidecar.metric("weft_discovery_unanswered_total") == before


# requirement: A19
def test_policies_take_effect(bed):
    assert ask(bed, path="/secret").status != 403
    bed.policies.write("50-deny.yaml", DENY)
    try:
        until("it is denied", lambda: ask(bed, path="/secret").status == 403)
        assert ask(bed).status == 200
    finally:
        bed.policies.remove("50-deny.yaml")
    until("it is allowed again", lambda: ask(bed, path="/secret").status != 403)


def test_filters_take_effect(bed):
    bed.policies.write("50-test.yaml", TEAPOT)
    until("the pods to answer by their filter", lambda: ask(bed).status == 418)
    bed.policies.write("50-test.yaml", TEAPOT.replace("BREW", "another brew"))
    until("the filter to be another", lambda: ask(bed).text() == "another brew")
    bed.policies.write("50-test.yaml", NAMED)
    until("the route to be closed", lambda: ask(bed).reason == "filter_broken")
    assert ask(bed, "second").status == 200
    bed.policies.remove("50-test.yaml")
    until("all to be as it was", lambda: ask(bed).status == 200)


def test_routes_change_under_load(bed):
    load = bed.pods["client"].load("http://server:9080/who", reconnect_every=20).start()
    try:
        for edition in ("first", "second", "third"):
            bed.policies.write("50-route.yaml", EDITION.replace("EDITION", edition))
            until(edition, lambda e=edition: ask(bed).headers.get("x-edition") == e)
    finally:
        bed.policies.remove("50-route.yaml")
        result = load.stop()
    assert not result.failures, result.why()
    until("none", lambda: "x-edition" not in ask(bed).headers)


# requirement: A9
def test_policyd_may_be_away(bed, policyd_is_away):
    """What is known is served on; what nobody ever said anything about is passed on, and said."""
    answer = ask(bed)
    assert answer.status == 200 and is_meshed(answer)
    client = bed.pods["client"]
    before = client.sidecar.metric("weft_discovery_unanswered_total")
    assert client.get(f"http://{bed.pods['second'].ip}:9080/headers").status == 200
    assert client.sidecar.metric("weft_discovery_unanswered_total") == before + 1
    client.sidecar.await_log("cannot be reached and has never said what this is")


def test_policyd_restarts_under_load(bed):
    load = bed.pods["client"].load("http://server:9080/who", reconnect_every=20).start()
    try:
        for end in (bed.policyd.stop, bed.policyd.kill):
            end()
            until("they know", lambda: not status(bed, "client")["connected"])
            edition = end.__name__
            bed.policies.write("50-route.yaml", EDITION.replace("EDITION", edition))
            bed.policyd.start()
            until(edition, lambda e=edition: ask(bed).headers.get("x-edition") == e)
    finally:
        bed.policies.remove("50-route.yaml")
        result = load.stop()
        if not bed.policyd.is_running():
            bed.policyd.start()
    assert not result.failures, result.why()
    until("none", lambda: "x-edition" not in ask(bed).headers)


def test_a_sidecar_restarts_while_policyd_is_away(bed):
    client = bed.pods["client"]
    assert is_meshed(ask(bed))
    # What is in force is on disk a moment after it is.
    until("it is kept", lambda: b"default/server:9080" in last_good(bed, "client").read_bytes())
    bed.policyd.stop()
    try:
        assert client.sidecar.stop() == 0
        start(bed, "client")
        answer = ask(bed)
        assert answer.status == 200 and is_meshed(answer)
    finally:
        bed.policyd.start()
    until("it is back", lambda: status(bed, "client")["connected"])
    assert is_meshed(ask(bed))


def test_not_ready_before_the_first_configuration(bed):
    bed.policyd.stop()
    late = bed.pods["late"]
    late.start_demo("ratings")
    try:
        sidecar = start(bed, "late", ready=False)
        sidecar.await_log("nothing is in force yet")
        answer = sidecar.ask(15021, "GET", "/healthz/ready")
        assert answer.status == 503 and "waiting" in answer.text()
        assert sidecar.ask(15021, "GET", "/healthz/live").status == 200
    finally:
        bed.policyd.start()
    late.sidecar.await_ready()
    until("it is called", lambda: ask(bed, "late").status == 200)


def test_what_is_no_longer_called_is_let_go(bed):
    client = bed.pods["client"]
    assert client.sidecar.stop() == 0
    start(bed, "client", discovery_idle="1s")
    try:
        assert ask(bed, "second").status == 200
        assert status(bed, "client")["addresses"] >= 1
        until("none is left", lambda: status(bed, "client")["addresses"] == 0)
        until("nor known", lambda: "default/second:9080" not in
              client.sidecar.ask(15000, "GET", "/config_dump").text())
        assert is_meshed(ask(bed, "second"))
    finally:
        client.sidecar.stop()
        start(bed, "client")


def test_a_gateway(bed):
    """A front door is told of its Gateway, and of what is behind it, as it changes."""
    web = bed.pods["web"]
    bed.policies.write("40-gateway.yaml", GATEWAY)
    try:
        sidecar = web.start_ingress("web", discovery=bed.policyd.address, policy_dir=None)
        outside = bed.pods["outside"]

        def get():
            return outside.get(f"http://{web.ip}:80/who")

        until("it is served", lambda: get().status == 200)
        bed.policies.write("40-gateway.yaml", GATEWAY.replace("/who", "/other"))
        until("the route has changed", lambda: get().status == 404)
        assert sidecar.metric("weft_config_rejected_total") == 0
        sidecar.stop()
    finally:
        bed.policies.remove("40-gateway.yaml")


def test_an_impostor(bed):
    """Another's certificate is no policyd."""
    assert is_meshed(ask(bed))
    bed.policyd.stop()
    bed.policyd.start("somebody-else")
    try:
        until("it is seen through", lambda: "somebody-else" in status(bed, "client")["problem"])
        assert not status(bed, "client")["connected"]
        assert is_meshed(ask(bed))
    finally:
        bed.policyd.stop()
        bed.policyd.start()
    until("it is back", lambda: status(bed, "client")["connected"])
