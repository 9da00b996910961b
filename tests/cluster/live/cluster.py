"""The Kubernetes of scripts/cluster: up, down, its programs, and commands inside its network.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import os
import pathlib
import re
import signal
import subprocess
import time
from typing import Callable

from .kubectl import Kubectl

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCRIPT = str(ROOT / "scripts" / "cluster")


class Unavailable(Exception):
    """No cluster can be had here; the text says why and what to do."""


class Cluster:
    """`is_ours`: it was not up before, so that it is to be taken down."""

    def __init__(self, name: str, say: Callable[[str], None] | None = None) -> None:
        self.name, self.is_ours = name, False
        self.environment = {**os.environ, "WEFT_CLUSTER": name}
        self.kubectl = Kubectl("kubectl", "", say)
        self.netns = self.state = ""

    def script(self, *words: str, timeout: float = 3600) -> subprocess.CompletedProcess[str]:
        return subprocess.run([SCRIPT, *words], env=self.environment, text=True,
                              capture_output=True, timeout=timeout, check=False)

    def up(self) -> "Cluster":
        """Raises Unavailable where it cannot be: no root, no Go, packages that are missing."""
        self.is_ours = self.script("status").returncode != 0
        if self.is_ours:
            check = self.script("check")
            if check.returncode:
                raise Unavailable(f"no cluster here: {check.stderr.strip()}")
            done = self.script("up")
            if done.returncode:
                raise Unavailable(f"scripts/cluster up failed: {done.stderr.strip()[-2000:]}")
        self._read_environment()
        return self

    def down(self) -> None:
        self.script("down", timeout=120)

    def load(self, image: str) -> None:
        done = self.script("load", image)
        if done.returncode:
            raise Unavailable(f"scripts/cluster load {image}: {done.stderr.strip()}")

    def _read_environment(self) -> None:
        found = dict(re.findall(r"^export (\w+)=(.*)$", self.script("env").stdout, re.MULTILINE))
        folder = found["PATH"].split(":")[0]
        self.kubectl.program = f"{folder}/kubectl"
        self.kubectl.kubeconfig = found["KUBECONFIG"]
        self.netns = found["WEFT_NETNS"]
        self.state = os.path.dirname(found["KUBECONFIG"])

    # ---- its own programs ----

    def _pid(self, program: str) -> int:
        return int(pathlib.Path(self.state, f"{program}.pid").read_text())

    def restart(self, program: str) -> None:
        """Kills one of Kubernetes' own programs ("apiserver") and starts it as it was."""
        pid = self._pid(program)
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
        os.kill(pid, signal.SIGKILL)
        while os.path.exists(f"/proc/{pid}"):
            time.sleep(0.02)
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                if pathlib.Path(f"/proc/{pid}/stat").exists() and \
                        " Z " in pathlib.Path(f"/proc/{pid}/stat").read_text():
                    break
        with open(f"{self.state}/{program}.log", "ab") as log:
            process = subprocess.Popen(  # pylint: disable=consider-using-with
                [b"nsenter", f"--net={self.netns}".encode(), *command], cwd=self.state,
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        pathlib.Path(self.state, f"{program}.pid").write_text(str(process.pid))
