"""What the demo says: one line for each check, then a table; or one JSON document.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import sys
from dataclasses import asdict, dataclass


@dataclass
class Outcome:
    """How one check ended."""
    name: str
    title: str
    ok: bool
    figure: str
    seconds: float


class Report:
    """Lines as they come, and the closing word. Colours on a terminal only."""

    def __init__(self, as_json: bool, verbose: bool) -> None:
        self.outcomes: list[Outcome] = []
        self._json, self._verbose = as_json, verbose
        self._colour = sys.stdout.isatty() and not as_json

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    def _mark(self, ok: bool) -> str:
        return self._paint("32", "ok  ") if ok else self._paint("31;1", "FAIL")

    def say(self, text: str) -> None:
        """For people; on stderr when a machine reads stdout."""
        print(text, file=sys.stderr if self._json else sys.stdout, flush=True)

    def detail(self, text: str) -> None:
        if self._verbose:
            self.say(self._paint("2", f"      {text}"))

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.say(f"{self._mark(outcome.ok)}  {outcome.title} … {outcome.figure}")

    @property
    def ok(self) -> bool:
        return bool(self.outcomes) and all(o.ok for o in self.outcomes)

    def close(self, seconds: float, where: str) -> None:
        held = sum(o.ok for o in self.outcomes)
        width = max((len(o.name) for o in self.outcomes), default=0)
        self.say("")
        for o in self.outcomes:
            first = (o.figure.splitlines() or [""])[0]
            self.say(f"  {self._mark(o.ok)} {o.name:<{width}} {o.seconds:6.1f} s  {first[:90]}")
        kept = f"; logs, captures and policies: {where}" if where else ""
        self.say(f"\n{held} of {len(self.outcomes)} checks hold; {seconds:.0f} s in all{kept}")
        if self._json:
            print(json.dumps({"ok": self.ok, "seconds": round(seconds, 1), "run": where or None,
                              "checks": [asdict(o) for o in self.outcomes]}, indent=2))
