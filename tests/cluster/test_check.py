"""weftctl check: silent on a sound cluster, and on one that is broken in any of twelve ways it
names the fault and its cure. What is broken is mended again by each test.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import contextlib
import datetime
import json
import subprocess
from typing import Any, Iterator

import pytest

from bed.wait import until
from live.mesh import PROGRAMS, SYSTEM, Mesh
from live.shop import app_container

Finding = dict[str, str]


def look(mesh: Mesh) -> tuple[int, list[Finding]]:
    done = mesh.weftctl("check", "-o", "json")
    return done.returncode, json.loads(done.stdout)


def amiss(mesh: Mesh) -> list[Finding]:
    return [f for f in look(mesh)[1] if f["result"] != "ok"]


def sound(mesh: Mesh) -> None:
    """Back to nothing to say, not even a note."""
    until("a sound cluster", lambda: not amiss(mesh), 240, 0.5, lambda: str(amiss(mesh)))


def found(mesh: Mesh, check: str, text: str, fix: str, deadline: float = 90) -> Finding:
    """The failure with these words in what it says and in its cure; the exit status is 1."""
    def find() -> Finding | None:
        status, findings = look(mesh)
        match = [f for f in findings if f["check"] == check and f["result"] == "failed"
                 and text in f["text"] and fix in f.get("fix", "")]
        return match[0] if match and status == 1 else None
    return until(f"{check}: {text}", find, deadline, 0.5,
                 lambda: "\n".join(map(str, amiss(mesh)))) or {}


def deployment(name: str, space: str, **more: Any) -> dict[str, Any]:
    labels = {"app": name}
    return {"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": space},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels},
                                  "spec": {"terminationGracePeriodSeconds": 1,
                                           "containers": [app_container(**more)]}}}}


@pytest.fixture(name="whole", autouse=True)
def whole_cluster(mesh: Mesh) -> Iterator[None]:
    sound(mesh)
    yield
    sound(mesh)


@pytest.fixture(name="space")
def labelled_space(mesh: Mesh, request: pytest.FixtureRequest) -> Iterator[str]:
    """A labelled namespace, gone before the cluster is looked at again."""
    labels = {"weft.dev/inject": "enabled", **getattr(request, "param", {})}
    mesh.kubectl.apply({"apiVersion": "v1", "kind": "Namespace",
                        "metadata": {"name": "check", "labels": labels}})
    until("its trust bundle", lambda: mesh.kubectl.try_(
        "-n", "check", "get", "configmap", "weft-trust-bundle").returncode == 0, 30, 0.2)
    yield "check"
    mesh.kubectl.run("delete", "namespace", "check", "--wait")


# ---- the control plane ----

@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_without_replicas(mesh: Mesh, program: str) -> None:
    mesh.scale(program, 0)
    try:
        fix = f"kubectl -n weft-system scale deployment/{program} --replicas=2"
        cure = found(mesh, program, "0 replicas", fix)["fix"]
    finally:
        mesh.kubectl.run(*cure.split()[1:])
        mesh.kubectl.rollout(f"deploy/{program}", namespace=SYSTEM)


def test_an_image_that_cannot_be_fetched(mesh: Mesh) -> None:
    mesh.kubectl.run("-n", SYSTEM, "set", "image", "deploy/weft-policyd", "policyd=weft.local/no:9")
    try:
        assert "ErrImage" in (text := found(mesh, "weft-policyd", "weft.local/no:9",
                                            "weftctl install --image")["text"]) or "Pull" in text
    finally:
        mesh.kubectl.run("-n", SYSTEM, "rollout", "undo", "deploy/weft-policyd")
        mesh.kubectl.rollout("deploy/weft-policyd", namespace=SYSTEM)


def test_a_root_that_was_replaced(mesh: Mesh) -> None:
    """The cure takes the new root as it is: everybody has been given it meanwhile."""
    mesh.scale("weft-certd", 0)
    mesh.kubectl.run("-n", SYSTEM, "delete", "secret", "weft-ca")
    mesh.scale("weft-certd", 2)
    told = found(mesh, "root certificate", "a new root made",
                 "kubectl -n weft-system annotate secret weft-ca weft.dev/root-replaced-")
    mesh.kubectl.run(*told["fix"].split("#")[0].split()[1:])


def test_a_crd_that_is_missing(mesh: Mesh) -> None:
    mesh.kubectl.run("delete", "crd", "trafficpolicies.policy.weft.dev")
    try:
        found(mesh, "Weft's CRDs", "trafficpolicies.policy.weft.dev is missing", "weftctl install")
    finally:
        mesh.install("--ingress", "--replicas", "2")


def test_a_crd_of_another_version(mesh: Mesh) -> None:
    patch = ('[{"op": "add", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/'
             'description", "value": "of another time"}]')
    mesh.kubectl.run("patch", "crd", "authorizationpolicies.policy.weft.dev", "--type=json",
                     f"--patch={patch}")
    try:
        found(mesh, "Weft's CRDs", "another version", "weftctl install")
    finally:
        mesh.install("--ingress", "--replicas", "2")


@pytest.mark.parametrize("kind, check", [("mutatingwebhookconfiguration", "injection"),
                                         ("validatingwebhookconfiguration", "validation")])
def test_a_webhook_that_is_missing(mesh: Mesh, kind: str, check: str) -> None:
    mesh.kubectl.run("delete", kind, "weft-injector")
    try:
        found(mesh, check, "is missing", "weftctl install")
    finally:
        mesh.install("--ingress", "--replicas", "2")


# ---- pods that are refused, and sidecars that hang ----

def test_a_quota_that_refuses_the_sidecar(mesh: Mesh, space: str) -> None:
    mesh.kubectl.apply({"apiVersion": "v1", "kind": "ResourceQuota",
                        "metadata": {"name": "small", "namespace": space},
                        "spec": {"hard": {"requests.memory": "20Mi"}}})
    small = {"requests": {"memory": "16Mi", "cpu": "10m"}}
    mesh.kubectl.apply(deployment("web", space, resources=small))
    found(mesh, "refused pods", "exceeded quota: small",
          f"kubectl -n {space} edit resourcequota small")
    found(mesh, "a new pod", "refused with its sidecar", "edit resourcequota small")


@pytest.mark.parametrize("space", [{"pod-security.kubernetes.io/enforce": "restricted"}],
                         indirect=True)
def test_pod_security_that_refuses_the_sidecar(mesh: Mesh, space: str) -> None:
    mesh.kubectl.apply(deployment("web", space))
    found(mesh, "refused pods", "violates PodSecurity",
          f"kubectl label namespace {space} pod-security.kubernetes.io/enforce=privileged")


def test_an_annotation_that_cannot_be(mesh: Mesh, space: str) -> None:
    made = deployment("web", space)
    made["spec"]["template"]["metadata"]["annotations"] = {"weft.dev/proxy-cpu-request": "much"}
    mesh.kubectl.apply(made)
    found(mesh, "refused pods", "weft.dev/proxy-cpu-request",
          f"kubectl -n {space} edit deployment/web")


class Cut:
    """What an enforced NetworkPolicy would do: nobody gets through to these pods' port."""

    def __init__(self, mesh: Mesh, program: str, port: int) -> None:
        self.mesh, self.rules = mesh, list[list[str]]()
        for pod in mesh.kubectl.pods(SYSTEM, f"app.kubernetes.io/name={program}"):
            address = pod["status"]["podIP"]
            for ends in (["-d", address, "--dport", str(port)],
                         ["-s", address, "--sport", str(port)]):
                self.rules.append(["FORWARD", *ends[:2], "-p", "tcp", *ends[2:], "-j", "REJECT",
                                   "--reject-with", "tcp-reset"])

    def _iptables(self, what: str) -> None:
        for rule in self.rules:
            subprocess.run(["nsenter", f"--net={self.mesh.cluster.netns}", "iptables", "-w", what,
                            *rule], check=True, capture_output=True)

    def __enter__(self) -> None:
        self._iptables("-I")

    def __exit__(self, *_: object) -> None:
        self._iptables("-D")


