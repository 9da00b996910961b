"""The bed itself: nothing of the machine is touched, nothing stays behind.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import os
import pathlib
import subprocess
import sys

import pytest

from bed import Bed, Unavailable, sweep
from bed.netns import ETC_NETNS, Netns, listed, run_ip
from bed.wait import until
from conftest import make

CHILD = """
import sys, time
sys.path.insert(0, sys.argv[1])
from bed import Bed
bed = Bed("victim")
pod = bed.add_pod("one", meshed=False)
app = pod.start_tcp("echo", 7000)
print(bed.run_id, app.pid, bed.run.path, flush=True)
time.sleep(600)
"""


def machine():
    """The machine's own network, as far as a bed could change it."""
    rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=False).stdout
    return (run_ip("-o", "link"), run_ip("-o", "addr"), run_ip("route"),
            [line for line in rules.splitlines() if not line.startswith("#")])


def mine(run_id):
    return [n for n in listed() if n.startswith(f"weft-{run_id}-")]


def is_gone(pid):
    """Not there, or dead and waiting for its parent."""
    try:
        return "\nState:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def test_the_machine_is_left_alone():
    before = machine()
    bed = make(lambda: Bed("alone"))
    try:
        pod = bed.add_pod("one", meshed=False)
        bed.publish()
        app = pod.start_tcp("echo", 7000)
        assert mine(bed.run_id)
        assert machine() == before
    finally:
        bed.delete()
    assert machine() == before
    assert not mine(bed.run_id)
    assert not bed.run.path.exists()
    assert is_gone(app.pid)
    assert not (ETC_NETNS / pod.netns.name).exists()


def test_apps_are_no_administrators():
    bed = make(lambda: Bed("user"))
    try:
        pod = bed.add_pod("one", meshed=False)
        app = pod.start_tcp("echo", 7000)
        status = pathlib.Path(f"/proc/{app.pid}/status").read_text()
        assert "\nUid:\t10001\t10001\t10001" in status
        assert "\nCapEff:\t0000000000000000" in status
    finally:
        bed.delete()


def test_what_a_killed_run_leaves_is_swept(tmp_path):
    make(lambda: Bed("check")).delete()
    child = subprocess.Popen([sys.executable, "-c", CHILD,
                              str(pathlib.Path(__file__).resolve().parents[1])],
                             stdout=subprocess.PIPE, text=True)
    run_id, app, path = child.stdout.readline().split()
    assert mine(run_id)
    child.kill()
    child.wait()
    until("its programs to be gone", lambda: is_gone(int(app)))
    swept = sweep()
    assert {n for n in swept if n.startswith(f"weft-{run_id}-")}
    assert not mine(run_id)
    subprocess.run(["rm", "-rf", path], check=True)
    assert tmp_path.exists()


def test_what_lives_is_not_swept():
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    try:
        living = Netns(f"weft-{os.getpid()}-living")
    except Unavailable as e:
        pytest.skip(str(e))
    other = Netns("other-1-ours")
    try:
        assert living.name not in sweep()
        assert {living.name, other.name} <= set(listed())
    finally:
        living.delete()
        other.delete()
