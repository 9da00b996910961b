"""Load from one pod: a few threads, each with a kept connection, as fast as answers come or at a
rate. Bounded in time or number; every failure is kept with its moment and its text.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import collections
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

from .http_client import Answer, Client


@dataclass
class Result:
    """What came of it."""
    done: int = 0
    failures: list[str] = field(default_factory=list)
    kinds: "collections.Counter[Any]" = field(default_factory=collections.Counter)
    first_seen: dict[Any, float] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def percentile(self, p: float) -> float:
        """In seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))] if ordered else 0.0

    def why(self) -> str:
        """A few of the failures, for a message."""
        return "; ".join(self.failures[:3])


class Load:
    """Runs in the background between `start` and `stop`, or for `count` requests by `run`.
    `kind` sorts answers; `is_good` says which of them are as they should be."""

    def __init__(self, make_client: Callable[[], Client], path: str = "/", threads: int = 2,
                 headers: Mapping[str, str] | None = None, pause: float = 0.0,
                 kind: Callable[[Answer], Any] = lambda a: a.status,
                 is_good: Callable[[Answer], bool] = lambda a: a.status == 200,
                 reconnect_every: int = 0) -> None:
        self._make_client, self._path, self._headers = make_client, path, headers
        self._pause, self._kind, self._is_good = pause, kind, is_good
        self._reconnect_every = reconnect_every
        self._lock = threading.Lock()
        self._left: int | None = None
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        self.result = Result()
        self._begin = 0.0

    # ---- one thread ----

    def _take(self) -> bool:
        with self._lock:
            if self._left is None:
                return not self._stopping.is_set()
            self._left -= 1
            return self._left >= 0 and not self._stopping.is_set()

    def _note(self, answer: Answer | None, error: str, begin: float) -> None:
        now = time.monotonic()
        with self._lock:
            r = self.result
            r.done += 1
            if answer is None or not self._is_good(answer):
                r.failures.append(f"after {now - self._begin:.2f} s: {error or answer!r}")
            if answer is None:
                return
            r.latencies.append(now - begin)
            kind = self._kind(answer)
            r.kinds[kind] += 1
            r.first_seen.setdefault(kind, now)

    def _work(self) -> None:
        client, asked = self._make_client(), 0
        while self._take():
            begin = time.monotonic()
            try:
                self._note(client.get(self._path, self._headers), "", begin)
            except Exception as e:  # pylint: disable=broad-except
                self._note(None, f"{type(e).__name__}: {e}", begin)
                self._stopping.wait(0.01)
            asked += 1
            if self._reconnect_every and asked % self._reconnect_every == 0:
                client.close()
            if self._pause:
                self._stopping.wait(self._pause)
        client.close()

    # ---- all of them ----

    def start(self) -> "Load":
        self._begin = time.monotonic()
        for t in self._threads:
            t.start()
        return self

    def stop(self) -> Result:
        self._stopping.set()
        return self._join()

    def _join(self) -> Result:
        for t in self._threads:
            t.join()
        self.result.seconds = time.monotonic() - self._begin
        return self.result

    def run(self, count: int) -> Result:
        """That many requests, to the end."""
        self._left = count
        self.start()
        return self._join()

    def done(self) -> int:
        with self._lock:
            return self.result.done

    def saw(self, kind: Any) -> float | None:
        """When the first answer of that kind came (monotonic clock)."""
        with self._lock:
            return self.result.first_seen.get(kind)

    def __enter__(self) -> "Load":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
