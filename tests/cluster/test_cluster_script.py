"""scripts/cluster down leaves nothing, whatever the pods were doing, and when up is not done yet.
In a cluster of its own. SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import os
import pathlib
import subprocess
from typing import Any, Iterator

import pytest

from bed.wait import until
from live.cluster import SCRIPT, Cluster, Unavailable

NAME = "updown"
RESULTS = pathlib.Path("/var/lib/cni/results")


def traces() -> list[str]:
    """Everything on this machine that bears the cluster's name or was made for its pods."""
    found = [f"namespace {n}" for n in os.listdir("/run/netns") if n == NAME] \
        if os.path.isdir("/run/netns") else []
    found += [f"mount {line.split()[1]}" for line in pathlib.Path("/proc/mounts").read_text()
              .splitlines() if f"/{NAME}-containerd/" in line or f"/state/{NAME}/" in line]
    found += [f"folder {p}" for p in [*pathlib.Path("/sys/fs/cgroup").glob(f"*/{NAME}"),
                                      *pathlib.Path("/sys/fs/cgroup").glob(NAME),
                                      pathlib.Path(f"/run/{NAME}-containerd")] if p.exists()]
    found += [f"link {n}" for n in os.listdir("/sys/class/net") if n == f"{NAME}-host"]
    found += [f"result {p.name}" for p in RESULTS.glob("*")
              if f"/{NAME}-containerd/" in p.read_text(errors="replace")]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            groups = pathlib.Path(f"/proc/{pid}/cgroup").read_text()
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_text()
        except OSError:
            continue
        # What has no command line any more has ended, and only waits for its parent to ask how.
        if command and (f":/{NAME}/" in groups or f"/{NAME}-containerd/" in command):
            found.append(f"process {pid} {command[:80]}")
    return found


def namespaces_of_pods() -> set[str]:
    folder = pathlib.Path("/run/netns")
    return {p.name for p in folder.glob("cni-*")} if folder.is_dir() else set()


@pytest.fixture(name="other")
def other_cluster() -> Iterator[Cluster]:
    made = Cluster(NAME)
    made.down()
    try:
        made.up()
    except Unavailable as e:
        pytest.skip(str(e))
    yield made
    made.down()


def pod(name: str, command: list[str], **more: Any) -> dict[str, Any]:
    """Of the only image that is there from the beginning."""
    meta = {"name": name, "namespace": "default", **more.pop("metadata", {})}
    container = {"name": "c", "image": more.pop("image", "weft.local/pause:1"),
                 "imagePullPolicy": "IfNotPresent",
                 "command": ["/bin/busybox", "sh", "-c", *command]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta,
            "spec": {"containers": [container], "automountServiceAccountToken": False, **more}}


def test_down_with_pods_in_every_state(other: Cluster) -> None:
    kubectl = other.kubectl
    until("the service account", lambda: kubectl.try_("get", "serviceaccount", "default")
          .returncode == 0, 60, 0.2)
    deaf = "trap '' TERM INT; while :; do /bin/busybox sleep 1; done"
    missing = [{"name": "v", "configMap": {"name": "nowhere"}}]
    kubectl.apply([
        pod("runs", [deaf]),
        pod("crashes", ["exit 3"]),
        pod("stuck", ["true"], image="weft.local/nowhere:1"),
        pod("creating", ["true"], volumes=missing),
        pod("held", [deaf], metadata={"finalizers": ["weft.dev/test"]}),
        pod("ending", [deaf], terminationGracePeriodSeconds=600),
    ])
    kubectl.run("wait", "--for=condition=Ready", "pod/runs", "pod/held", "pod/ending",
                "--timeout=60s")
    until("a crash", lambda: kubectl.json("get", "pod", "crashes")["status"]
          ["containerStatuses"][0]["restartCount"] > 0, 60, 0.2)
    kubectl.run("delete", "pod", "held", "ending", "--wait=false")
    kubectl.apply([pod(f"new-{i}", [deaf]) for i in range(5)])
    before = namespaces_of_pods()
    other.down()
    assert not traces()
    assert namespaces_of_pods() <= before


def test_down_while_it_comes_up() -> None:
    other = Cluster(NAME)
    if os.geteuid() or other.script("check").returncode:
        pytest.skip("no cluster here")
    other.down()
    state = pathlib.Path(os.environ.get("WEFT_CACHE", pathlib.Path.home() / ".cache" / "weft"),
                         "cluster", "state", NAME)
    for stage in ("etcd.pid", "apiserver.pid", "kubelet.pid"):
        with subprocess.Popen([SCRIPT, "up"], env=other.environment, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as up:
            until(f"{stage} or the end", lambda s=stage, p=up: (state / s).exists()
                  or p.poll() is not None, 120, 0.02)
            done = other.script("down", timeout=120)
            assert up.wait(60) != 0
        assert done.returncode == 0, done.stderr
        assert not traces()
    assert "was not up" in other.script("down").stderr
