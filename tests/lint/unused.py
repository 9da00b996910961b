#!/usr/bin/env python3
# Dead code: a function that a header of the product declares is called by somebody, be it the
# header itself (an inline function, a macro) or a test; and it is defined.
# SPDX-License-Identifier: GPL-3.0-or-later
import re

import sources

DECLARED = re.compile(
    r"^(?!static|typedef|return|extern)[A-Za-z_][\w ]*?[ *]([a-z]\w*)\(", re.MULTILINE)
WORD = re.compile(r"[A-Za-z_]\w*")


def uses(name, text):
    return len(re.findall(rf"\b{name}\b", text))


def definition(name):
    """The beginning of a function's body, not static."""
    return re.compile(rf"^(?!static)[A-Za-z_][^;={{}}]*?\b{name}\([^;{{]*\)\s*\n\{{", re.MULTILINE)


def problems_of(header, name, texts, where):
    """Lines for people about one declared function."""
    users = where.get(name, set())
    defined = [p for p in users if p.endswith(".c") and definition(name).search(texts[p])]
    called = [p for p in users
              if uses(name, texts[p]) > (1 if p in defined or p == header else 0)]
    if not defined:
        return [f"{header}:1: {name} is declared and nowhere defined"]
    return [] if called else [f"{header}:1: nobody calls {name}"]


def check(texts):
    """texts: {path: C text without comments}."""
    where = {}
    for path, text in texts.items():
        for word in set(WORD.findall(text)):
            where.setdefault(word, set()).add(path)
    found = []
    for path, text in sorted(texts.items()):
        if path.endswith(".h") and not path.startswith("tests/"):
            for name in dict.fromkeys(DECLARED.findall(text)):
                found += problems_of(path, name, texts, where)
    return found


def main():
    paths = sources.files(".c", ".h", ".def")
    sources.report(check({p: sources.code_only(sources.read(p)) for p in paths}), len(paths))


if __name__ == "__main__":
    main()
