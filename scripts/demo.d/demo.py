#!/usr/bin/env python3
"""The demo: a live mesh on this machine, and one check after the other of what it promises.
Called by scripts/demo, which builds first. SPDX-License-Identifier: GPL-3.0-or-later
"""
import argparse
import pathlib
import signal
import sys
import time
from typing import Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

# pylint: disable=wrong-import-position
from bed.programs import Unavailable
from bed.shop import Shop
from check_ingress import check_ingress
from check_resilience import check_ejection, check_retries, check_timeout
from check_routing import check_bad_edit, check_canary, check_edit, check_header
from check_security import check_certd_away, check_deny, check_rotation, check_strict
from check_shop_front import check_shop_front
from check_traffic import check_call, check_identities, check_tcp, check_wire
from report import Outcome, Report
from stage import Broken, Stage
from things_to_try import things_to_try

CHECKS: list[tuple[str, str, Callable[[Stage], str]]] = [
    ("call", "a plain call across the mesh", check_call),
    ("identities", "identities on both ends", check_identities),
    ("wire", "only TLS on the wire", check_wire),
    ("tcp", "opaque TCP over mutual TLS", check_tcp),
    ("canary", "canary 95/5", check_canary),
    ("header", "x-canary: true", check_header),
    ("retries", "retries hide a failing endpoint", check_retries),
    ("ejection", "the failing endpoint is ejected", check_ejection),
    ("timeout", "timeout", check_timeout),
    ("deny", "DENY by principal, method and path", check_deny),
    ("strict", "plain text under STRICT", check_strict),
    ("ingress", "ingress by HTTPS", check_ingress),
    ("shop-front", "a gateway with eighteen filters", check_shop_front),
    ("edit", "policy edits under load", check_edit),
    ("bad-edit", "a bad policy edit is refused", check_bad_edit),
    ("certd-away", "the CA is away", check_certd_away),
    ("rotation", "certificates rotate under load", check_rotation),
]


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--only", action="append", metavar="NAME", default=[],
                        choices=[name for name, _, _ in CHECKS])
    return parser.parse_args(arguments)


def run_one(stage: Stage, name: str, title: str, function: Callable[[Stage], str]) -> Outcome:
    """One check, and the mesh as it was before it."""
    begin, ok = time.monotonic(), False
    try:
        figure = function(stage)
        ok = True
    except Broken as e:
        figure = str(e)
    except Exception as e:  # pylint: disable=broad-except
        figure = f"{type(e).__name__}: {e}"
    try:
        stage.shop.reset()
    except Exception as e:  # pylint: disable=broad-except
        figure, ok = f"{figure}; and the mesh could not be set back: {e}", False
    return Outcome(name, title, ok, figure, time.monotonic() - begin)


def run_all(shop: Shop, report: Report, only: list[str]) -> None:
    stage = Stage(shop, report.detail)
    try:
        for name, title, function in CHECKS:
            if not only or name in only:
                report.detail((function.__doc__ or "").split("\n\n", maxsplit=1)[0])
                report.add(run_one(stage, name, title, function))
    finally:
        stage.steady.stop()


def main() -> int:
    options = parse(sys.argv[1:])
    if options.list:
        print("\n".join(f"{name:<12} {title}" for name, title, _ in CHECKS))
        return 0
    # So that `finally` takes the namespaces away however the demo is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    report = Report(options.json, options.verbose)
    begin = time.monotonic()
    try:
        with Shop(leaf_ttl="20s", keep_files=True) as shop:
            report.say(f"a mesh of {len(shop.bed.sidecars())} sidecars is up after "
                       f"{time.monotonic() - begin:.1f} s\n")
            run_all(shop, report, options.only)
            shop.bed.keep_files = options.keep or options.verbose or not report.ok
            report.close(time.monotonic() - begin,
                         str(shop.bed.run.path) if shop.bed.keep_files else "")
            if options.keep:
                things_to_try(shop, report.say)
                signal.pause()
    except Unavailable as e:
        print(f"demo: {e}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        report.say("\nended; the mesh is taken away")
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
