"""Calls from inside pods, by the little app's own asking side: some, or for as long as something
else takes. SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import threading
from dataclasses import dataclass, field
from typing import Any

from .kubectl import Failed, Kubectl


@dataclass(repr=False)
class Tally:
    """What came back."""
    requests: int = 0
    failed: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    slowest_ms: float = 0.0
    headers: dict[str, list[str]] = field(default_factory=dict)
    body: str = ""

    @staticmethod
    def parse(text: str) -> "Tally":
        lines = [line for line in text.splitlines() if line.lstrip().startswith("{")]
        if not lines:
            raise Failed(f"the app counted nothing: {text.strip()[-500:]}")
        told = json.loads(lines[-1])
        return Tally(**{k: told.get(k) or v for k, v in vars(Tally()).items()})

    @property
    def status(self) -> int:
        """Of the only answer; 0 when there was none."""
        return int(next(iter(self.statuses), "0"))

    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        """Of the last answer."""
        return ", ".join(v for k, all_ in self.headers.items() if k.lower() == name.lower()
                         for v in all_)

    def seen_header(self, name: str) -> str:
        """Of the request, as the app at the other end saw it."""
        seen = self.json()["headers"]
        return ", ".join(v for k, all_ in seen.items() if k.lower() == name.lower() for v in all_)

    def __repr__(self) -> str:
        text = (f"{self.requests} requests, {self.failed} failed; {self.statuses}; "
                f"{self.versions}; {self.errors}")
        return text if self.requests > 1 else f"{text}; {self.body[:500]!r}"


class Load:
    """Requests without end, until stop. A terminal stands between, so that Ctrl-C reaches it."""

    def __init__(self, words: list[str]) -> None:
        ours, theirs = pty.openpty()
        self._fd, self._text = ours, b""
        self._process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._fd, 65536)
            except OSError:
                return
            if not piece:
                return
            self._text += piece

    def stop(self) -> Tally:
        os.write(self._fd, b"\x03")
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        self._reader.join(10)
        os.close(self._fd)
        text = re.sub(r"\^C", "", self._text.decode(errors="replace"))
        return Tally.parse(text)


class Caller:
    """An app somewhere in the cluster that can be told to call: a pod, or "deploy/NAME"."""

    def __init__(self, kubectl: Kubectl, namespace: str, target: str) -> None:
        self.kubectl, self.namespace, self.target = kubectl, namespace, target

    def _words(self, url: str, options: tuple[str, ...], is_terminal: bool) -> list[str]:
        return ["-n", self.namespace, "exec", *(["-it"] if is_terminal else []), self.target, "-c",
                "app", "--", "/app", "call", *options, url]

    def call(self, url: str, n: int = 1, headers: dict[str, str] | None = None,
             method: str = "GET", options: tuple[str, ...] = (), timeout: float = 120) -> Tally:
        more = [w for k, v in (headers or {}).items() for w in ("-H", f"{k}: {v}")]
        words = self._words(url, ("-n", str(n), "-X", method, *options, *more), False)
        if self.kubectl.say:
            self.kubectl.say(f"kubectl {' '.join(words)}")
        done = self.kubectl.try_(*words, timeout=timeout)
        if not done.stdout.strip():
            raise Failed(f"{self.target}: {done.stderr.strip()}")
        return Tally.parse(done.stdout)

    def load(self, url: str, *options: str) -> Load:
        words = self._words(url, ("-n", "0", *options), True)
        return Load(self.kubectl.words(*words))
