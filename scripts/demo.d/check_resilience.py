"""Checks of what happens when an app fails or is slow.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import time

from bed.wait import until
from stage import Stage, check


def check_retries(stage: Stage) -> str:
    """One of two endpoints answers 503 all the time; nobody who calls may notice."""
    stage.use("retries")
    shop = stage.shop
    shop.v2.control(fail=503)
    before = shop.v2.count()
    first = stage.reviews_load(kind=lambda a: a.json()["version"]).run(200)
    hidden = shop.v2.count() - before
    check(not first.failures, f"{len(first.failures)} of {first.done} failed: {first.why()}")
    check(hidden, "the failing endpoint was never asked: nothing was hidden")
    return (f"{first.done} requests, 0 failed for the caller, while v2 answered 503 to "
            f"{hidden} of them")


def check_ejection(stage: Stage) -> str:
    """After five failures in a row the endpoint gets nothing for 3 s; then it is tried again."""
    stage.use("retries")
    shop = stage.shop
    sidecar = shop.frontend.sidecar
    assert sidecar
    mark = sidecar.mark()
    shop.v2.control(fail=503)
    load = stage.reviews_load(kind=lambda a: a.json()["version"]).start()
    try:
        said = sidecar.await_log(rf"{shop.v2.ip}:9080 .*is ejected", mark)
        ejected, asked = time.monotonic(), shop.v2.count()
        until("200 more answers", lambda: load.done() > 200, 30)
        rest = shop.v2.count() - asked
        shop.v2.control()
        until("v2 to answer again", lambda: load.saw("v2"), 60)
        back = time.monotonic() - ejected
    finally:
        result = load.stop()
    check(said and rest <= 2, f"the ejected endpoint was asked {rest} times more")
    check(not result.failures, f"{len(result.failures)} of {result.done} failed: {result.why()}")
    return (f"ejected after 5 failures, {rest} requests while it rests, "
            f"back after {back:.1f} s; {result.done} requests, 0 failed")


def check_timeout(stage: Stage) -> str:
    """Reviews takes 2 s; the route allows 300 ms."""
    stage.use("timeout")
    for pod in (stage.shop.v1, stage.shop.v2):
        pod.control(delay=2)
    begin = time.monotonic()
    answer = stage.shop.reviews()
    took = time.monotonic() - begin
    check(answer.status == 504, f"{answer!r}")
    check(0.25 <= took < 1.9, f"answered after {took * 1000:.0f} ms")
    return f"504 ({answer.reason}) after {took * 1000:.0f} ms, where 300 are allowed"
