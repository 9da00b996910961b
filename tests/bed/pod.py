"""A pod of the bed: a namespace with an address, apps in it that belong to a plain user, and a
sidecar where the pod is in the mesh. SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import socket
import ssl
import urllib.parse
from typing import TYPE_CHECKING, Any, Callable, Mapping

from . import sidecar
from .capture import Capture
from .http_client import Answer, Client
from .load import Load
from .netns import Netns
from .objects import PodFacts
from .process import Process
from .programs import tool
from .sidecar import Sidecar

if TYPE_CHECKING:
    from .bed import Bed

APP_UID = 10001


class Pod:
    """`netns` is the inside, `facts` what the mesh knows of it."""

    def __init__(self, bed: Bed, name: str, facts: PodFacts, netns: Netns, wire: str) -> None:
        self.bed, self.name, self.facts, self.netns, self._wire = bed, name, facts, netns, wire
        self.apps: list[Process] = []
        self.sidecar: Sidecar | None = None

    @property
    def ip(self) -> str:
        return self.facts.ip4

    @property
    def ip6(self) -> str:
        return self.facts.ip6

    @property
    def identity(self) -> str:
        return f"{self.bed.trust_domain}/ns/{self.facts.namespace}/sa/{self.facts.service_account}"

    # ---- programs ----

    def start(self, command: list[str], ready: str | None = None, uid: int = APP_UID,
              name: str = "app") -> Process:
        """A program in the pod; with `ready`, once its log has a line like that."""
        log_name = f"{self.name}-{name}"
        process = Process(log_name, self.netns, command, self.bed.run.log(log_name), uid,
                          self.bed.run.env())
        self.apps.append(process)
        if ready:
            process.await_log(ready)
        return process

    def find(self, name: str) -> Process:
        """The running program of that name."""
        return next(a for a in self.apps if a.name == f"{self.name}-{name}" and a.is_running())

    def start_python(self, script: str, *arguments: str, name: str = "app") -> Process:
        """One of the programs in apps/."""
        return self.start([self._python(), "-u", self.bed.run.app(script), *arguments],
                          "listens on", name=name)

    def start_demo(self, app: str, version: str = "v1", port: int = 9080) -> Process:
        return self.start_python("demo_app.py", "--app", app, "--version", version,
                                 "--port", str(port))

    def start_tcp(self, kind: str, port: int) -> Process:
        """A server of apps/tcp_app.py."""
        return self.start_python("tcp_app.py", kind, str(port), name=f"{kind}{port}")

    @staticmethod
    def _python() -> str:
        """The system's: others may lie where plain users cannot look."""
        try:
            with open("/usr/bin/python3", "rb"):
                return "/usr/bin/python3"
        except OSError:
            return tool("python3")

    def prepare_identity(self, token: str | None = None) -> None:
        """A place for its identity, and a join token: a fresh one from the CA, or this."""
        folder = self.bed.run.folder("pods", self.name, uid=sidecar.UID, mode=0o700)
        self.bed.run.folder("pods", self.name, "identity", uid=sidecar.UID, mode=0o700)
        if self.bed.authority:
            leaf = self.bed.authority.workload(f"spiffe://{self.identity}")
            self.bed.run.secret(folder, "cert.pem", leaf.cert_pem(), sidecar.UID)
            self.bed.run.secret(folder, "key.pem", leaf.key_pem(), sidecar.UID)
        if self.bed.certd and self.bed.certd.is_running():
            token = token or self.bed.certd.token(f"spiffe://{self.identity}")
        if token:
            self.bed.run.secret(folder, "token", token, sidecar.UID)

    def start_sidecar(self, ready: bool = True, fresh_token: bool = True,
                      rules: tuple[str, ...] = (), max_files: int | None = None,
                      **options: Any) -> Sidecar:
        """Rules first, as in a cluster: no connection goes past the sidecar."""
        sidecar.redirect(self.netns, self.bed.run, *rules)
        return self._start_sidecar(ready, fresh_token, options, max_files)

    def start_ingress(self, gateway: str, ready: bool = True, **options: Any) -> Sidecar:
        """The front door: no app, no rules, the Gateway's own ports."""
        self.netns.set_sysctl("net/ipv4/ip_unprivileged_port_start", "0")
        return self._start_sidecar(ready, True, {"mode": "ingress", "gateway": gateway, **options})

    def _start_sidecar(self, ready: bool, fresh_token: bool, options: dict[str, Any],
                       max_files: int | None = None) -> Sidecar:
        if fresh_token:
            self.prepare_identity()
        self.sidecar = Sidecar(f"{self.name}-sidecar", self.netns, self.bed.run,
                               self.bed.sidecar_options(self, options), max_files)
        if ready:
            self.sidecar.await_ready()
        return self.sidecar

    # ---- as a client ----

    def connect(self, host: str, port: int, timeout: float = 30.0) -> socket.socket:
        """A TCP connection as an app in this pod makes it, by name or address."""
        return self.netns.connect(self.bed.resolve(host), port, timeout)

    def client(self, host: str, port: int, tls: ssl.SSLContext | None = None,
               timeout: float = 30.0) -> Client:
        return Client(self.connect, host, port, tls, timeout)

    def ask(self, method: str, url: str, body: bytes | None = None,
            headers: Mapping[str, str] | None = None, timeout: float = 30.0) -> Answer:
        """One request on a connection of its own."""
        parts = urllib.parse.urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        assert parts.hostname
        with self.client(parts.hostname, parts.port or 80, timeout=timeout) as client:
            return client.ask(method, path, body, headers)

    def get(self, url: str, headers: Mapping[str, str] | None = None,
            timeout: float = 30.0) -> Answer:
        return self.ask("GET", url, None, headers, timeout)

    def load(self, url: str, **how: Any) -> Load:
        """Load on that URL, from here."""
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        make: Callable[[], Client] = lambda: self.client(host, port)
        return Load(make, path, **how)

    # ---- its own app, past the mesh ----

    def control(self, **how: object) -> None:
        """Tells the demo app how to behave; without arguments it is well again."""
        query = urllib.parse.urlencode(how)
        answer = self.ask("POST", f"http://127.0.0.1:9080/control?{query}")
        assert answer.status == 200, answer

    def count(self) -> int:
        """Requests that its demo app has answered."""
        return int(self.ask("GET", "http://127.0.0.1:9080/count").json()["count"])

    # ---- its wire ----

    def capture(self, name: str | None = None) -> Capture:
        file = self.bed.run.path / f"{name or self.name}.pcap"
        return Capture(self.bed.network.bridge, self._wire, file)
