"""The official JSON-Schema-Test-Suite, draft 2020-12: all that is required of an implementation,
and the formats that are checked. The suite lies in jsonschema's source package, the meta-schemas in
jsonschema-specifications'; both are fetched once, into the cache.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import pathlib
import subprocess
import sys
import tarfile
import zipfile

import pytest

from bed.go_program import cache
from bed.programs import Unavailable, program

SUITE, META = "jsonschema==4.26.0", "jsonschema-specifications==2025.9.1"
FORMATS = ["date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uri",
           "uri-reference", "uuid", "json-pointer", "relative-json-pointer", "regex"]
REMOTE = "http://localhost:1234/"
# What does not pass, and why: (file, group, test).
DIFFERENT = {}


def fetch(package: str, *options: str) -> pathlib.Path:
    """The package's files, unpacked."""
    to = cache() / "pypi" / package.replace("==", "-")
    if not (to / "done").exists():
        to.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps",
                               *options, "-d", str(to), package],
                              capture_output=True, text=True, check=False, timeout=600)
        if done.returncode:
            pytest.skip(f"{package} cannot be had: {done.stderr[-300:]}")
        for path in to.glob("*.tar.gz"):
            with tarfile.open(path) as archive:
                archive.extractall(to, filter="data")
        for path in to.glob("*.whl"):
            with zipfile.ZipFile(path) as archive:
                archive.extractall(to)
        (to / "done").touch()
    return to


@pytest.fixture(name="suite", scope="module")
def fixture_suite() -> pathlib.Path:
    return next(fetch(SUITE, "--no-binary", ":all:").glob("*/json"))


@pytest.fixture(name="documents", scope="module")
def fixture_documents(suite) -> dict:
    """Those that schemas of the suite refer to: nothing is fetched while they are compiled."""
    meta = next(fetch(META).glob("**/schemas/draft202012"))
    found = {}
    for path in sorted(meta.rglob("*")):
        if path.is_file() and path.suffix in ("", ".json"):
            schema = json.loads(path.read_text())
            found[schema["$id"]] = schema
    remotes = suite / "remotes"
    for path in sorted(remotes.rglob("*.json")):
        name = path.relative_to(remotes).as_posix()
        if not name.startswith(("draft3", "draft4", "draft6", "draft7", "draft2019", "draft-next",
                                "v1")):
            found[REMOTE + name] = json.loads(path.read_text())
    return found


def run(documents: dict, path: pathlib.Path, tmp_path: pathlib.Path, *options: str):
    """(group, test, expected, got) of each test of a file."""
    groups = json.loads(path.read_text())
    given = tmp_path / "given.json"
    given.write_text(json.dumps({"documents": documents, "groups": groups}))
    done = subprocess.run([program("weft-json-schema-suite"), *options, str(given)],
                          capture_output=True, text=True, check=True, timeout=300)
    lines = done.stdout.splitlines()
    assert len(lines) == len(groups), done.stderr
    for group, line in zip(groups, lines):
        for at, test in enumerate(group["tests"]):
            got = line if line.startswith("refused") else line[at]
            yield group["description"], test["description"], "V" if test["valid"] else "I", got


def judge(results):
    wrong = [r for r in results if r[3] != r[4] and r[:3] not in DIFFERENT]
    assert not wrong, "\n".join(f"{f}: {g}: {t}: want {e}, got {o}" for f, g, t, e, o in wrong)
    passed = sum(r[3] == r[4] for r in results)
    assert passed >= .99 * len(results)
    print(f"{passed} of {len(results)} pass")


# requirement: J8
def test_the_required_part(suite, documents, tmp_path):
    results = []
    try:
        for path in sorted((suite / "tests/draft2020-12").glob("*.json")):
            results += [(path.name, *r) for r in run(documents, path, tmp_path)]
    except Unavailable as e:
        pytest.skip(str(e))
    assert len(results) > 1200
    judge(results)


def test_formats(suite, documents, tmp_path):
    results = []
    try:
        for name in FORMATS:
            path = suite / f"tests/draft2020-12/optional/format/{name}.json"
            results += [(path.name, *r) for r in run(documents, path, tmp_path, "--formats")]
    except Unavailable as e:
        pytest.skip(str(e))
    judge(results)
