"""A weft-sidecar process: next to one app, or as the ingress. Runs as the user 1337, as in a
cluster; the rules that lead the app's connections to it are written as root.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import pathlib
import re
from typing import Any

from . import wait
from .http_client import Answer, Client
from .netns import Netns
from .process import Process
from .programs import tool
from .run_dir import RunDir

UID = 1337
ADMIN, METRICS, HEALTH = 15000, 15020, 15021
APPLIED = r"config.* is in force"
IDENTITY = r"identity: (certificate for |\S+ has a certificate )"
REFUSED = r"config.* refused as a whole"


def redirect(inside: Netns, run: RunDir, *options: str) -> None:
    """Writes the iptables rules of a pod."""
    done = inside.run(run.program("weft-sidecar"), "redirect", "--apply", "--inbound-port", "15006",
                      "--outbound-port", "15001", "--proxy-uid", str(UID), *options, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"weft-sidecar redirect: {done.stdout}{done.stderr}")


class Sidecar(Process):
    """What can be asked of it, besides what any process can."""

    def __init__(self, name: str, inside: Netns, run: RunDir, options: dict[str, Any],
                 max_files: int | None = None) -> None:
        self.inside = inside
        limit = [tool("prlimit"), f"--nofile={max_files}:{max_files}"] if max_files else []
        argv = [*limit, run.program("weft-sidecar")]
        for key, value in options.items():
            if value is not None:
                argv += [f"--{key}", str(value)]
        super().__init__(name, inside, argv, run.log(name), UID, run.env())

    def ask(self, port: int, method: str, path: str) -> Answer:
        def dial(host: str, to: int) -> Any:
            return self.inside.connect(host, to)
        with Client(dial, "127.0.0.1", port) as client:
            return client.ask(method, path)

    def is_ready(self) -> bool:
        try:
            return self.ask(HEALTH, "GET", "/healthz/ready").status == 200
        except OSError:
            return False

    def await_ready(self, deadline: float = wait.SAFETY) -> None:
        def ready() -> bool:
            if not self.is_running():
                raise RuntimeError(f"{self.name} ended with status {self.status}\n{self.tail()}")
            return self.is_ready()
        wait.until(f"{self.name}: ready", ready, deadline, aid=self.tail)

    def await_identity(self, since: int | None = None) -> None:
        """Until it has a certificate."""
        self.await_log(IDENTITY, since)

    # ---- configuration ----

    def await_config(self, since: int) -> None:
        """Until a configuration read after that mark is in force with every worker; raises when it
        was refused."""
        self.await_log(f"{APPLIED}|{REFUSED}", since)
        if re.search(REFUSED, self.output(since)):
            raise ValueError(f"{self.name} refused the policies:\n{self.output(since)}")
        self.is_ready()  # asks each worker, in the order in which it was told of changes

    # ---- what it tells ----

    def metrics(self) -> dict[str, float]:
        """Every series by its full name."""
        found = {}
        for line in self.ask(METRICS, "GET", "/metrics").text().splitlines():
            name, _, value = line.rpartition(" ")
            if name and not line.startswith("#"):
                found[name] = float(value)
        return found

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all series of that name with these labels."""
        wanted = [f'{k}="{v}"' for k, v in labels.items()]
        return sum(value for series, value in self.metrics().items()
                   if re.split(r"[{ ]", series)[0] == name and all(w in series for w in wanted))


def identity_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """What a sidecar keeps of its identity."""
    return sorted(p for p in folder.iterdir() if p.is_file())
