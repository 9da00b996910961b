"""What the checks of the demo share: the shop, a steady load that runs through all of them, and the
policies beside this file. SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import pathlib
import re
from typing import Callable

from bed.http_client import Answer
from bed.load import Load
from bed.shop import Shop

POLICIES = pathlib.Path(__file__).parent / "policies"
PRINCIPAL = re.compile(r"URI=([^;,]+)")
HASH = re.compile(r"Hash=([0-9a-f]{64})")


class Broken(Exception):
    """A promise that does not hold; the text is the figure to show."""


def check(condition: object, why: str) -> None:
    if not condition:
        raise Broken(why)


class Stage:
    """`shop` is the mesh; `steady` asks ratings from the frontend, all the time."""

    def __init__(self, shop: Shop, say: Callable[[str], None]) -> None:
        self.shop, self.say = shop, say
        self.steady = shop.frontend.load("http://ratings:9080/headers", threads=1, pause=0.005,
                                         kind=self._certificate, reconnect_every=10).start()

    @staticmethod
    def _certificate(answer: Answer) -> str:
        """Which certificate the frontend's sidecar showed, as ratings saw it."""
        seen = answer.json()["headers"].get("x-forwarded-client-cert", "") if \
            answer.status == 200 else ""
        found = HASH.search(seen)
        return found.group(1) if found else ""

    # ---- policies ----

    def use(self, name: str) -> None:
        """The policy file of that name is in force, in every sidecar."""
        self.say(f"policy: {name}.yaml")
        self.shop.bed.apply(f"20-{name}.yaml", self.policy(name))

    @staticmethod
    def policy(name: str) -> str:
        return (POLICIES / f"{name}.yaml").read_text()

    # ---- load ----

    def reviews_load(self, path: str = "/who", threads: int = 2, **how: object) -> Load:
        """Load from the frontend's app on reviews."""
        return self.shop.frontend.load(f"http://reviews:9080{path}", threads=threads, **how)
