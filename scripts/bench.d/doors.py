"""Gateways: client -> TLS 1.3 -> gateway -> app in the clear. One worker each.

SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from counted import indented
from process import Process, free_port, wait_for_port

HOST = "shop.test"


class Door:
    """`headers` are what its clients send besides, and `path` is what they ask for."""

    name = ""
    path = "/"
    headers: list[str] = []
    script = ""  # Lua for wrk

    def __init__(self, folder: Path, certs: Path, app_port: int) -> None:
        self.folder, self.certs, self.app_port = folder, certs, app_port
        self.port = free_port()
        self.process: Process | None = None

    def missing(self) -> str | None:
        """Why it cannot be had here."""
        return None

    def argv(self) -> list[str]:
        """Writes its configuration and says how it is started."""
        raise NotImplementedError

    def start(self) -> None:
        argv = self.argv()
        self.process = Process(self.name, argv, self.folder / f"{self.name}.log")
        try:
            wait_for_port(self.port, 60)
        except TimeoutError:
            print(self.process.log.read_text(errors="replace")[-2000:], file=sys.stderr)
            raise
        self.process.check()

    def stop(self) -> None:
        if self.process:
            self.process.stop()

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)


class HaproxyDoor(Door):
    name = "haproxy"

    def missing(self) -> str | None:
        return None if shutil.which("haproxy") else "package haproxy is not installed"

    def argv(self) -> list[str]:
        text = (
            "global\n  nbthread 1\n  maxconn 4096\ndefaults\n  mode http\n  timeout connect 5s\n"
            "  timeout client 60s\n  timeout server 60s\n"
            "  http-reuse always\n  option http-keep-alive\n"
            f"frontend f\n  bind 127.0.0.1:{self.port} ssl crt {self.certs}/server.both "
            "ssl-min-ver TLSv1.3 alpn h2,http/1.1\n  default_backend b\n"
            f"backend b\n  server s 127.0.0.1:{self.app_port}\n"
        )
        return ["haproxy", "-db", "-f", self.write("haproxy.cfg", text)]


class NginxDoor(Door):
    name = "nginx"
    more = ""

    def missing(self) -> str | None:
        return None if shutil.which("nginx") else "package nginx-light is not installed"

    def argv(self) -> list[str]:
        temp = self.folder / self.name
        temp.mkdir()
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join(f"  {kind}_temp_path {temp}/{kind};\n" for kind in kinds)
        text = (
            f"worker_processes 1;\npid {temp}/pid;\nerror_log stderr warn;\ndaemon off;\n"
            "events { worker_connections 4096; }\n"
            f"http {{\n  access_log off;\n  keepalive_requests 100000000;\n{paths}"
            f"  upstream u {{ server 127.0.0.1:{self.app_port}; keepalive 128;\n"
            "    keepalive_requests 100000000; }\n"
            f"  server {{\n    listen 127.0.0.1:{self.port} ssl;\n    ssl_protocols TLSv1.3;\n"
            f"    ssl_certificate {self.certs}/server.pem;\n"
            f"    ssl_certificate_key {self.certs}/server.key;\n{self.more}"
            "    location / { proxy_pass http://u; proxy_http_version 1.1;\n"
            '      proxy_set_header Connection ""; proxy_set_header Host $host; }\n  }\n}\n'
        )
        conf = self.write(f"{self.name}.conf", text)
        return ["nginx", "-p", str(self.folder), "-e", "stderr", "-c", conf]


class NginxGzipDoor(NginxDoor):
    """The same with 10 kB of JSON, in gzip."""

    name = "nginx-gzip"
    path = "/large.json"
    headers = ["Accept-Encoding: gzip"]
    more = "    gzip on; gzip_comp_level 5; gzip_types application/json; gzip_proxied any;\n"


@dataclass
class Policies:
    """What a Weft gateway is given besides its Gateway, Service and certificate."""

    text: str = ""
    routes: int = 1
    headers: list[str] = field(default_factory=list)
    script: str = ""
    path: str = "/"


class WeftDoor(Door):
    bin: Path = Path()

    def __init__(self, folder: Path, certs: Path, app_port: int, name: str,
                 policies: Policies) -> None:
        super().__init__(folder, certs, app_port)
        self.name, self.policies = name, policies
        self.headers, self.script = policies.headers, policies.script
        self.path = policies.path

    def routes(self) -> str:
        return "".join(
            f"""---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: shop-{i}, namespace: default}}
spec:
  parentRefs: [{{name: door}}]
  hostnames: [{HOST if i == 0 else f"shop-{i}.test"}]
  rules: [{{backendRefs: [{{name: app, port: 80}}]}}]
"""
            for i in range(self.policies.routes)
        )

    def objects(self) -> str:
        cert = indented((self.certs / "server.pem").read_text(), 4)
        key = indented((self.certs / "server.key").read_text(), 4)
        return f"""apiVersion: v1
kind: Service
metadata: {{name: app, namespace: default}}
spec:
  clusterIP: 10.96.0.1
  ports: [{{name: http, port: 80, targetPort: {self.app_port}, appProtocol: http}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: app-1, namespace: default, labels: {{kubernetes.io/service-name: app}}}}
addressType: IPv4
ports: [{{name: http, port: {self.app_port}}}]
endpoints: [{{addresses: [127.0.0.1], conditions: {{ready: true}}}}]
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
  - name: https
    port: {self.port}
    protocol: HTTPS
    tls: {{certificateRefs: [{{name: shop}}]}}
{self.routes()}{self.policies.text}"""

    def argv(self) -> list[str]:
        policies = self.folder / f"{self.name}-policies"
        policies.mkdir()
        (policies / "all.yaml").write_text(self.objects())
        return [
            str(self.bin / "weft-sidecar"), "--policy-dir", str(policies), "--workers", "1",
            "--mode", "ingress", "--gateway", "door", "--gateway-bind", "127.0.0.1",
            "--admin", "off", "--health", "off", "--metrics", "off",
        ]
