"""scripts/new in a copy of the tree: what it writes compiles, passes its tests and keeps the lint
content, and it never writes over anything. The copy stays below the build folder, so that the next
run compiles little. SPDX-License-Identifier: GPL-3.0-or-later
"""
import os
import pathlib
import shutil
import subprocess
from typing import Iterator

import pytest

import sources

ROOT = pathlib.Path(sources.ROOT)
BUILD = pathlib.Path(os.environ.get("WEFT_BUILD", ROOT / "build/dev"))
TREE = BUILD / "new/tree"
# ccache may see that the copy's files are the same as the tree's; git must not see that the copy
# lies in a folder of the tree that is ignored.
ENVIRONMENT = {**os.environ, "WEFT_SOURCE": str(TREE), "WEFT_BUILD": str(TREE / "build/dev"),
               "CCACHE_BASEDIR": str(TREE), "CCACHE_NOHASHDIR": "1",
               "GIT_CEILING_DIRECTORIES": str(TREE.parent)}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=TREE, env=ENVIRONMENT, text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


def good(*command: str) -> str:
    done = run(*command)
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def bring(path: str) -> None:
    """Copies a file where its text differs; equal files keep their times."""
    here, there = ROOT / path, TREE / path
    there.parent.mkdir(parents=True, exist_ok=True)
    if here.is_symlink():
        there.unlink(missing_ok=True)
        there.symlink_to(os.readlink(here))
    elif not there.exists() or there.read_bytes() != here.read_bytes():
        shutil.copyfile(here, there)
        shutil.copymode(here, there)


@pytest.fixture(scope="module")
def tree() -> Iterator[pathlib.Path]:
    if os.environ.get("WEFT_SANITIZE"):
        pytest.skip("once is enough, and another build does it")
    if not shutil.which("ninja"):
        pytest.skip("ninja is not installed")
    wanted = set(sources.files())
    for path in wanted:
        bring(path)
    for path in sources.walk(str(TREE)):
        if path not in wanted:
            (TREE / path).unlink()
    good("cmake", "--preset", "dev", "-G", "Ninja")
    yield TREE


def build(*targets: str) -> None:
    good("cmake", "--build", "build/dev", "--target", *targets)


def lint() -> None:
    for name in ("layers", "links", "names", "opening", "sizes", "unused", "words", "documented"):
        good("python3", f"tests/lint/{name}.py")


def test_a_filter(tree: pathlib.Path) -> None:
    told = good("scripts/new", "filter", "colourOfIt")
    assert "filters/colour_of_it.c\n" in told and "FILTER(colour_of_it)" in told
    tests = ["test_crd", "test_filters", "test_kinds", "test_leaves", "test_policy_set"]
    build(*tests)
    good("scripts/generate")
    for test in tests:
        good(f"build/dev/tests/{test}")
    assert "`colourOfIt`" in (tree / "docs/reference/kinds.md").read_text()
    lint()
    # Its cases are looked at: another answer fails.
    cases = tree / "tests/unit/filters/cases/colourOfIt.cases"
    cases.write_text(cases.read_text().replace("x-colour-of-it: one", "x-colour-of-it: other", 1))
    assert run("build/dev/tests/test_filters").returncode != 0


def test_a_kind(tree: pathlib.Path) -> None:
    told = good("scripts/new", "kind", "NoteToSelf")
    assert "policies/kinds/note_to_self.c\n" in told and "KIND(NOTE_TO_SELF" in told
    tests = ["test_crd", "test_kinds", "test_leaves", "test_policy_set", "test_status"]
    build(*tests)
    good("scripts/generate")
    for test in tests:
        good(f"build/dev/tests/{test}")
    assert "## NoteToSelf" in (tree / "docs/reference/kinds.md").read_text()
    assert "notetoselfs" in (tree / "k8s/base/policyd-rbac.yaml").read_text()
    lint()
    cases = tree / "tests/unit/policies/cases/note_to_self.cases"
    cases.write_text(cases.read_text().replace("accepted", "refused", 1))
    assert run("build/dev/tests/test_kinds").returncode != 0


def test_a_balancer(tree: pathlib.Path) -> None:
    told = good("scripts/new", "balancer", "FewestOfAll")
    assert "sidecar/upstream/lb_fewest_of_all.c\n" in told and "LB(fewest_of_all" in told
    build("test_balancers", "test_crd")
    good("scripts/generate")
    good("build/dev/tests/test_balancers")
    assert "`FewestOfAll`" in (tree / "docs/reference/kinds.md").read_text()
    lint()
    cases = tree / "tests/unit/sidecar/upstream/cases/fewest_of_all.cases"
    cases.write_text(cases.read_text().replace("c 100%", "b 100%", 1))
    assert run("build/dev/tests/test_balancers").returncode != 0


def test_nothing_is_written_over(tree: pathlib.Path) -> None:
    before = (tree / "filters/filters.def").read_text()
    done = run("scripts/new", "filter", "requestSize")
    assert done.returncode == 1 and "already" in done.stdout
    assert (tree / "filters/filters.def").read_text() == before
    assert "already" in run("scripts/new", "kind", "MeshConfig").stdout
    assert "already" in run("scripts/new", "balancer", "RoundRobin").stdout


@pytest.mark.parametrize("what, example, names", [
    ("filter", "requestSize", ["RequestSize", "request-size", "request_size", "1x", ""]),
    ("balancer", "LeastRequest", ["leastRequest", "Least-Request", "Least_Request", "1X", ""]),
    ("kind", "TrafficPolicy", ["trafficPolicy", "Traffic-Policy", "Traffic_Policy", "1X", ""])])
def test_names_are_as_users_write_them(tree: pathlib.Path, what: str, example: str,
                                       names: list[str]) -> None:
    for name in names:
        done = run("scripts/new", what, name)
        assert done.returncode == 1 and f"write it like {example}" in done.stdout, name
