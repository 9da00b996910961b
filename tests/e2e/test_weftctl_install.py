"""What weftctl installs is what k8s/ says, and what it changes of it on request. Needs no cluster.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import pathlib
import subprocess
import sys
from typing import Any

import pytest
import yaml

from bed import programs

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "k8s"))

# pylint: disable=wrong-import-position
from manifests import K8S, key, kubectl, kustomize, load, resources


def dry_run(*words: str) -> list[dict[str, Any]]:
    done = subprocess.run([programs.program("weftctl"), "install", "--dry-run", *words],
                          text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [d for d in yaml.safe_load_all(done.stdout) if d]


def test_it_installs_the_base() -> None:
    built_in = {key(o): o for o in dry_run()}
    assert built_in == {key(o): o for o in resources(K8S / "base")}


@pytest.mark.skipif(not kubectl(), reason="no kubectl: kustomize is not tried")
def test_kustomize_says_the_same() -> None:
    assert {key(o): o for o in dry_run()} == {key(o): o for o in kustomize(K8S / "base")}


def test_the_front_door_is_added() -> None:
    more = {key(o) for o in dry_run("--ingress")} - {key(o) for o in dry_run()}
    assert more == {key(o) for o in load(K8S / "components/ingress/ingress.yaml")}


def test_what_needs_something_comes_behind_it() -> None:
    order = [o["kind"] for o in dry_run("--ingress")]
    for before, after in (("Namespace", "ServiceAccount"), ("CustomResourceDefinition", "Service"),
                          ("ClusterRole", "Deployment"), ("Service", "Deployment"),
                          ("Deployment", "MutatingWebhookConfiguration"),
                          ("Deployment", "Gateway")):
        if before in order:
            assert max(i for i, k in enumerate(order) if k == before) < order.index(after)


def test_another_image_and_other_replicas() -> None:
    objects = dry_run("--image", "registry.example.com/weft:7", "--replicas", "3")
    assert "weft.local/" not in json.dumps(objects)
    counts = {o["spec"]["replicas"] for o in objects if o["kind"] == "Deployment"}
    assert counts == {3}
