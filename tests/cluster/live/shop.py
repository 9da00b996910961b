"""The shop of k8s/examples in the mesh, and a caller outside of it.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import json
import sys
from typing import Any

from .call import Caller
from .cluster import ROOT
from .mesh import Mesh

sys.path.insert(0, str(ROOT / "tests"))

# pylint: disable=wrong-import-position
from bed.wait import until

EXAMPLES = ROOT / "k8s" / "examples" / "shop"
HOST = "shop.example.com"
POLICIES = ("httproutes", "grpcroutes", "authorizationpolicies", "peerauthentications",
            "trafficpolicies")
APPS = ("frontend", "reviews-v1", "reviews-v2", "ratings")


def app_container(**more: Any) -> dict[str, Any]:
    return {"name": "app", "image": "weft.local/app:1", "imagePullPolicy": "IfNotPresent",
            "args": ["serve"],
            "securityContext": {"runAsNonRoot": True, "allowPrivilegeEscalation": False,
                                "capabilities": {"drop": ["ALL"]},
                                "seccompProfile": {"type": "RuntimeDefault"}}, **more}


def app_pod(name: str, namespace: str, **more: Any) -> dict[str, Any]:
    """A pod of the app; labels and annotations go to its metadata, the rest to its container."""
    meta = {"name": name, "namespace": namespace, "labels": {"app": name, **more.pop("labels", {})},
            "annotations": more.pop("annotations", {})}
    spec = {"terminationGracePeriodSeconds": 2, **more.pop("spec", {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta,
            "spec": {"containers": [app_container(**more)], **spec}}


class Shop:
    """`frontend` calls from inside the mesh, `outside` from a namespace without sidecars."""

    namespace = "shop"

    def __init__(self, mesh: Mesh) -> None:
        self.mesh, self.kubectl = mesh, mesh.kubectl
        self.frontend = Caller(self.kubectl, self.namespace, "deploy/frontend")
        self.outside = Caller(self.kubectl, "outside", "pod/client")

    def open(self) -> "Shop":
        self.kubectl.apply(EXAMPLES)
        self.kubectl.run("apply", "-f", "-", stdin='{"apiVersion": "v1", "kind": "Namespace", '
                                                   '"metadata": {"name": "outside"}}')
        self.kubectl.run("apply", "-f", "-", stdin=json.dumps(app_pod("client", "outside")))
        self.kubectl.rollout(*(f"deploy/{a}" for a in APPS), namespace=self.namespace)
        self.kubectl.run("-n", "outside", "wait", "--for=condition=Ready", "pod/client",
                         "--timeout=60s")
        return self

    def close(self) -> None:
        self.kubectl.run("delete", "namespace", "outside", self.namespace, "--ignore-not-found")

    def reset(self) -> None:
        """Without policies but the route of its front door."""
        self.kubectl.run("-n", self.namespace, "delete", ",".join(POLICIES), "--all")
        self.kubectl.run("apply", "-f", str(EXAMPLES / "gateway.yaml"))

    def use(self, name: str) -> None:
        """One of the policies beside the shop: canary, deny, strict."""
        self.kubectl.apply(EXAMPLES / f"{name}.yaml")

    def door(self) -> str:
        """The address of the shop's Gateway, once it has one."""
        def find() -> str:
            gateway = self.kubectl.json("-n", self.namespace, "get", "gateway", "shop")
            addresses = gateway.get("status", {}).get("addresses") or []
            return str(addresses[0]["value"]) if addresses else ""
        return until("an address of the Gateway", find, 60, 0.1)

