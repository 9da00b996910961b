"""What kube-proxy honours of a Service holds for a pod with a sidecar as for one without: both ask
the same, field by field. SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
from typing import Any, Iterator

import pytest

from bed.wait import until
from live.call import Caller, Tally
from live.mesh import Mesh
from live.shop import app_pod

NAMESPACE = "t-services"
READY = {"ready": True, "serving": True, "terminating": False}
LEAVING = {"ready": False, "serving": True, "terminating": True}
GONE = {"ready": False, "serving": False, "terminating": True}


class World:
    """A caller with a sidecar and one without, three pods to call, and Services whose slices the
    test writes itself."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh, self.kubectl = mesh, mesh.kubectl
        self.inside = Caller(mesh.kubectl, NAMESPACE, "pod/inside")
        self.outside = Caller(mesh.kubectl, NAMESPACE, "pod/outside")
        self.addresses: list[str] = []
        self.node = ""

    def open(self) -> "World":
        self.kubectl.apply({"apiVersion": "v1", "kind": "Namespace",
                            "metadata": {"name": NAMESPACE,
                                         "labels": {"weft.dev/inject": "enabled"}}})
        plain = {"labels": {"weft.dev/inject": "disabled"}}
        pods = [app_pod("inside", NAMESPACE), app_pod("outside", NAMESPACE, **plain)]
        pods += [app_pod(f"app-{i}", NAMESPACE, env=[{"name": "APP_VERSION", "value": f"v{i}"}])
                 for i in range(3)]
        for pod in pods:
            self.kubectl.run("apply", "-f", "-", stdin=json.dumps(pod))
        self.kubectl.run("-n", NAMESPACE, "wait", "--for=condition=Ready", "pods", "--all",
                         "--timeout=180s")
        for i in range(3):
            made = self.pod(f"app-{i}")
            self.addresses.append(made["status"]["podIP"])
            self.node = made["spec"]["nodeName"]
        return self

    def close(self) -> None:
        self.kubectl.run("delete", "namespace", NAMESPACE, "--wait=false")

    def pod(self, name: str) -> Any:
        return self.kubectl.json("-n", NAMESPACE, "get", "pod", name)

    def apply(self, *things: dict[str, Any]) -> None:
        for thing in things:
            self.kubectl.run("apply", "-f", "-", stdin=json.dumps(thing))

    def service(self, name: str, *endpoints: dict[str, Any], **spec: Any) -> None:
        """A Service without a selector: its slice is ours. Of each endpoint the address is that of
        app-0, app-1, … in turn, unless it says one."""
        spec.setdefault("ports", [{"name": "http", "port": 80, "targetPort": 8080}])
        self.apply({"apiVersion": "v1", "kind": "Service",
                    "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec},
                   self.slice(name, name, *endpoints))

    def slice(self, name: str, service: str, *endpoints: dict[str, Any]) -> dict[str, Any]:
        return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                "metadata": {"name": name, "namespace": NAMESPACE,
                             "labels": {"kubernetes.io/service-name": service}},
                "addressType": "IPv4", "ports": [{"name": "http", "port": 8080}],
                "endpoints": [{"addresses": [self.addresses[i]], **e}
                              for i, e in enumerate(endpoints)]}

    def both(self, url: str, n: int, expect: Any) -> None:
        """Both callers get what is expected, at once or soon after a change."""
        for caller in (self.outside, self.inside):
            told: list[Tally] = []

            def fits(caller: Caller = caller, told: list[Tally] = told) -> bool:
                told[:] = [caller.call(url, n=n, options=("-fresh", "-timeout", "5s"))]
                return bool(expect(told[0]))
            until(f"the answer for {caller.target}", fits, 60, 0.3, aid=lambda told=told: str(told))


@pytest.fixture(scope="module", name="world")
def fixture_world(mesh: Mesh) -> Iterator[World]:
    made = World(mesh)
    try:
        yield made.open()
    finally:
        made.close()


def spread(*versions: str) -> Any:
    """Each of these was called, and no other; nothing failed."""
    return lambda t: not t.failed and set(t.versions) == {f"app {v}" for v in versions}


def test_session_affinity(world: World) -> None:
    world.service("sticky", {}, {}, {}, sessionAffinity="ClientIP")
    world.both("http://sticky/", 40, lambda t: not t.failed and list(t.versions.values()) == [40])
    first = [next(iter(c.call("http://sticky/").versions)) for c in (world.outside, world.inside)]
    again = [next(iter(c.call("http://sticky/").versions)) for c in (world.outside, world.inside)]
    assert first == again
    world.service("sticky", {}, {}, {}, sessionAffinity="None")
    world.both("http://sticky/", 60, spread("v0", "v1", "v2"))


def test_endpoints_on_their_way_out(world: World) -> None:
    world.service("leaving", {"conditions": LEAVING}, {"conditions": READY}, {"conditions": GONE})
    world.both("http://leaving/", 10, spread("v1"))
    world.service("leaving", {"conditions": LEAVING}, {"conditions": GONE}, {"conditions": GONE})
    world.both("http://leaving/", 10, spread("v0"))
    world.service("leaving", {"conditions": GONE})
    world.both("http://leaving/", 2, lambda t: t.failed == 2)