@contextlib.contextmanager
def network_policy(mesh: Mesh, name: str, program: str) -> Iterator[None]:
    """As somebody would write it; nothing in this cluster enforces it."""
    mesh.kubectl.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                        "metadata": {"name": name, "namespace": SYSTEM},
                        "spec": {"podSelector": {"matchLabels":
                                                 {"app.kubernetes.io/name": program}},
                                 "policyTypes": ["Ingress"], "ingress": []}})
    yield
    mesh.kubectl.run("-n", SYSTEM, "delete", "networkpolicy", name)


def test_a_network_policy_that_cuts_off_policyd(mesh: Mesh) -> None:
    with network_policy(mesh, "deny-all", "weft-policyd"), Cut(mesh, "weft-policyd", 15012):
        told = found(mesh, "data planes", "connected to no policyd", "kubectl get networkpolicy -A")
        assert "in weft-system: deny-all" in told["text"]


def test_a_sidecar_that_hangs(mesh: Mesh, space: str) -> None:
    with Cut(mesh, "weft-certd", 15012):
        mesh.kubectl.apply(deployment("web", space))
        told = found(mesh, "sidecars", f"pod {space}/web-", f"kubectl -n {space} logs web-")
        assert "its sidecar is not ready" in told["text"]
        assert "there is no certificate" in told["text"]
    mesh.kubectl.rollout("deploy/web", namespace=space)


# ---- clocks ----

@pytest.mark.parametrize("hours, how", [(-3, "behind"), (2, "ahead of")])
def test_the_clock_of_a_node(mesh: Mesh, hours: int, how: str) -> None:
    """A Lease as the kubelet of a node with that clock writes it; Go's programs read the time where
    no faked clock reaches them."""
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "late"},
            "spec": {"unschedulable": True}}
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
             "metadata": {"name": "late", "namespace": "kube-node-lease"},
             "spec": {"holderIdentity": "late", "leaseDurationSeconds": 40,
                      "renewTime": then.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}}
    mesh.kubectl.apply([node, lease])
    try:
        found(mesh, "clocks", f"node late is {abs(hours) * 3600 - 1}"[:-5], "timedatectl")
        found(mesh, "clocks", how, "kubectl debug node/late")
    finally:
        mesh.kubectl.run("delete", "node", "late")
        mesh.kubectl.run("-n", "kube-node-lease", "delete", "lease", "late", "--ignore-not-found")


# ---- words from habit ----

@pytest.mark.parametrize("labels", [{"weft.dev/inject": "true"}, {"istio-injection": "enabled"}])
def test_labels_that_mean_nothing_here(mesh: Mesh, labels: dict[str, str]) -> None:
    mesh.kubectl.apply({"apiVersion": "v1", "kind": "Namespace",
                        "metadata": {"name": "habit", "labels": labels}})
    try:
        (noted,) = amiss(mesh)
        assert (noted["check"], noted["result"]) == ("labels", "warning")
        assert "=".join(*labels.items()) in noted["text"]
        assert noted["fix"].startswith("kubectl label namespace habit weft.dev/inject=enabled")
    finally:
        mesh.kubectl.run("delete", "namespace", "habit", "--wait")
