"""Jobs end, although their sidecars would run on. SPDX-License-Identifier: GPL-3.0-or-later
"""
import json

import pytest

from live.mesh import Mesh
from live.shop import Shop, app_container

URL = "http://reviews.shop.svc:9080/"


@pytest.mark.parametrize("native", ["true", "false"])
def test_a_job_completes(shop: Shop, mesh: Mesh, scratch: str, native: str) -> None:
    calls = app_container(command=["/app"], args=["call", "-n", "3", URL])
    mesh.kubectl.apply({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "calls", "namespace": scratch},
        "spec": {"backoffLimit": 3, "template": {
            "metadata": {"annotations": {"weft.dev/native-sidecar": native}},
            "spec": {"restartPolicy": "Never", "containers": [calls]}}}})
    mesh.kubectl.run("-n", scratch, "wait", "--for=condition=Complete", "job/calls",
                     "--timeout=120s")
    said = mesh.kubectl.run("-n", scratch, "logs", "job/calls", "-c", "app")
    assert json.loads(said.strip().splitlines()[-1])["statuses"] == {"200": 3}
    assert shop.namespace == "shop"
