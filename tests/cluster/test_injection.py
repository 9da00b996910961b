"""Pods get sidecars by a label, and what they call goes through them.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import re

import pytest

from bed.wait import until
from live.call import Caller
from live.mesh import SYSTEM, Mesh
from live.shop import Shop, app_pod


def test_a_label_is_enough(shop: Shop) -> None:
    for pod in shop.kubectl.pods("shop", "app"):
        sidecars = [c for c in pod["spec"].get("initContainers", []) if c["name"] == "weft-sidecar"]
        assert len(sidecars) == 1 and sidecars[0]["restartPolicy"] == "Always"
        assert sidecars[0]["resources"]["requests"]
        assert pod["metadata"]["annotations"]["weft.dev/status"]


def test_only_the_redirection_has_capabilities(shop: Shop) -> None:
    pod = shop.kubectl.pods("shop", "app=frontend")[0]
    for c in pod["spec"]["initContainers"]:
        context = c["securityContext"]
        assert context["capabilities"]["drop"] == ["ALL"]
        added = set(context["capabilities"].get("add") or [])
        if c["name"] == "weft-redirect":
            assert added == {"NET_ADMIN", "NET_RAW"}
        else:
            assert not added and context["runAsNonRoot"] and context["readOnlyRootFilesystem"]


def test_calls_are_carried_with_identities(shop: Shop) -> None:
    answer = shop.frontend.call("http://reviews:9080/some/path?x=1")
    assert answer.status == 200, answer
    seen = answer.seen_header("x-forwarded-client-cert")
    assert "URI=spiffe://cluster.local/ns/shop/sa/frontend" in seen
    assert "By=spiffe://cluster.local/ns/shop/sa/reviews" in seen
    assert answer.json()["path"] == "/some/path?x=1"


def test_a_pod_by_its_own_address(shop: Shop) -> None:
    address = shop.kubectl.pods("shop", "app=ratings")[0]["status"]["podIP"]
    answer = shop.frontend.call(f"http://{address}:9080/")
    assert answer.status == 200
    assert "sa/frontend" in answer.seen_header("x-forwarded-client-cert")


def test_what_is_outside_the_mesh_is_passed_on(shop: Shop) -> None:
    address = shop.kubectl.json("-n", "outside", "get", "pod", "client")["status"]["podIP"]
    answer = shop.frontend.call(f"http://{address}:8080/")
    assert answer.status == 200 and not answer.seen_header("x-forwarded-client-cert")
    assert shop.outside.call("http://frontend.shop.svc:9080/").status == 200


def test_the_api_server_can_be_called_from_the_mesh(shop: Shop) -> None:
    """TLS that is the app's own is not touched (the certificate is not known to the app)."""
    answer = shop.frontend.call("https://kubernetes.default.svc/version")
    assert "certificate" in " ".join(answer.errors), answer


def test_pods_that_say_no(mesh: Mesh, scratch: str) -> None:
    mesh.kubectl.apply(app_pod("without", scratch, labels={"weft.dev/inject": "disabled"}))
    mesh.kubectl.apply(app_pod("host", scratch, spec={"hostNetwork": True}))
    for name in ("without", "host"):
        pod = mesh.kubectl.json("-n", scratch, "get", "pod", name)
        assert "initContainers" not in pod["spec"], name


@pytest.mark.parametrize("scratch", [{}], indirect=True)
def test_a_pod_that_asks_for_it_elsewhere(mesh: Mesh, scratch: str) -> None:
    mesh.kubectl.apply([app_pod("asks", scratch, labels={"weft.dev/inject": "enabled"}),
                        app_pod("other", scratch)])
    asks = mesh.kubectl.json("-n", scratch, "get", "pod", "asks")
    other = mesh.kubectl.json("-n", scratch, "get", "pod", "other")
    assert asks["spec"]["initContainers"] and "initContainers" not in other["spec"]


def test_system_namespaces_are_left_alone(mesh: Mesh) -> None:
    for space in ("kube-system", SYSTEM):
        for pod in mesh.kubectl.pods(space):
            assert "weft.dev/status" not in pod["metadata"].get("annotations", {})


def test_annotations_count(mesh: Mesh, scratch: str) -> None:
    notes = {"weft.dev/proxy-cpu-request": "23m", "weft.dev/proxy-memory-request": "48Mi"}
    mesh.kubectl.apply(app_pod("tuned", scratch, annotations=notes))
    pod = mesh.kubectl.json("-n", scratch, "get", "pod", "tuned")
    sidecar = next(c for c in pod["spec"]["initContainers"] if c["name"] == "weft-sidecar")
    assert sidecar["resources"]["requests"] == {"cpu": "23m", "memory": "48Mi"}


def test_an_annotation_that_cannot_be_is_refused(mesh: Mesh, scratch: str) -> None:
    said = mesh.kubectl.refused(
        app_pod("bad", scratch, annotations={"weft.dev/exclude-outbound-ports": "http"}))
    assert "weft.dev/exclude-outbound-ports" in said


def test_metrics_of_app_and_sidecar_in_one(shop: Shop) -> None:
    # Enough that the endpoint looked at gets some: which one is asked is chance.
    shop.frontend.call("http://reviews:9080/", 100)
    pod = shop.kubectl.pods("shop", "app=reviews,version=v1")[0]["metadata"]["name"]
    text = shop.kubectl.run("get", "--raw",
                            f"/api/v1/namespaces/shop/pods/{pod}:15020/proxy/metrics")
    assert re.search(r"^istio_requests_total\{", text, re.MULTILINE)
    assert re.search(r"^weft_config_version \d+", text, re.MULTILINE)


def test_without_the_injector_only_labelled_namespaces_wait(mesh: Mesh, scratch: str) -> None:
    mesh.scale("weft-injector", 0)
    try:
        said = mesh.kubectl.refused(app_pod("waits", scratch))
        assert "inject.weft.dev" in said
        mesh.kubectl.run("run", "free", "-n", "default", "--image=weft.local/app:1",
                         "--image-pull-policy=IfNotPresent", "--restart=Never")
        mesh.kubectl.run("delete", "pod", "free", "-n", "default", "--now", "--wait=false")
    finally:
        mesh.scale("weft-injector", 2)
    pod = json.dumps(app_pod("after", scratch))
    until("the webhook to answer", lambda: mesh.kubectl.try_(
        "apply", "-f", "-", stdin=pod).returncode == 0, 30, 0.2)


def test_a_classic_sidecar_does_the_same(mesh: Mesh, scratch: str) -> None:
    mesh.kubectl.apply(app_pod("classic", scratch,
                               annotations={"weft.dev/native-sidecar": "false"}))
    mesh.kubectl.run("-n", scratch, "wait", "--for=condition=Ready", "pod/classic",
                     "--timeout=90s")
    pod = mesh.kubectl.json("-n", scratch, "get", "pod", "classic")
    assert any(c["name"] == "weft-sidecar" for c in pod["spec"]["containers"])
    caller = Caller(mesh.kubectl, scratch, "pod/classic")
    assert caller.call(f"http://{pod['status']['podIP']}:8080/").status == 200
