"""kubectl as a person would run it. SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import json
import pathlib
import shlex
import subprocess
from typing import Any, Callable


class Failed(Exception):
    """A command ended badly; the text is what it said."""


class Kubectl:
    """One cluster. `say` is told every command that is worth showing."""

    def __init__(self, program: str, kubeconfig: str,
                 say: Callable[[str], None] | None = None) -> None:
        self.program, self.kubeconfig, self.say = program, kubeconfig, say

    def words(self, *words: str) -> list[str]:
        return [self.program, "--kubeconfig", self.kubeconfig, *words]

    def try_(self, *words: str, stdin: str | None = None, timeout: float = 180
             ) -> subprocess.CompletedProcess[str]:
        """Whatever comes of it."""
        return subprocess.run(self.words(*words), input=stdin, text=True, capture_output=True,
                              timeout=timeout, check=False)

    def run(self, *words: str, stdin: str | None = None, timeout: float = 180) -> str:
        done = self.try_(*words, stdin=stdin, timeout=timeout)
        if done.returncode:
            raise Failed(f"kubectl {shlex.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def show(self, *words: str, stdin: str | None = None, timeout: float = 180) -> str:
        """As run, and the person who looks on sees the command."""
        if self.say:
            self.say(f"kubectl {shlex.join(words)}")
        return self.run(*words, stdin=stdin, timeout=timeout)

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "-o", "json"))

    def apply(self, what: str | pathlib.Path | dict[str, Any] | list[dict[str, Any]]) -> str:
        """A file or folder, YAML text, or objects."""
        if isinstance(what, pathlib.Path):
            return self.show("apply", "-k" if what.is_dir() else "-f", str(what))
        if isinstance(what, dict):
            what = [what]
        if isinstance(what, list):
            what = "\n---\n".join(json.dumps(o) for o in what)
        return self.show("apply", "-f", "-", stdin=what)

    def refused(self, what: dict[str, Any] | str) -> str:
        """Applies what must not be taken, and returns why it was not."""
        text = what if isinstance(what, str) else json.dumps(what)
        if self.say:
            self.say("kubectl apply -f -")
        done = self.try_("apply", "-f", "-", stdin=text)
        if done.returncode == 0:
            raise Failed(f"it was taken: {done.stdout}")
        return done.stderr.strip()

    def rollout(self, *targets: str, namespace: str, timeout: int = 120) -> None:
        for target in targets:
            self.run("-n", namespace, "rollout", "status", target, f"--timeout={timeout}s",
                     timeout=timeout + 10)

    def pods(self, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        """Those that are not on their way out."""
        words = ["-n", namespace, "get", "pods", *(["-l", selector] if selector else [])]
        return [p for p in self.json(*words)["items"]
                if "deletionTimestamp" not in p["metadata"]]
