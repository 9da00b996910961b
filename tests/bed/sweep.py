"""Takes away what a run that was killed left behind: its processes and its namespaces.
Only namespaces called weft-<pid>-… of a dead pid are touched, and only processes inside them.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import contextlib
import os
import re
import signal

from . import netns
from .wait import until

NAME = re.compile(r"^weft-(\d+)-[a-z0-9-]+$")


def _is_alive(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


def _pids_in(name: str) -> list[int]:
    return [int(p) for p in netns.run_ip("netns", "pids", name, check=False).split()]


def clear(name: str) -> None:
    """Ends every process inside and removes the namespace."""
    for pid in _pids_in(name):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(Exception):
        until(f"{name}: empty", lambda: not _pids_in(name), 10)
    netns.remove(name)


def sweep() -> list[str]:
    """Names of what was removed."""
    names = set(netns.listed())
    if netns.ETC_NETNS.is_dir():
        names.update(p.name for p in netns.ETC_NETNS.iterdir())
    swept = []
    for name in sorted(names):
        match = NAME.match(name)
        if match and not _is_alive(int(match.group(1))):
            clear(name)
            swept.append(name)
    return swept
