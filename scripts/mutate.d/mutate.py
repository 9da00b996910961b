# Picks mutations, has them tried, and says which ones no test noticed.
# SPDX-License-Identifier: GPL-3.0-or-later
import argparse
import os
import queue
import random
import re
import signal
import sys
import threading

import mutations
from trial import Trial

EQUIVALENT = os.path.join(mutations.ROOT, "scripts", "mutate.d", "equivalent.list")
PRODUCT = ("lib/", "filters/", "policies/", "sidecar/", "certd/", "injector/", "weftctl/")
HELP = """Changes the meaning of one line at a time (a comparison, a condition, a constant, a call
that is left out), builds, and runs the tests that have the changed file in them: the nearest unit
tests first, then everything in memory, then (unless --fast) the end-to-end tests of its folder.
What no test notices is a survivor: a behaviour that nothing asserts."""
EPILOG = """Survivors that mean the same as before have a line with the reason in
scripts/mutate.d/equivalent.list and are not drawn again. Exit status: 0 when at least --bar percent
were noticed, 1 when fewer, 2 when nothing could be tried."""


def arguments():
    p = argparse.ArgumentParser(prog="scripts/mutate", description=HELP, epilog=EPILOG)
    p.add_argument("paths", nargs="*", metavar="PATH",
                   help="files, lines of files (PATH:12, PATH:12-30) or folders (default: all)")
    p.add_argument("--count", type=int, default=20, metavar="N", help="how many (default 20)")
    p.add_argument("--seed", type=int, default=1, help="which ones: the same seed draws the same")
    p.add_argument("--fast", action="store_true", help="leave end-to-end tests out")
    p.add_argument("--asan", action="store_true",
                   help="build with the sanitizers, which see more")
    p.add_argument("--jobs", type=int, default=1, metavar="N", help="copies that work at once")
    p.add_argument("--bar", type=float, default=95, metavar="PERCENT", help="(default 95)")
    p.add_argument("--list", action="store_true", help="only say what could be mutated")
    return p.parse_args()


def read_equivalent():
    """Keys of mutations that were judged; every line ends with its reason."""
    keys = set()
    if os.path.exists(EQUIVALENT):
        with open(EQUIVALENT, encoding="utf-8") as f:
            for line in f:
                parts = [p.strip() for p in line.rstrip("\n").split(" | ")]
                if line.startswith("#") or not line.strip():
                    continue
                if len(parts) != 4:
                    sys.exit(f"equivalent.list: want 'path | before | after | reason': {line}")
                keys.add(" | ".join(parts[:3]))
    return keys


class Place:
    """What an argument names: a folder, a file, or some lines of a file."""

    def __init__(self, argument):
        lines = re.fullmatch(r"(.+):(\d+)(?:-(\d+))?", argument)
        path = lines.group(1) if lines else argument
        self.path = os.path.relpath(os.path.abspath(path), mutations.ROOT)
        self.first = int(lines.group(2)) if lines else 1
        self.last = int(lines.group(3) or self.first) if lines else sys.maxsize

    def has_file(self, path):
        return self.path in (".", path) or path.startswith(self.path + "/")

    def has(self, mutation):
        return self.has_file(mutation.path) and self.first <= mutation.line <= self.last


def candidates(paths, sanitized):
    wanted = [Place(p) for p in paths]
    judged = read_equivalent()
    for path in mutations.sources.files(".c", root=mutations.ROOT):
        if not path.startswith(PRODUCT):
            continue
        if wanted and not any(w.has_file(path) for w in wanted):
            continue
        text = mutations.sources.read(path, mutations.ROOT)
        for m in mutations.of_file(path, text, sanitized):
            if m.key() not in judged and (not wanted or any(w.has(m) for w in wanted)):
                yield m


def draw(all_of_them, count, seed):
    """Twice as many as wanted, since some do not compile; the same seed draws the same."""
    shuffled = sorted(all_of_them, key=lambda m: (m.path, m.line, m.name, m.after))
    random.Random(seed).shuffle(shuffled)
    return shuffled[:count * 2]


class Tally:
    """What the copies found, printed as it comes."""

    def __init__(self, count):
        self.count, self.tried, self.survivors = count, 0, []
        self.lock = threading.Lock()

    def is_full(self):
        with self.lock:
            return self.tried >= self.count

    def add(self, mutation, by):
        with self.lock:
            if by is None or self.tried >= self.count:
                return
            self.tried += 1
            place = f"{mutation.path}:{mutation.line}"
            if by:
                print(f"[{self.tried}/{self.count}] noticed   {place}: {mutation.name} ({by})",
                      flush=True)
                return
            self.survivors.append(mutation)
            print(f"[{self.tried}/{self.count}] SURVIVED  {place}: {mutation.name}\n"
                  f"    - {mutation.before.strip()}\n    + {mutation.after.strip()}", flush=True)


def work(trial, todo, tally, fast):
    while not tally.is_full():
        try:
            mutation = todo.get_nowait()
        except queue.Empty:
            return
        tally.add(mutation, trial.noticed(mutation, not fast))


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    options = arguments()
    found = list(candidates(options.paths, options.asan))
    if options.list:
        for m in found:
            print(f"{m.path}:{m.line}: {m.name}: {m.after.strip()}")
        return 0
    if not found:
        print("scripts/mutate: nothing there that could be mutated", file=sys.stderr)
        return 2
    todo = queue.Queue()
    for m in draw(found, options.count, options.seed):
        todo.put(m)
    tally = Tally(min(options.count, todo.qsize()))
    trials = [Trial(mutations.ROOT, os.path.join(mutations.ROOT, "build", "mutate", str(i)),
                    options.asan)
              for i in range(options.jobs)]
    for trial in trials:
        try:
            trial.prepare()
        except RuntimeError as e:
            print(f"scripts/mutate: the tree as it is does not build:\n{e}", file=sys.stderr)
            return 2
    threads = [threading.Thread(target=work, args=(t, todo, tally, options.fast)) for t in trials]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    noticed = tally.tried - len(tally.survivors)
    share = 100 * noticed / max(1, tally.tried)
    print(f"\n{noticed} of {tally.tried} mutations noticed ({share:.0f} %); seed {options.seed}")
    for m in tally.survivors:
        print(f"  {m.key()}")
    return 0 if share >= options.bar else 1


if __name__ == "__main__":
    sys.exit(main())
