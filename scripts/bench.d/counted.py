"""Sidecars and a gateway under callgrind, between clients and an app that go in lockstep.

SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import socket
import ssl
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import certs
from process import Process, free_port, wait_for_port

CONNECTIONS = 64
HOST = "shop.example.com"
REQUEST = "GET /a/page HTTP/1.1\r\nHost: {}\r\nUser-Agent: bench/1\r\nAccept: */*\r\n\r\n"
ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: app\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 100\r\n\r\n" + b"x" * 100
)


@dataclass(frozen=True)
class Counts:
    instructions: float
    calls: float  # of the system

    def __truediv__(self, number: float) -> "Counts":
        return Counts(self.instructions / number, self.calls / number)


# What happens because time passes, which on a busy machine is more of it: the loop's timers, with
# all that they call, and the calls that look at the clock or wait.
TIMERS = re.compile(r"on_wake(\.|$)")
WAITING = re.compile(r"clock_gettime|epoll_wait|epoll_pwait")


def read_profile(path: Path) -> Counts:
    """Of callgrind, without what time alone brings about. A line with a cost is the function's own,
    or behind "calls=" that of what it called."""
    names: dict[str, str] = {}
    function = callee = ""
    is_call = False
    instructions = calls = 0
    for line in path.read_text().splitlines():
        if line.startswith(("fn=", "cfn=")):
            key, _, name = line.partition("=")[2].partition(" ")
            if name:
                names[key] = name
            if line.startswith("fn="):
                function = names[key]
            else:
                callee = names[key]
        elif line.startswith("calls="):
            is_call = True
        elif line[:1].isdigit() or line[:1] in "+-*" and line:
            costs = [*map(int, line.split()[1:]), 0, 0]
            if not is_call:
                instructions += costs[0]
                calls += 0 if WAITING.match(function) else costs[1]
            elif TIMERS.match(callee) and not TIMERS.match(function):
                instructions -= costs[0]
            is_call = False
    return Counts(instructions, calls)


class Counted(Process):
    """A program under callgrind."""

    options: list[str] = []  # more of callgrind's

    def __init__(self, name: str, argv: list[str], folder: Path) -> None:
        self.out = folder / f"{name}.callgrind"
        self.pipes = f"--vgdb-prefix={folder}/vgdb"
        tool = ["valgrind", "--tool=callgrind", "--collect-systime=yes", self.pipes]
        argv = [*tool, *self.options, f"--callgrind-out-file={self.out}", *argv]
        super().__init__(name, argv, folder / f"{name}.log")
        self.dumps = 0

    def take(self) -> Counts:
        """What was executed since it was last asked."""
        ask = ["vgdb", self.pipes, f"--pid={self.pids()[0]}", "dump"]
        subprocess.run(ask, check=True, capture_output=True, timeout=60)
        self.dumps += 1
        return read_profile(Path(f"{self.out}.{self.dumps}"))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It does not run meanwhile, and finds everything that has arrived in one turn."""
        pid = self.pids()[0]
        os.kill(pid, signal.SIGSTOP)
        while Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
            time.sleep(0)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def stop(self) -> None:
        """At once: nothing of it is needed any more, and draining takes seconds."""
        self._child.kill()
        self._child.wait()
        self._file.close()


# ---- both ends ----


def read_answer(sock: socket.socket) -> None:
    got = b""
    while len(got.partition(b"\r\n\r\n")[2]) < 100:
        piece = sock.recv(65536)
        if not piece:
            raise RuntimeError(f"the connection ended in the middle of an answer: {got!r}")
        got += piece
    if not got.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"not the answer of the app: {got!r}")


class App:
    """Answers only when it is told to."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)

    def take(self, number: int) -> list[socket.socket]:
        """The connections of that many requests, once all have come."""
        asked: list[socket.socket] = []
        while len(asked) < number:
            for key, _ in self.selector.select(60):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                if sock is self.listener:
                    conn, _ = sock.accept()
                    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.selector.register(conn, selectors.EVENT_READ)
                    continue
                try:
                    got = sock.recv(65536)
                except ConnectionResetError:
                    got = b""
                if not got:
                    self.selector.unregister(sock)
                    sock.close()
                elif got.endswith(b"\r\n\r\n"):
                    asked.append(sock)
                else:
                    raise RuntimeError(f"the app was sent half a request: {got!r}")
        return asked


class Clients:
    """Each on a connection of its own. `first` is the program that they call, `last` the one that
    calls the app: neither runs while what it is to find next arrives. So each round takes every
    program the same number of turns, whoever else uses the machine."""

    def __init__(
        self, app: App, first: "Counted", last: "Counted", port: int, host: str,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.app, self.first, self.last = app, first, last
        self.request = REQUEST.format(host).encode()
        self.socks = []
        for _ in range(CONNECTIONS):
            sock = socket.create_connection(("127.0.0.1", port), timeout=60)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socks.append(tls.wrap_socket(sock, server_hostname=host) if tls else sock)

    def ask(self, times: int) -> None:
        for _ in range(times):
            with self.first.paused():
                for sock in self.socks:
                    sock.sendall(self.request)
            asked = self.app.take(len(self.socks))
            with self.last.paused():
                for sock in asked:
                    sock.sendall(ANSWER)
            for sock in self.socks:
                read_answer(sock)

    def close(self) -> None:
        for sock in self.socks:
            sock.close()


def browser() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


# ---- programs ----


def indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" for line in text.splitlines())


def https_listener(name: str, port: int) -> str:
    return (
        f"  - {{name: {name}, port: {port}, protocol: HTTPS,"
        " tls: {certificateRefs: [{name: shop}]}}\n"
    )


def route(name: str, filters: str = "", of_backend: str = "") -> str:
    return f"""---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}, namespace: default}}
