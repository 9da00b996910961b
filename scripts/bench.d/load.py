"""The client: wrk, bounded in time, and what it and the proxies say about a run.

SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

from pairs import Pair, Weft
from process import Cost

UNITS = {"us": 1.0, "ms": 1000.0, "s": 1_000_000.0}


@dataclass
class Run:
    requests: int
    per_second: float
    p50_us: float
    p99_us: float
    errors: int
    first: Cost  # of the client's side proxy
    second: Cost  # of the server's side proxy
    fresh: int = 0  # allocations that reached libc, Weft only

    def user_us(self) -> float:
        """Per request and hop: the mean of the two proxies."""
        return (self.first.user + self.second.user) / 2 / self.requests * 1e6

    def system_us(self) -> float:
        return (self.first.system + self.second.system) / 2 / self.requests * 1e6

    def cpu_us(self) -> float:
        return self.user_us() + self.system_us()


def microseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    return float(number) * UNITS[unit]


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.M)
    if not match:
        raise ValueError(f"wrk said nothing of {pattern}:\n{text}")
    return match.group(1)


def run_wrk(url: str, connections: int, seconds: int, headers: list[str], script: str = "") -> str:
    """What wrk prints. script: a file of Lua."""
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for header in headers:
        argv += ["-H", header]
    argv += ["-s", script] if script else []
    done = subprocess.run([*argv, url], check=True, capture_output=True, text=True,
                          timeout=seconds + 30)
    return done.stdout


def count_requests(text: str) -> int:
    return int(found(r"(\d+) requests in", text))


def count_errors(text: str) -> int:
    errors = sum(int(n) for n in re.findall(r"(?:connect|read|write|timeout) (\d+)", text))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return errors + (int(bad.group(1)) if bad else 0)


def measure(pair: Pair, connections: int, seconds: int) -> Run:
    fresh = scrape_cost = 0
    if isinstance(pair, Weft):
        # Asking allocates too: what one question costs is taken off.
        first = pair.fresh_allocations()
        fresh = pair.fresh_allocations()
        scrape_cost = fresh - first
    before = [p.cost() for p in pair.processes]
    text = run_wrk(f"http://127.0.0.1:{pair.entry}/", connections, seconds, ["Host: app"])
    after = [p.cost() for p in pair.processes]
    if isinstance(pair, Weft):
        fresh = max(0, pair.fresh_allocations() - fresh - scrape_cost)
    return Run(
        requests=count_requests(text),
        per_second=float(found(r"Requests/sec:\s+([\d.]+)", text)),
        p50_us=microseconds(found(r"^ +50%\s+(\S+)", text)),
        p99_us=microseconds(found(r"^ +99%\s+(\S+)", text)),
        errors=count_errors(text),
        second=after[0] - before[0],
        first=after[1] - before[1],
        fresh=fresh,
    )
