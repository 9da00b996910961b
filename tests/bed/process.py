"""One program that the bed started: in a namespace, as a user, with its output in a file.
It is stopped by its pid, and never outlives the thread that started it.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import os
import pathlib
import re
import signal
import subprocess
from typing import Mapping, Sequence

from . import wait
from .netns import Netns
from .programs import tool

SANITIZER = re.compile(r"(ERROR: (Address|Leak|Thread)Sanitizer|runtime error: |"
                       r"WARNING: ThreadSanitizer)")


class Process:
    """A running program. `log` holds what it wrote to stdout and stderr."""

    def __init__(self, name: str, inside: Netns, command: Sequence[str], log: pathlib.Path,
                 uid: int = 0, env: Mapping[str, str] | None = None) -> None:
        self.name, self.log, self.command = name, log, list(command)
        drop = ["--reuid", str(uid), "--regid", str(uid), "--clear-groups",
                "--inh-caps=-all"] if uid else []
        argv = [*inside.prefix(), tool("setpriv"), *drop, "--pdeathsig", "KILL", "--", *command]
        with open(log, "ab") as out:
            self._start = out.tell()
            self._popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                           start_new_session=True,  # Ctrl-C is for us alone
                                           env={**os.environ, **(env or {})})
        self._was_asked = False

    @property
    def pid(self) -> int:
        return self._popen.pid

    def is_running(self) -> bool:
        return self._popen.poll() is None

    @property
    def status(self) -> int | None:
        """Exit status (negative: by that signal); None while it runs."""
        return self._popen.poll()

    def died(self) -> bool:
        """It ended, and nobody asked it to."""
        return not self._was_asked and not self.is_running()

    # ---- its output ----

    def mark(self) -> int:
        """A place in the log: what comes after it is new."""
        return self.log.stat().st_size

    def output(self, since: int | None = None) -> str:
        with open(self.log, "rb") as f:
            f.seek(self._start if since is None else since)
            return f.read().decode("utf-8", errors="replace")

    def await_log(self, pattern: str, since: int | None = None,
                  deadline: float = wait.SAFETY) -> "re.Match[str]":
        """The first match of the pattern in a line of the log from `since` on."""
        expression = re.compile(pattern)

        def found() -> "re.Match[str] | None":
            match = expression.search(self.output(since))
            if not match and not self.is_running():
                raise RuntimeError(f"{self.name} ended with status {self.status}:\n{self.tail()}")
            return match

        return wait.until(f"{self.name}: a log line like {pattern!r}", found, deadline,
                          aid=self.tail)

    def tail(self, lines: int = 30) -> str:
        last = self.output().splitlines()[-lines:]
        return "\n".join([f"-- last lines of {self.log}", *last])

    def complaints(self) -> str:
        """What a sanitizer said, from its first line on; empty when there is nothing."""
        return self.sanitizer_output(self.output())

    @staticmethod
    def sanitizer_output(text: str) -> str:
        match = SANITIZER.search(text)
        return text[match.start():][:6000] if match else ""

    # ---- its end ----

    def send(self, number: signal.Signals) -> None:
        if self.is_running():
            self._popen.send_signal(number)

    def ask_to_end(self) -> None:
        """SIGTERM, once: a second one means "at once"."""
        if not self._was_asked:
            self._was_asked = True
            self.send(signal.SIGTERM)

    def await_end(self, deadline: float = wait.SAFETY) -> int:
        """Its exit status."""
        try:
            return self._popen.wait(deadline)
        except subprocess.TimeoutExpired:
            raise wait.Overdue(f"{self.name} (pid {self.pid}) goes on\n{self.tail()}") from None

    def stop(self, deadline: float = 20.0) -> int:
        """SIGTERM, and SIGKILL when that does not help."""
        self.ask_to_end()
        try:
            return self._popen.wait(deadline)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            return self._popen.wait(10)

    def kill(self) -> None:
        self._was_asked = True
        self.send(signal.SIGKILL)
        self._popen.wait(10)

    # ---- what it costs ----

    def rss_kib(self) -> int:
        """Resident memory now."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            match = re.search(r"^VmRSS:\s+(\d+) kB", f.read(), re.MULTILINE)
        return int(match.group(1)) if match else 0

    def forget_peak(self) -> None:
        """The peak counts from now on."""
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as f:
            f.write("5")

    def peak_kib(self) -> int:
        """The most resident memory that it has had."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            match = re.search(r"^VmHWM:\s+(\d+) kB", f.read(), re.MULTILINE)
        return int(match.group(1)) if match else 0

    def descriptors(self) -> int:
        """How many files and sockets it holds open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))
