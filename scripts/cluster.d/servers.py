"""The cluster's programs as processes in its namespace: started with a pid file and a log each,
stopped by that pid, and found again by their folder when a crash lost the file.
SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import time

import settings as s


def start(name: str, *command: str) -> None:
    """In its own session, so that it outlives this script and its terminal."""
    with open(s.STATE / f"{name}.log", "ab") as log:
        # Not `ip netns exec`: that mounts a new /sys, and the kubelet needs the cgroups in it.
        process = subprocess.Popen(
            ["nsenter", f"--net={s.NETNS}", *command],
            cwd=s.STATE,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    (s.STATE / f"{name}.pid").write_text(str(process.pid))


def is_ours(pid: int) -> bool:
    """One of this cluster's programs: by what its command line names, or where it runs."""
    try:
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        folder = os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return False
    return folder == str(s.STATE) or str(s.STATE) + "/" in command or str(s.CONTAINERD) in command


def running(name: str) -> int:
    """Its pid; 0 when it does not run."""
    try:
        pid = int((s.STATE / f"{name}.pid").read_text())
    except (OSError, ValueError):
        return 0
    return pid if is_ours(pid) else 0


def all_ours() -> list[int]:
    pids = [int(p) for p in os.listdir("/proc") if p.isdigit()]
    return [p for p in pids if p != os.getpid() and is_ours(p)]


def stop(pids: list[int], patience: float = 10) -> None:
    """Asks, waits, and then no longer asks."""
    for pid in pids:
        _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while any(is_ours(p) for p in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in pids:
        if is_ours(pid):
            _signal(pid, signal.SIGKILL)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
