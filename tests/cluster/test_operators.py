"""What operators do with Weft's objects by tools of their own: apply the same manifests, bind the
cluster's roles, run pods that the mesh does not touch. SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
from typing import Any

import pytest

from bed.wait import until
from live.cluster import ROOT
from live.mesh import Mesh
from live.shop import app_pod


def test_kubectl_applies_what_weftctl_installed(mesh: Mesh, tmp_path: Any) -> None:
    """Neither is told of a conflict with the other, and nothing changes by it."""
    file = tmp_path / "weft.yaml"
    file.write_text(mesh.weftctl("install", "--dry-run", "--ingress", "--replicas", "2").stdout)
    mesh.kubectl.run("apply", "--server-side", "--field-manager=operator", "-f", str(file))
    diff = mesh.kubectl.try_("diff", "--server-side", "--field-manager=operator", "-f", str(file))
    assert diff.returncode == 0, diff.stdout + diff.stderr
    assert mesh.weftctl("install", "--ingress", "--replicas", "2").returncode == 0


def test_the_kustomization_too(mesh: Mesh, tmp_path: Any) -> None:
    """Dry: its replicas are ours as well, but its image need not be."""
    built = mesh.kubectl.run("kustomize", str(ROOT / "k8s/base"))
    file = tmp_path / "weft.yaml"
    file.write_text(built)
    said = mesh.kubectl.try_("apply", "--server-side", "--dry-run=server", "-f", str(file))
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("role, writes", [("view", False), ("edit", True), ("admin", True)])
def test_the_roles_of_the_cluster_reach_policies(mesh: Mesh, scratch: str, role: str,
                                                 writes: bool) -> None:
    mesh.kubectl.run("-n", scratch, "create", "rolebinding", "u", f"--clusterrole={role}",
                     "--user=somebody")
    def may(verb: str, what: str) -> bool:
        what, _, below = what.partition("/")
        more = [f"--subresource={below}"] if below else []
        return mesh.kubectl.try_("auth", "can-i", verb, f"{what}.policy.weft.dev", "-n", scratch,
                                 "--as=somebody", *more).returncode == 0
    until("the role", lambda: may("list", "authorizationpolicies"), 60, 0.2)
    for kind in ("authorizationpolicies", "peerauthentications", "trafficpolicies",
                 "listenerpolicies"):
        assert may("get", kind)
        assert all(may(verb, kind) == writes for verb in ("create", "patch", "delete"))
        assert not may("patch", f"{kind}/status")


UNTOUCHED: dict[str, dict[str, Any]] = {
    "host-network": {"spec": {"hostNetwork": True}},
    "windows": {"spec": {"nodeSelector": {"kubernetes.io/os": "windows"}}},
    "label": {"labels": {"weft.dev/inject": "disabled"}},
    "annotation": {"annotations": {"weft.dev/inject": "disabled"}},
    "injected": {"spec": {"initContainers": [{"name": "weft-sidecar", "image": "x"}]}},
}


def test_only_pods_that_get_a_sidecar_wait_for_the_injector(mesh: Mesh, scratch: str) -> None:
    mesh.scale("weft-injector", 0)
    try:
        for name, more in UNTOUCHED.items():
            pod = json.dumps(app_pod(name, scratch, **more))
            made = mesh.kubectl.try_("apply", "--dry-run=server", "-f", "-", stdin=pod)
            assert made.returncode == 0, f"{name}: {made.stderr}"
        both = app_pod("both", scratch, labels={"weft.dev/inject": "enabled"},
                       annotations={"weft.dev/inject": "disabled"})
        for pod in (app_pod("plain", scratch), both):
            assert "inject.weft.dev" in mesh.kubectl.refused(pod)
    finally:
        mesh.scale("weft-injector", 2)


def test_an_opaque_secret_is_told_what_it_must_be(mesh: Mesh, scratch: str) -> None:
    mesh.kubectl.apply([
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cert", "namespace": scratch},
         "stringData": {"tls.crt": "x", "tls.key": "y"}},
        {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
         "metadata": {"name": "opaque", "namespace": scratch},
         "spec": {"gatewayClassName": "weft", "listeners": [
             {"name": "https", "port": 443, "protocol": "HTTPS",
              "tls": {"certificateRefs": [{"name": "cert"}]}}]}}])
    def told() -> str:
        gateway = mesh.kubectl.json("-n", scratch, "get", "gateway", "opaque")
        return json.dumps(gateway.get("status", {}).get("listeners", []))
    until("the listener's status", lambda: "InvalidCertificateRef" in told(), 60, 0.2)
    assert f"Secret {scratch}/cert; it must be of type kubernetes.io/tls" in told()
