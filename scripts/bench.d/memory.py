#!/usr/bin/env python3
"""What an idle mesh connection weighs at either end, and what is given back when thousands close.

Two sidecars, one worker each: the first calls a Service of thousands of endpoints, all of which are
the second, and so opens a mesh HTTP/2 connection to each. Figures are of resident memory.

SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import certs
from bench import start_app
from pairs import Weft
from process import Process, free_port

IDLE_BAR, BACK_BAR = 12.0, 0.8

POLICY = """---
apiVersion: policy.weft.dev/v1alpha1
kind: TrafficPolicy
metadata: { name: app, namespace: default }
spec:
  targetRefs: [{ group: "", kind: Service, name: app }]
  loadBalancing: { algorithm: RoundRobin }
  circuitBreaker: { maxConnections: 100000 }
"""


class Many(Weft):
    """The pair, with one endpoint for each of `count` loopback addresses."""

    name = "weft-memory"

    def __init__(self, folder: Path, cert_folder: Path, app_port: int, count: int) -> None:
        super().__init__(folder, cert_folder, app_port)
        self.count = count

    def service(self) -> str:
        world, slice_text = super().service().rsplit("---\n", 1)
        head = slice_text.split("endpoints:", 1)[0]
        parts = []
        for first in range(0, self.count, 1000):
            rows = "".join(
                f"  - {{ addresses: [127.1.{n // 250}.{n % 250 + 1}],"
                " conditions: { ready: true },"
                " targetRef: { kind: Pod, name: server, namespace: default } }\n"
                for n in range(first, min(first + 1000, self.count))
            )
            parts.append(head.replace("app-1", f"app-{first}") + "endpoints:\n" + rows)
        return world + "---\n" + "---\n".join(parts) + POLICY

    def bind(self) -> str:
        return "0.0.0.0"

    def server(self) -> Process:
        return self.processes[0]

    def client(self) -> Process:
        return self.processes[1]


def metric(port: int, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.rsplit(" ", 1)[1])
    raise KeyError(name)


def ask(port: int, count: int) -> None:
    """One request after another on one connection of the app's."""
    import http.client

    app = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(count):
        app.request("GET", "/", headers={"Host": "app"})
        answer = app.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the sidecars answer {answer.status}: {text!r}")
    app.close()


def kilobytes(process: Process) -> float:
    return process.rss_mb() * 1024


def measure(pair: Many, wait: float) -> dict[str, float]:
    ask(pair.entry, 20)  # whatever comes with the first requests
    time.sleep(1)
    begun = {"server": kilobytes(pair.server()), "client": kilobytes(pair.client())}
    open_before = metric(pair.metrics["server"], "weft_sessions_active")
    ask(pair.entry, pair.count)
    time.sleep(8)  # until they rest
    made = metric(pair.metrics["server"], "weft_sessions_active") - open_before
    full = {"server": kilobytes(pair.server()), "client": kilobytes(pair.client())}
    pair.client().stop()
    time.sleep(wait)
    left = kilobytes(pair.server())
    return {
        "connections": made,
        "server_kb_per_connection": (full["server"] - begun["server"]) / made,
        "client_kb_per_connection": (full["client"] - begun["client"]) / made,
        "rss_before_kb": begun["server"],
        "rss_with_them_kb": full["server"],
        "rss_after_kb": left,
        "given_back": (full["server"] - left) / (full["server"] - begun["server"]),
    }


def show(row: dict[str, float], wait: float) -> None:
    print(f"{row['connections']:.0f} idle mesh HTTP/2 connections, each after one request:")
    for end, key in (("called", "server"), ("calling", "client")):
        value = row[f"{key}_kb_per_connection"]
        word = "ok    " if value <= IDLE_BAR else "MISSED"
        print(f"  {word} kB a connection, {end} sidecar: {value:.1f} (at most {IDLE_BAR})")
    value = row["given_back"]
    word = "ok    " if value >= BACK_BAR else "MISSED"
    print(
        f"  {word} share of memory given back {wait:.0f} s after all had closed: {value:.2f} "
        f"(at least {BACK_BAR}; {row['rss_before_kb'] / 1024:.1f} MB before, "
        f"{row['rss_with_them_kb'] / 1024:.1f} with them, {row['rss_after_kb'] / 1024:.1f} after)"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/bench --memory", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--bin", type=Path, default=Path("build/release/bin"), help=argparse.SUPPRESS
    )
    parser.add_argument("--connections", type=int, default=3000, help="how many (default 3000)")
    parser.add_argument("--wait", type=float, default=30, help="seconds after their end (30)")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    args = parser.parse_args()
    Weft.bin = args.bin.resolve()
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as name:
        folder = Path(name)
        certs.make(folder / "certs")
        app, app_port = start_app(folder)
        pair = Many(folder, folder / "certs", app_port, args.connections)
        try:
            pair.start()
            row = measure(pair, args.wait)
        finally:
            pair.stop()
            app.stop()
    print(json.dumps(row, indent=1)) if args.json else show(row, args.wait)
    return 0


if __name__ == "__main__":
    sys.exit(main())
