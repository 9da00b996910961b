"""Child processes of the bench: started, asked what they cost, stopped by pid.

SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """CPU seconds since the process began."""

    user: float
    system: float

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(self.user - other.user, self.system - other.system)

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.user + other.user, self.system + other.system)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port: int, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port}")


class Process:
    """One program with its log file. Its children (nginx's worker) count as it."""

    def __init__(
        self, name: str, argv: list[str], log: Path, env: dict[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = log
        self._file = log.open("wb")
        self._child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=self._file,
            env={**os.environ, **(env or {})},
        )

    def pids(self) -> list[int]:
        children = (
            Path(f"/proc/{self._child.pid}/task/{self._child.pid}/children").read_text().split()
        )
        return [self._child.pid, *map(int, children)]

    def cost(self) -> Cost:
        total = Cost(0, 0)
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total = total + Cost(int(fields[11]) / TICK, int(fields[12]) / TICK)
        return total

    def rss_mb(self) -> float:
        """Of the process that does the work; a master that only waits is not counted."""
        return max(self._rss(pid) for pid in self.pids())

    @staticmethod
    def _rss(pid: int) -> float:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def check(self) -> None:
        if self._child.poll() is not None:
            tail = self.log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{self.name} ended with status {self._child.returncode}:\n{tail}")

    def stop(self) -> None:
        self._child.terminate()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._file.close()
