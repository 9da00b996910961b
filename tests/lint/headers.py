#!/usr/bin/env python3
# Header lint: every header compiles alone, and twice. The flags are those of a neighbouring
# source file in the build's compile_commands.json; generated headers must have been built.
# Usage: headers.py <build folder>. Without that file it says so and is skipped.
# SPDX-License-Identifier: GPL-3.0-or-later
import concurrent.futures
import json
import os
import shlex
import subprocess
import sys

import sources

SKIPPED = 77
DROPPED_WITH_VALUE = {"-o", "-MF", "-MT", "-MQ", "-c"}
DROPPED = {"-MD", "-MMD"}


def flags_of(entry):
    """The compiler and its flags, without what names files."""
    words = entry["arguments"] if "arguments" in entry else shlex.split(entry["command"])
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in DROPPED_WITH_VALUE:
            skip = True
        elif word not in DROPPED and word != entry["file"]:
            kept.append(word)
    return kept


def by_folder(entries):
    """{source folder: flags}, folders as paths from the root."""
    table = {}
    for entry in entries:
        path = os.path.relpath(os.path.join(entry["directory"], entry["file"]), sources.ROOT)
        if not path.startswith(".."):
            table.setdefault(os.path.dirname(path), (flags_of(entry), entry["directory"]))
    return table


def flags_for(header, table):
    """Of its own folder, or else of the nearest folder that has any."""
    folder = os.path.dirname(header)
    near = [f for f in table if f == folder or f.startswith(folder + "/")]
    while not near and folder:
        folder = os.path.dirname(folder)
        near = [f for f in table if f == folder or f.startswith(folder + "/")]
    return table[min(near or table)]


def check(header, table):
    flags, folder = flags_for(header, table)
    text = f'#include "{header}"\n' * 2
    command = flags + [f"-I{sources.ROOT}", "-fsyntax-only", "-x", "c", "-"]
    done = subprocess.run(command, input=text, cwd=folder, text=True, capture_output=True,
                          check=False)
    if done.returncode == 0:
        return []
    return [f"{header}: does not compile alone:\n{done.stderr.strip()}"]


def main():
    if len(sys.argv) != 2:
        raise SystemExit("usage: headers.py <build folder>")
    database = os.path.join(sys.argv[1], "compile_commands.json")
    if not os.path.isfile(database):
        print(f"skipped: header lint: no {database}")
        sys.exit(SKIPPED)
    with open(database, encoding="utf-8") as f:
        table = by_folder(json.load(f))
    if not table:
        raise SystemExit(f"{database} names no source file of {sources.ROOT}")
    headers = sources.files(".h")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda h: check(h, table), headers))
    sources.report([p for problems in found for p in problems], len(headers))


if __name__ == "__main__":
    main()
