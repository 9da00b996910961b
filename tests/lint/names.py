#!/usr/bin/env python3
# Name lint: what the pages for contributors say in `code` about the code is there: files, folders,
# functions, structs, constants. A page that speaks of what is gone is worse than none.
# SPDX-License-Identifier: GPL-3.0-or-later
import re

import sources

PAGES = ("docs/architecture.md", "docs/contributing.md", "docs/contributing/")
CODE = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w./-]+\.(?:c|h|def|py|proto|md|tsv|list|env|cmake|txt|cases|yaml)$")
FOLDER = re.compile(r"[a-z][\w.-]*(?:/[\w.-]+)+/?$")
WORD = re.compile(r"(?:struct )?([A-Za-z][a-z0-9]*(?:_[a-z0-9]+)+|[A-Z]+(?:_[A-Z0-9]+)+)(?:\(\))?$")
# The first parts of paths that are folders of the tree; others are paths of something else.
ROOTS = ("lib", "filters", "policies", "sidecar", "certd", "injector", "weftctl", "tests",
         "scripts", "docs", "k8s", "cmake")
# Made up for an example, or of another program.
EXAMPLES = {"request_tag", "note_to_self", "fewest_of_all", "lb_fewest_of_all", "header_missing"}


class Tree:
    """What there is."""

    def __init__(self, paths, words):
        self.paths, self.words = set(paths), words
        self.names = {p.rsplit("/", 1)[-1] for p in paths}
        self.folders = {p[:at] for p in paths for at in range(len(p)) if p[at] == "/"}

    def has_stem(self, stem):
        return any(n.startswith((stem + ".", stem + "_")) for n in self.names)

    def has_path(self, path):
        """As a whole, from some folder on, or without .c and .h."""
        ends = {"/" + path.rstrip("/") + ending for ending in ("", ".c", ".h")}
        return any(("/" + p).endswith(tuple(ends)) for p in self.paths | self.folders)


def is_example(token):
    return any(name in token for name in EXAMPLES)


def is_missing(token, tree):
    """Is that a name of the code that is not there?"""
    if is_example(token) or any(c in token for c in "<>*{}…"):
        return False
    if FILE.match(token):
        if "/" not in token:
            return token not in tree.names
        return not tree.has_path(token)
    if FOLDER.match(token) and token.split("/")[0] in ROOTS:
        return not tree.has_path(token)
    m = WORD.match(token)
    return bool(m) and m.group(1) not in tree.words and not tree.has_stem(m.group(1))


def check(path, text, tree):
    return [f"{path}:{number}: there is no {m.group(1)}"
            for number, line in enumerate(text.split("\n"), 1)
            for m in CODE.finditer(line) if is_missing(m.group(1), tree)]


def main():
    listed = sources.files()
    words = set()
    for path in listed:
        if not path.endswith((".md", ".json", ".yaml", ".cases")):
            words.update(re.findall(r"\w+", sources.read(path)))
    tree = Tree(listed, words)
    pages = [p for p in listed if p.endswith(".md") and p.startswith(PAGES)]
    problems = []
    for path in pages:
        problems += check(path, sources.read(path), tree)
    sources.report(problems, len(pages))


if __name__ == "__main__":
    main()
