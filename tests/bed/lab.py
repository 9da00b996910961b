"""Two pods for close looks at protocols: a client, and a server with one app for each way to speak.
Both have sidecars; a third pod is outside the mesh. SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import pathlib
from typing import Any

from .bed import Bed
from .objects import Port
from .pod import Pod
from .process import Process

# name of the service: (port, name of the port, what listens there)
TEST_APP, TEST_APP_H2 = 8080, 8081
PYTHON_APPS = {
    "mirror": (9001, "http", "http_app.py"),
    "scripted": (9002, "http", "http_app.py"),
    "upgrade": (9003, "http", "http_app.py"),
    "deaf": (9004, "http", "http_app.py"),
    "curt": (9005, "http", "http_app.py"),
    "total": (9011, "tcp", "tcp_app.py"),
    "echo": (9012, "tcp", "tcp_app.py"),
    "farewell": (9014, "tcp", "tcp_app.py"),
    "greeter": (9013, "undeclared", "tcp_app.py"),  # who speaks first must be found out
    "parrot": (9015, "undeclared", "tcp_app.py"),
}


class Lab:
    """Services are called like the apps; web and web-h2 stand for weft-test-app."""

    def __init__(self, label: str = "lab", path: pathlib.Path | None = None,
                 **sidecar: Any) -> None:
        self.bed = Bed(label, path)
        try:
            self._build(sidecar)
        except BaseException:
            self.bed.delete()
            raise

    def _build(self, sidecar: dict[str, Any]) -> None:
        bed = self.bed
        self.client, self.server = bed.add_pod("client"), bed.add_pod("server")
        self.outside = bed.add_pod("outside", meshed=False)
        bed.add_service("web", [Port(TEST_APP, TEST_APP, "http")], app="server")
        bed.add_service("web-h2", [Port(TEST_APP_H2, TEST_APP_H2, "grpc")], app="server")
        for name, (port, declared, _) in PYTHON_APPS.items():
            bed.add_service(name, [Port(port, port, declared)], app="server")
        bed.add_service("dual", [Port(TEST_APP, TEST_APP, "http")], families=("v6",), app="server")
        bed.add_certd()
        bed.publish()
        for port in (TEST_APP, TEST_APP_H2):
            self.start_test_app(self.server, port)
        for name, (port, _, script) in PYTHON_APPS.items():
            self.server.start_python(script, name, str(port), name=name)
        for pod in (self.client, self.server):
            pod.start_sidecar(ready=False, **sidecar)
        for one in bed.sidecars():
            one.await_ready()
            one.await_identity()

    def start_test_app(self, pod: Pod, port: int, *options: str) -> Process:
        """weft-test-app, for HTTP/1 and HTTP/2 alike."""
        return pod.start([self.bed.run.program("weft-test-app"), "--listen", f"[::]:{port}",
                          *options], "listening on", name=f"test-app-{port}")

    def port(self, name: str) -> int:
        return PYTHON_APPS[name][0]

    def delete(self) -> None:
        self.bed.delete()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.delete()
