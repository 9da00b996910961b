"""weftctl from outside: exit statuses, and what it prints where. Needs no root.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import base64
import hashlib
import json
import pathlib
import shutil
import subprocess

import pytest

from bed import programs

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = str(ROOT / "policies" / "examples")
WRONG = """apiVersion: policy.weft.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: t, namespace: shop}
spec:
  targetRefs: [{kind: Service, name: nowhere}]
  timeout: {request: 1s}
"""


def weftctl(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([programs.program("weftctl"), *words], text=True, check=False,
                          capture_output=True, timeout=60)


@pytest.fixture(name="wrong")
def wrong_folder(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "t.yaml").write_text(WRONG)
    return tmp_path


def test_examples_are_fit_for_use() -> None:
    done = weftctl("validate", "--strict", EXAMPLES)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("objects are valid\n")
    assert done.stderr == ""


def test_a_wrong_field_is_named_with_file_line_and_path(wrong: pathlib.Path) -> None:
    done = weftctl("validate", str(wrong))
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == (
        f"{wrong}/t.yaml:6: TrafficPolicy shop/t: spec.timeout: unknown field; "
        'did you mean "timeouts"?')


def test_findings_as_json(wrong: pathlib.Path) -> None:
    done = weftctl("validate", "-o", "json", str(wrong))
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert weftctl("validate", "--json", str(wrong)).stdout == done.stdout
    assert "ok: false" in weftctl("validate", "-o", "yaml", str(wrong)).stdout
    assert (found["ok"], found["errors"], found["objects"]) == (False, 1, 0)
    assert found["diagnostics"][0]["line"] == 6
    assert found["diagnostics"][0]["path"] == "spec.timeout"


def test_warnings_count_when_strict(wrong: pathlib.Path) -> None:
    (wrong / "t.yaml").write_text(WRONG.replace("timeout:", "timeouts:"))
    assert weftctl("validate", str(wrong)).returncode == 0
    strict = weftctl("validate", "--strict", str(wrong))
    assert strict.returncode == 1
    assert "warning: " in strict.stderr


def test_a_folder_that_is_not_there() -> None:
    done = weftctl("validate", "/nowhere/policies")
    assert done.returncode == 1
    assert "there is no such folder" in done.stderr


def test_compiled_for_a_sidecar() -> None:
    done = weftctl("compile", EXAMPLES, "--namespace", "shop", "--pod", "frontend-a")
    assert done.returncode == 0, done.stderr
    assert 'name: "destination/shop/reviews:9080"' in done.stdout
    assert 'spiffe_id: "spiffe://cluster.local/ns/shop/sa/reviews"' in done.stdout


def test_compiled_for_a_gateway_without_its_keys(tmp_path: pathlib.Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    certificates = (ROOT / "tests/unit/policies/cases/certs.yaml").read_text()
    # As tests/unit/policies/cases.c makes it: the files hold no keys.
    number = hashlib.sha256(b"weft test key one").digest()
    der = bytes.fromhex("30310201010420") + number + bytes.fromhex("a00a06082a8648ce3d030107")
    key = base64.b64encode(der).decode()
    certificates = certificates.replace(
        "@KEY one@", f"-----BEGIN EC PRIVATE KEY-----\\n{key[:64]}\\n{key[64:]}\\n"
                     "-----END EC PRIVATE KEY-----\\n")
    (tmp_path / "secret.yaml").write_text(
        certificates.split("---\n", maxsplit=1)[0].replace("name: one,", "name: shop-cert,"))
    done = weftctl("compile", str(tmp_path), "--namespace", "shop", "--gateway", "front-door")
    assert done.returncode == 0, done.stderr
    assert 'name: "gateway/shop/front-door:443"' in done.stdout
    assert "key_pem: (not shown)" in done.stdout
    assert "PRIVATE KEY" not in done.stdout


def test_definitions_for_kubernetes(tmp_path: pathlib.Path) -> None:
    done = weftctl("crds")
    assert done.returncode == 0
    assert done.stdout.count("kind: CustomResourceDefinition\n") == done.stdout.count("---\n") > 3
    assert weftctl("crds", "--into", str(tmp_path)).returncode == 0
    there = {p.name: p.read_text() for p in (ROOT / "k8s/base/crds").glob("policy*.yaml")}
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == there
    assert "cannot be written" in weftctl("crds", "--into", str(tmp_path / "nowhere")).stderr


def test_reference() -> None:
    done = weftctl("reference")
    assert done.returncode == 0
    assert done.stdout == (ROOT / "docs/reference/kinds.md").read_text()


@pytest.mark.parametrize("words", [
    [], ["nonsense"], ["validate"], ["validate", "--nonsense", "a"],
    ["crds", "a"], ["reference", "a"], ["compile", "a"],
    ["compile", "a", "--pod", "p", "--gateway", "g"]])
def test_wrong_use(words: list[str]) -> None:
    done = weftctl(*words)
    assert done.returncode == 2
    assert "usage: " in done.stderr or "weftctl --help names them" in done.stderr
    assert done.stdout == ""
