#!/usr/bin/env python3
"""Walks the road of one request: where control passes through a pointer, and which files it visits.

One request on one connection through sidecars that are warm, under callgrind. Each pair of caller
and callee counts once, and only callees of ours. Not counted are the allocators that libraries are
given, what the loop and the clock call in every turn, and functions that look at one header. The
dev build shows it best: there no file is inlined into another.

SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import counted
import instructions
from counted import HOST, Bed, Counted, Counts, browser

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "weft-sidecar"
BESIDE = re.compile(
    r"(allocate|release|on_prepare|on_check|on_alloc|on_wake|on_pump|is_\w+|\w+_is_valid|"
    r"take_field|add_\w+|__\w+)$"
)
FOREIGN = re.compile(r"^(wolfssl|/usr)/")
NAMED = re.compile(r"(c?)(ob|fl|fi|fe|fn)=\((\d+)\)(?: (.*))?$")


def is_each_time(number: int) -> bool:
    """And not only now and then, because time passes."""
    return number >= instructions.COUNTED / 2


@dataclass
class Road:
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    called: Counter[tuple[str, str]] = field(default_factory=Counter)  # file and function

    def transfers(self) -> list[tuple[str, str]]:
        return sorted(pair for pair, n in self.counts.items() if is_each_time(n))

    def files(self) -> list[str]:
        found = {path for (path, _), n in self.called.items() if is_each_time(n)}
        return sorted(path for path in found if not path.startswith("lib/base/"))


def indirect_calls(program: Path) -> set[int]:
    """Addresses of calls and jumps to where a register or memory says."""
    text = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", program], check=True, capture_output=True, text=True
    ).stdout
    found = re.findall(r"^ *([0-9a-f]+):\s+(?:notrack )?(?:call|jmp) +\*(?!.*\(%rip\))", text, re.M)
    return {int(address, 16) for address in found}


def position(token: str, last: int) -> int:
    if token[0] in "+-":
        return last + int(token[0] + token[1:], 16 if "0x" in token else 10)
    return last if token == "*" else int(token, 16)


def source_of(path: str) -> str | None:
    """A file of ours, from the root of the sources."""
    path = path.rpartition("../../")[2].removeprefix(f"{ROOT}/")
    return None if FOREIGN.match(path) or not path.endswith(".c") else path


def read_road(text: str, indirect: set[int]) -> Road:
    """Out of a profile with --dump-instr=yes: a call's own address stands on the line behind it."""
    road = Road()
    names: dict[tuple[str, str], str] = {}
    here: dict[str, str] = {}
    there: dict[str, str] = {}
    address, calls = 0, 0
    for line in text.splitlines():
        named = NAMED.match(line)
        if named:
            callee, kind, number, name = named.groups()
            table = "fl" if kind in ("fl", "fi", "fe") else kind
            if name:
                names[table, number] = name
            (there if callee else here)[kind] = names[table, number]
        elif line.startswith("calls="):
            calls = int(line[6:].split()[0])
        elif line[:1] in ("0", "+", "-", "*") and line:
            address = position(line.split()[0], address)
            ours = PROGRAM in here.get("ob", "")
            if calls and PROGRAM in there.get("ob", here["ob"]):
                path = source_of(there.get("fl", there.get("fi", here["fl"])))
                road.called[path or "lib/base/", there["fn"]] += calls
                is_indirect = not ours or address in indirect
                if is_indirect and not BESIDE.match(there["fn"]):
                    caller = here["fn"] if ours else Path(here["ob"]).name
                    road.counts[caller, there["fn"]] += calls
            if calls:
                calls, there = 0, {}
    return road


class Walked(Counted):
    """Keeps the last profile as it is."""

    options = ["--dump-instr=yes", "--dump-line=no"]
    text = ""

    def take(self) -> Counts:
        ask = ["vgdb", self.pipes, f"--pid={self.pids()[0]}", "dump"]
        subprocess.run(ask, check=True, capture_output=True, timeout=60)
        self.dumps += 1
        self.text = Path(f"{self.out}.{self.dumps}").read_text()
        return Counts(0, 0)


def walk(bin_folder: Path) -> dict[str, Road]:
    counted.Counted = Walked  # type: ignore[misc]
    counted.CONNECTIONS = instructions.CONNECTIONS = 1
    indirect = indirect_calls(bin_folder / PROGRAM)
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as name:
        bed = Bed(bin_folder, Path(name))
        try:
            bed.start()
            instructions.count_requests(bed, bed.client, bed.outbound, "app", None)
            texts = {"outbound": bed.client, "inbound": bed.server}
            roads = {name: read_road(program.text, indirect) for name, program in texts.items()}
            instructions.count_requests(bed, bed.gateway, bed.https, HOST, browser())
            roads["gateway"] = read_road(bed.gateway.text, indirect)
            return roads
        finally:
            bed.stop()


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench --road", description=__doc__)
    parser.add_argument(
        "--bin", type=Path, default=Path("build/dev/bin"), help="folder of the programs"
    )
    parser.add_argument("--list", action="store_true", help="say which")
    args = parser.parse_args()
    if not shutil.which("valgrind"):
        print("skipped: valgrind is not installed (scripts/bootstrap --tests)")
        return 77
    for side, road in walk(args.bin.resolve()).items():
        files = road.files()
        print(f"{side:10}{len(road.transfers()):4} transfers{len(files):5} files above lib/base")
        for caller, callee in road.transfers() if args.list else []:
            print(f"    {caller} -> {callee}")
        for path in files if args.list else []:
            print(f"    {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
