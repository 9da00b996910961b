"""The kubelet's probes keep working, and keep their meaning, under STRICT.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import time
from typing import Any

import pytest

from bed.wait import until
from live.call import Caller
from live.mesh import Mesh
from live.shop import app_pod

PROBES: dict[str, dict[str, Any]] = {
    "http": {"httpGet": {"path": "/healthz", "port": 8080}},
    "tcp": {"tcpSocket": {"port": 8080}},
    "grpc": {"grpc": {"port": 8080}},
}


@pytest.fixture(name="strict")
def strict_namespace(mesh: Mesh, scratch: str) -> str:
    mesh.kubectl.apply({"apiVersion": "policy.weft.dev/v1alpha1", "kind": "PeerAuthentication",
                        "metadata": {"name": "default", "namespace": scratch},
                        "spec": {"mtls": {"mode": "STRICT"}}})
    return scratch


def is_ready(mesh: Mesh, space: str, name: str) -> bool:
    pod = mesh.kubectl.json("-n", space, "get", "pod", name)
    return any(c["type"] == "Ready" and c["status"] == "True"
               for c in pod["status"].get("conditions", []))


def test_ready_under_strict(mesh: Mesh, strict: str) -> None:
    mesh.kubectl.apply([app_pod(kind, strict, readinessProbe={"periodSeconds": 1, **probe},
                                livenessProbe={"periodSeconds": 1, **probe},
                                ports=[{"containerPort": 8080}])
                        for kind, probe in PROBES.items()])
    mesh.kubectl.run("-n", strict, "wait", "--for=condition=Ready", "pods", "--all",
                     "--timeout=90s")
    pods = mesh.kubectl.pods(strict)
    assert all(c["restartCount"] == 0 for p in pods for c in p["status"]["containerStatuses"])


@pytest.mark.parametrize("kind", ["http", "grpc"])
def test_unready_when_the_app_says_so(mesh: Mesh, strict: str, kind: str) -> None:
    probe = {"periodSeconds": 1, "failureThreshold": 1, **PROBES[kind]}
    mesh.kubectl.apply(app_pod("app", strict, readinessProbe=probe))
    until("ready", lambda: is_ready(mesh, strict, "app"), 60, 0.2)
    itself = Caller(mesh.kubectl, strict, "pod/app")
    itself.call("http://127.0.0.1:8080/health/bad")
    until("not ready", lambda: not is_ready(mesh, strict, "app"), 60, 0.2)
    itself.call("http://127.0.0.1:8080/health/good")
    until("ready again", lambda: is_ready(mesh, strict, "app"), 60, 0.2)


def test_restarted_when_the_app_is_dead(mesh: Mesh, strict: str) -> None:
    probe = {"periodSeconds": 1, "failureThreshold": 1, **PROBES["http"]}
    mesh.kubectl.apply(app_pod("app", strict, livenessProbe=probe))
    until("ready", lambda: is_ready(mesh, strict, "app"), 60, 0.2)
    Caller(mesh.kubectl, strict, "pod/app").call("http://127.0.0.1:8080/health/bad")
    def restarts() -> int:
        pod = mesh.kubectl.json("-n", strict, "get", "pod", "app")
        return int(pod["status"]["containerStatuses"][0]["restartCount"])
    until("a restart of the app", lambda: restarts() == 1, 60, 0.2)


# ---- hooks: the kubelet would take the refusal of STRICT for a success

TAKES = 6
KINDS = {"native": {}, "classic": {"weft.dev/native-sidecar": "false"}}


@pytest.mark.parametrize("kind", KINDS)
def test_the_pre_stop_hook_reaches_the_app(mesh: Mesh, strict: str, kind: str) -> None:
    """The kubelet waits until the app has answered it, and the app can call meanwhile."""
    hook = {"preStop": {"httpGet": {"path": f"/delay/{TAKES}s", "port": "web"}}}
    ports = [{"name": "web", "containerPort": 8080}]
    mesh.kubectl.apply([app_pod("other", strict),
                        app_pod("app", strict, annotations=KINDS[kind], lifecycle=hook,
                                ports=ports, spec={"terminationGracePeriodSeconds": 30})])
    mesh.kubectl.run("-n", strict, "wait", "--for=condition=Ready", "pods", "--all",
                     "--timeout=90s")
    other = mesh.kubectl.json("-n", strict, "get", "pod", "other")["status"]["podIP"]
    began = time.monotonic()
    mesh.kubectl.run("-n", strict, "delete", "pod", "app", "--wait=false")
    itself = Caller(mesh.kubectl, strict, "pod/app")
    answer = itself.call(f"http://{other}:8080/")
    assert answer.status == 200, answer
    assert "sa/default" in answer.seen_header("x-forwarded-client-cert")
    mesh.kubectl.run("-n", strict, "wait", "--for=delete", "pod/app", "--timeout=60s")
    assert TAKES <= time.monotonic() - began


def event_reasons(mesh: Mesh, space: str) -> set[str]:
    return {e["reason"] for e in mesh.kubectl.json("-n", space, "get", "events")["items"]}


@pytest.mark.parametrize("hook, reason", [("preStop", "FailedPreStopHook"),
                                          ("postStart", "FailedPostStartHook")])
def test_a_hook_that_nobody_answers_fails(mesh: Mesh, strict: str, hook: str, reason: str) -> None:
    mesh.kubectl.apply(app_pod("app", strict, lifecycle={
        hook: {"httpGet": {"path": "/", "port": 9}}}))
    if hook == "preStop":
        until("ready", lambda: is_ready(mesh, strict, "app"), 60, 0.2)
        mesh.kubectl.run("-n", strict, "delete", "pod", "app")
    until(reason, lambda: reason in event_reasons(mesh, strict), 60, 0.2)
