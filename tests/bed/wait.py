"""Waiting for a condition, with a deadline that is there for safety and not as a measure.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import time
from typing import Callable, TypeVar

T = TypeVar("T")

# A machine that is busy with other things must not make a test fail: deadlines are generous.
SAFETY = 60.0


class Overdue(Exception):
    """What was awaited did not come."""


def until(what: str, condition: Callable[[], T], deadline: float = SAFETY,
          pause: float = 0.01, aid: Callable[[], str] | None = None) -> T:
    """The first true value of `condition`. `aid` adds to the message what helps to see why not."""
    end = time.monotonic() + deadline
    last: Exception | None = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = None
        except (OSError, ValueError) as e:
            last = e
        if time.monotonic() > end:
            why = f": {last}" if last else ""
            more = f"\n{aid()}" if aid else ""
            raise Overdue(f"{what}: not within {deadline:.0f} s{why}{more}")
        time.sleep(pause)
