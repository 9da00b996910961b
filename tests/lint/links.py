#!/usr/bin/env python3
# Link lint: every relative link of a Markdown page leads to a file that exists, and its anchor to a
# heading there; every page below docs is linked from the index; and every mention of a page in code
# or a script names one that exists.
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import re

import sources

INDEX = "docs/README.md"
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
MENTION = re.compile(r"(?<![\w./-])docs/[\w./-]*\w\.(?:md|yaml)")
PUNCTUATION = re.compile(r"[^\w\- ]")


def lines(text):
    """(number, line) of what is not in a fenced block."""
    fenced = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def anchors(text):
    """The anchors that a page has, as GitHub makes them of its headings."""
    made, seen = set(), {}
    for _, line in lines(text):
        m = HEADING.match(line)
        if not m:
            continue
        words = LINK.sub(lambda x: x.group(0)[1:x.group(0).index("]")], m.group(1))
        name = PUNCTUATION.sub("", words.lower()).replace(" ", "-")
        seen[name] = seen.get(name, -1) + 1
        made.add(f"{name}-{seen[name]}" if seen[name] else name)
    return made


def links(path, text):
    """(line, target path, anchor) of each link that stays within the repository."""
    for number, line in lines(text):
        for m in LINK.finditer(line):
            target, _, anchor = m.group(1).partition("#")
            if not OUTSIDE.match(m.group(1)):
                page = os.path.join(os.path.dirname(path), target) if target else path
                yield number, os.path.normpath(page), anchor


def check_page(path, text, exists, read):
    problems = []
    for number, target, anchor in links(path, text):
        if not exists(target):
            problems.append(f"{path}:{number}: there is no {target}")
        elif anchor and anchor not in anchors(read(target)):
            problems.append(f"{path}:{number}: {target} has no heading #{anchor}")
    return problems


def check_mentions(path, text, exists):
    return [f"{path}:{number}: there is no {m.group(0)}"
            for number, line in enumerate(text.split("\n"), 1)
            for m in MENTION.finditer(line) if not exists(m.group(0))]


def check_index(pages, text):
    """Pages that a reader cannot find."""
    linked = {target for _, target, _ in links(INDEX, text)}
    return [f"{page}:1: is not linked from {INDEX}"
            for page in pages if page.startswith("docs/") and page not in linked | {INDEX}]


def main():
    listed = [p for p in sources.files() if p != "LICENSE" and not p.startswith("tests/lint/")]
    pages = [p for p in listed if p.endswith(".md")]
    problems = check_index(pages, sources.read(INDEX))

    def exists(path):
        return os.path.exists(os.path.join(sources.ROOT, path))

    for path in listed:
        text = sources.read(path)
        problems += check_page(path, text, exists, sources.read) if path in pages else []
        problems += check_mentions(path, text, exists)
    sources.report(problems, len(listed))


if __name__ == "__main__":
    main()