spec:
  parentRefs: [{{name: door, sectionName: {name}}}]
  rules:
  - backendRefs:
    - name: app
      port: 80
{of_backend}{filters}"""


def no_op_filters(indent: str) -> str:
    """Three in a chain (changes of headers both ways are one), and none finds anything to do."""
    of_kind = "group: policy.weft.dev, kind: HTTPFilter"
    filters = [
        "{type: RequestHeaderModifier, requestHeaderModifier: {remove: [x-none]}}",
        "{type: ResponseHeaderModifier, responseHeaderModifier: {remove: [x-none]}}",
        f"{{type: ExtensionRef, extensionRef: {{{of_kind}, name: fault}}}}",
        f"{{type: ExtensionRef, extensionRef: {{{of_kind}, name: size}}}}",
    ]
    return f"{indent}filters:\n" + "".join(f"{indent}- {f}\n" for f in filters)


# The filter of two header modifiers, and a chain of eight.
FILTERS = "".join(no_op_filters("    ").splitlines(keepends=True)[:3])
CORS = '{type: CORS, cors: {allowOrigins: ["*"]}}'
REWRITE = f"{{type: URLRewrite, urlRewrite: {{hostname: {HOST}}}}}"
EIGHT = no_op_filters("    ") + f"    - {CORS}\n"
EIGHT_OF_BACKEND = no_op_filters("      ") + f"      - {REWRITE}\n"
HTTP_FILTERS = """---
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {name: fault, namespace: default}
spec: {faultInjection: {abort: {}, headers: [{name: x-none}]}}
---
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {name: size, namespace: default}
spec: {requestSize: {max: 1Mi}}
"""


class Bed:
    """client -> outbound sidecar -> mutual TLS -> inbound sidecar -> app; and a gateway before the
    same inbound sidecar, with HTTPS listeners and one whose connections are a handshake each."""

    def __init__(self, bin_folder: Path, folder: Path) -> None:
        self.bin, self.folder, self.certs = bin_folder, folder, folder / "certs"
        certs.make(self.certs)
        certs.leaf(self.certs, "gateway")
        self.app = App()
        self.inbound, self.outbound = free_port(), free_port()
        self.https, self.filtered, self.eight = free_port(), free_port(), free_port()
        self.tcp = free_port()
        self.processes: list[Process] = []

    def policies(self) -> str:
        cert = indented((self.certs / "server.pem").read_text(), 4)
        key = indented((self.certs / "server.key").read_text(), 4)
        ports = {"https": self.https, "filtered": self.filtered, "eight": self.eight}
        listeners = "".join(https_listener(name, port) for name, port in ports.items())
        eight = route("eight", EIGHT, EIGHT_OF_BACKEND) + HTTP_FILTERS
        return f"""apiVersion: v1
kind: Service
metadata: {{name: app, namespace: default}}
spec:
  clusterIP: 10.96.0.1
  ports:
  - {{name: http, port: 80, targetPort: {self.inbound}, appProtocol: http}}
  - {{name: tcp, port: 81, targetPort: {self.inbound}, appProtocol: tcp}}
---
apiVersion: v1
kind: Pod
metadata: {{name: server, namespace: default, annotations: {{weft.dev/status: injected}}}}
spec: {{serviceAccountName: server}}
status: {{podIP: 127.0.0.1}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: app-1, namespace: default, labels: {{kubernetes.io/service-name: app}}}}
addressType: IPv4
ports: [{{name: http, port: {self.inbound}}}, {{name: tcp, port: {self.inbound}}}]
endpoints:
- addresses: [127.0.0.1]
  conditions: {{ready: true}}
  targetRef: {{kind: Pod, name: server, namespace: default}}
---
apiVersion: v1
kind: Secret
metadata: {{name: shop, namespace: default}}
type: kubernetes.io/tls
stringData:
  tls.crt: |
{cert}  tls.key: |
{key}---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: door, namespace: default}}
spec:
  gatewayClassName: weft
  listeners:
  - {{name: tcp, port: {self.tcp}, protocol: TCP}}
{listeners}---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {{name: tcp, namespace: default}}
spec:
  parentRefs: [{{name: door, sectionName: tcp}}]
  rules: [{{backendRefs: [{{name: app, port: 81}}]}}]
{route("https")}{route("filtered", FILTERS)}{eight}"""

    def start(self) -> None:
        policies = self.folder / "policies"
        policies.mkdir()
        (policies / "bench.yaml").write_text(self.policies())
        app = f"127.0.0.1:{self.app.port}"
        inbound = ["--inbound", f"127.0.0.1:{self.inbound}", "--inbound-forward", app]
        outbound = ["--outbound", f"127.0.0.1:{self.outbound}"]
        ingress = ["--mode", "ingress", "--gateway", "door", "--gateway-bind", "127.0.0.1"]
        self.server = self.sidecar("server", self.inbound, [*inbound, "--outbound", "off"])
        self.client = self.sidecar("client", self.outbound, [*outbound, "--inbound", "off"])
        self.gateway = self.sidecar("gateway", self.tcp, ingress)

    def sidecar(self, role: str, port: int, options: list[str]) -> Counted:
        argv = [str(self.bin / "weft-sidecar"), "--policy-dir", str(self.folder / "policies")]
        argv += ["--workers", "1", "--pod", role, "--service-account", role]
        argv += ["--cert-file", f"{self.certs}/{role}.pem"]
        argv += ["--key-file", f"{self.certs}/{role}.key"]
        argv += ["--trust-bundle", f"{self.certs}/ca.pem"]
        argv += ["--admin", "off", "--health", "off", "--metrics", "off"]
        process = Counted(role, [*argv, *options], self.folder)
        self.processes.append(process)
        wait_for_port(port, 60)
        process.check()
        return process

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.stop()
