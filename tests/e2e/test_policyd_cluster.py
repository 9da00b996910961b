"""weft-policyd in Kubernetes, against a real API server and with nothing but the rights that its
manifests give it: what data planes get, who they may be, statuses, Gateways, and what it survives.
Objects are only objects here: what kubelet and others would write, the test writes.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from bed.api_server import ApiServer
from bed.pki import Authority
from bed.policyd import Policyd
from bed.programs import ROOT, Unavailable
from bed.wait import until

REVIEWS = "10.96.0.10:9080"
CLUSTER = "cluster/outbound|9080||reviews.shop.svc.cluster.local"
GATEWAY_API = "gateway.networking.k8s.io"


def install(api):
    for name in ("weft-system", "shop"):
        api.kubectl("create", "namespace", name)
    for crds in (api.crds, ROOT / "k8s" / "base" / "crds"):
        for path in sorted(crds.glob(f"{GATEWAY_API}_[!v]*.yaml")) + sorted(crds.glob("policy*")):
            api.kubectl("apply", "--server-side", "-f", str(path))
    for name in ("policyd-rbac", "gateway-class"):
        api.kubectl("apply", "-f", str(ROOT / "k8s" / "base" / f"{name}.yaml"))
    until("the CRDs", lambda: api.kubectl("get", "gateways,httproutes,authorizationpolicies", "-A",
                                          check=False).returncode == 0, deadline=60)


@pytest.fixture(scope="module", name="api")
def fixture_api(tmp_path_factory):
    try:
        made = ApiServer(tmp_path_factory.mktemp("api"))
    except Unavailable as e:
        pytest.skip(str(e))
    try:
        made.start()
        install(made)
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module", name="authority")
def fixture_authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki"))


class World:
    """An API server, and replicas of policyd with the service account of the manifests."""

    def __init__(self, api, folder, authority):
        self.api, self.folder, self.authority, self.replicas = api, folder, authority, []

    def policyd(self, name="policyd", ready=True):
        token = self.api.token("weft-system", "weft-policyd", "--duration", "1h")
        config = self.api.write_kubeconfig(self.folder / f"{name}.kubeconfig", {"token": token},
                                           namespace="weft-system")
        made = Policyd(self.folder, self.authority, name)
        self.replicas.append(made)
        return made.start("--kubeconfig", str(config), ready=ready)

    def stop(self):
        for replica in self.replicas:
            replica.stop()

    # ---- what others in a cluster write

    def service(self, name="reviews", ip="10.96.0.10"):
        self.api.apply({"apiVersion": "v1", "kind": "Service",
                        "metadata": {"namespace": "shop", "name": name},
                        "spec": {"clusterIP": ip, "ports": [{"name": "http", "port": 9080}]}})

    def endpoints(self, *ips, name="reviews", namespace="shop", port=9080):
        self.api.apply({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                        "metadata": {"namespace": namespace, "name": f"{name}-1",
                                     "labels": {"kubernetes.io/service-name": name}},
                        "addressType": "IPv4", "ports": [{"name": "http", "port": port}],
                        "endpoints": [{"addresses": [ip], "conditions": {"ready": True}}
                                      for ip in ips]})

    def pod(self, name, account, ip="10.1.9.9", labels=None):
        self.api.account("shop", account)
        self.api.apply({"apiVersion": "v1", "kind": "Pod",
                        "metadata": {"namespace": "shop", "name": name, "labels": labels or {}},
                        "spec": {"serviceAccountName": account,
                                 "containers": [{"name": "app", "image": "none:1"}]}})
        self.status("pod", name, {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]})

    def status(self, kind, name, status):
        self.api.kubectl("patch", kind, name, "-n", "shop", "--subresource=status", "--type=merge",
                         "-p", json.dumps({"status": status}))

    def route(self, name="reviews", **spec):
        self.api.apply({"apiVersion": f"{GATEWAY_API}/v1", "kind": "HTTPRoute",
                        "metadata": {"namespace": "shop", "name": name}, "spec": spec})

    def gateway(self, name="door", annotations=None, **spec):
        self.api.apply({"apiVersion": f"{GATEWAY_API}/v1", "kind": "Gateway",
                        "metadata": {"namespace": "shop", "name": name,
                                     "annotations": annotations or {}},
                        "spec": {"gatewayClassName": "weft", "listeners": [
                            {"name": "http", "port": 80, "protocol": "HTTP"}], **spec}})


@pytest.fixture(name="world")
def fixture_world(api, tmp_path, authority):
    made = World(api, tmp_path, authority)
    made.service()
    made.endpoints("10.1.0.1")
    made.pod("frontend-a", "frontend")
    yield made
    made.stop()
    for kind in ("gateways", "gatewaysettings", "httproutes", "authorizationpolicies",
                 "endpointslices", "services", "deployments", "horizontalpodautoscalers", "pods"):
        api.kubectl("delete", kind, "--all", "-n", "shop", "--force", "--grace-period=0")


@pytest.fixture(name="policyd")
def fixture_policyd(world):
    made = world.policyd()
    made.await_log("this replica writes statuses now")
    return made


@pytest.fixture(name="frontend")
def fixture_frontend(policyd):
    made = policyd.client("shop", "frontend", pod="frontend-a", addresses=REVIEWS)
    made.await_event("update", serial=1)
    yield made
    made.stop()


def conditions(status):
    return {c["type"]: (c["status"], c["reason"]) for c in status.get("conditions", [])}


def await_conditions(api, wanted, *where, find=lambda status: status):
    """Until the status of one object says that; returns the status."""
    seen = {}

    def found():
        seen.update(api.get(*where).get("status", {}))
        there = find(seen) if seen else {}
        return seen if wanted.items() <= conditions(there).items() else None
    return until(f"{wanted} of {where}", found, deadline=60, aid=lambda: json.dumps(seen, indent=1))


# ---- what data planes get

def test_objects_of_the_api_server_are_served(world, frontend):
    assert CLUSTER in frontend.answer(REVIEWS)
    frontend.mark()
    world.endpoints("10.1.0.1", "10.1.0.2")
    assert frontend.await_event("update")["resources"] == [CLUSTER]
    world.api.kubectl("delete", "service", "reviews", "-n", "shop")
    until("nothing there", lambda: frontend.answer(REVIEWS) == [])


def test_a_pod_that_is_not_there_yet_is_waited_for(world, policyd):
    early = policyd.client("shop", "frontend", pod="frontend-new", addresses=REVIEWS)
    until("it waits", lambda: [s["state"] for s in policyd.subscribers()] == ["waiting"])
    world.pod("frontend-new", "frontend", ip="10.1.9.10")
    early.await_event("update", serial=1)
    early.stop()


def test_whose_pod_it_is_decides(policyd):
    liar = policyd.client("shop", "thief", pod="frontend-a")
    assert liar.await_event("closed")["text"].startswith("PERMISSION_DENIED: pod shop/frontend-a")
    nobody = policyd.client("shop", "frontend")
    assert nobody.await_event("closed")["text"].startswith("PERMISSION_DENIED: it does not say")
    for client in (liar, nobody):
        client.stop()


def test_a_change_while_the_api_server_was_away_arrives(world, policyd, frontend):
    world.api.stop_server()
    frontend.say("add", "192.0.2.1:80")
    assert frontend.answer("192.0.2.1:80") == []
    world.api.start_server()
    frontend.mark()
    world.endpoints("10.1.0.3")
    assert CLUSTER in frontend.await_event("update")["resources"]
    until("contact", lambda: policyd.metric("weft_policyd_watches_in_trouble") == 0, deadline=60)


def test_a_restart_changes_nothing(world, policyd, frontend):
    known = frontend.await_event("update", serial=1)
    policyd.kill()
    policyd.process.returncode = 0
    frontend.await_event("closed")
    other = world.policyd("policyd-b")
    back = other.client("shop", "frontend", pod="frontend-a", addresses=REVIEWS)
    assert set(back.await_event("update", serial=1)["resources"]) == set(known["resources"])
    back.stop()


# ---- statuses

def parent(status):
    return next(iter(status.get("parents", [])), {})


def test_a_route_hears_how_it_fares(world, policyd):
    del policyd
    world.route(parentRefs=[{"group": "", "kind": "Service", "name": "reviews"}],
                rules=[{"backendRefs": [{"name": "reviews", "port": 9080}]}])
    good = {"Accepted": ("True", "Accepted"), "ResolvedRefs": ("True", "ResolvedRefs")}
    await_conditions(world.api, good, "httproute", "reviews", "-n", "shop", find=parent)
    world.route(parentRefs=[{"group": "", "kind": "Service", "name": "reviews"}],
                rules=[{"backendRefs": [{"name": "nobody", "port": 9080}]}])
    bad = {"Accepted": ("True", "Accepted"), "ResolvedRefs": ("False", "BackendNotFound")}
    status = await_conditions(world.api, bad, "httproute", "reviews", "-n", "shop", find=parent)
    object_ = world.api.get("httproute", "reviews", "-n", "shop")
    assert all(c["observedGeneration"] == object_["metadata"]["generation"]
               for c in status["parents"][0]["conditions"])


def test_a_status_that_is_right_is_not_written_again(world, policyd, frontend):
    world.route(parentRefs=[{"group": "", "kind": "Service", "name": "reviews"}],
                rules=[{"backendRefs": [{"name": "reviews", "port": 9080}]}])
    await_conditions(world.api, {"Accepted": ("True", "Accepted")}, "httproute", "reviews", "-n",
                     "shop", find=parent)
    version = world.api.get("httproute", "reviews", "-n", "shop")["metadata"]["resourceVersion"]
    frontend.mark()
    world.endpoints("10.1.0.4")
    frontend.await_event("update")
    world.endpoints("10.1.0.5")
    until("another round", lambda: len(frontend.events()) >= 3)
    after = world.api.get("httproute", "reviews", "-n", "shop")["metadata"]["resourceVersion"]
    assert after == version
    assert policyd.metric("weft_policyd_nacks_total") == 0


def test_what_is_refused_gets_a_condition_and_an_event(world, policyd):
    # What the API server lets through, and we cannot use.
    world.api.apply({"apiVersion": "policy.weft.dev/v1alpha1", "kind": "AuthorizationPolicy",
                     "metadata": {"namespace": "shop", "name": "odd"},
                     "spec": {"action": "DENY", "rules": [{"from": [{"source": {
                         "ipBlocks": ["10.0.0.1/8"]}}]}]}})
    policyd.await_log("AuthorizationPolicy shop/odd is refused")
    status = await_conditions(world.api, {"Accepted": ("False", "Invalid")},
                              "authorizationpolicy", "odd", "-n", "shop")
    assert "ipBlocks" in json.dumps(status)

    def event():
        found = world.api.get("events", "-n", "shop")["items"]
        return [e for e in found if e["reason"] == "Refused"]
    [told] = until("the Event", event, deadline=30)
    assert told["type"] == "Warning" and "ipBlocks" in told["message"]
    assert told["involvedObject"]["name"] == "odd"


def test_one_replica_writes_and_another_takes_over(world, policyd):
    other = world.policyd("policyd-b")
    assert (policyd.metric("weft_policyd_leader"), other.metric("weft_policyd_leader")) == (1, 0)
    policyd.stop()
    other.await_log("this replica writes statuses now")
    world.route(parentRefs=[{"group": "", "kind": "Service", "name": "reviews"}])
    await_conditions(world.api, {"Accepted": ("True", "Accepted")}, "httproute", "reviews", "-n",
                     "shop", find=parent)


# ---- Gateways

# requirement: A5
def test_a_gateway_gets_a_data_plane_of_its_own(world, policyd):
    api = world.api
    world.gateway(infrastructure={"labels": {"team": "web"}, "annotations": {"note": "hi"}},
                  annotations={"weft.dev/replicas": "2"})
    until("the Service", lambda: api.get("service", "door-weft", "-n", "shop"))
    made = {kind: until(kind, lambda k=kind: api.get(k, "door-weft", "-n", "shop"))
            for kind in ("serviceaccount", "deployment", "service")}
    uid = api.get("gateway", "door", "-n", "shop")["metadata"]["uid"]
    for one in made.values():
        assert [o["uid"] for o in one["metadata"]["ownerReferences"]] == [uid]
        assert one["metadata"]["labels"]["team"] == "web"
        assert one["metadata"]["labels"][f"{GATEWAY_API}/gateway-name"] == "door"
        assert one["metadata"]["annotations"]["note"] == "hi"
    assert [p["port"] for p in made["service"]["spec"]["ports"]] == [80]
    assert made["deployment"]["spec"]["replicas"] == 2
    pod = made["deployment"]["spec"]["template"]["spec"]
    assert "--gateway=door" in pod["containers"][0]["args"]
    assert pod["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    # Its pods, and nobody else, get what it serves.
    world.pod("door-weft-1", "door-weft", ip="10.1.8.1",
              labels={f"{GATEWAY_API}/gateway-name": "door"})
    door = policyd.client("shop", "door-weft", pod="door-weft-1", gateway="door")
    door.await_update("gateway/shop/door:80")
    waiting = await_conditions(api, {"Accepted": ("True", "Accepted")}, "gateway", "door", "-n",
                               "shop")
    assert "addresses" not in waiting or not waiting["addresses"]
    world.status("service", "door-weft", {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}})
    world.endpoints("10.1.8.1", name="door-weft", port=80)
    status = await_conditions(api, {"Programmed": ("True", "Programmed")}, "gateway", "door", "-n",
                              "shop")
    assert status["addresses"] == [{"type": "IPAddress", "value": "192.0.2.7"}]
    # What it cannot use is not programmed, and people read why.
    door.say("nack")
    world.gateway(listeners=[{"name": "other", "port": 81, "protocol": "HTTP"}])
    status = await_conditions(api, {"Programmed": ("False", "Invalid")}, "gateway", "door", "-n",
                              "shop")
    assert "refused by a test" in json.dumps(status)
    world.gateway(listeners=[{"name": "other", "port": 82, "protocol": "HTTP"}])
    await_conditions(api, {"Programmed": ("True", "Programmed")}, "gateway", "door", "-n", "shop")
    door.stop()


# requirement: B1
def test_ports_follow_the_listeners(world, policyd):
    del policyd
    world.gateway()
    until("the Service", lambda: world.api.get("service", "door-weft", "-n", "shop"))
    world.gateway(listeners=[{"name": "a", "port": 8080, "protocol": "HTTP"},
                             {"name": "b", "port": 8081, "protocol": "HTTP"},
                             {"name": "c", "port": 8081, "protocol": "HTTP", "hostname": "c.d"}])
    until("other ports", lambda: [p["port"] for p in world.api.get(
        "service", "door-weft", "-n", "shop")["spec"]["ports"]] == [8080, 8081])


def settings(**spec):
    return {"apiVersion": "policy.weft.dev/v1alpha1", "kind": "GatewaySettings",
            "metadata": {"namespace": "shop", "name": "own"}, "spec": spec}


USES_SETTINGS = {"infrastructure": {"parametersRef": {
    "group": "policy.weft.dev", "kind": "GatewaySettings", "name": "own"}}}


def test_settings_say_how_a_data_plane_is_run(world, policyd):
    del policyd
    api = world.api

    def get(kind):
        return api.get(kind, "door-weft", "-n", "shop")

    def replicas():
        return (get("deployment") or {"spec": {}})["spec"].get("replicas")

    # Nothing is made with settings that are not there, and the Gateway says so.
    world.gateway(**USES_SETTINGS)
    await_conditions(api, {"Accepted": ("False", "InvalidParameters")}, "gateway", "door", "-n",
                     "shop")
    assert not get("deployment")
    api.apply(settings(replicas=3, service={"type": "NodePort"},
                       pod={"nodeSelector": {"role": "edge"}}))
    until("three pods", lambda: replicas() == 3)
    await_conditions(api, {"Accepted": ("True", "Accepted")}, "gateway", "door", "-n", "shop")
    until("the Service", lambda: get("service"))
    assert get("service")["spec"]["type"] == "NodePort"
    assert get("deployment")["spec"]["template"]["spec"]["nodeSelector"] == {"role": "edge"}
    assert not get("hpa")
    # An autoscaler takes over the number of pods as it is, and what it chooses is left alone.
    api.apply(settings(autoscaling={"minReplicas": 2, "maxReplicas": 5}))
    scaler = until("the autoscaler", lambda: get("hpa"))
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (2, 5)
    assert replicas() == 3
    api.kubectl("scale", "deployment", "door-weft", "--replicas=4", "-n", "shop")
    api.apply(settings(autoscaling={"minReplicas": 2, "maxReplicas": 5},
                       pod={"priorityClassName": "system-node-critical"}))
    until("other pods", lambda: get("deployment")["spec"]["template"]["spec"].get(
        "priorityClassName") == "system-node-critical")
    assert replicas() == 4
    # What is wrong with them stops nobody, and changes nothing.
    api.kubectl("delete", "gatewaysettings", "own", "-n", "shop")
    await_conditions(api, {"Accepted": ("False", "InvalidParameters")}, "gateway", "door", "-n",
                     "shop")
    assert get("hpa") and replicas() == 4
    # It goes when it is not wanted any more.
    api.apply(settings(replicas=1))
    until("no autoscaler", lambda: not get("hpa"))
    until("one pod", lambda: replicas() == 1)


def test_what_others_delete_or_change_comes_back(world, policyd):
    del policyd
    world.gateway()
    until("the Deployment", lambda: world.api.get("deployment", "door-weft", "-n", "shop"))
    world.api.kubectl("delete", "service", "door-weft", "-n", "shop")
    world.api.kubectl("delete", "deployment", "door-weft", "-n", "shop")
    until("both again", lambda: world.api.get("deployment", "door-weft", "-n", "shop") and
          world.api.get("service", "door-weft", "-n", "shop"), deadline=60)
    world.api.kubectl("set", "image", "deployment/door-weft", "weft-gateway=other:1", "-n", "shop")
    until("our image again", lambda: "weft" in world.api.get(
        "deployment", "door-weft", "-n", "shop")["spec"]["template"]["spec"]["containers"][0]
        ["image"], deadline=60)


def test_an_existing_deployment_is_used_and_left_alone(world, policyd):
    world.gateway(annotations={"weft.dev/deployment": "own"})
    world.service("own", "10.96.0.99")
    world.pod("own-5d-x7k2q", "anybody", ip="10.1.8.2",
              labels={f"{GATEWAY_API}/gateway-name": "door", "pod-template-hash": "5d"})
    own = policyd.client("shop", "anybody", pod="own-5d-x7k2q", gateway="door")
    own.await_update("gateway/shop/door:80")
    await_conditions(world.api, {"Accepted": ("True", "Accepted")}, "gateway", "door", "-n", "shop")
    assert not world.api.get("deployment", "door-weft", "-n", "shop")
    own.stop()


def refusal(policyd, account, pod):
    liar = policyd.client("shop", account, pod=pod, gateway="door")
    said = liar.await_event("closed")["text"]
    assert [e["event"] for e in liar.events()] == ["closed"], liar.events()
    liar.stop()
    return said


def test_who_nearly_is_a_gateways_pod_gets_none_of_its_keys(world, policyd):
    label = {f"{GATEWAY_API}/gateway-name": "door"}
    world.gateway()
    world.pod("named", "door", labels=label)
    assert "is served by the service account door-weft" in refusal(policyd, "door", "named")
    world.gateway(annotations={"weft.dev/deployment": "own"})
    world.pod("own-1-5d-abcde", "anybody", labels={**label, "pod-template-hash": "5d"})
    world.pod("ownx-5d-abcde", "anybody", labels={**label, "pod-template-hash": "5d"})
    world.pod("own-5d-abcde", "anybody", labels=label)
    for pod in ("own-1-5d-abcde", "ownx-5d-abcde", "own-5d-abcde"):
        assert "is served by the service account" in refusal(policyd, "anybody", pod), pod


def test_gateways_of_other_classes_are_none_of_ours(world, policyd):
    world.api.apply({"apiVersion": f"{GATEWAY_API}/v1", "kind": "GatewayClass",
                     "metadata": {"name": "other"},
                     "spec": {"controllerName": "example.com/other"}})
    world.gateway("foreign", gatewayClassName="other")
    world.gateway("ours")
    await_conditions(world.api, {"Accepted": ("True", "Accepted")}, "gateway", "ours", "-n", "shop")
    foreign = world.api.get("gateway", "foreign", "-n", "shop")
    assert all(c["reason"] == "Pending" for c in foreign["status"]["conditions"])
    assert not world.api.get("deployment", "foreign-other", "-n", "shop")
    assert policyd.metric("weft_policyd_nacks_total") == 0