def test_internal_traffic_policy(world: World) -> None:
    here, there = {"nodeName": world.node}, {"nodeName": "elsewhere"}
    world.service("near", here, there, here, internalTrafficPolicy="Local")
    world.both("http://near/", 40, spread("v0", "v2"))
    world.service("near", there, there, there, internalTrafficPolicy="Local")
    world.both("http://near/", 2, lambda t: t.failed == 2)
    assert world.inside.call("http://near/").header("x-weft-reason") == "no_local_endpoint"
    world.service("near", there, there, there, internalTrafficPolicy="Cluster")
    world.both("http://near/", 60, spread("v0", "v1", "v2"))


def test_hints(world: World) -> None:
    """The node's zone is a label that comes and goes."""
    def hint(zone: str) -> dict[str, Any]:
        return {"hints": {"forZones": [{"name": zone}]}}
    world.service("hinted", hint("za"), hint("zb"), hint("za"))
    label = "topology.kubernetes.io/zone"
    before = world.kubectl.json("get", "node", world.node)["metadata"]["labels"].get(label)
    try:
        world.kubectl.run("label", "node", world.node, f"{label}=za", "--overwrite")
        world.both("http://hinted/", 40, spread("v0", "v2"))
        world.kubectl.run("label", "node", world.node, f"{label}=zb", "--overwrite")
        world.both("http://hinted/", 20, spread("v1"))
        world.kubectl.run("label", "node", world.node, f"{label}=zc", "--overwrite")
        world.both("http://hinted/", 60, spread("v0", "v1", "v2"))
        world.kubectl.run("label", "node", world.node, f"{label}=za", "--overwrite")
        world.service("hinted", hint("za"), {}, hint("za"))
        world.both("http://hinted/", 60, spread("v0", "v1", "v2"))
    finally:
        world.kubectl.run("label", "node", world.node,
                          f"{label}={before}" if before else f"{label}-", "--overwrite")


def test_not_ready_addresses(world: World) -> None:
    """Of a Service whose slices Kubernetes itself makes."""
    never = {"httpGet": {"path": "/nowhere", "port": 1}, "periodSeconds": 1}
    world.apply(app_pod("unready", NAMESPACE, readinessProbe=never,
                        annotations={"weft.dev/inject": "disabled"},
                        labels={"weft.dev/inject": "disabled"}),
                {"apiVersion": "v1", "kind": "Service",
                 "metadata": {"name": "unready", "namespace": NAMESPACE},
                 "spec": {"selector": {"app": "unready"}, "publishNotReadyAddresses": True,
                          "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}})
    world.both("http://unready/", 5, lambda t: not t.failed)
    world.kubectl.run("-n", NAMESPACE, "patch", "service", "unready", "-p",
                      '{"spec": {"publishNotReadyAddresses": false}}')
    world.both("http://unready/", 2, lambda t: t.failed == 2)


def test_external_addresses(world: World) -> None:
    world.service("front", {}, {}, externalIPs=["203.0.113.77"])
    world.both("http://203.0.113.77/", 40, spread("v0", "v1"))
    seen = world.inside.call("http://203.0.113.77/").seen_header("x-forwarded-client-cert")
    assert "sa/default" in seen  # mutual TLS, as at its own address


def test_slices(world: World) -> None:
    """The same endpoint twice, and a second slice with more."""
    world.service("sliced", {}, {})
    world.apply(world.slice("sliced-2", "sliced", {}, {}, {}))
    world.both("http://sliced/", 60, spread("v0", "v1", "v2"))


def test_a_headless_service_of_pods_with_names(world: World) -> None:
    def told(caller: Caller, host: str) -> str:
        return next(iter(caller.call(f"http://{host}:8080/").versions), "")
    world.apply({"apiVersion": "v1", "kind": "Service",
                 "metadata": {"name": "web", "namespace": NAMESPACE},
                 "spec": {"clusterIP": "None", "sessionAffinity": "ClientIP",
                          "ports": [{"name": "http", "port": 8080}]}},
                world.slice("web", "web", {"hostname": "web-0"}, {"hostname": "web-1"}))
    for caller in (world.outside, world.inside):
        for i in range(2):
            want = (f"web-{i}.web", f"app v{i}")
            until(want[0], lambda caller=caller, want=want: told(caller, want[0]) == want[1],
                  60, 0.3)


@pytest.mark.parametrize("resolver", [
    {"dnsPolicy": "Default"},
    {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["192.0.2.53"]}},
    {"dnsConfig": {"options": [{"name": "ndots", "value": "1"}], "searches": ["example.org"]}},
])
def test_pods_with_a_resolver_of_their_own(world: World, resolver: dict[str, Any]) -> None:
    """They get their certificate and their configuration, and call Services by address."""
    world.service("plain", {}, {}, {})
    address = world.kubectl.json("-n", NAMESPACE, "get", "service", "plain")["spec"]["clusterIP"]
    world.kubectl.run("-n", NAMESPACE, "delete", "pod", "resolves", "--ignore-not-found")
    world.apply(app_pod("resolves", NAMESPACE, spec=resolver))
    world.kubectl.run("-n", NAMESPACE, "wait", "--for=condition=Ready", "pod/resolves",
                      "--timeout=120s")
    answer = Caller(world.kubectl, NAMESPACE, "pod/resolves").call(f"http://{address}/")
    assert answer.status == 200
    assert "URI=spiffe://" in answer.seen_header("x-forwarded-client-cert")
