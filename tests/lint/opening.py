#!/usr/bin/env python3
# Opening lint: a C file starts with a comment of at most eight lines: what it is, and
# the licence tag; scripts and CMake files hold the tag near their top; headers have #pragma once.
# SPDX-License-Identifier: GPL-3.0-or-later
import re

import sources

TAG = "SPDX-License-Identifier: GPL-3.0-or-later"
OPENING = re.compile(r"/\*.*?\*/", re.DOTALL)
LINES = {".c": (1, 8), ".h": (1, 24), "tests": (1, 8)}


def check_c(path, text):
    m = OPENING.match(text)
    if not m:
        return [f"{path}:1: starts without a comment that says what it is"]
    problems = []
    lines = m.group(0).count("\n") + 1
    # The closing mark alone on its line is the formatter's.
    if m.group(0).split("\n")[-1].strip() == "*/":
        lines -= 1
    shortest, longest = LINES["tests" if path.startswith("tests/") else path[-2:]]
    if not shortest <= lines <= longest:
        problems.append(f"{path}:1: opening comment of {lines} lines, want {shortest} to {longest}")
    if TAG not in m.group(0):
        problems.append(f"{path}:1: no licence tag in the opening comment: {TAG}")
    if path.endswith(".h") and not re.search(r"^#pragma once$", text, re.MULTILINE):
        problems.append(f"{path}:1: no #pragma once")
    return problems


def check_script(path, text):
    head = text.split("\n")[:12]
    if not any(TAG in line for line in head):
        return [f"{path}:1: no licence tag near the top: {TAG}"]
    return []


def check(path, text):
    if path.endswith((".c", ".h")):
        return check_c(path, text)
    if path.endswith((".py", ".sh", ".cmake")) or text.startswith("#!"):
        return check_script(path, text) if text.strip() else []
    return []


def main():
    listed = sources.files()
    problems = []
    for path in listed:
        problems += check(path, sources.read(path))
    sources.report(problems, len(listed))


if __name__ == "__main__":
    main()
