"""The Kubernetes objects that describe the bed itself: Service, EndpointSlice, Pod, Secret.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import base64
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Port:
    """A port of a Service. The name's part before a dash declares the protocol, as always."""
    number: int
    target: int
    name: str = "http"
    app_protocol: str | None = None
    protocol: str = "TCP"


@dataclass
class Service:
    """A Service and where it is reached. The bed finds its endpoints by the selector."""
    name: str
    selector: dict[str, str]
    ports: list[Port]
    vip4: str
    vip6: str
    namespace: str = "default"
    families: tuple[str, ...] = ("v4",)  # of its endpoints

    def hosts(self) -> list[str]:
        names = [f"{self.name}.{self.namespace}", f"{self.name}.{self.namespace}.svc",
                 f"{self.name}.{self.namespace}.svc.cluster.local"]
        return [self.name, *names] if self.namespace == "default" else names


@dataclass
class PodFacts:
    """What the mesh is told of a pod."""
    name: str
    labels: dict[str, str]
    service_account: str
    ip4: str
    ip6: str
    meshed: bool
    namespace: str = "default"
    ready: bool = True
    ports: dict[str, int] = field(default_factory=dict)


def _meta(name: str, namespace: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "namespace": namespace, **{k: v for k, v in more.items() if v}}


def service(s: Service) -> dict[str, Any]:
    ports = []
    for p in s.ports:
        port: dict[str, Any] = {"name": p.name, "port": p.number, "targetPort": p.target}
        if p.app_protocol:
            port["appProtocol"] = p.app_protocol
        if p.protocol != "TCP":
            port["protocol"] = p.protocol
        ports.append(port)
    return {"apiVersion": "v1", "kind": "Service", "metadata": _meta(s.name, s.namespace),
            "spec": {"clusterIP": s.vip4, "clusterIPs": [s.vip4, s.vip6],
                     "selector": s.selector, "ports": ports}}


def pod(p: PodFacts) -> dict[str, Any]:
    notes = {"weft.dev/status": "injected"} if p.meshed else {}
    ports = [{"name": n, "containerPort": number} for n, number in p.ports.items()]
    container = {"name": "app", "image": "app", **({"ports": ports} if ports else {})}
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": _meta(p.name, p.namespace, labels=p.labels, annotations=notes),
            "spec": {"serviceAccountName": p.service_account, "containers": [container]},
            "status": {"phase": "Running", "podIP": p.ip4,
                       "podIPs": [{"ip": p.ip4}, {"ip": p.ip6}]}}


def _selects(s: Service, p: PodFacts) -> bool:
    return s.namespace == p.namespace and all(p.labels.get(k) == v for k, v in s.selector.items())


def slices(s: Service, pods: list[PodFacts]) -> list[dict[str, Any]]:
    """One for each address family, as Kubernetes does it."""
    made = []
    for suffix in s.families:
        kind, address = f"IP{suffix}", f"ip{suffix[1]}"
        endpoints = [{"addresses": [getattr(p, address)], "conditions": {"ready": p.ready},
                      "targetRef": {"kind": "Pod", "name": p.name, "namespace": p.namespace}}
                     for p in pods if _selects(s, p)]
        labels = {"kubernetes.io/service-name": s.name}
        ports = [{"name": p.name, "port": p.target, "protocol": p.protocol} for p in s.ports]
        made.append({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                     "metadata": _meta(f"{s.name}-{suffix}", s.namespace, labels=labels),
                     "addressType": kind, "endpoints": endpoints, "ports": ports})
    return made


def tls_secret(name: str, cert_pem: str, key_pem: str, namespace: str = "default"
               ) -> dict[str, Any]:
    data = {"tls.crt": cert_pem, "tls.key": key_pem}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": _meta(name, namespace),
            "type": "kubernetes.io/tls",
            "data": {k: base64.b64encode(v.encode()).decode() for k, v in data.items()}}
