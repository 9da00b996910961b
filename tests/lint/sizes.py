#!/usr/bin/env python3
# Size lint: files up to 500 lines, functions up to 60, lines up to 100 columns; what is over has a
# line with its reason in sizes.allow. What is over the goal (300 and 40) is only counted.
# A C function is what begins with a brace in the first column: the formatter sees to that.
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import re

import sources

FILE_GOAL, FILE_MAX = 300, 500
FUNCTION_GOAL, FUNCTION_MAX = 40, 60
COLUMNS = 100
ENDINGS = (".c", ".h", ".def", ".py", ".sh", ".cmake", ".proto")
ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)")
NAME = re.compile(r"(\w+)\s*\(")


def read_allowed(text):
    """{"path" or "path:function": limit} out of the allow-list; each line must give a reason."""
    allowed = {}
    for line in text.splitlines():
        words = line.split(None, 2)
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 3 or not words[1].isdigit():
            raise SystemExit(f"sizes.allow: want '<path[:function]> <lines> <reason>', got: {line}")
        allowed[words[0]] = int(words[1])
    return allowed


def functions(text):
    """(name, first line, length) of each C function; the length counts its braces and its head."""
    lines = sources.code_only(text).split("\n")
    start = None
    for i, line in enumerate(lines):
        if line.rstrip() == "{":
            head = i
            while head > 0 and lines[head - 1].strip() and lines[head - 1][0] not in "}#":
                head -= 1
            names = NAME.findall(ATTRIBUTE.sub("", " ".join(lines[head:i])))
            start = (names[0] if names else "?", head + 1)
        elif line.rstrip() == "}" and start:
            yield start[0], start[1], i + 2 - start[1]
            start = None


def check(path, text, allowed):
    """(problems, over the goal) of one file."""
    problems, over = [], []
    count = text.count("\n") + (0 if text.endswith("\n") or not text else 1)
    if count > allowed.get(path, FILE_MAX):
        problems.append(f"{path}:1: {count} lines, at most {allowed.get(path, FILE_MAX)}")
    elif count > FILE_GOAL:
        over.append(path)
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > COLUMNS and "://" not in line:
            problems.append(f"{path}:{number}: {len(line)} columns, at most {COLUMNS}")
    if path.endswith((".c", ".h")):
        for name, line, length in functions(text):
            limit = allowed.get(f"{path}:{name}", FUNCTION_MAX)
            if length > limit:
                problems.append(f"{path}:{line}: {name} has {length} lines, at most {limit}")
            elif length > FUNCTION_GOAL:
                over.append(f"{path}:{name}")
    return problems, over


def main():
    allow_path = "tests/lint/sizes.allow"
    allowed = read_allowed(sources.read(allow_path))
    listed = sources.files(*ENDINGS)
    problems, over = [], []
    for path in listed:
        found, long_ones = check(path, sources.read(path), allowed)
        problems += found
        over += long_ones
    for key in sorted(allowed):
        if not os.path.isfile(os.path.join(sources.ROOT, key.split(":")[0])):
            problems.append(f"{allow_path}: {key} is gone: take its line out")
    print(f"over the goal of {FILE_GOAL} lines a file or {FUNCTION_GOAL} a function: {len(over)}")
    for item in over:
        print(f"  {item}")
    sources.report(problems, len(listed))


if __name__ == "__main__":
    main()
