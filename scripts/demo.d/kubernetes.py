#!/usr/bin/env python3
"""The demo on a real Kubernetes: a cluster, Weft, a shop, and one promise after the other, each
with the commands that show it. Called by scripts/demo --kubernetes, which builds first.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import argparse
import os
import pathlib
import signal
import sys
import time
from typing import Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "cluster"))
sys.path.insert(0, str(ROOT / "tests"))

# pylint: disable=wrong-import-position
from bed.programs import Unavailable as NoProgram
from kubernetes_steps import STEPS, Scene
from live.cluster import Cluster, Unavailable
from report import Outcome, Report


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo --kubernetes")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true")
    return parser.parse_args(arguments)


def run_one(scene: Scene, name: str, title: str, function: Callable[[Scene], str]) -> Outcome:
    begin, ok = time.monotonic(), False
    try:
        figure = function(scene)
        ok = True
    except Exception as e:  # pylint: disable=broad-except
        figure = str(e) or type(e).__name__
    return Outcome(name, title, ok, figure, time.monotonic() - begin)


def run_all(scene: Scene, report: Report) -> None:
    for name, title, needed, function in STEPS:
        report.say(f"\n{title}")
        outcome = run_one(scene, name, title, function)
        report.add(outcome)
        if needed and not outcome.ok:
            report.say("what follows needs this")
            return


def finish(cluster: Cluster, keep: bool, report: Report) -> None:
    if keep:
        report.say(f"\nThe cluster goes on running: eval \"$(WEFT_CLUSTER={cluster.name} "
                   f"scripts/cluster env)\"; kubectl get pods -A\n"
                   f"End it with: WEFT_CLUSTER={cluster.name} scripts/cluster down")
    elif cluster.is_ours:
        cluster.down()


def main() -> int:
    options = parse(sys.argv[1:])
    if options.list:
        print("\n".join(f"{name:<12} {title}" for name, title, _, _ in STEPS))
        return 0
    # So that `finally` takes the cluster away however the demo is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    report = Report(options.json, True)
    begin = time.monotonic()
    cluster = Cluster(os.environ.get("WEFT_CLUSTER", "demo"),
                      lambda command: report.detail(f"$ {command}"))
    try:
        run_all(Scene(cluster), report)
        report.close(time.monotonic() - begin, "")
    except (Unavailable, NoProgram) as e:
        print(f"demo: {e}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        report.say("\nended")
    finally:
        finish(cluster, options.keep, report)
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
