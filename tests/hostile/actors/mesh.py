"""Two sidecars on loopback, without redirection: what an app sends to `outbound` goes by mutual TLS
to `inbound` and from there to the origin. The service "app" speaks any HTTP, "legacy" HTTP/1 alone.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import os
import pathlib
import random
import shutil
import socket
import tempfile
from typing import Sequence

from bed.pki import Authority, Leaf
from bed.process import Process
from bed.programs import program, tool

ID = "spiffe://cluster.local/ns/default/sa/{}"
IN_FORCE = r"config.* is in force"
LISTENING = r"workers? (is|are) listening"
HAS_IDENTITY = r"identity.*(certificate|identity) "

WORLD = """apiVersion: v1
kind: Service
metadata: {{ name: app, namespace: default }}
spec:
  clusterIP: 10.96.0.1
  ports: [{{ name: http, port: 80, targetPort: {inbound}, appProtocol: http }}]
---
apiVersion: v1
kind: Service
metadata: {{ name: legacy, namespace: default }}
spec:
  clusterIP: 10.96.0.2
  ports: [{{ name: http, port: 80, targetPort: {inbound}, appProtocol: http1 }}]
---
apiVersion: v1
kind: Pod
metadata:
  name: server
  namespace: default
  annotations: {{ weft.dev/status: injected }}
spec:
  serviceAccountName: server
  containers: [{{ name: app, ports: [{{ name: "{protocol}", containerPort: {origin} }}] }}]
status: {{ podIP: 127.0.0.1 }}
{slices}"""
SLICE = """---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: {service}-1
  namespace: default
  labels: {{ kubernetes.io/service-name: {service} }}
addressType: IPv4
ports: [{{ name: http, port: {inbound} }}]
endpoints:
  - addresses: [127.0.0.1]
    conditions: {{ ready: true }}
    targetRef: {{ kind: Pod, name: server, namespace: default }}
"""


class Here:
    """This very machine, in the place where the bed has namespaces."""

    def __init__(self, *before: str) -> None:
        self.before = list(before)

    def prefix(self) -> list[str]:
        return self.before


def free_port() -> int:
    """Below the range from which the kernel takes the ports of clients."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Mesh:
    """`outbound` and `inbound` are ports; `client` and `server` the processes behind them. With an
    `impostor` there is no server: who listens at that port is taken for it."""

    def __init__(self, origin: int, protocol: str = "http", extra: str = "", descriptors: int = 0,
                 impostor: int = 0, options: Sequence[str] = ()) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-hostile-"))
        self.ca = Authority(self.folder / "ca", "hostile root")
        self.policies = self.folder / "policies"
        self.policies.mkdir()
        self.inbound, self.outbound = impostor or free_port(), free_port()
        self.metrics = {"client": free_port(), "server": free_port()}
        slices = "".join(SLICE.format(service=service, inbound=self.inbound)
                         for service in ("app", "legacy"))
        (self.policies / "10-world.yaml").write_text(WORLD.format(
            inbound=self.inbound, origin=origin, protocol=protocol, slices=slices))
        if extra:
            (self.policies / "20-extra.yaml").write_text(extra)
        limit = [tool("prlimit"), f"--nofile={descriptors}", "--"] if descriptors else []
        self.client = self._start("client", Here(), [
            "--inbound", "off", "--outbound", f"127.0.0.1:{self.outbound}", *options])
        self.processes = [self.client]
        if not impostor:
            self.server = self._start("server", Here(*limit), [
                "--outbound", "off", "--inbound", f"127.0.0.1:{self.inbound}",
                "--inbound-forward", f"127.0.0.1:{origin}", *options])
            self.processes.append(self.server)
        for process in self.processes:
            for what in (IN_FORCE, HAS_IDENTITY, LISTENING):
                process.await_log(what)

    def leaf(self, name: str) -> Leaf:
        """A good certificate for the service account of that name."""
        return self.ca.workload(ID.format(name))

    def _start(self, name: str, where: Here, options: Sequence[str]) -> Process:
        leaf = self.leaf(name)
        argv = [program("weft-sidecar"), "--policy-dir", str(self.policies), "--workers", "1",
                "--pod", name, "--service-account", name, "--cert-file", str(leaf.cert),
                "--key-file", str(leaf.key), "--trust-bundle", str(self.ca.roots),
                "--admin", "off", "--health", "off",
                "--metrics", f"127.0.0.1:{self.metrics[name]}", *options]
        return Process(name, where, argv, self.folder / f"{name}.log")

    def connect(self, port: int, timeout: float = 60.0) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", port), timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def stop(self) -> None:
        """All must end by themselves and without a word from a sanitizer."""
        ends = {p.name: p.stop() for p in self.processes}
        said = [p.complaints() for p in self.processes if p.complaints()]
        kept = os.environ.get("WEFT_KEEP_LOGS")
        if kept:
            shutil.copytree(self.folder, pathlib.Path(kept) / self.folder.name)
        shutil.rmtree(self.folder, ignore_errors=True)
        assert not said, "\n".join(said)
        assert not any(ends.values()), f"ended badly: {ends}"
