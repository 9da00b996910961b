"""Whatever is replaced while requests run: none of them fails.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import pytest

from live.mesh import PROGRAMS, Mesh
from live.shop import HOST, Shop

REVIEWS = "http://reviews:9080/"


def test_the_app_and_its_sidecar(shop: Shop) -> None:
    """Restarting a Deployment makes both anew."""
    load = shop.frontend.load(REVIEWS, "-c", "4", "-pause", "2ms")
    for name in ("reviews-v1", "reviews-v2", "reviews-v1"):
        shop.kubectl.run("-n", "shop", "rollout", "restart", f"deploy/{name}")
        shop.kubectl.rollout(f"deploy/{name}", namespace="shop")
    done = load.stop()
    assert done.requests > 200 and not done.failed, done


@pytest.mark.parametrize("program", PROGRAMS)
def test_our_own_programs(shop: Shop, mesh: Mesh, program: str) -> None:
    load = shop.frontend.load(REVIEWS, "-c", "4", "-pause", "2ms")
    mesh.restart(program)
    shop.use("canary")
    done = load.stop()
    assert done.requests > 200 and not done.failed, done


def test_the_front_door(shop: Shop) -> None:
    door = f"http://{shop.door()}/"
    options = ("-c", "4", "-pause", "2ms", "-H", f"Host: {HOST}")
    assert shop.outside.call(door, 10, {"Host": HOST}).statuses == {"200": 10}
    deployment = shop.kubectl.json("-n", "shop", "get", "deployments", "-l",
                                   "gateway.networking.k8s.io/gateway-name=shop")["items"][0]
    name = deployment["metadata"]["name"]
    load = shop.outside.load(door, *options)
    shop.kubectl.run("-n", "shop", "rollout", "restart", f"deploy/{name}")
    shop.kubectl.rollout(f"deploy/{name}", namespace="shop")
    done = load.stop()
    assert done.requests > 100 and not done.failed, done
