"""The mesh's root in a cluster with three replicas of everything: what is written when it gets
company, when it is lost, and when nothing happens; and how often what is refused is tried.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import base64
import json
import pathlib
import time
from typing import Any, Iterator

import pytest

from bed.pki import Authority
from bed.wait import until
from live.audit import Audit
from live.mesh import PROGRAMS, SYSTEM, Mesh
from live.shop import Shop, app_pod

HOOKS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")


@pytest.fixture(name="three", scope="module")
def _three(shop_open: Shop) -> Iterator[Shop]:
    for program in PROGRAMS:
        shop_open.mesh.scale(program, 3)
    yield shop_open
    for program in PROGRAMS:
        shop_open.mesh.scale(program, 2)


@pytest.fixture(name="audit")
def _audit(three: Shop) -> Audit:
    made = Audit(three.mesh.cluster)
    quiet(made)
    return made


def quiet(audit: Audit, seconds: float = 10) -> None:
    """Until nothing was written for that long, which only time can tell."""
    def is_quiet() -> bool:
        audit.begin()
        time.sleep(seconds)
        return not audit.writes()
    until("a quiet cluster", is_quiet, 300, 0)


def roots(mesh: Mesh) -> str:
    data = mesh.kubectl.json("-n", SYSTEM, "get", "secret", "weft-ca")["data"]
    return base64.b64decode(data["root.pem"]).decode()


def put_roots(mesh: Mesh, text: str) -> None:
    mesh.kubectl.run("-n", SYSTEM, "patch", "secret", "weft-ca", "--type=merge", "-p",
                     json.dumps({"stringData": {"root.pem": text}}))


def bundles(mesh: Mesh) -> list[str]:
    """Of every namespace, and of every webhook."""
    maps = mesh.kubectl.json("get", "configmaps", "-A", "--field-selector",
                             "metadata.name=weft-trust-bundle")["items"]
    found = [str(m["data"]["ca.crt"]) for m in maps]
    for kind in HOOKS:
        for hook in mesh.kubectl.json("get", kind, "weft-injector")["webhooks"]:
            found.append(base64.b64decode(hook["clientConfig"]["caBundle"]).decode())
    return found


def metric(mesh: Mesh, program: str, name: str) -> list[float]:
    """Of each replica, by the API server's proxy."""
    found = []
    for pod in mesh.kubectl.pods(SYSTEM, f"app.kubernetes.io/name={program}"):
        text = mesh.kubectl.run("get", "--raw", f"/api/v1/namespaces/{SYSTEM}/pods/"
                                f"{pod['metadata']['name']}:15021/proxy/metrics")
        found += [float(line.split()[1]) for line in text.splitlines()
                  if line.startswith(f"{name} ")]
    return found


def test_nothing_is_written_when_nothing_happens(audit: Audit) -> None:
    """But Leases: a minute is what there is to wait for."""
    audit.begin()
    time.sleep(60)
    assert not audit.writes()


def test_one_replica_of_each_writes(three: Shop) -> None:
    for program, name in (("weft-certd", "weft_certd_leader"),
                          ("weft-injector", "weft_injector_leader"),
                          ("weft-policyd", "weft_policyd_leader")):
        assert sorted(metric(three.mesh, program, name)) == [0, 0, 1]


def test_a_root_that_is_appended_is_written_once_to_each_place(
        three: Shop, audit: Audit, tmp_path: pathlib.Path) -> None:
    mesh, before = three.mesh, roots(three.mesh)
    more = before + Authority(tmp_path / "other", "another root").roots.read_text()
    for text in (more, before):
        audit.begin()
        put_roots(mesh, text)
        until("the roots everywhere", lambda text=text: set(bundles(mesh)) == {text}, 120, 0.2)
        time.sleep(20)  # who would write it back has the time to
        wrote = audit.writes()
        assert set(wrote.values()) == {1}, wrote
        places = {line.split(" ", 2)[2] for line in wrote}
        namespaces = {n["metadata"]["name"] for n in mesh.kubectl.json("get", "namespaces")["items"]
                      if n["status"]["phase"] == "Active"}
        assert places == {f"secrets {SYSTEM}/weft-ca",
                          *(f"configmaps {n}/weft-trust-bundle" for n in namespaces),
                          *(f"{kind} weft-injector" for kind in HOOKS)}, wrote
        assert three.frontend.call("http://reviews:9080/", 20).statuses == {"200": 20}


