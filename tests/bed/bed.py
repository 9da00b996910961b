"""A whole mesh on one machine: namespaces as pods, joined by a bridge; the CA; one folder of
policies. Everything carries the run's id, nothing of the machine's own network is touched, and
everything goes when the bed goes. SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import contextlib
import os
import pathlib
import signal
from typing import Any

from . import netns, objects, programs, sidecar, yaml_text
from .certd import Certd
from .netns import Netns
from .network import Network
from .objects import PodFacts, Port, Service
from .pki import Authority
from .pod import Pod
from .policy_folder import PolicyFolder
from .process import Process
from .run_dir import RunDir
from .sidecar import Sidecar
from .sweep import clear, sweep

TOPOLOGY = "00-topology.yaml"


class Bed:
    """Use it in a `with`, or call `delete`."""

    trust_domain = "cluster.local"

    def __init__(self, label: str = "", path: pathlib.Path | None = None, workers: int = 2,
                 keep_files: bool = False) -> None:
        programs.require()
        sweep()
        self.run_id = f"{os.getpid()}{'-' if label else ''}{label}"
        self.workers, self.keep_files = workers, keep_files
        self.run = RunDir(path)
        self.policies = PolicyFolder(self.run.path / "policies", self.run.path / "scratch")
        self.pods: dict[str, Pod] = {}
        self.services: dict[str, Service] = {}
        self.certd: Certd | None = None
        self.authority: Authority | None = None
        self._hosts: dict[str, str] = {"localhost": "127.0.0.1"}
        try:
            self.network = Network(self.run_id)
            self._try_iptables()
        except BaseException:
            self._clear()
            self.run.delete()
            raise

    def _try_iptables(self) -> None:
        """Says at once what would otherwise look like a fault of the sidecar."""
        done = self.network.bridge.run(programs.tool("iptables"), "-t", "nat", "-S", check=False)
        if done.returncode != 0:
            raise programs.Unavailable(f"iptables does not work in a network namespace here: "
                                       f"{done.stderr.strip()}")

    def _clear(self) -> None:
        """None of its namespaces is left, nor anything in them."""
        there = netns.listed()
        for name in ["bridge", *self.pods]:
            if f"weft-{self.run_id}-{name}" in there:
                clear(f"weft-{self.run_id}-{name}")

    # ---- what there is ----

    def add_pod(self, name: str, service_account: str | None = None, meshed: bool = True,
                namespace: str = "default", **labels: str) -> Pod:
        """A pod without programs. It is known to the mesh after the next `publish`."""
        inside = Netns(f"weft-{self.run_id}-{name}")
        ip4, ip6, wire = self.network.attach(inside, name)
        facts = PodFacts(name, {"app": name, **labels}, service_account or name, ip4, ip6, meshed,
                         namespace)
        pod = Pod(self, name, facts, inside, wire)
        self.pods[name] = pod
        return pod

    def add_service(self, name: str, ports: list[Port], namespace: str = "default",
                    families: tuple[str, ...] = ("v4",), **selector: str) -> Service:
        number = len(self.services) + 1
        made = Service(name, selector or {"app": name}, ports, f"10.96.0.{number}",
                       f"fd96::{number:x}", namespace, families)
        self.services[f"{namespace}/{name}"] = made
        for host in made.hosts():
            self._hosts[host] = made.vip4
        return made

    def add_certd(self, **options: Any) -> Certd:
        """The CA, running."""
        self.certd = Certd(self.add_pod("certd", "weft-certd", False, "weft-system"), **options)
        self.certd.start()
        return self.certd

    def add_authority(self) -> Authority:
        """Instead of certd: certificates come from elsewhere, in files."""
        self.authority = Authority(self.run.folder("authority"))
        return self.authority

    def signing_files(self) -> tuple[pathlib.Path, pathlib.Path]:
        """Certificate and key that leaves are signed with: for tests that sign what nobody should.
        """
        if self.authority:
            return self.authority.roots, self.authority.key
        assert self.certd
        return self.certd.signing_files()

    def publish(self) -> None:
        """Tells every pod the names, and the mesh the objects, of all that was added."""
        lines = [f"{address} {host}\n" for host, address in self._hosts.items()]
        for s in self.services.values():
            lines += [f"{s.vip6} {s.name}-v6\n"]
        for pod in self.pods.values():
            pod.netns.write_etc("hosts", "".join(lines))
            pod.netns.write_etc("resolv.conf", "# no name server\n")
        facts = [p.facts for p in self.pods.values()]
        documents = [objects.service(s) for s in self.services.values()]
        for s in self.services.values():
            documents += objects.slices(s, facts)
        documents += [objects.pod(f) for f in facts]
        self.apply(TOPOLOGY, yaml_text.dump(*documents))

    def name_host(self, host: str, address: str) -> None:
        """A name for this bed's own clients; apps in pods hear of it at the next `publish`."""
        self._hosts[host] = address

    def resolve(self, host: str) -> str:
        return self._hosts.get(host, host)

    # ---- sidecars and policies ----

    def sidecars(self) -> list[Sidecar]:
        return [p.sidecar for p in self.pods.values() if p.sidecar and p.sidecar.is_running()]

    def sidecar_options(self, pod: Pod, options: dict[str, Any]) -> dict[str, Any]:
        """The usual command line; None takes an option away."""
        folder = self.run.folder("pods", pod.name, uid=sidecar.UID, mode=0o700)
        made: dict[str, Any] = {
            "policy-dir": self.policies.path, "namespace": pod.facts.namespace, "pod": pod.name,
            "service-account": pod.facts.service_account, "pod-ip": pod.ip,
            "trust-domain": self.trust_domain, "workers": self.workers}
        if self.authority:
            made.update({"cert-file": folder / "cert.pem", "key-file": folder / "key.pem",
                         "trust-bundle": self.authority.roots})
        elif self.certd and "cert_file" not in options:
            made.update({"certd": self.certd.address, "trust-bundle": self.certd.bundle,
                         "join-token-file": folder / "token", "identity-dir": folder / "identity"})
        made.update({k.replace("_", "-"): v for k, v in options.items()})
        return made

    def apply(self, name: str, text: str) -> None:
        """Writes a policy file and waits until every sidecar works by it."""
        marks = [(s, s.mark()) for s in self.sidecars()]
        self.policies.write(name, text)
        for s, mark in marks:
            s.await_config(mark)

    def withdraw(self, name: str) -> None:
        """Removes a policy file and waits until every sidecar works without it."""
        if self.policies.read(name) is None:
            return
        marks = [(s, s.mark()) for s in self.sidecars()]
        self.policies.remove(name)
        for s, mark in marks:
            s.await_config(mark)

    @contextlib.contextmanager
    def policy(self, text: str, name: str = "50-test.yaml") -> Any:
        """The policy holds for as long as this lasts."""
        self.apply(name, text)
        try:
            yield
        finally:
            self.withdraw(name)

    def check_alive(self) -> None:
        """Raises for a sidecar that ended without having been asked to."""
        for pod in self.pods.values():
            if pod.sidecar and pod.sidecar.died():
                raise RuntimeError(f"{pod.sidecar.name} died, status {pod.sidecar.status}\n"
                                   f"{pod.sidecar.tail()}")

    # ---- its end ----

    def processes(self) -> list[Process]:
        """Those that run, sidecars before apps before the CA."""
        found: list[Process] = list(self.sidecars())
        for name, pod in self.pods.items():
            found += [a for a in pod.apps if a.is_running() and name != "certd"]
        if self.certd and self.certd.process and self.certd.process.is_running():
            found.append(self.certd.process)
        return found

    def complaints(self) -> list[str]:
        """What sanitizers said, in any log of this run."""
        found = []
        for log in sorted((self.run.path / "logs").iterdir()):
            text = log.read_text(errors="replace")
            match = Process.sanitizer_output(text)
            if match:
                found.append(f"{log.name}: {match}")
        return found

    def stop(self) -> dict[str, int]:
        """Ends every program in order: those that did not end as asked, with their status."""
        running = self.processes()
        for process in running:
            process.ask_to_end()
            # A second signal: none waits for an app of which it never saw a socket.
            if isinstance(process, Sidecar):
                process.send(signal.SIGINT)
        status = {process.name: process.stop() for process in running}
        ours = {s.name for s in running if isinstance(s, Sidecar)} | {"certd-certd"}
        return {name: code for name, code in status.items() if name in ours and code != 0}

    def delete(self) -> None:
        """Ends every program, then takes everything away; an impatient Ctrl-C has to wait."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            self.stop()
            for pod in self.pods.values():
                pod.netns.close()
            self.network.bridge.close()
            self._clear()
            if not self.keep_files:
                self.run.delete()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def __enter__(self) -> "Bed":
        return self

    def __exit__(self, *_: object) -> None:
        self.delete()
