"""Namespaces that enforce the Pod Security level `restricted`: a sidecar without redirection.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import pytest

from bed.wait import until
from live.mesh import Mesh
from live.shop import Shop, app_pod

LABELS = {"weft.dev/inject": "enabled", "pod-security.kubernetes.io/enforce": "restricted"}


@pytest.mark.parametrize("scratch", [LABELS], indirect=True)
def test_a_sidecar_without_redirection_is_admitted(shop: Shop, mesh: Mesh, scratch: str) -> None:
    said = mesh.kubectl.refused(app_pod("redirected", scratch))
    assert "restricted" in said and "NET_ADMIN" in said
    notes = {"weft.dev/redirect": "none"}
    mesh.kubectl.apply([
        app_pod("served", scratch, annotations=notes, ports=[{"containerPort": 8080}]),
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "served",
                                                             "namespace": scratch},
         "spec": {"selector": {"app": "served"},
                  "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}}])
    mesh.kubectl.run("-n", scratch, "wait", "--for=condition=Ready", "pod/served",
                     "--timeout=90s")
    def carried() -> bool:
        answer = shop.frontend.call(f"http://served.{scratch}/")
        return answer.status == 200 and "sa/frontend" in answer.seen_header(
            "x-forwarded-client-cert")
    until("a call with identities", carried, 60, 0.3)
