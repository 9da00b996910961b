"""Parts of the control plane go away: the mesh keeps its last good state and its traffic, and what
changed meanwhile is in force afterwards. SPDX-License-Identifier: GPL-3.0-or-later
"""
from bed.wait import until
from live.call import Tally
from live.mesh import SYSTEM
from live.shop import Shop, app_pod
from test_policies import route

REVIEWS, RATINGS = "http://reviews:9080/", "http://ratings:9080/"


def deny_now(shop: Shop) -> None:
    shop.use("deny")
    until("a refusal", lambda: shop.frontend.call(RATINGS).status == 403)


def phase(shop: Shop, pod: str) -> str:
    return str(shop.kubectl.json("-n", "shop", "get", "pod", pod)["status"].get("phase"))


def test_the_api_server_restarts(shop: Shop) -> None:
    """The load is a pod of its own: what kubectl starts ends with the API server."""
    shop.kubectl.run("-n", "shop", "delete", "pod", "loader", "--ignore-not-found", "--now")
    shop.kubectl.apply(app_pod("loader", "shop", spec={"restartPolicy": "Never"}, args=[
        "call", "-n", "0", "-for", "15s", "-pause", "5ms", REVIEWS]))
    until("the load", lambda: phase(shop, "loader") == "Running", 60, 0.1)
    shop.mesh.cluster.restart("apiserver")
    until("the end of the load", lambda: phase(shop, "loader") in ("Succeeded", "Failed"), 60, 0.2)
    done = Tally.parse(shop.kubectl.run("-n", "shop", "logs", "loader", "-c", "app"))
    assert done.requests > 200 and not done.failed, done
    shop.kubectl.run("-n", "shop", "delete", "pod", "loader", "--now")
    deny_now(shop)


def test_another_leader_takes_over(shop: Shop) -> None:
    holder = until("a leader", shop.mesh.lease_holder, 60, 0.2)
    shop.kubectl.run("-n", SYSTEM, "delete", "pod", holder, "--now", "--wait=false")
    until("another leader", lambda: shop.mesh.lease_holder() not in ("", holder), 60, 0.2)
    shop.kubectl.apply(route("lost", [{"backendRefs": [{"name": "nobody", "port": 1}]}]))
    until("a status by the new one", lambda: shop.kubectl.json(
        "-n", "shop", "get", "httproute", "lost").get("status", {}).get("parents"), 60, 0.2)


def test_without_policyd_traffic_goes_on(shop: Shop) -> None:
    shop.mesh.scale("weft-policyd", 0)
    try:
        assert shop.frontend.call(REVIEWS, 100).statuses == {"200": 100}
        shop.use("deny")
        assert shop.frontend.call(RATINGS).status == 200
    finally:
        shop.mesh.scale("weft-policyd", 2)
    until("what was applied meanwhile", lambda: shop.frontend.call(RATINGS).status == 403)


def test_without_certd_traffic_goes_on(shop: Shop) -> None:
    shop.mesh.scale("weft-certd", 0)
    try:
        result = shop.frontend.call(REVIEWS, 100, options=("-fresh",))
        assert result.statuses == {"200": 100}, result
    finally:
        shop.mesh.scale("weft-certd", 2)


def test_an_edited_trust_bundle_is_repaired(shop: Shop) -> None:
    def bundle() -> str:
        return str(shop.kubectl.json("-n", "shop", "get", "configmap", "weft-trust-bundle")[
            "data"]["ca.crt"])
    good = bundle()
    shop.kubectl.run("-n", "shop", "patch", "configmap", "weft-trust-bundle", "--type=merge", "-p",
                     '{"data": {"ca.crt": "broken"}}')
    until("the roots again", lambda: bundle() == good, 30, 0.1)
    shop.kubectl.run("-n", "shop", "delete", "configmap", "weft-trust-bundle")
    until("the ConfigMap again", lambda: shop.kubectl.try_(
        "-n", "shop", "get", "configmap", "weft-trust-bundle").returncode == 0, 30, 0.1)
    assert bundle() == good