def can_make_pods(mesh: Mesh, namespace: str) -> bool:
    done = mesh.kubectl.try_("apply", "--dry-run=server", "-f", "-",
                             stdin=json.dumps(app_pod("probe", namespace)))
    return done.returncode == 0 and "weft-proxy" not in done.stderr


def note(mesh: Mesh) -> Any:
    secret = mesh.kubectl.json("-n", SYSTEM, "get", "secret", "weft-ca")
    return secret["metadata"].get("annotations", {}).get("weft.dev/root-replaced")


def test_a_root_that_is_lost_is_an_alarm_and_the_mesh_goes_on(three: Shop) -> None:
    """What the mesh had is gone, backup and all: everybody gets new certificates, at once and not
    after half a day, and it is said until somebody says that it is known."""
    mesh, before = three.mesh, roots(three.mesh)
    mesh.scale("weft-certd", 0)
    mesh.kubectl.run("-n", SYSTEM, "delete", "secret", "weft-ca")
    mesh.scale("weft-certd", 3)
    until("a new root", lambda: mesh.kubectl.try_(
        "-n", SYSTEM, "get", "secret", "weft-ca").returncode == 0, 60, 0.2)
    assert roots(mesh) != before
    until("the roots everywhere", lambda: set(bundles(mesh)) == {roots(mesh)}, 120, 0.2)
    until("certificates of the new root", lambda: set(
        metric(mesh, "weft-injector", "weft_certificate_trusted")
        + metric(mesh, "weft-policyd", "weft_certificate_trusted")) == {1}, 120, 0.5)
    until("a pod can be made", lambda: can_make_pods(mesh, "shop"), 60, 0.5)
    until("calls between pods", lambda: three.frontend.call(
        "http://reviews:9080/", 20).statuses == {"200": 20}, 300, 1)

    assert note(mesh) == "lost"
    until("the alarm of every replica", lambda: min(metric(
        mesh, "weft-certd", "weft_certd_root_replaced_timestamp_seconds")) > 0, 60, 0.5)
    events = mesh.kubectl.json("-n", SYSTEM, "get", "events", "--field-selector",
                               "reason=RootReplaced")["items"]
    assert events and events[0]["type"] == "Warning"
    assert "kubectl -n weft-system annotate secret weft-ca" in events[0]["message"]
    mesh.kubectl.run("-n", SYSTEM, "annotate", "secret", "weft-ca", "weft.dev/root-replaced-",
                     "weft.dev/root-replaced-at-")
    until("the end of the alarm", lambda: set(metric(
        mesh, "weft-certd", "weft_certd_root_replaced_timestamp_seconds")) == {0}, 60, 0.5)


def gateway(name: str, namespace: str) -> dict[str, Any]:
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"gatewayClassName": "weft",
                     "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]}}


def test_a_gateway_with_a_long_name_has_its_data_plane(three: Shop, scratch: str) -> None:
    name = "a-gateway-with-a-name-that-is-a-good-deal-longer-than-a-label-may-be-at-most"
    three.kubectl.apply(gateway(name, scratch))

    def programmed() -> bool:
        status = three.kubectl.json("-n", scratch, "get", "gateway", name).get("status", {})
        return any(c["type"] == "Programmed" and c["status"] == "True"
                   for c in status.get("conditions", []))
    until("a Gateway that is programmed", programmed, 120, 0.5)


def test_what_a_quota_refuses_is_tried_ever_more_seldom(
        three: Shop, audit: Audit, scratch: str) -> None:
    three.kubectl.apply({"apiVersion": "v1", "kind": "ResourceQuota",
                         "metadata": {"name": "none", "namespace": scratch},
                         "spec": {"hard": {"count/deployments.apps": "0"}}})
    until("the quota", lambda: three.kubectl.json(
        "-n", scratch, "get", "resourcequota", "none").get("status", {}).get("hard"), 60, 0.2)
    audit.begin()
    three.kubectl.apply(gateway("door", scratch))
    time.sleep(60)
    wrote = audit.writes()
    assert 3 <= wrote[f"weft-policyd patch deployments {scratch}/door-weft"] <= 12, wrote
    assert wrote[f"weft-policyd patch services {scratch}/door-weft"] <= 2, wrote
    assert sum(n for line, n in wrote.items() if f" events {scratch}/" in line) <= 1, wrote
    events = three.kubectl.json("-n", scratch, "get", "events", "--field-selector",
                                "reason=ApplyFailed")["items"]
    assert len(events) == 1 and "exceeded quota" in events[0]["message"]
