"""weft-certd in a pod of its own: makes the CA, hands out join tokens, runs the server.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

from .process import Process

if TYPE_CHECKING:
    from .pod import Pod

UID = 10002
PORT = 15012


class Certd:
    """The CA of a bed; it can be stopped and started again with the same state."""

    def __init__(self, pod: Pod, **options: Any) -> None:
        self.pod, self._run, self._options = pod, pod.bed.run, options
        self.state = self._run.folder("certd", uid=UID, mode=0o700)
        public = self._run.folder("trust", uid=UID)
        self.bundle: pathlib.Path = public / "roots.pem"
        self.process: Process | None = None

    @property
    def address(self) -> str:
        return f"{self.pod.ip}:{PORT}"

    def start(self) -> Process:
        argv = [self._run.program("weft-certd"), "--state", str(self.state),
                "--listen", f"0.0.0.0:{PORT}", "--trust-domain", self.pod.bed.trust_domain,
                "--bundle-out", str(self.bundle)]
        for key, value in self._options.items():
            argv += [f"--{key.replace('_', '-')}", str(value)]
        self.process = self.pod.start(argv, "listening", UID, "certd")
        return self.process

    def is_running(self) -> bool:
        return bool(self.process and self.process.is_running())

    def stop(self) -> None:
        assert self.process
        self.process.stop()

    def token(self, spiffe_id: str, ttl: str = "10m") -> str:
        """A fresh join token, as an administrator makes it."""
        done = self.pod.netns.run("setpriv", "--reuid", str(UID), "--regid", str(UID),
                                  "--clear-groups", "--", self._run.program("weft-certd"), "token",
                                  "create", "--state", str(self.state), "--spiffe-id", spiffe_id,
                                  "--ttl", ttl)
        return done.stdout.strip()

    def signing_files(self) -> tuple[pathlib.Path, pathlib.Path]:
        """Certificate (with its chain) and key that it signs leaves with: for tests that sign what
        it never would."""
        return self.state / "intermediate.pem", self.state / "intermediate.key"
