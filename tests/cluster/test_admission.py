"""What is added to a pod is admitted wherever the pod is: limits of the namespace, classes of the
pod, and Pod Security levels, each with each. Pods are made by dry run, through every admission
plugin. SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
from typing import Any, Iterator

import pytest

from bed.wait import until
from live.mesh import Mesh
from live.shop import app_pod

Resources = dict[str, dict[str, str]]


def limits(**item: Any) -> dict[str, Any]:
    return {"kind": "LimitRange", "spec": {"limits": [{"type": "Container", **item}]}}


def quota(**hard: str) -> dict[str, Any]:
    return {"kind": "ResourceQuota", "spec": {"hard": {
        k.replace("_", ".").replace("ephemeral.", "ephemeral-"): v for k, v in hard.items()}}}


NAMESPACES: dict[str, list[dict[str, Any]]] = {
    "nothing": [],
    "quota-on-limits": [quota(limits_cpu="20", limits_memory="20Gi")],
    "quota-on-requests": [quota(requests_cpu="20", requests_memory="20Gi")],
    "quota-on-storage": [quota(requests_ephemeral_storage="9Gi", limits_ephemeral_storage="9Gi")],
    "minimum": [limits(min={"cpu": "150m", "memory": "96Mi"})],
    "maximum": [limits(max={"cpu": "600m", "memory": "300Mi"})],
    "tight": [limits(min={"cpu": "100m", "memory": "64Mi"},
                     max={"cpu": "500m", "memory": "256Mi"})],
    "ratio": [limits(maxLimitRequestRatio={"cpu": "2", "memory": "1.5"})],
    "ratio-and-default": [limits(maxLimitRequestRatio={"cpu": "2"}, default={"cpu": "400m"},
                                 defaultRequest={"cpu": "200m"})],
    "default": [limits(default={"cpu": "500m", "memory": "256Mi"},
                       defaultRequest={"cpu": "100m", "memory": "64Mi"})],
    "small-default": [limits(default={"cpu": "5m", "memory": "16Mi"})],
    "several": [limits(min={"cpu": "20m"}), limits(max={"cpu": "800m"}),
                quota(limits_cpu="20", requests_memory="9Gi")],
}

PODS: dict[str, dict[str, Any]] = {
    "best-effort": {},
    "requests": {"resources": {"requests": {"cpu": "250m", "memory": "128Mi"}}},
    "burstable": {"resources": {"requests": {"cpu": "250m", "memory": "200Mi"},
                                "limits": {"cpu": "500m", "memory": "256Mi"}}},
    "guaranteed": {"resources": {"limits": {"cpu": "300m", "memory": "128Mi"}}},
    "storage": {"resources": {n: {"cpu": "250m", "memory": "128Mi", "ephemeral-storage": "1Gi"}
                              for n in ("requests", "limits")}},
    "pod-level": {"spec": {"resources": {"requests": {"cpu": "1", "memory": "512Mi"},
                                         "limits": {"cpu": "1", "memory": "512Mi"}}}},
    "pod-level-full": {"spec": {"resources": {"requests": {"cpu": "250m", "memory": "128Mi"},
                                              "limits": {"cpu": "600m", "memory": "300Mi"}}},
                       "resources": {"requests": {"cpu": "250m", "memory": "128Mi"}}},
    "pod-level-limits": {"spec": {"resources": {"limits": {"cpu": "1", "memory": "512Mi"}}},
                         "resources": {"requests": {"cpu": "300m", "memory": "200Mi"}}},
    "init": {"spec": {"initContainers": [
        {"name": "prepare", "image": "weft.local/app:1",
         "resources": {"limits": {"cpu": "300m", "memory": "128Mi"}}}]},
             "resources": {"limits": {"cpu": "300m", "memory": "128Mi"}}},
}
KINDS = {"native": {}, "classic": {"weft.dev/native-sidecar": "false"}}


def make(mesh: Mesh, pod: dict[str, Any]) -> dict[str, Any] | str:
    """The pod as it would be, or why it would not."""
    done = mesh.kubectl.try_("create", "--dry-run=server", "-o", "json", "-f", "-",
                             stdin=json.dumps(pod))
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


@pytest.fixture(name="space", scope="module", params=NAMESPACES)
def namespace(mesh: Mesh, request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"t-admission-{request.param}"
    mesh.kubectl.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": name, "labels": {"weft.dev/inject": "enabled"}}}]
        + [{"apiVersion": "v1", **o, "metadata": {"name": f"o{i}", "namespace": name}}
           for i, o in enumerate(NAMESPACES[request.param])])
    mesh.kubectl.run("-n", name, "wait", "--for=create", "serviceaccount/default",
                     "--timeout=60s")
    # Quotas are in force once they were counted, and what the injector knows comes by a watch.
    until("the quotas", lambda: all(
        o.get("status", {}).get("used") is not None
        for o in mesh.kubectl.json("-n", name, "get", "resourcequota")["items"]), 60, 0.2)
    yield name
    mesh.kubectl.run("delete", "namespace", name, "--wait=false")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("which", PODS)
def test_what_would_be_admitted_is(mesh: Mesh, space: str, which: str, kind: str) -> None:
    """As it would without a sidecar, and in the same class (none makes Burstable)."""
    more = json.loads(json.dumps(PODS[which]))
    without = make(mesh, app_pod("p", space, labels={"weft.dev/inject": "disabled"}, **more))
    with_it = make(mesh, app_pod("p", space, annotations=KINDS[kind],
                                 **json.loads(json.dumps(PODS[which]))))
    if isinstance(without, str):
        assert isinstance(with_it, str)
        return
    assert not isinstance(with_it, str), with_it
    before, after = without["status"]["qosClass"], with_it["status"]["qosClass"]
    assert after == before or (before, after) == ("BestEffort", "Burstable")
    names = [c["name"] for c in with_it["spec"]["initContainers"] + with_it["spec"]["containers"]]
    assert {"weft-redirect", "weft-sidecar"} <= set(names)


LEVELS = {
    ("privileged", "iptables"): True, ("baseline", "iptables"): False,
    ("restricted", "iptables"): False, ("privileged", "none"): True,
    ("baseline", "none"): True, ("restricted", "none"): True}
CONTEXTS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "everything": {"runAsNonRoot": True, "runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 2000,
                   "supplementalGroups": [3000], "supplementalGroupsPolicy": "Strict",
                   "fsGroupChangePolicy": "OnRootMismatch",
                   "seccompProfile": {"type": "RuntimeDefault"}},
}


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("redirect", ["iptables", "none"])
@pytest.mark.parametrize("level", ["privileged", "baseline", "restricted"])
def test_pod_security_levels(mesh: Mesh, level: str, redirect: str, context: str) -> None:
    name = f"t-admission-{level}"
    mesh.kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": name, "labels": {"weft.dev/inject": "enabled",
                                 "pod-security.kubernetes.io/enforce": level}}})
    mesh.kubectl.run("-n", name, "wait", "--for=create", "serviceaccount/default", "--timeout=60s")
    spec = {"securityContext": CONTEXTS[context]} if CONTEXTS[context] else {}
    pod = app_pod("p", name, annotations={"weft.dev/redirect": redirect}, spec=spec)
    made = make(mesh, pod)
    if LEVELS[level, redirect]:
        assert not isinstance(made, str), made
    else:
        assert isinstance(made, str) and "NET_ADMIN" in made
        assert "the pod needs weft.dev/redirect: none" in made


@pytest.mark.parametrize("which", ["guaranteed", "pod-level"])
def test_a_pod_of_that_class_works(mesh: Mesh, scratch: str, which: str) -> None:
    more = json.loads(json.dumps(PODS[which]))
    # Not every container runtime knows the policy of supplemental groups.
    more.setdefault("spec", {})["securityContext"] = {
        k: v for k, v in CONTEXTS["everything"].items() if k != "supplementalGroupsPolicy"}
    mesh.kubectl.apply(app_pod("app", scratch, **more))
    mesh.kubectl.run("-n", scratch, "wait", "--for=condition=Ready", "pod/app", "--timeout=90s")
    pod = mesh.kubectl.json("-n", scratch, "get", "pod", "app")
    assert pod["status"]["qosClass"] == "Guaranteed"


# ---- settings that are not the pod's own

def test_settings_of_namespace_and_mesh(mesh: Mesh, scratch: str) -> None:
    mesh_config = {"apiVersion": "policy.weft.dev/v1alpha1", "kind": "MeshConfig",
                   "metadata": {"name": "default", "namespace": "weft-system"},
                   "spec": {"sidecarDefaults": {"weft.dev/proxy-cpu-request": "21m",
                                                "weft.dev/proxy-memory-request": "41Mi"}}}
    mesh.kubectl.apply(mesh_config)
    try:
        mesh.kubectl.run("annotate", "namespace", scratch, "weft.dev/proxy-cpu-request=22m")
        def asked(**notes: str) -> Any:
            made = make(mesh, app_pod("p", scratch, annotations={
                f"weft.dev/proxy-{k.replace('_', '-')}": v for k, v in notes.items()}))
            assert not isinstance(made, str), made
            return next(c for c in made["spec"]["initContainers"]
                        if c["name"] == "weft-sidecar")["resources"]["requests"]
        until("the watch", lambda: asked() == {"cpu": "22m", "memory": "41Mi"}, 60, 0.2)
        assert asked(cpu_request="23m") == {"cpu": "23m", "memory": "41Mi"}
        said = mesh.kubectl.try_("annotate", "namespace", scratch, "--overwrite",
                                 "weft.dev/proxy-cpu-request=much", "weft.dev/proxy-cpus=1")
        assert said.returncode == 0
        assert 'weft.dev/proxy-cpu-request: "much" is not a quantity' in said.stderr
        assert "weft.dev/proxy-cpus is not known" in said.stderr
        until("the refusal", lambda: "annotation of the namespace" in str(
            make(mesh, app_pod("p", scratch))), 60, 0.2)
    finally:
        mesh.kubectl.run("-n", "weft-system", "delete", "meshconfig", "default")


def test_defaults_of_the_mesh_are_checked(mesh: Mesh) -> None:
    said = mesh.kubectl.refused({
        "apiVersion": "policy.weft.dev/v1alpha1", "kind": "MeshConfig",
        "metadata": {"name": "default", "namespace": "weft-system"},
        "spec": {"sidecarDefaults": {"weft.dev/proxy-workers": "0"}}})
    assert "weft.dev/proxy-workers" in said
