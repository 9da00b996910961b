"""The Kubernetes of scripts/cluster: up, down, its programs, and commands inside its network.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from typing import Callable

from .kubectl import Kubectl

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests"))

# pylint: disable=wrong-import-position
from bed.wait import until

SCRIPT = str(ROOT / "scripts" / "cluster")


def is_gone(pid: int) -> bool:
    """Ended, though perhaps nobody has asked how."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


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
        """Kills one of Kubernetes' own programs ("apiserver") and starts it as it was; again when
        it gives up, as whoever keeps it on a real node would."""
        pid = self._pid(program)
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
        os.kill(pid, signal.SIGKILL)
        until(f"the end of {program}", lambda: is_gone(pid), 30)
        process = self._start(program, command)
        for _ in range(600):
            if self.kubectl.try_("get", "--raw", "/readyz").returncode == 0:
                return
            if process.poll() is not None:
                process = self._start(program, command)
            time.sleep(0.1)
        log = pathlib.Path(self.state, f"{program}.log").read_text(errors="replace")
        raise TimeoutError(f"{program} does not come back; the end of its log:\n{log[-3000:]}")

    def _start(self, program: str, command: list[bytes]) -> subprocess.Popen[bytes]:
        with open(f"{self.state}/{program}.log", "ab") as log:
            process = subprocess.Popen(  # pylint: disable=consider-using-with
                [b"nsenter", f"--net={self.netns}".encode(), *command], cwd=self.state,
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        pathlib.Path(self.state, f"{program}.pid").write_text(str(process.pid))
        return process
