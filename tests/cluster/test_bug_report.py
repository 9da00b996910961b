"""weftctl bug-report: what is in the file, and that no secret of the cluster is.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import base64
import json
import pathlib
import stat
import tarfile
from typing import Iterator

import pytest

from live.mesh import PROGRAMS, SYSTEM, Mesh
from live.shop import Shop

API_KEY = "k-5f0c3b7f9a2e4d118f6c"
ENVIRONMENT = "p4ss-of-the-database"
BEARER = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzb21lYm9keS1lbHNlIn0.bm90aGluZy1vZi11c2U"


def unpack(path: pathlib.Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {m.name.split("/", 1)[1]: (tar.extractfile(m) or b"").read()  # type: ignore
                for m in tar.getmembers()}


def secrets_of(mesh: Mesh) -> Iterator[tuple[str, bytes]]:
    """Every value, in each form in which it may turn up; certificates are public, and what has
    less than six bytes is found everywhere."""
    for secret in mesh.kubectl.json("get", "secrets", "-A")["items"]:
        for key, text in (secret.get("data") or {}).items():
            value = base64.b64decode(text)
            if len(value) < 6 or (b"BEGIN CERTIFICATE" in value and b"PRIVATE KEY" not in value):
                continue
            name = f"{secret['metadata']['namespace']}/{secret['metadata']['name']} {key}"
            lines = [line for line in value.splitlines()
                     if len(line) >= 12 and not line.startswith(b"-----")]
            for form in [text.encode(), *(lines if b"\n" in value.strip() else [value])]:
                yield name, form


@pytest.fixture(name="report", scope="module")
def one_report(mesh: Mesh, shop_open: Shop, tmp_path_factory: pytest.TempPathFactory
               ) -> dict[str, bytes]:
    """Of a cluster in which secrets stand where they should not."""
    folder, kubectl = tmp_path_factory.mktemp("report"), mesh.kubectl
    kubectl.run("-n", "shop", "create", "secret", "generic", "keys",
                f"--from-literal=key={API_KEY}")
    kubectl.run("-n", "shop", "patch", "deployment", "ratings", "--patch", json.dumps(
        {"spec": {"template": {"metadata": {"annotations": {"note": f"our key is {API_KEY}",
                                                            "header": f"Bearer {BEARER}"}},
                               "spec": {"containers": [{"name": "app", "env": [
                                   {"name": "DATABASE", "value": ENVIRONMENT}]}]}}}}))
    kubectl.rollout("deploy/ratings", namespace="shop")
    path = folder / "r.tar.gz"
    done = mesh.weftctl("bug-report", "-f", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "before you send it" in done.stdout and str(path) in done.stdout
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = mesh.weftctl("bug-report", "-f", str(path))
    assert again.returncode == 1 and "exists" in again.stderr
    kubectl.run("-n", "shop", "rollout", "undo", "deployment/ratings")
    files = unpack(path)
    kubectl.rollout("deploy/ratings", namespace="shop")
    assert not [f"{name} is in {file}" for name, form in secrets_of(mesh)
                for file, text in files.items() if form in text]
    kubectl.run("-n", "shop", "delete", "secret", "keys")
    return files


def test_what_is_in_it(report: dict[str, bytes], shop_open: Shop) -> None:
    found = json.loads(report["check.json"])
    assert {*PROGRAMS} <= {f["check"] for f in found}
    for pod in shop_open.kubectl.pods(SYSTEM):
        name = pod["metadata"]["name"]
        assert report[f"logs/{name}.log"] and b"# TYPE" in report[f"metrics/{name}.txt"]
    for kind in ("deployments", "pods", "events", "gateways", "httproutes", "namespaces", "nodes",
                 "mutatingwebhookconfigurations", "authorizationpolicies", "networkpolicies"):
        json.loads(report[f"objects/{kind}.json"])
    assert json.loads(report["kubernetes.json"])["gitVersion"]
    assert not [name for name in report if "secret" in name]


def test_sidecars_tell_their_state(report: dict[str, bytes]) -> None:
    dumps = [name for name in report if name.startswith("sidecars/") and "config_dump" in name]
    answered = [name for name in dumps if "unanswered" not in json.loads(report[name])]
    assert len(dumps) <= 10 and len(answered) >= 3  # a pod that is ending need not answer
    for name in answered:
        folder = name.rsplit("/", 1)[0]
        assert json.loads(report[f"{folder}/status.json"])
        assert b"# TYPE" in report[f"{folder}/metrics.txt"] and report[f"{folder}/log.txt"]
        assert json.loads(report[f"{folder}/pod.json"])["metadata"]["name"]


def test_nothing_of_it_is_secret(report: dict[str, bytes]) -> None:
    everything = b"\n".join(report.values())
    assert b"our key is (removed)" in everything
    for word in (API_KEY, ENVIRONMENT, BEARER, "PRIVATE KEY-----\\n", "EC PRIVATE KEY-----\n"):
        assert word.encode() not in everything, word
