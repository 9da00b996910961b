"""Jobs end, although their sidecars would run on. SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import re
import subprocess
import urllib.request

import pytest

from bed.wait import until
from live.mesh import Mesh
from live.shop import Shop, app_container

URL = "http://reviews.shop.svc:9080/"


@pytest.fixture(name="job")
def job_of_calls(shop: Shop, mesh: Mesh, scratch: str, request: pytest.FixtureRequest) -> str:
    """A Job that asks the shop three things. Returns its namespace."""
    assert shop.namespace == "shop"
    calls = app_container(command=["/app"], args=["call", "-n", "3", URL])
    mesh.kubectl.apply({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "calls", "namespace": scratch},
        "spec": {"backoffLimit": 3, "template": {
            "metadata": {"annotations": {"weft.dev/native-sidecar": request.param}},
            "spec": {"restartPolicy": "Never", "containers": [calls]}}}})
    return scratch


def check_done(mesh: Mesh, job: str) -> None:
    mesh.kubectl.run("-n", job, "wait", "--for=condition=Complete", "job/calls", "--timeout=120s")
    said = mesh.kubectl.run("-n", job, "logs", "job/calls", "-c", "app")
    assert json.loads(said.strip().splitlines()[-1])["statuses"] == {"200": 3}


@pytest.mark.parametrize("job", ["true"], indirect=True)
def test_a_job_completes(mesh: Mesh, job: str) -> None:
    check_done(mesh, job)


@pytest.mark.parametrize("job", ["false"], indirect=True)
def test_a_classic_sidecar_ends_when_it_is_told(mesh: Mesh, job: str) -> None:
    """As an app does by itself with POST /quitquitquit."""
    def app_is_done() -> bool:
        pods = mesh.kubectl.pods(job)
        states = [c for p in pods for c in p["status"].get("containerStatuses", [])]
        return any(c["name"] == "app" and "terminated" in c["state"] for c in states)
    until("the app's end", app_is_done, 90, 0.2)
    pod = mesh.kubectl.pods(job)[0]["metadata"]["name"]
    words = mesh.kubectl.words("-n", job, "port-forward", f"pod/{pod}", ":15000")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as forward:
        assert forward.stdout
        port = re.search(r"127.0.0.1:(\d+)", forward.stdout.readline())
        assert port
        ask = urllib.request.Request(f"http://127.0.0.1:{port.group(1)}/quitquitquit",
                                     method="POST")
        with urllib.request.urlopen(ask, timeout=30) as answer:
            assert answer.status == 200
        forward.terminate()
    check_done(mesh, job)
