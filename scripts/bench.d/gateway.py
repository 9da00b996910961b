#!/usr/bin/env python3
"""The gateway beside HAProxy and nginx, and what its filters cost: CPU per request, interleaved.

Clients speak HTTP/1.1 over TLS 1.3 on 64 connections; answers have 100 bytes.

SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import certs
from bench import start_app
from doors import Door, HaproxyDoor, NginxDoor, NginxGzipDoor, WeftDoor
from guarded import CONSUMERS, POLICIES
from load import count_errors, count_requests, run_wrk
from process import Cost

CONNECTIONS = 64


@dataclass
class Run:
    requests: int
    errors: int
    cost: Cost

    def cpu_us(self) -> float:
        return (self.cost.user + self.cost.system) / self.requests * 1e6


def measure(door: Door, seconds: int) -> Run:
    assert door.process
    before = door.process.cost()
    text = run_wrk(f"https://127.0.0.1:{door.port}{door.path}", CONNECTIONS, seconds,
                   ["Host: shop.test", *door.headers], door.script)
    return Run(count_requests(text), count_errors(text), door.process.cost() - before)


def make_doors(only: list[str], folder: Path, cert_folder: Path, app_port: int) -> list[Door]:
    doors: list[Door] = [HaproxyDoor(folder, cert_folder, app_port),
                         NginxDoor(folder, cert_folder, app_port),
                         NginxGzipDoor(folder, cert_folder, app_port)]
    doors += [WeftDoor(folder, cert_folder, app_port, name, make(folder))
              for name, make in POLICIES.items() if not only or name in only]
    chosen = []
    for door in doors:
        why = door.missing()
        if why:
            print(f"{door.name}: left out: {why}", file=sys.stderr)
        elif not only or door.name in only:
            chosen.append(door)
    return chosen


def print_table(doors: list[Door], cpu: dict[str, float], rss: dict[str, float],
                runs: dict[str, list[Run]]) -> None:
    print(f"{'gateway':16}{'CPU us':>9}{'spread':>16}{'user':>8}{'kernel':>8}{'RSS MB':>9}"
          f"{'errors':>8}")
    for door in doors:
        each = [r.cpu_us() for r in runs[door.name]]
        spread = f"{min(each):.2f}-{max(each):.2f}"
        errors = sum(r.errors for r in runs[door.name])
        user = statistics.median(r.cost.user / r.requests * 1e6 for r in runs[door.name])
        print(f"{door.name:16}{cpu[door.name]:9.2f}{spread:>16}{user:8.2f}"
              f"{cpu[door.name] - user:8.2f}{rss[door.name]:9.1f}{errors:8d}")


def print_bars(cpu: dict[str, float], rss: dict[str, float]) -> None:
    bars = []

    def bar(text: str, value: float, limit: float) -> None:
        bars.append(f"  {'ok    ' if value <= limit else 'MISSED'} {text}: {value:.2f} "
                    f"(at most {limit})")

    for other, limit in (("haproxy", 0.62), ("nginx", 0.68)):
        if {"weft", other} <= cpu.keys():
            bar(f"plain, of {other}'s CPU", cpu["weft"] / cpu[other], limit)
    if {"weft", "weft-guarded"} <= cpu.keys():
        bar("key, rate limit and correlation id, of plain", cpu["weft-guarded"] / cpu["weft"],
            1.15)
    for name, what, limit in (("weft-jwt", "ES256 token seen before, us", 1.5),
                              ("weft-jwt-new", "ES256 token not seen before, us", 60)):
        if {"weft", name} <= cpu.keys():
            bar(what, cpu[name] - cpu["weft"], limit)
    if {"weft", "weft-transform"} <= cpu.keys():
        bar("a header transform, us", cpu["weft-transform"] - cpu["weft"], 0.3)
    if {"weft-gzip", "nginx-gzip"} <= cpu.keys():
        bar("gzip of 10 kB of JSON, of nginx's CPU", cpu["weft-gzip"] / cpu["nginx-gzip"], 1.05)
    if {"weft-cache", "weft-direct"} <= cpu.keys():
        bar("a response from the cache, of a direct response's CPU",
            cpu["weft-cache"] / cpu["weft-direct"], 1 / 0.9)
    if {"weft-key", "weft-many"} <= cpu.keys():
        bar("10,000 routes and consumers, of one of each", cpu["weft-many"] / cpu["weft-key"], 1.1)
    if {"weft-key", "weft-consumers"} <= rss.keys():
        more = (rss["weft-consumers"] - rss["weft-key"]) * 1024 * 1024 / CONSUMERS
        bar("memory of a consumer, bytes", more, 400)
    print("\nthe bars:", *bars, sep="\n")


def run(args: argparse.Namespace, folder: Path) -> int:
    certs.make(folder / "certs")
    folder.chmod(0o755)
    app, app_port = start_app(folder)
    doors = make_doors([n for n in args.only.split(",") if n], folder, folder / "certs", app_port)
    runs: dict[str, list[Run]] = {d.name: [] for d in doors}
    try:
        for door in doors:
            door.start()
        rss = {d.name: d.process.rss_mb() for d in doors if d.process}
        for number in range(args.rounds + 1):  # the first round warms up
            for door in doors:
                result = measure(door, args.seconds if number else 1)
                if number:
                    runs[door.name].append(result)
            if number:
                print(f"round {number} of {args.rounds}", file=sys.stderr)
    finally:
        for door in doors:
            door.stop()
        app.stop()
    cpu = {d.name: statistics.median(r.cpu_us() for r in runs[d.name]) for d in doors}
    print_table(doors, cpu, rss, runs)
    print_bars(cpu, rss)
    return 1 if any(r.errors for rs in runs.values() for r in rs) else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/bench --gateway", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--bin", type=Path, default=Path("build/release/bin"), help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=int, default=5, help="length of one run (default 5)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each gateway (default 5)")
    parser.add_argument("--only", default="", help="comma-separated: haproxy,nginx,"
                        + ",".join(POLICIES))
    args = parser.parse_args()
    if not shutil.which("wrk") or not shutil.which("nginx"):
        print("scripts/bench needs wrk and nginx: run scripts/bootstrap --bench", file=sys.stderr)
        return 1
    WeftDoor.bin = args.bin.resolve()
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as name:
        return run(args, Path(name))


if __name__ == "__main__":
    sys.exit(main())
