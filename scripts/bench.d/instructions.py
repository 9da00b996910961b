#!/usr/bin/env python3
"""Counts instructions and system calls of a request, and compares them with checked-in figures.

Unlike time they hardly depend on the machine or on what else runs there: each program runs under
callgrind with one worker, the load is in lockstep, and counting begins after a warm-up.

SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from counted import (
    ANSWER,
    CONNECTIONS,
    HOST,
    REQUEST,
    Bed,
    Clients,
    Counted,
    Counts,
    browser,
    read_answer,
)

SKIPPED = 77
WARM_UP, COUNTED = 20, 40  # requests on each connection
HANDSHAKES = 40
TOLERANCE = 0.03
STEADY = 0.005  # the same build counted twice differs by less
CALLS_TOLERANCE = 1.25  # dialling again, where a machine is so slow that idle connections expire
SHOWN = "tests/bench/instructions.tsv"
EXPECTED = Path(__file__).resolve().parents[2] / SHOWN
HEADER = """\
# What a request, or a handshake, costs each program: instructions of its own, and system calls.
# scripts/bench --instructions --update "the reason" writes it; the test speed.instructions fails
# when one is 3 % above its figure. Columns: what, instructions, calls, why the figure is as it is.
"""


# ---- counting ----


def count_requests(
    bed: Bed, first: Counted, port: int, host: str, tls: ssl.SSLContext | None
) -> list[Counts]:
    """Of the program that clients call, and of the one before the app."""
    programs = [first, bed.server]
    clients = Clients(bed.app, *programs, port, host, tls)
    clients.ask(WARM_UP)
    for program in programs:
        program.take()
    clients.ask(COUNTED)
    counts = [program.take() / (COUNTED * CONNECTIONS) for program in programs]
    clients.close()
    return counts


def count_handshakes(bed: Bed) -> list[Counts]:
    """With all that a connection costs besides: accepted, dialled, served once, closed."""
    programs = [bed.gateway, bed.server]

    def connect() -> None:
        with socket.create_connection(("127.0.0.1", bed.tcp), timeout=60) as sock:
            sock.sendall(REQUEST.format(HOST).encode())
            bed.app.take(1)[0].sendall(ANSWER)
            read_answer(sock)

    connect()
    for program in programs:
        program.take()
    for _ in range(HANDSHAKES):
        connect()
    return [program.take() / HANDSHAKES for program in programs]


def count_all(bed: Bed) -> dict[str, Counts]:
    mesh = count_requests(bed, bed.client, bed.outbound, "app", None)
    https = count_requests(bed, bed.gateway, bed.https, HOST, browser())[:1]
    filtered = count_requests(bed, bed.gateway, bed.filtered, HOST, browser())[:1]
    eight = count_requests(bed, bed.gateway, bed.eight, HOST, browser())[:1]
    handshake = count_handshakes(bed)
    names = ["mesh, outbound", "mesh, inbound", "gateway, HTTPS", "gateway, with filters"]
    names += ["gateway, eight no-op filters"]
    names += ["mutual TLS handshake, client", "mutual TLS handshake, server"]
    return dict(zip(names, [*mesh, *https, *filtered, *eight, *handshake]))


def measure(bin_folder: Path, keep: Path | None) -> dict[str, Counts]:
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as name:
        folder = keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        bed = Bed(bin_folder, folder)
        try:
            bed.start()
            return count_all(bed)
        finally:
            bed.stop()


# ---- the figures ----


@dataclass(frozen=True)
class Figure:
    instructions: int
    calls: float
    reason: str

    def change(self, counts: Counts) -> float:
        return counts.instructions / self.instructions - 1

    def is_exceeded(self, counts: Counts) -> bool:
        return self.change(counts) > TOLERANCE or counts.calls > self.calls * CALLS_TOLERANCE


def surroundings(program: Path) -> str:
    """What the figures depend on beside our own code."""
    compiler = re.search(rb"GCC: \([^)]*\) ([\d.]+)", program.read_bytes())
    parts = [f"gcc {compiler.group(1).decode()}" if compiler else "another compiler"]
    ldd = subprocess.run(["ldd", str(program)], check=True, capture_output=True, text=True)
    for path in re.findall(r"=> (\S*/lib(?:uv|nghttp2)\.so\S*)", ldd.stdout):
        parts.append(os.path.basename(os.path.realpath(path)))
    cpu = Path("/proc/cpuinfo").read_text()
    wide = "with AVX2" if re.search(r"^flags.*\bavx2\b", cpu, re.M) else "without AVX2"
    return ", ".join([*parts, " ".join(platform.libc_ver()), f"{platform.machine()} {wide}"])


def read_figures() -> tuple[str, dict[str, Figure]]:
    taken_with, figures = "", {}
    for line in EXPECTED.read_text().splitlines() if EXPECTED.exists() else []:
        if line.startswith("# with: "):
            taken_with = line.removeprefix("# with: ")
        elif line and not line.startswith("#"):
            name, instructions, calls, reason = line.split("\t")
            figures[name] = Figure(int(instructions), float(calls), reason)
    return taken_with, figures


def write_figures(
    taken_with: str, old: dict[str, Figure], counts: dict[str, Counts], reason: str
) -> None:
    """A figure that did not move keeps its reason."""
    text = f"{HEADER}# with: {taken_with}\n"
    for name, c in counts.items():
        figure = old.get(name)
        if not figure or abs(figure.change(c)) > STEADY or figure.is_exceeded(c):
            figure = Figure(round(c.instructions), c.calls, reason)
        text += f"{name}\t{figure.instructions}\t{figure.calls:.2f}\t{figure.reason}\n"
    EXPECTED.write_text(text)


def compare(counts: dict[str, Counts], figures: dict[str, Figure]) -> bool:
    """Prints the table. False: something costs more than it may."""
    good = True
    print(f"{'each':30}{'instructions':>13}{'figure':>11}{'':8}{'calls':>7}{'figure':>8}")
    for name, c in counts.items():
        figure = figures.get(name)
        if not figure:
            print(f"{name:30}{c.instructions:13,.0f}{'none':>11}{'':8}{c.calls:7.2f}")
            good = False
            continue
        change, is_more = figure.change(c), figure.is_exceeded(c)
        note = "  MORE" if is_more else "  less: lower it" if change < -TOLERANCE else ""
        print(
            f"{name:30}{c.instructions:13,.0f}{figure.instructions:11,}{change:+8.1%}"
            f"{c.calls:7.2f}{figure.calls:8.2f}{note}"
        )
        good &= not is_more
    if not good:
        print(
            "Find what costs it: scripts/bench --instructions --keep DIR leaves profiles for\n"
            "callgrind_annotate --auto=no --threshold=100. Or say why it is worth it:\n"
            '  scripts/bench --instructions --update "the reason"'
        )
    return good


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/bench --instructions", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--bin", type=Path, default=Path("build/release/bin"), help=argparse.SUPPRESS
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave profiles and logs there")
    parser.add_argument("--update", metavar="REASON", help=f"write what is counted to {SHOWN}")
    args = parser.parse_args()
    if not shutil.which("valgrind"):
        print("skipped: valgrind is not installed (scripts/bootstrap --tests)")
        return SKIPPED
    bin_folder = args.bin.resolve()
    taken_with, figures = read_figures()
    here = surroundings(bin_folder / "weft-sidecar")
    if here != taken_with and not args.update and not args.keep:
        print(f"skipped: the figures are for {taken_with}; here are {here}")
        return SKIPPED
    counts = measure(bin_folder, args.keep and args.keep.resolve())
    if args.update:
        write_figures(here, figures, counts, args.update)
        _, figures = read_figures()
    return 0 if compare(counts, figures) else 1


if __name__ == "__main__":
    sys.exit(main())
