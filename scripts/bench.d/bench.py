#!/usr/bin/env python3
"""Starts every contender, loads them in turn (A B C A B C ...), prints medians and ratios.

SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import certs
from load import Run, measure
from pairs import BODY, PAIRS, Pair, Weft
from process import Process, free_port, wait_for_port

LOADS = (64, 1)


def large_json() -> str:
    """10 kB as services send them: names that come again, numbers that do not."""
    rows = [{"id": i * 7919, "article": f"article {i}", "price": i * 31 % 997, "inStock": i % 3 > 0,
             "tags": ["tea", "green", f"lot-{i * 17}"]} for i in range(97)]
    return json.dumps(rows)


def start_app(folder: Path) -> tuple[Process, int]:
    """nginx answering from memory: the same app for everybody, and not one of ours."""
    port = free_port()
    temp = folder / "app"
    temp.mkdir()
    conf = folder / "app.conf"
    (folder / "large.json").write_text(large_json())
    paths = "".join(
        f"{kind}_temp_path {temp}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    conf.write_text(
        f"worker_processes 1; pid {temp}/pid; error_log stderr warn; daemon off;\n"
        f"events {{ worker_connections 4096; }}\nhttp {{ access_log off; {paths}\n"
        "keepalive_requests 100000000; keepalive_timeout 1h;\n"
        "open_file_cache max=10 inactive=1h;\n"
        f"server {{ listen 127.0.0.1:{port};\n"
        f"  location = /large.json {{ alias {folder}/large.json;\n"
        "    default_type application/json; }\n"
        f'  location / {{ default_type text/plain; return 200 "{BODY}"; }} }} }}\n'
    )
    app = Process(
        "app", ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(conf)], folder / "app.log"
    )
    wait_for_port(port)
    return app, port


def start_pairs(names: list[str], folder: Path, cert_folder: Path, app_port: int) -> list[Pair]:
    started: list[Pair] = []
    for kind in PAIRS:
        if names and kind.name not in names:
            continue
        why = kind.missing()
        if why:
            print(f"{kind.name}: left out: {why}", file=sys.stderr)
            continue
        pair = kind(folder, cert_folder, app_port)
        started.append(pair)
        try:
            pair.start()
        except BaseException:
            for p in started:
                p.stop()
            raise
    return started


def median(runs: list[Run], what: str) -> float:
    values = [getattr(r, what) for r in runs]
    return statistics.median(v() if callable(v) else v for v in values)


FIGURES = ("per_second", "p50_us", "p99_us", "cpu_us", "user_us", "system_us")


def summarise(
    pairs: list[Pair], runs: dict[tuple[str, int], list[Run]], idle: dict[str, float]
) -> list[dict]:
    rows = []
    for connections in LOADS:
        for pair in pairs:
            mine = runs[pair.name, connections]
            row = {
                "proxy": pair.name,
                "hop": pair.hop,
                "connections": connections,
                "errors": sum(r.errors for r in mine),
                "idle_rss_mb": idle[pair.name],
            }
            row.update({f: median(mine, f) for f in FIGURES})
            row["first_us"] = statistics.median(
                (r.first.user + r.first.system) / r.requests * 1e6 for r in mine
            )
            row["second_us"] = statistics.median(
                (r.second.user + r.second.system) / r.requests * 1e6 for r in mine
            )
            if isinstance(pair, Weft):
                row["fresh_allocations"] = sum(r.fresh for r in mine)
                row["fresh_over_requests"] = sum(r.requests for r in mine)
            rows.append(row)
    return rows


def print_table(rows: list[dict]) -> None:
    for connections in LOADS:
        print(
            f"\n{connections} connection{'s' if connections > 1 else ''}: "
            "CPU is microseconds per request and hop "
            "(mean of the two proxies); first and second: each proxy's own"
        )
        print(
            f"{'proxy':9}{'hop':10}{'req/s':>9}{'p50 us':>9}{'p99 us':>9}"
            f"{'CPU us':>9}{'user':>8}{'kernel':>8}"
            f"{'first':>8}{'second':>8}{'RSS MB':>8}{'errors':>8}"
        )
        for r in (r for r in rows if r["connections"] == connections):
            print(
                f"{r['proxy']:9}{r['hop']:10}{r['per_second']:9.0f}{r['p50_us']:9.0f}"
                f"{r['p99_us']:9.0f}"
                f"{r['cpu_us']:9.2f}{r['user_us']:8.2f}{r['system_us']:8.2f}{r['first_us']:8.2f}"
                f"{r['second_us']:8.2f}{r['idle_rss_mb']:8.1f}{r['errors']:8d}"
            )


def find(rows: list[dict], proxy: str, connections: int) -> dict | None:
    return next((r for r in rows if r["proxy"] == proxy and r["connections"] == connections), None)


def print_bars(rows: list[dict]) -> None:
    weft64, weft1 = find(rows, "weft", 64), find(rows, "weft", 1)
    hap64, hap1 = find(rows, "haproxy", 64), find(rows, "haproxy", 1)
    if not weft64 or not weft1:
        return
    print("\nthe bars:")
    bars = [("idle RSS of a sidecar, MB", weft64["idle_rss_mb"], 8.0)]
    if hap64 and hap1:
        bars += [
            ("all CPU at 64 connections, of HAProxy's", weft64["cpu_us"] / hap64["cpu_us"], 0.75),
            (
                "user CPU at 64 connections, of HAProxy's",
                weft64["user_us"] / hap64["user_us"],
                0.51,
            ),
            ("p50 at 1 connection, of HAProxy's", weft1["p50_us"] / hap1["p50_us"], 1.0),
        ]
    for text, value, limit in bars:
        print(
            f"  {'ok    ' if value <= limit else 'MISSED'} {text}: {value:.2f} (at most {limit})"
        )
    for row in (weft64, weft1):
        print(
            "  allocations that reached libc in the steady state, "
            f"{row['connections']} connection(s): {row['fresh_allocations']} in "
            f"{row['fresh_over_requests']} requests, both sidecars together"
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.splitlines()[0],
        epilog="--gateway, --instructions, --memory, --on-demand and --control-plane, given first, "
        "measure something else.")
    parser.add_argument(
        "--bin", type=Path, default=Path("build/release/bin"), help=argparse.SUPPRESS
    )
    parser.add_argument("--seconds", type=int, default=5, help="length of one run (default 5)")
    parser.add_argument(
        "--rounds", type=int, default=5, help="runs of each contender and load (default 5)"
    )
    parser.add_argument("--only", default="", help="comma-separated: weft,haproxy,nginx,envoy")
    parser.add_argument("--json", action="store_true", help="rows as JSON instead of the table")
    args = parser.parse_args()
    if not shutil.which("wrk") or not shutil.which("nginx"):
        print("scripts/bench needs wrk and nginx: run scripts/bootstrap --bench", file=sys.stderr)
        return 1
    Weft.bin = args.bin.resolve()
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as name:
        return run(args, Path(name))


def run(args: argparse.Namespace, folder: Path) -> int:
    certs.make(folder / "certs")
    folder.chmod(0o755)
    app, app_port = start_app(folder)
    pairs: list[Pair] = []
    try:
        pairs = start_pairs(
            [n for n in args.only.split(",") if n], folder, folder / "certs", app_port
        )
        idle = {p.name: max(process.rss_mb() for process in p.processes) for p in pairs}
        runs: dict[tuple[str, int], list[Run]] = {(p.name, c): [] for p in pairs for c in LOADS}
        for number in range(args.rounds + 1):  # the first round warms up
            for connections in LOADS:
                for pair in pairs:
                    result = measure(pair, connections, args.seconds if number else 2)
                    if number:
                        runs[pair.name, connections].append(result)
            if number:
                print(f"round {number} of {args.rounds}", file=sys.stderr)
        rows = summarise(pairs, runs, idle)
    finally:
        for pair in pairs:
            pair.stop()
        app.stop()
    if args.json:
        print(json.dumps(rows, indent=1))
    else:
        print_table(rows)
        print_bars(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
