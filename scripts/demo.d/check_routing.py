"""Checks of routes, and of changing them while requests are under way.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import math
import time

from bed.wait import until
from stage import Stage, check

COUNT, SHARE = 2000, 0.05
EDITS = 5
BAD = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: broken
  namespace: default
spec:
  parentRefs:
    - {group: "", kind: Service, name: reviews, port: 9080}
  rules:
    - timeout: 1s
"""


def check_canary(stage: Stage) -> str:
    """2,000 requests over a 95/5 split must lie within three standard deviations."""
    stage.use("canary")
    result = stage.reviews_load(threads=4, kind=lambda a: a.json()["version"]).run(COUNT)
    check(not result.failures, f"{len(result.failures)} of {COUNT} failed: {result.why()}")
    expected, got = COUNT * SHARE, result.kinds["v2"]
    spread = 3 * math.sqrt(COUNT * SHARE * (1 - SHARE))
    figure = f"v2 got {got} of {COUNT} (expected {expected:.0f} ± {spread:.0f})"
    check(abs(got - expected) <= spread, figure)
    return figure


def check_header(stage: Stage) -> str:
    """x-canary: true goes to v2, always."""
    stage.use("canary")
    result = stage.reviews_load(headers={"x-canary": "true"},
                                kind=lambda a: a.json()["version"]).run(200)
    check(not result.failures, result.why())
    figure = f"v2 got {result.kinds['v2']} of {result.done}"
    check(result.kinds["v2"] == result.done, figure)
    return figure


def check_edit(stage: Stage) -> str:
    """The same route is edited again and again under load: every answer must be good, and the new
    edition must show up."""
    text = stage.policy("edit")
    stage.shop.bed.apply("20-edit.yaml", text)
    load = stage.reviews_load(threads=3, kind=lambda a: a.headers.get("x-edition")).start()
    times = []
    try:
        for number in range(1, EDITS + 1):
            edition = str(number)
            new = text.replace('"0"', f'"{edition}"')
            begin = time.monotonic()
            stage.shop.bed.policies.write("20-edit.yaml", new)
            seen = until(f"edition {edition} in an answer",
                         lambda edition=edition: load.saw(edition), 30)
            times.append(seen - begin)
            before = load.done()
            until("more answers", lambda before=before: load.done() > before + 50, 30)
    finally:
        result = load.stop()
    check(not result.failures, f"{len(result.failures)} of {result.done} failed: {result.why()}")
    return (f"{EDITS} edits, {result.done} requests, 0 failed; "
            f"in effect after {min(times) * 1000:.0f}–{max(times) * 1000:.0f} ms")


def check_bad_edit(stage: Stage) -> str:
    """A file with a mistake is refused whole, with its place; the good configuration serves on."""
    stage.shop.bed.apply("20-edit.yaml", stage.policy("edit").replace('"0"', '"kept"'))
    sidecar = stage.shop.frontend.sidecar
    assert sidecar
    load = stage.reviews_load(kind=lambda a: a.headers.get("x-edition")).start()
    try:
        mark = sidecar.mark()
        stage.shop.bed.policies.write("20-bad.yaml", BAD)
        said = sidecar.await_log(r"20-bad\.yaml:\d+: .*", mark).group(0)
        sidecar.await_log("refused as a whole", mark)
        before = load.done()
        until("more answers", lambda: load.done() > before + 100, 30)
    finally:
        result = load.stop()
        stage.shop.bed.withdraw("20-bad.yaml")
    check(not result.failures, f"{len(result.failures)} of {result.done} failed: {result.why()}")
    check(set(result.kinds) == {"kept"}, f"the configuration in force changed: {result.kinds}")
    return f"{result.done} requests, 0 failed; log: “{said}”"
