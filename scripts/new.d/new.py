#!/usr/bin/env python3
# scripts/new: fills in the templates of this folder and adds the row that makes them known. What it
# writes is complete: it compiles, its cases pass, and the newcomer changes it from there.
# SPDX-License-Identifier: GPL-3.0-or-later
import argparse
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TEMPLATES = HERE / "templates"


class Refused(Exception):
    """A sentence for the person who called."""


class Name:
    """One name in every spelling that the tree uses."""

    def __init__(self, text, pattern, example):
        if not re.fullmatch(pattern, text):
            raise Refused(f'"{text}" cannot be the name: write it like {example}')
        words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", text.replace("_", " "))
        lower = [w.lower() for w in words]
        self.as_given = text
        self.snake, self.kebab = "_".join(lower), "-".join(lower)
        self.upper = self.snake.upper()
        self.pascal = text[0].upper() + text[1:]

    def fill(self, text):
        for mark, value in [("@NAME@", self.as_given), ("@SNAKE@", self.snake),
                            ("@KEBAB@", self.kebab), ("@PASCAL@", self.pascal),
                            ("@UPPER@", self.upper)]:
            text = text.replace(mark, value)
        return text


def write_all(name, files):
    """files: {template: path}. Nothing is written when one of the paths is taken."""
    made = {ROOT / name.fill(path): name.fill((TEMPLATES / template).read_text())
            for template, path in files.items()}
    for path in made:
        if path.exists():
            raise Refused(f"{path.relative_to(ROOT)} exists already")
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [str(path.relative_to(ROOT)) for path in made]


def check_row(path, row):
    if row in (ROOT / path).read_text().splitlines():
        raise Refused(f"{path} has the row {row} already")


def add_row(path, row):
    """Appends a row to a .def file, before the directives at its end."""
    lines = (ROOT / path).read_text().rstrip("\n").split("\n")
    end = len(lines)
    while lines[end - 1].startswith("#"):
        end -= 1
    (ROOT / path).write_text("\n".join([*lines[:end], row, *lines[end:]]) + "\n")


def new_filter(text):
    name = Name(text, r"[a-z][a-z0-9]*([A-Z][a-z0-9]+)*", "requestSize")
    row = f"FILTER({name.snake})"
    check_row("filters/filters.def", row)
    made = write_all(name, {
        "filter.c.in": "filters/@SNAKE@.c",
        "filter.cases.in": "tests/unit/filters/cases/@NAME@.cases",
        "filter.yaml.in": "policies/examples/@KEBAB@.yaml",
    })
    add_row("filters/filters.def", row)
    return made + [f"filters/filters.def: {row}"], TRY_FILTER


def plural(text):
    if text.endswith("y") and text[-2] not in "aeiou":
        return text[:-1] + "ies"
    return text + ("es" if text.endswith(("s", "x", "ch", "sh")) else "s")


def new_kind(text):
    name = Name(text, r"[A-Z]+[a-z0-9]+([A-Z]+[a-z0-9]+)*", "TrafficPolicy")
    row = (f"KIND({name.upper}, {name.snake}, ALL, nothing,\n"
           f'     .name = "{text}", .plural = "{plural(text.lower())}", .group = KIND_GROUP_WEFT,\n'
           '     .versions = {"v1alpha1"})')
    made = write_all(name, {
        "kind.c.in": "policies/kinds/@SNAKE@.c",
        "kind.cases.in": "tests/unit/policies/cases/@SNAKE@.cases",
        "kind.yaml.in": "policies/examples/@KEBAB@.yaml",
    })
    add_row("policies/kinds/kinds.def", row)
    return made + ["policies/kinds/kinds.def: " + row.split(",")[0] + ", …)"], TRY_KIND


def new_balancer(text):
    name = Name(text, r"[A-Z]+[a-z0-9]+([A-Z]+[a-z0-9]+)*", "LeastRequest")
    row = f'LB({name.snake}, "{text}", "of all, the one with the fewest requests for its weight")'
    made = write_all(name, {
        "balancer.c.in": "sidecar/upstream/lb_@SNAKE@.c",
        "balancer.cases.in": "tests/unit/sidecar/upstream/cases/@SNAKE@.cases",
    })
    add_row("policies/kinds/lb.def", row)
    return made + [f"policies/kinds/lb.def: {row}"], TRY_BALANCER


TRY_BALANCER = ("scripts/build dev test_balancers && "
                "ctest --test-dir build/dev -R '^unit.balancers$'\n"
                "Then:    scripts/generate    # the CRDs and the reference page")
TRY_FILTER = ("scripts/build dev test_filters && ctest --test-dir build/dev -R '^unit.filters$'\n"
              "Then:    scripts/generate    # the CRD and the reference page")
TRY_KIND = ("scripts/build dev test_kinds && ctest --test-dir build/dev -R '^unit.kinds$'\n"
            "Then:    scripts/generate    # the CRD, permissions, the chart and the reference page")
MAKERS = {"balancer": new_balancer, "filter": new_filter, "kind": new_kind}


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/new", description="Writes the skeleton of something new.",
        epilog="docs/contributing.md says what to do with it.")
    parser.add_argument("what", choices=sorted(MAKERS))
    parser.add_argument("name", help="as users write it: requestSize, TrafficPolicy, LeastRequest")
    wanted = parser.parse_args()
    try:
        made, how = MAKERS[wanted.what](wanted.name)
    except Refused as why:
        print(f"scripts/new: {why}", file=sys.stderr)
        sys.exit(1)
    for line in made:
        print(line)
    print(f"\nTry it:  {how}")


if __name__ == "__main__":
    main()
