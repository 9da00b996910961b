"""weftctl analyze on a real cluster: nothing in a sound one, each fault by its code; and every
example is one that kubectl takes. SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import pathlib
import re
from typing import Any, Iterator

import pytest

from bed.wait import until
from live.mesh import Mesh
from live.shop import Shop

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "policies" / "examples").glob("*.yaml"))


def findings(mesh: Mesh, *words: str) -> list[dict[str, Any]]:
    """Those that fail a run, with its exit status looked at."""
    done = mesh.weftctl("analyze", "-o", "json", *words)
    assert done.returncode in (0, 1), done.stderr
    found = [f for f in json.loads(done.stdout)["findings"] if f["severity"] != "info"]
    assert done.returncode == (1 if found else 0)
    return found


def codes(mesh: Mesh, *words: str) -> list[str]:
    return sorted(f["code"] for f in findings(mesh, *words))


def route(name: str, parent: dict[str, Any], backend: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"parentRefs": [parent], "rules": [{"backendRefs": [backend]}]}}


def policy(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "policy.weft.dev/v1alpha1", "kind": kind,
            "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


MESH = {"group": "", "kind": "Service", "name": "reviews"}
BACKEND = {"name": "ratings", "port": 9080}
FAULTS = [
    ("WEFT0101", route("fault", {"name": "dor"}, BACKEND), "there is no Gateway shop/dor"),
    ("WEFT0201", route("fault", MESH, {"name": "ratngs", "port": 9080}),
     'there is no Service shop/ratngs (did you mean "ratings"?): its share gets 500'),
    ("WEFT0202", route("fault", MESH, {"name": "ratings", "port": 9081}),
     "Service shop/ratings has no TCP port 9081 in the cluster (it has 9080)"),
    ("WEFT0402", policy("AuthorizationPolicy", "fault", {
        "selector": {"matchLabels": {"app": "ratngs"}}, "action": "DENY", "rules": [{}]}),
     "no pod of namespace shop has the labels app=ratngs: the policy is in force for nobody; did "
     "you mean app=ratings?"),
    ("WEFT0401", policy("TrafficPolicy", "fault", {
        "targetRefs": [{"kind": "Service", "name": "ratngs"}], "timeouts": {"request": "1s"}}),
     'there is no Service shop/ratngs (did you mean "ratings"?): the policy does nothing for it'),
    ("WEFT0401", policy("AuthorizationPolicy", "fault", {
        "targetRefs": [{"kind": "Gateway", "name": "dor"}], "action": "DENY", "rules": [{}]}),
     "there is no Gateway shop/dor"),
]


def test_nothing_is_found_in_a_sound_shop(shop: Shop) -> None:
    until("no findings", lambda: not findings(shop.mesh, "-n", "shop"), 60, 0.5)


@pytest.mark.parametrize("code, fault, said", FAULTS, ids=[f"{i}-{f[0]}" for i, f in
                                                           enumerate(FAULTS)])
def test_faults(shop: Shop, code: str, fault: dict[str, Any], said: str) -> None:
    shop.kubectl.apply(fault)
    found = findings(shop.mesh, "-n", "shop")
    assert [f["code"] for f in found] == [code], found
    assert said in found[0]["message"]
    assert (found[0]["kind"], found[0]["namespace"], found[0]["name"]) == (
        fault["kind"], "shop", "fault")
    assert code not in codes(shop.mesh, "-n", "kube-system")
    shop.kubectl.run("-n", "shop", "delete", fault["kind"].lower(), "fault")
    assert code not in codes(shop.mesh, "-n", "shop")


def test_who_wins_where_routes_overlap(shop: Shop) -> None:
    shop.kubectl.apply(route("a-first", MESH, BACKEND))
    until("its age", lambda: shop.kubectl.json("-n", "shop", "get", "httproute", "a-first"))
    shop.kubectl.apply(route("z-second", MESH, BACKEND))
    found = findings(shop.mesh, "-n", "shop")
    assert [(f["code"], f["name"]) for f in found] == [("WEFT0301", "z-second")], found
    assert "rule 0 of HTTPRoute shop/a-first takes the same requests first" in found[0]["message"]


def test_the_status_tells_the_same(shop: Shop) -> None:
    """What analyze says of a policy that is for nobody, everybody reads in its status."""
    shop.kubectl.apply(FAULTS[3][1])
    def message() -> str:
        status = shop.kubectl.json("-n", "shop", "get", "authorizationpolicies", "fault").get(
            "status", {})
        return next((c["message"] for c in status.get("conditions", [])
                     if c["type"] == "Accepted"), "")
    until("the sentence", lambda: message() == FAULTS[3][2], 30, 0.1)


@pytest.fixture(name="namespace", scope="module")
def namespace_of_examples(mesh: Mesh) -> Iterator[str]:
    """What the examples need to be there: the ServiceAccounts that their pods name, and no Service
    of their names."""
    name = "examples"
    named = {account for example in EXAMPLES
             for account in re.findall(r"^ *serviceAccountName: (\S+)$", example.read_text(), re.M)}
    accounts = [{"apiVersion": "v1", "kind": "ServiceAccount",
                 "metadata": {"name": account, "namespace": name}} for account in sorted(named)]
    mesh.kubectl.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
                        *accounts])
    yield name
    mesh.kubectl.run("delete", "namespace", name, "--wait=false")


@pytest.mark.parametrize("example", EXAMPLES, ids=[e.stem for e in EXAMPLES])
def test_every_example_is_taken(mesh: Mesh, namespace: str, example: pathlib.Path) -> None:
    text = example.read_text().replace("namespace: shop\n", f"namespace: {namespace}\n")
    done = mesh.kubectl.try_("apply", "--dry-run=server", "--validate=strict", "-f", "-",
                             stdin=text)
    assert done.returncode == 0, done.stderr
