#!/usr/bin/env python3
# Documentation lint: what a user can meet at run time has its row in the reference: every reason
# code (x-weft-reason), every metric and every field of the access log; and no row is about one that
# is gone.
# SPDX-License-Identifier: GPL-3.0-or-later
import re

import sources

REASONS, METRICS = "docs/reference/error-codes.md", "docs/reference/metrics.md"
LOG, LOG_FIELDS = "sidecar/telemetry/access_log.c", "docs/reference/access-log.md"
# Rows of fail.def that no client or log ever shows.
NEVER_SHOWN = {"none"}
CODE = ("lib/", "filters/", "policies/", "sidecar/", "certd/", "injector/", "control/")

ROW = re.compile(r"^X\((\w+),", re.MULTILINE)
LABEL = re.compile(r"\.label = (?:FAIL_TEXT\(|\{)\"(\w+)\"")
METRIC = re.compile(r"\"(weft_[a-z0-9_]+)\"")
FIELD = re.compile(r"json_\w+\(&?l, \"(\w+)\"")
LISTED = re.compile(r"`(\w+)`")


def reasons_in(path, text):
    """The reason codes that a file of the product brings."""
    if path == "filters/fail.def":
        return {name.lower() for name in ROW.findall(text)} - NEVER_SHOWN
    return set(LABEL.findall(text)) if path.startswith("filters/") else set()


def metrics_in(path, text):
    return set(METRIC.findall(text)) if path.startswith(CODE) else set()


def fields_in(path, text):
    return set(FIELD.findall(text)) if path == LOG else set()


def first_cells(text):
    """Every `name` in the first column of the page's tables."""
    found = set()
    for line in text.split("\n"):
        if line.startswith("| `"):
            found.update(LISTED.findall(line.split("|")[1]))
    return found


def check(what, made, page, text):
    """Problems, as lines for people; made: {name: where it is from}."""
    listed = first_cells(text)
    missing = [f"{made[name]}:1: the {what} {name} has no row in {page}"
               for name in sorted(set(made) - listed)]
    return missing + [f"{page}:1: there is no {what} {name}" for name in sorted(listed - set(made))]


def main():
    listed = sources.files(".c", ".h", ".def")
    reasons, metrics, fields = {}, {}, {}
    for path in listed:
        text = sources.read(path)
        reasons.update(dict.fromkeys(reasons_in(path, text), path))
        metrics.update(dict.fromkeys(metrics_in(path, text), path))
        fields.update(dict.fromkeys(fields_in(path, text), path))
    problems = check("reason", reasons, REASONS, sources.read(REASONS))
    problems += check("metric", metrics, METRICS, sources.read(METRICS))
    problems += check("field", fields, LOG_FIELDS, sources.read(LOG_FIELDS))
    sources.report(problems, len(listed))


if __name__ == "__main__":
    main()
