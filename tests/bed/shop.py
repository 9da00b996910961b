"""The little shop as a mesh: what scripts/demo shows and most end-to-end tests ask. Frontend calls
reviews (v1 and v2), reviews call ratings; one pod stays outside; an ingress stands at the door.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import pathlib
from typing import Any

from . import objects, yaml_text
from .bed import Bed
from .http_client import Answer
from .objects import Port
from .pki import Authority
from .pod import Pod
from .wait import until

HOST = "shop.example.com"
TOTAL_PORT, ECHO_PORT = 7000, 7001
GATEWAY = """
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata: {name: front-door, namespace: default}
    spec:
      gatewayClassName: weft
      listeners:
        - {name: web, port: 80, protocol: HTTP, hostname: shop.example.com}
        - name: secure
          port: 443
          protocol: HTTPS
          hostname: shop.example.com
          tls:
            certificateRefs: [{name: shop-certificate}]
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {name: shop-secure, namespace: default}
    spec:
      parentRefs: [{name: front-door, sectionName: secure}]
      rules:
        - backendRefs: [{name: frontend, port: 9080}]
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {name: shop-to-https, namespace: default}
    spec:
      parentRefs: [{name: front-door, sectionName: web}]
      rules:
        - filters:
            - type: RequestRedirect
              requestRedirect: {scheme: https, statusCode: 301}
    """


class Shop:
    """A bed with the shop in it, running."""

    def __init__(self, label: str = "", path: pathlib.Path | None = None, keep_files: bool = False,
                 leaf_ttl: str | None = None, workers: int = 2) -> None:
        self.bed = Bed(label, path, workers, keep_files)
        try:
            self._build({"leaf-ttl": leaf_ttl} if leaf_ttl else {})
        except BaseException:
            self.bed.delete()
            raise

    def _build(self, certd_options: dict[str, Any]) -> None:
        bed = self.bed
        self.frontend = bed.add_pod("frontend")
        self.v1 = bed.add_pod("reviews-v1", "reviews", app="reviews", version="v1")
        self.v2 = bed.add_pod("reviews-v2", "reviews", app="reviews", version="v2")
        self.ratings = bed.add_pod("ratings")
        self.outside = bed.add_pod("outside", meshed=False)
        self.ingress = bed.add_pod("ingress", meshed=False)
        web = [Port(9080, 9080, "http")]
        bed.add_service("frontend", web)
        bed.add_service("reviews", web)
        bed.add_service("reviews-v1", web, app="reviews", version="v1")
        bed.add_service("reviews-v2", web, app="reviews", version="v2")
        bed.add_service("ratings", web)
        bed.add_service("ledger", [Port(TOTAL_PORT, TOTAL_PORT, "tcp-total"),
                                   Port(ECHO_PORT, ECHO_PORT, "tcp-echo")], app="ratings")
        bed.add_certd(**certd_options)
        bed.publish()
        self._write_gateway()
        self._start()

    def _write_gateway(self) -> None:
        self.public_ca = Authority(self.bed.run.folder("public-ca", mode=0o700), "public root")
        leaf = self.public_ca.server(HOST)
        secret = objects.tls_secret("shop-certificate", leaf.cert_pem(), leaf.key_pem())
        self.bed.policies.write("10-certificate.yaml", yaml_text.dump(secret))
        self.bed.policies.write("11-gateway.yaml", GATEWAY)

    def _start(self) -> None:
        self.frontend.start_demo("frontend")
        self.v1.start_demo("reviews", "v1")
        self.v2.start_demo("reviews", "v2")
        self.ratings.start_demo("ratings")
        self.ratings.start_tcp("total", TOTAL_PORT)
        self.ratings.start_tcp("echo", ECHO_PORT)
        for pod in self.meshed():
            pod.start_sidecar(ready=False)
        self.ingress.start_ingress("front-door", ready=False)
        for one in self.bed.sidecars():
            one.await_ready()
            one.await_identity()

    def meshed(self) -> list[Pod]:
        """The pods with a sidecar, the ingress apart."""
        return [self.frontend, self.v1, self.v2, self.ratings]

    def reset(self) -> None:
        """As it was at first: apps are well, no policy but the shop's own, nobody is ejected."""
        self.bed.check_alive()
        for pod in self.meshed():
            pod.control()
        for name in self.bed.policies.names():
            if name >= "20":
                self.bed.withdraw(name)
        self.await_whole()

    def await_whole(self) -> None:
        """Until both versions of reviews answer: none of them is ejected any more."""
        seen: set[str] = set()

        def both() -> bool:
            answer = self.reviews()
            if answer.status == 200:
                seen.add(answer.json()["version"])
            return len(seen) == 2
        until("both versions to answer", both)

    def reviews(self, path: str = "/who", **headers: str) -> Answer:
        """What the frontend's app gets from reviews."""
        return self.frontend.get(f"http://reviews:9080{path}",
                                 {k.replace("_", "-"): v for k, v in headers.items()})

    def delete(self) -> None:
        self.bed.delete()

    def __enter__(self) -> Shop:
        return self

    def __exit__(self, *_: object) -> None:
        self.delete()
