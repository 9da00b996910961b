#!/usr/bin/env python3
# Which test shows which requirement: docs/requirements.md is what the marks of tests say. A mark is
# "requirement: H1, I4" in a comment above a test, in C or Python, or "requirement H1,I4" behind the
# ">>>" of a case. --update writes the page.
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import re
import sys

import sources

LIST, PAGE = "tests/requirements.tsv", "docs/requirements.md"
MARK = re.compile(r"\brequirement: ((?:[A-Z]\d+(?:, )?)+)")
CASE_MARK = re.compile(r"^>>>.*\brequirement ((?:[A-Z]\d+,?)+)")
TEST = re.compile(r"^\s*(?:static void|def) (test_\w+|\w+)\(")
HEAD = """\
# What is asked for, and which test shows it

Each row is something that users of a gateway ask for, and the tests that show that it works. The
page is made from marks in the tests (`scripts/generate`); a row without a test is not shown to
work yet.

| | what is asked for | shown by |
|---|---|---|
"""


def read_list():
    rows = [l.split("\t") for l in sources.read(LIST).splitlines() if l and l[0] != "#"]
    return {number: text for number, text in rows}


def marks_of(path, text):
    """(line, numbers, name of the test) of each mark."""
    lines = text.splitlines()
    title = ""
    for at, line in enumerate(lines):
        if path.endswith(".cases"):
            title = line[4:] if line.startswith("### ") else title
            case = CASE_MARK.match(line)
            if case:
                yield at + 1, case.group(1).split(","), title
            continue
        mark = MARK.search(line)
        if mark:
            below = next((m for m in map(TEST.match, lines[at + 1:]) if m), None)
            yield at + 1, mark.group(1).split(", "), below.group(1) if below else None


def collect(rows, texts):
    """texts: {path: text} of the tests."""
    shown, problems = {number: [] for number in rows}, []
    for path, text in sorted(texts.items()):
        for line, numbers, name in marks_of(path, text):
            if not name:
                problems.append(f"{path}:{line}: no test follows the mark")
            for number in numbers:
                if number in shown:
                    shown[number].append((path, name))
                else:
                    problems.append(f"{path}:{line}: {number} is not in {LIST}")
    return shown, problems


def cell(tests):
    files = {}
    for path, name in tests:
        files.setdefault(path, set()).add(name or "?")
    parts = [f"[{os.path.relpath(path, 'tests')}](../{path}): {'; '.join(sorted(names))}"
             for path, names in sorted(files.items())]
    return "<br>".join(parts) or "no test yet"


def page(rows, shown):
    return HEAD + "".join(f"| {n} | {text} | {cell(shown[n])} |\n" for n, text in rows.items())


def main():
    rows = read_list()
    paths = [p for p in sources.files(".c", ".py", ".cases")
             if p.startswith("tests/") and not p.startswith("tests/lint/")]
    shown, problems = collect(rows, {p: sources.read(p) for p in paths})
    text = page(rows, shown)
    if "--update" in sys.argv[1:]:
        with open(os.path.join(sources.ROOT, PAGE), "w", encoding="utf-8") as f:
            f.write(text)
    elif sources.read(PAGE) != text:
        problems.append(f"{PAGE}:1: not what the tests say: run scripts/generate")
    sources.report(problems, len(rows))


if __name__ == "__main__":
    main()
