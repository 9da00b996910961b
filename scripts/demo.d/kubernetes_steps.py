"""The steps of the demo on Kubernetes, in their order. A step says in one line what it saw, or
raises. SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import math
import re
import time
from typing import Callable

from bed.wait import until
from live.cluster import Cluster
from live.mesh import Mesh
from live.shop import EXAMPLES, HOST, Shop

COUNT, SHARE = 1000, 0.10
PRINCIPAL = re.compile(r"URI=([^;,]+)")
BAD = """\
apiVersion: policy.weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {name: broken, namespace: shop}
spec:
  action: DENY
  rules:
    - to: [{operation: {pathes: ["/admin"]}}]
"""


class Broken(Exception):
    """A promise that does not hold; the text is the figure to show."""


def check(condition: object, why: str) -> None:
    if not condition:
        raise Broken(why)


class Scene:
    """What the steps share."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.kubectl = cluster, cluster.kubectl
        self.mesh = Mesh(cluster)
        self.shop = Shop(self.mesh)

    def run(self, command: str) -> None:
        if self.kubectl.say:
            self.kubectl.say(command)


def show_cluster(scene: Scene) -> str:
    scene.run("scripts/cluster up")
    scene.cluster.up()
    scene.run("scripts/image && scripts/cluster load out/weft-*.tar")
    scene.mesh.load_images()
    version = scene.kubectl.json("version")["serverVersion"]["gitVersion"]
    scene.kubectl.show("get", "nodes")
    return f"Kubernetes {version}"


def show_install(scene: Scene) -> str:
    begin = time.monotonic()
    scene.mesh.install("--ingress")
    took = time.monotonic() - begin
    scene.run("weftctl check")
    done = scene.mesh.weftctl("check")
    check(done.returncode == 0, done.stdout)
    return f"at work after {took:.1f} s, and weftctl check has nothing to say against it"


def show_shop(scene: Scene) -> str:
    begin = time.monotonic()
    scene.shop.open()
    took = time.monotonic() - begin
    pods = scene.kubectl.pods("shop", "app")
    bare = [p["metadata"]["name"] for p in pods
            if p["metadata"].get("annotations", {}).get("weft.dev/status") != "injected"]
    check(not bare, f"without a sidecar: {bare}")
    return f"{len(pods)} pods, all with a sidecar, ready after {took:.1f} s"


def show_call(scene: Scene) -> str:
    answer = scene.shop.frontend.call("http://reviews:9080/")
    check(answer.status == 200, str(answer))
    caller = PRINCIPAL.search(answer.seen_header("x-forwarded-client-cert"))
    check(caller and caller.group(1).endswith("/ns/shop/sa/frontend"), answer.body)
    return f"a plain HTTP call by name; reviews saw {caller.group(1) if caller else ''}"


def show_canary(scene: Scene) -> str:
    scene.shop.use("canary")
    until("the header to choose v2", lambda: scene.shop.frontend.call(
        "http://reviews:9080/", 20, {"x-canary": "true"}).versions == {"reviews v2": 20})
    result = scene.shop.frontend.call("http://reviews:9080/", COUNT, options=("-c", "4"))
    check(not result.failed, str(result))
    got = result.versions.get("reviews v2", 0)
    expected, spread = COUNT * SHARE, 4 * math.sqrt(COUNT * SHARE * (1 - SHARE))
    figure = f"v2 got {got} of {COUNT} (expected {expected:.0f} ± {spread:.0f})"
    check(abs(got - expected) <= spread, figure)
    return f"x-canary: true always goes to v2; without it {figure}"


def show_deny(scene: Scene) -> str:
    before = scene.shop.frontend.call("http://ratings:9080/")
    check(before.status == 200, str(before))
    scene.shop.use("deny")
    until("a refusal", lambda: scene.shop.frontend.call("http://ratings:9080/").status == 403)
    allowed = scene.shop.kubectl.run("-n", "shop", "exec", "deploy/reviews-v1", "-c", "app", "--",
                                     "/app", "call", "http://ratings:9080/")
    check('"200":1' in allowed.replace(" ", ""), allowed)
    scene.run("weftctl explain -n shop --from frontend GET http://ratings:9080/")
    told = scene.mesh.weftctl("explain", "-n", "shop", "--from", "frontend", "GET",
                              "http://ratings:9080/")
    check(told.returncode == 1 and "denied" in told.stdout, told.stdout + told.stderr)
    said = next(line.strip() for line in told.stdout.splitlines() if "denied" in line)
    return f"the frontend gets 403, reviews 200; explain: “{said}”"


def show_strict(scene: Scene) -> str:
    address = scene.kubectl.pods("shop", "app=frontend")[0]["status"]["podIP"]
    url = f"http://{address}:9080/"
    before = scene.shop.outside.call(url)
    check(before.status == 200, f"PERMISSIVE: {before}")
    scene.shop.use("strict")
    until("a refusal", lambda: scene.shop.outside.call(url).status == 403)
    inside = scene.shop.frontend.call("http://reviews:9080/")
    check(inside.status == 200, str(inside))
    ready = scene.kubectl.pods("shop", "app=frontend")[0]["status"]["containerStatuses"]
    check(all(c["ready"] for c in ready), f"probes under STRICT: {ready}")
    return "plain text from outside: 200, under STRICT 403; the mesh and the probes go on"


def show_ingress(scene: Scene) -> str:
    door = scene.shop.door()
    def page() -> bool:
        return scene.shop.outside.call(f"http://{door}/", headers={"Host": HOST}).status == 200
    until("a page", page)
    wrong = scene.shop.outside.call(f"http://{door}/", headers={"Host": "other.example.com"})
    check(wrong.status == 404, str(wrong))
    scene.kubectl.show("-n", "shop", "get", "gateway,httproute")
    return f"{HOST} at {door}: 200 through Gateway shop; another host: 404"


def show_bad(scene: Scene) -> str:
    said = scene.kubectl.refused(BAD)
    check("pathes" in said and "did you mean" in said, said)
    reason = said.splitlines()[-1].split("denied the request: ")[-1]
    return f"refused: “{reason[:160]}”"


def show_edit(scene: Scene) -> str:
    load = scene.shop.frontend.load("http://reviews:9080/", "-c", "2", "-pause", "2ms")
    for _ in range(3):
        scene.kubectl.run("-n", "shop", "delete", "httproute", "reviews")
        scene.shop.use("canary")
    scene.kubectl.show("-n", "shop", "rollout", "restart", "deploy/reviews-v1")
    scene.kubectl.rollout("deploy/reviews-v1", namespace="shop")
    result = load.stop()
    check(result.requests > 50 and not result.failed, str(result))
    return f"{result.requests} requests meanwhile, 0 failed"


STEPS: list[tuple[str, str, bool, Callable[[Scene], str]]] = [
    ("cluster", "A Kubernetes on this machine", True, show_cluster),
    ("install", "Weft in it", True, show_install),
    ("shop", "A shop whose pods get sidecars by the label of their namespace", True, show_shop),
    ("call", "A plain call, with identities on both ends", False, show_call),
    ("canary", f"A canary: {EXAMPLES.name}/canary.yaml", False, show_canary),
    ("deny", "Only reviews may call ratings", False, show_deny),
    ("strict", "Only mutual TLS", False, show_strict),
    ("ingress", "Through the front door", False, show_ingress),
    ("bad", "A policy with a mistake", False, show_bad),
    ("edit", "Routes are edited and pods replaced under load", False, show_edit),
]
