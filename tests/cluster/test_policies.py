"""Policies by kubectl: applied, in force, refused, explained.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
from typing import Any

import pytest

from bed.wait import until
from live.shop import Shop

REVIEWS = "http://reviews:9080/"


def conditions(o: dict[str, Any]) -> dict[str, str]:
    return {c["type"]: c["status"] for c in o.get("status", {}).get("conditions", [])}


def route(name: str, rules: list[dict[str, Any]], parent: str = "reviews") -> dict[str, Any]:
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"parentRefs": [{"group": "", "kind": "Service", "name": parent}],
                     "rules": rules}}


def test_canary(shop: Shop) -> None:
    shop.use("canary")
    until("the header to choose v2", lambda: shop.frontend.call(
        REVIEWS, 10, {"x-canary": "true"}).versions == {"reviews v2": 10})
    split = shop.frontend.call(REVIEWS, 500, options=("-c", "4"))
    assert not split.failed and 20 <= split.versions.get("reviews v2", 0) <= 90, split


def test_deny_by_identity(shop: Shop) -> None:
    assert shop.frontend.call("http://ratings:9080/").status == 200
    shop.use("deny")
    until("a refusal", lambda: shop.frontend.call("http://ratings:9080/").status == 403)
    reviews = shop.kubectl.pods("shop", "app=reviews")[0]["metadata"]["name"]
    done = shop.kubectl.json("-n", "shop", "get", "authorizationpolicies", "ratings-for-reviews")
    until("its status", lambda: conditions(shop.kubectl.json(
        "-n", "shop", "get", "authorizationpolicies", "ratings-for-reviews")).get(
            "Accepted") == "True", 30, 0.1)
    assert done["metadata"]["generation"] == 1
    words = ("-n", "shop", "exec", reviews, "-c", "app", "--", "/app", "call")
    assert '"200":1' in shop.kubectl.run(*words, "http://ratings:9080/")
    told = json.loads(shop.mesh.weftctl("explain", "-n", "shop", "--from", "frontend", "-o", "json",
                                        "GET", "http://ratings:9080/").stdout)
    assert not told["delivered"] and told["to"][0]["endpoints"][0]["mutualTLS"]


def test_strict(shop: Shop) -> None:
    address = shop.kubectl.pods("shop", "app=ratings")[0]["status"]["podIP"]
    assert shop.outside.call(f"http://{address}:9080/").status == 200
    shop.use("strict")
    until("a refusal", lambda: shop.outside.call(f"http://{address}:9080/").status == 403)
    assert shop.frontend.call("http://ratings:9080/").status == 200


def test_timeouts_and_retries(shop: Shop) -> None:
    shop.kubectl.apply(route("quick", [{"timeouts": {"request": "200ms"},
                                        "backendRefs": [{"name": "reviews", "port": 9080}]}]))
    until("the timeout", lambda: shop.frontend.call(f"{REVIEWS}delay/2s").status == 504)
    assert shop.frontend.call(REVIEWS).status == 200


def test_a_mistake_is_refused_with_its_place(shop: Shop) -> None:
    bad = {"apiVersion": "policy.weft.dev/v1alpha1", "kind": "TrafficPolicy",
           "metadata": {"name": "bad", "namespace": "shop"},
           "spec": {"targetRefs": [{"kind": "Service", "name": "reviews"}],
                    "timeouts": {"request": "0"}}}
    said = shop.kubectl.refused(bad)
    assert "timeouts.request" in said, said


def test_unknown_fields_are_refused(shop: Shop) -> None:
    bad = {"apiVersion": "policy.weft.dev/v1alpha1", "kind": "PeerAuthentication",
           "metadata": {"name": "bad", "namespace": "shop"}, "spec": {"mtsl": {"mode": "STRICT"}}}
    assert "mtsl" in shop.kubectl.refused(bad)


def test_a_dangling_reference_is_a_condition(shop: Shop) -> None:
    shop.kubectl.apply(route("lost", [{"backendRefs": [{"name": "nobody", "port": 1}]}]))
    def told() -> bool:
        found = shop.kubectl.json("-n", "shop", "get", "httproute", "lost")
        parents = found.get("status", {}).get("parents", [])
        return any(c["type"] == "ResolvedRefs" and c["status"] == "False"
                   and c["reason"] == "BackendNotFound"
                   and c["observedGeneration"] == found["metadata"]["generation"]
                   for p in parents for c in p["conditions"])
    until("ResolvedRefs=False", told, 30, 0.1)
    until("500 for its share", lambda: shop.frontend.call(REVIEWS).status == 500)


def test_deleting_a_policy_ends_it(shop: Shop) -> None:
    shop.use("deny")
    until("a refusal", lambda: shop.frontend.call("http://ratings:9080/").status == 403)
    shop.kubectl.run("-n", "shop", "delete", "authorizationpolicies", "--all")
    until("an answer", lambda: shop.frontend.call("http://ratings:9080/").status == 200)


@pytest.mark.parametrize("kind, field", [
    ("authorizationpolicies", "rules"), ("peerauthentications", "mtls"),
    ("trafficpolicies", "retries"), ("meshconfigs", "accessLog")])
def test_kubectl_explain(shop: Shop, kind: str, field: str) -> None:
    text = shop.kubectl.run("explain", f"{kind}.spec")
    assert field in text and "DESCRIPTION" in text


def test_kubectl_get_shows_columns(shop: Shop) -> None:
    shop.use("strict")
    until("a column that says so", lambda: "STRICT" in shop.kubectl.run(
        "-n", "shop", "get", "peerauthentications") and "True" in shop.kubectl.run(
            "-n", "shop", "get", "peerauthentications"), 30, 0.1)


def test_config_shows_what_the_sidecar_gets(shop: Shop) -> None:
    told = json.loads(shop.mesh.weftctl("config", "frontend", "-n", "shop", "-o", "json").stdout)
    names = {r["name"] for r in told["resources"]}
    assert {"mesh", "inbound", "destination/shop/reviews:9080"} <= names
