"""A Kubernetes API server alone, with its etcd: for programs that talk to nothing else of a
cluster. Objects are only objects here: no pod ever runs. Up in seconds, on loopback.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import json
import os
import pathlib
import shutil
import socket
import subprocess
from typing import Any

import yaml

from .programs import ROOT, Unavailable, tool
from .wait import until

OPENSSL_NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"


def _folder_of_programs() -> pathlib.Path:
    """Where scripts/cluster keeps what it built; it is not built here."""
    done = subprocess.run([str(ROOT / "scripts" / "cluster"), "env"], capture_output=True,
                          text=True, check=False, timeout=60)
    for line in done.stdout.splitlines():
        if line.startswith("export PATH="):
            folder = pathlib.Path(line.split("=", 1)[1].split(":")[0])
            if (folder / "kube-apiserver").exists():
                return folder
    raise Unavailable("no Kubernetes was built here: run scripts/cluster build")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class ApiServer:
    """Started by the constructor's caller with start(); everything lies in one folder."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._bin = _folder_of_programs()
        self.crds = self._bin.parent / "crds"  # of the Gateway API
        if not shutil.which("etcd"):
            raise Unavailable("etcd is missing: apt-get install etcd-server")
        self._etcd_port, self._peer_port, self.port = _free_ports(3)
        self.kubeconfig = folder / "admin.kubeconfig"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    # ---- its keys

    def _openssl(self, *args: str) -> None:
        subprocess.run([tool("openssl"), *args], cwd=self.folder, check=True, capture_output=True)

    def _make_keys(self) -> None:
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        self._openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.crt", "-subj",
                      "/CN=test ca", "-addext", "basicConstraints=critical,CA:TRUE",
                      "-addext", "keyUsage=critical,keyCertSign")
        for name, subject in (("server", "/CN=kube-apiserver"),
                              ("admin", "/O=system:masters/CN=admin")):
            self._openssl("req", "-x509", *curve, "-CA", "ca.crt", "-CAkey", "ca.key", "-keyout",
                          f"{name}.key", "-out", f"{name}.crt", "-subj", subject, "-addext",
                          OPENSSL_NAMES, "-addext", "basicConstraints=critical,CA:FALSE",
                          "-addext", "keyUsage=critical,digitalSignature",
                          "-addext", "extendedKeyUsage=serverAuth,clientAuth")
        self._openssl("genrsa", "-out", "accounts.key", "2048")

    def write_kubeconfig(self, path: pathlib.Path, user: dict[str, Any],
                         namespace: str = "default") -> pathlib.Path:
        cluster = {"server": f"https://127.0.0.1:{self.port}",
                   "certificate-authority": str(self.folder / "ca.crt")}
        path.write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "k", "cluster": cluster}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u",
                                                   "namespace": namespace}}]}))
        path.chmod(0o600)
        return path

    # ---- life

    def _run(self, name: str, *argv: str) -> None:
        with open(self.folder / f"{name}.log", "ab") as out:
            # It dies with whoever started it.
            self._processes[name] = subprocess.Popen(
                [tool("setpriv"), "--pdeathsig", "KILL", "--", *argv], cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def _start_server(self) -> None:
        self._run("apiserver", str(self._bin / "kube-apiserver"),
                  f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
                  f"--secure-port={self.port}", "--bind-address=127.0.0.1",
                  "--service-cluster-ip-range=10.96.0.0/16", "--tls-cert-file=server.crt",
                  "--tls-private-key-file=server.key", "--client-ca-file=ca.crt",
                  "--service-account-key-file=accounts.key",
                  "--service-account-signing-key-file=accounts.key",
                  "--service-account-issuer=https://kubernetes.default.svc",
                  "--authorization-mode=RBAC", "--endpoint-reconciler-type=none", "--v=0")

    def start(self) -> ApiServer:
        self._make_keys()
        self.write_kubeconfig(self.kubeconfig, {
            "client-certificate": str(self.folder / "admin.crt"),
            "client-key": str(self.folder / "admin.key")})
        etcd = f"http://127.0.0.1:{self._etcd_port}"
        peer = f"http://127.0.0.1:{self._peer_port}"
        self._run("etcd", "etcd", "--data-dir", "etcd", "--unsafe-no-fsync",
                  "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
                  "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                  "--initial-cluster", f"default={peer}")
        self._start_server()
        self.await_ready()
        return self

    def await_ready(self) -> None:
        def is_ready() -> bool:
            for name, process in self._processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"{name} ended: " + self.log(name)[-2000:])
            done = self.kubectl("get", "--raw", "/readyz", check=False)
            # What a namespace needs is made by the server itself, a moment later.
            return done.returncode == 0 and self.kubectl("get", "namespace", "default",
                                                         check=False).returncode == 0
        until("the API server", is_ready, deadline=120, pause=0.2,
              aid=lambda: self.log("apiserver")[-2000:])

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def stop_server(self) -> None:
        process = self._processes.pop("apiserver")
        process.kill()
        process.wait(30)

    def start_server(self) -> None:
        self._start_server()
        self.await_ready()

    def stop(self) -> None:
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait(30)

    # ---- its use

    def kubectl(self, *args: str, check: bool = True, text: str | None = None
                ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([str(self._bin / "kubectl"), "--kubeconfig", str(self.kubeconfig),
                               *args], input=text, capture_output=True, text=True, check=False,
                              timeout=120, env={**os.environ, "HOME": str(self.folder)})
        if check and done.returncode:
            raise RuntimeError(f"kubectl {' '.join(args)}: {done.stderr}")
        return done

    def get(self, *args: str) -> dict[str, Any]:
        """One object; {} when there is none."""
        done = self.kubectl("get", *args, "-o", "json", "--ignore-not-found")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def apply(self, *objects: dict[str, Any]) -> None:
        self.kubectl("apply", "--server-side", "-f", "-",
                     text="\n---\n".join(json.dumps(o) for o in objects))

    def account(self, namespace: str, name: str) -> None:
        self.apply({"apiVersion": "v1", "kind": "ServiceAccount",
                    "metadata": {"namespace": namespace, "name": name}})

    def pod(self, namespace: str, name: str, account: str) -> dict[str, Any]:
        """An object that nobody runs."""
        self.apply({"apiVersion": "v1", "kind": "Pod",
                    "metadata": {"namespace": namespace, "name": name},
                    "spec": {"serviceAccountName": account,
                             "containers": [{"name": "app", "image": "none:1"}]}})
        return self.get("pod", name, "-n", namespace)

    def token(self, namespace: str, account: str, *args: str) -> str:
        """As a pod gets it projected: `args` say audience and pod."""
        return self.kubectl("create", "token", account, "-n", namespace, *args).stdout.strip()
