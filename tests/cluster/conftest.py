"""What the cluster tests share: one cluster, Weft and the shop in it, made on first use. Where no
cluster can be had, every test is skipped by name. SPDX-License-Identifier: GPL-3.0-or-later
"""
import os
import pathlib
import re
import sys
from typing import Iterator

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from bed.programs import Unavailable as NoProgram
from live.cluster import Cluster, Unavailable
from live.mesh import Mesh
from live.shop import Shop

# The tests' own cluster, unless another is named. It stays up for the next file where somebody
# else takes it down (CTest's last step does).
NAME = os.environ.get("WEFT_CLUSTER", "tests")
KEEP = bool(os.environ.get("WEFT_CLUSTER_KEEP"))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    made = Cluster(NAME)
    try:
        made.up()
    except Unavailable as e:
        pytest.skip(str(e))
    yield made
    if made.is_ours and not KEEP:
        made.down()


@pytest.fixture(scope="session")
def mesh(cluster: Cluster) -> Mesh:
    """Installed with its front door; what is at work already is only checked."""
    made = Mesh(cluster)
    try:
        if made.weftctl("check").returncode:
            made.load_images()
            made.install("--ingress", "--replicas", "2")
    except NoProgram as e:
        pytest.skip(str(e))
    return made


@pytest.fixture(scope="session")
def shop_open(mesh: Mesh) -> Shop:
    return Shop(mesh).open()


@pytest.fixture
def shop(shop_open: Shop) -> Iterator[Shop]:
    """The shop, and after the test the shop without what the test applied."""
    yield shop_open
    shop_open.reset()


@pytest.fixture
def scratch(mesh: Mesh, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty namespace with sidecars, for one test."""
    words = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
    name = f"t-{words[:50]}".rstrip("-")
    labels = getattr(request, "param", {"weft.dev/inject": "enabled"})
    mesh.kubectl.apply({"apiVersion": "v1", "kind": "Namespace",
                        "metadata": {"name": name, "labels": labels}})
    yield name
    mesh.kubectl.run("delete", "namespace", name, "--wait=false")
