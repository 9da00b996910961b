"""weft-policyd and the data planes that tests play to it (weft-policyd-client), on loopback, with
certificates of a CA of their own.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import json
import pathlib
import re
import signal
import subprocess
from typing import Any

from .pki import Authority, Leaf
from .process import SANITIZER
from .programs import program, tool
from .wait import until

DOMAIN = "cluster.local"


def spiffe(namespace: str, account: str) -> str:
    return f"spiffe://{DOMAIN}/ns/{namespace}/sa/{account}"


class Client:
    """One or more data planes. What happened to them is in `events`."""

    def __init__(self, policyd: Policyd, leaf: Leaf, roots: pathlib.Path, **options: Any) -> None:
        argv = [program("weft-policyd-client"), "--to", policyd.address, "--roots", str(roots),
                "--cert", str(leaf.cert), "--key", str(leaf.key)]
        for key, value in options.items():
            argv += [f"--{key.replace('_', '-')}", str(value)]
        policyd.clients += 1
        self.log = policyd.folder / f"client{policyd.clients}.log"
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=out, stderr=out)
        self._seen = 0

    def say(self, *words: str) -> None:
        assert self.process.stdin
        self.process.stdin.write((" ".join(words) + "\n").encode())
        self.process.stdin.flush()

    def events(self) -> list[dict[str, Any]]:
        text = self.log.read_text(errors="replace")
        assert not SANITIZER.search(text), text
        return [json.loads(line) for line in text.splitlines(keepends=True)
                if line.endswith("\n") and line.startswith("{")]

    def mark(self) -> None:
        """What happens from now on is what the functions below wait for."""
        self._seen = len(self.events())

    def await_event(self, kind: str, **wanted: Any) -> dict[str, Any]:
        def found() -> dict[str, Any] | None:
            for event in self.events()[self._seen:]:
                if event["event"] == kind and all(event.get(k) == v for k, v in wanted.items()):
                    return event
            if self.process.poll() is not None:
                raise RuntimeError(self.log.read_text())
            return None
        return until(f"{kind} {wanted}", found, deadline=60, aid=self.log.read_text)

    def await_update(self, *names: str) -> dict[str, Any]:
        """The first update that brings all of these resources."""
        def found() -> dict[str, Any] | None:
            for event in self.events()[self._seen:]:
                if event["event"] == "update" and set(names) <= set(event["resources"]):
                    return event
            return None
        return until(f"an update with {names}", found, deadline=60, aid=self.log.read_text)

    def answer(self, address: str) -> list[str]:
        """What it was told last about the address."""
        def found() -> list[list[str]]:
            return [e["answers"][address] for e in self.events()
                    if e["event"] == "update" and address in e["answers"]]
        return until(f"an answer for {address}", found, deadline=60, aid=self.log.read_text)[-1]

    def stop(self) -> None:
        if self.process.poll() is None:
            assert self.process.stdin
            self.process.stdin.close()
            self.process.wait(30)
        self.events()


class Policyd:
    """One replica. start() it with the options that say where its objects are."""

    def __init__(self, folder: pathlib.Path, authority: Authority, name: str = "policyd") -> None:
        self.folder, self.authority, self.name = folder, authority, name
        self.log = folder / f"{name}.log"
        self.clients = 0
        self._leaf = authority.workload(spiffe("weft-system", "weft-policyd"))
        self.process: subprocess.Popen[bytes] | None = None
        self.address = self.health = ""

    def start(self, *options: str, ready: bool = True) -> Policyd:
        argv = [program("weft-policyd"), "--listen", "127.0.0.1:0", "--health", "127.0.0.1:0",
                "--trust-bundle", str(self.authority.roots), "--cert-file", str(self._leaf.cert),
                "--key-file", str(self._leaf.key), "--pod", self.name, *options]
        with open(self.log, "ab") as out:
            start = out.tell()
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.address = self.await_log(r"are served on (\S+)", start).group(1)
        self.health = self.await_log(r"health and metrics on (\S+)", start).group(1)
        if ready:
            until("policyd", lambda: self.get("/readyz")[0] == 200, deadline=60, aid=self.text)
        return self

    def text(self, since: int = 0) -> str:
        return self.log.read_bytes()[since:].decode("utf-8", "replace")

    def await_log(self, pattern: str, since: int = 0) -> re.Match[str]:
        def found() -> re.Match[str] | None:
            match = re.search(pattern, self.text(since))
            if not match and self.process and self.process.poll() is not None:
                raise RuntimeError(f"policyd ended: {self.text()}")
            return match
        return until(f"a log line like {pattern!r}", found, deadline=60, aid=self.text)

    def get(self, path: str) -> tuple[int, str]:
        done = subprocess.run([tool("curl"), "-s", "-w", "%{http_code}",
                               f"http://{self.health}{path}"], capture_output=True, text=True,
                              check=False, timeout=30)
        return int(done.stdout[-3:] or 0), done.stdout[:-3]

    def metric(self, name: str) -> float:
        found = re.search(rf"^{name} (\S+)$", self.get("/metrics")[1], re.MULTILINE)
        assert found, name
        return float(found.group(1))

    def subscribers(self) -> list[dict[str, Any]]:
        return json.loads(self.get("/debug/subscribers")[1])

    def client(self, namespace: str, account: str, **options: Any) -> Client:
        leaf = self.authority.workload(spiffe(namespace, account))
        return Client(self, leaf, self.authority.roots, **options)

    def stop(self) -> None:
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        assert self.process.returncode == 0, self.text()
        assert not SANITIZER.search(self.text()), self.text()

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait(30)
