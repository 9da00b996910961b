"""This machine as it is, for what needs no namespaces and no root: where programs run, and gateways
that read one folder and listen on loopback. SPDX-License-Identifier: GPL-3.0-or-later
"""
import pathlib
import re
import socket
from typing import Any

from . import wait
from .http_client import Answer, Client
from .policy_folder import PolicyFolder
from .process import Process
from .programs import program
from .sidecar import APPLIED, REFUSED

GATEWAY_PORT = 20000  # of the Gateway; each gateway adds an offset


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Here:
    """In the place of a namespace."""

    def prefix(self) -> list[str]:
        return []


class Gateway(Process):
    """Serves a Gateway of namespace default."""

    def __init__(self, name: str, policies: pathlib.Path, log: pathlib.Path, *options: str,
                 serves: str = "web") -> None:
        self.port, self._metrics, self._health = free_port(), free_port(), free_port()
        super().__init__(name, Here(), [
            program("weft-sidecar"), "--mode", "ingress", "--gateway", serves,
            "--policy-dir", str(policies), "--outbound", "off", "--inbound", "off",
            "--admin", "off", "--gateway-bind", "127.0.0.1",
            "--metrics", f"127.0.0.1:{self._metrics}", "--health", f"127.0.0.1:{self._health}",
            "--gateway-port-offset", str(self.port - GATEWAY_PORT), *options], log)

    def ask(self, path: str = "/", port: int = 0, **headers: str) -> Answer:
        def dial(host: str, to: int) -> socket.socket:
            return socket.create_connection((host, to), wait.SAFETY)
        sent = {k.replace("_", "-"): v for k, v in headers.items()}
        with Client(dial, "127.0.0.1", port or self.port) as client:
            return client.get(path, sent)

    def is_ready(self) -> bool:
        try:
            return self.ask("/healthz/ready", self._health).status == 200
        except OSError:
            return False

    def await_config(self, since: int) -> None:
        """Until what was read after that mark is in force with every worker."""
        self.await_log(f"{APPLIED}|{REFUSED}", since)
        if re.search(REFUSED, self.output(since)):
            raise ValueError(f"{self.name} refused the policies:\n{self.output(since)}")
        wait.until(f"{self.name}: ready", self.is_ready, aid=self.tail)

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all series of that name with these labels."""
        wanted = [f'{k}="{v}"' for k, v in labels.items()]
        total = 0.0
        for line in self.ask("/metrics", self._metrics).text().splitlines():
            series, _, value = line.rpartition(" ")
            if re.split(r"[{ ]", series)[0] == name and all(w in series for w in wanted):
                total += float(value)
        return total


class Doors:
    """Gateways over one folder of policies: so many replicas of `web`, or one for each name."""

    def __init__(self, folder: pathlib.Path, count: int, first: str, *options: str,
                 names: tuple[str, ...] = ()) -> None:
        (folder / "scratch").mkdir()
        self.policies = PolicyFolder(folder / "policies", folder / "scratch")
        self.policies.write("00-first.yaml", first)
        self.gateways = [Gateway(f"gateway-{i}", self.policies.path, folder / f"gateway-{i}.log",
                                 *options, serves=serves)
                         for i, serves in enumerate(names or ("web",) * count)]
        for one in self.gateways:
            one.await_config(0)

    def write(self, name: str, text: str) -> None:
        """It is in force everywhere when this returns."""
        marks = [one.mark() for one in self.gateways]
        self.policies.write(name, text)
        for one, mark in zip(self.gateways, marks):
            one.await_config(mark)

    def stop(self) -> list[str]:
        """What went wrong with them."""
        wrong = [f"{one.name} ended by itself: {one.status}" for one in self.gateways
                 if one.died()]
        for one in self.gateways:
            one.stop()
        return wrong + [one.complaints() for one in self.gateways if one.complaints()]


def service(name: str, *ports: int, listens: int = 80, app: str = "http") -> str:
    """A Service with one endpoint on loopback for each port."""
    slices = "".join(f"""
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: {name}-{port}
  namespace: default
  labels: {{kubernetes.io/service-name: {name}}}
addressType: IPv4
ports: [{{name: {app}, port: {port}}}]
endpoints: [{{addresses: [127.0.0.1], conditions: {{ready: true}}}}]
""" for port in ports)
    return f"""
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: default}}
spec:
  ports: [{{name: {app}, port: {listens}}}]
""" + slices


def gateway_and_route(backend: str, **more: Any) -> str:
    hosts = f"hostnames: [{more['host']}]" if "host" in more else ""
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: web, namespace: default}}
spec:
  gatewayClassName: weft
  listeners: [{{name: http, port: {GATEWAY_PORT}, protocol: HTTP}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: site, namespace: default}}
spec:
  parentRefs: [{{name: web}}]
  {hosts}
  rules: [{{backendRefs: [{{name: {backend}, port: 80}}]}}]
"""
