"""The closing summary of scripts/test: reads what ctest and pytest left in a build's Testing
folder, names every test that failed or was skipped, and counts single cases: a cmocka or pytest
case is one, and so is a program without cases. Status 1 if anything failed or nothing ran.
SPDX-License-Identifier: GPL-3.0-or-later
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

CMOCKA = re.compile(r"^\[  (PASSED|FAILED|SKIPPED) +\] (\d+) test\(s\)", re.MULTILINE)


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []
        self.repeated = []

    def add(self, verdict, name, why="", count=1):
        if verdict == "passed":
            self.passed += count
        else:
            getattr(self, verdict).append((name, " ".join(why.split())[:200], count))


def pytest_cases(tally, path, prefix):
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{prefix}: {case.get('name')}"
        skipped = case.find("skipped")
        bad = case.find("failure")
        bad = case.find("error") if bad is None else bad
        if bad is not None:
            tally.add("failed", name, bad.get("message", ""))
        elif skipped is not None:
            tally.add("skipped", name, skipped.get("message", ""))
        else:
            tally.add("passed", name)


def ctest_case(tally, case, prefix):
    name = f"{prefix}: {case.get('name')}"
    output = case.findtext("system-out") or ""
    if case.get("status") == "notrun" or case.find("skipped") is not None:
        lines = [line for line in output.splitlines() if line.strip()]
        tally.add("skipped", name, lines[-1] if lines else "")
        return
    groups = CMOCKA.findall(output)
    if case.get("status") != "run" and "FAILED" not in [verdict for verdict, _ in groups]:
        why = case.find("failure")
        tally.add("failed", name, why.get("message", "") if why is not None else "")
    elif not groups:
        tally.add("passed", name)
    for verdict, count in groups:
        if int(count) > 0:
            tally.add(verdict.lower(), name, count=int(count))


def repeated_cases(path):
    if not path.exists():
        return {}
    cases = ElementTree.parse(path).getroot().iter("testcase")
    return {case.get("name"): case for case in cases if case.get("status") != "notrun"}


def build_results(tally, preset, folder):
    path = folder / "ctest.xml"
    if not path.exists():
        tally.add("failed", f"{preset}: ctest left no results")
        return
    again = repeated_cases(folder / "ctest-again.xml")
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.get("name") in again:
            case = again[case.get("name")]
            tally.add("repeated", f"{preset}: {case.get('name')}")
        cases = folder / "junit" / f"{case.get('name')}.xml"
        if cases.exists():
            before = len(tally.failed)
            pytest_cases(tally, cases, f"{preset}: {case.get('name')}")
            if case.get("status") == "fail" and len(tally.failed) == before:
                tally.add("failed", f"{preset}: {case.get('name')}")
        else:
            ctest_case(tally, case, preset)


def main(arguments):
    tally = Tally()
    checks = False
    for argument in arguments:
        if argument == "--check":
            checks = True
            continue
        name, _, value = argument.partition("=")
        if checks:
            tally.add(value, name)
        else:
            build_results(tally, name, pathlib.Path(value))
        checks = False
    for kind in ("skipped", "repeated", "failed"):
        for name, why, _ in getattr(tally, kind):
            print(f"{kind}: {name}" + (f" ({why})" if why else ""))
    failed = sum(count for _, _, count in tally.failed)
    skipped = sum(count for _, _, count in tally.skipped)
    if tally.passed + failed == 0:
        print("no test was run")
    print(f"{tally.passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or tally.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
