"""Weft in the cluster: its image, `weftctl install`, and the state of its own programs.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from typing import Any

from .cluster import ROOT, Cluster, Unavailable

sys.path.insert(0, str(ROOT / "tests"))

# pylint: disable=wrong-import-position
from bed import programs

SYSTEM = "weft-system"
PROGRAMS = ("weft-certd", "weft-policyd", "weft-injector")


class Mesh:
    """weftctl runs on this machine, as it would on anybody's."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.kubectl = cluster, cluster.kubectl

    # ---- images ----

    def _image(self, *words: str) -> None:
        environment = dict(os.environ)
        environment.setdefault("WEFT_BUILD_DIR", str(programs.build_dir()))
        done = subprocess.run([str(ROOT / "scripts" / "image"), *words], text=True,
                              capture_output=True, env=environment, timeout=3600, check=False)
        if done.returncode:
            raise Unavailable(f"scripts/image {' '.join(words)}: {done.stderr.strip()[-1000:]}")
        self.cluster.load(done.stdout.strip().splitlines()[-1])

    def load_images(self) -> None:
        folder = pathlib.Path(self.cluster.state)
        self._image("-o", str(folder / "weft.tar"))
        self._image("--app", "-o", str(folder / "app.tar"))

    # ---- weftctl ----

    def weftctl(self, *words: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "KUBECONFIG": self.kubectl.kubeconfig}
        return subprocess.run([programs.program("weftctl"), *words], text=True,
                              capture_output=True, env=environment, timeout=timeout, check=False)

    def install(self, *words: str) -> str:
        if self.kubectl.say:
            self.kubectl.say(f"weftctl install {' '.join(words)}".rstrip())
        done = self.weftctl("install", *words)
        if done.returncode:
            raise Unavailable(f"weftctl install: {done.stdout}{done.stderr}\n{self.describe()}")
        return done.stdout

    def uninstall(self) -> None:
        self.weftctl("uninstall", "--crds", "--yes")

    # ---- its programs ----

    def describe(self) -> str:
        """What helps to see why something does not work."""
        parts = [self.kubectl.try_("-n", SYSTEM, "get", "pods", "-o", "wide").stdout]
        for program in PROGRAMS:
            logs = self.kubectl.try_("-n", SYSTEM, "logs", f"deploy/{program}", "--tail=30")
            parts.append(f"---- {program}\n{logs.stdout}{logs.stderr}")
        return "\n".join(parts)

    def logs(self, program: str) -> str:
        return "".join(self.kubectl.try_("-n", SYSTEM, "logs", p["metadata"]["name"]).stdout
                       for p in self.kubectl.pods(SYSTEM, f"app.kubernetes.io/name={program}"))

    def scale(self, program: str, replicas: int) -> None:
        self.kubectl.run("-n", SYSTEM, "scale", f"deploy/{program}", f"--replicas={replicas}")
        if replicas:
            self.kubectl.rollout(f"deploy/{program}", namespace=SYSTEM)
        else:
            self.kubectl.run("-n", SYSTEM, "wait", "--for=delete", "pods", "-l",
                             f"app.kubernetes.io/name={program}", "--timeout=60s")

    def restart(self, program: str) -> None:
        self.kubectl.run("-n", SYSTEM, "rollout", "restart", f"deploy/{program}")
        self.kubectl.rollout(f"deploy/{program}", namespace=SYSTEM)

    def lease_holder(self, name: str = "weft-policyd") -> str:
        lease: dict[str, Any] = self.kubectl.json("-n", SYSTEM, "get", "lease", name)
        return str(lease["spec"].get("holderIdentity") or "")
