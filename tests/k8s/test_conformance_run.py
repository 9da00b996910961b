"""The runner of the conformance suite, where there is nothing to run it in. Needs no root.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_it_says_in_one_line_that_no_cluster_is_up() -> None:
    env = {**os.environ, "WEFT_CLUSTER": "nowhere", "WEFT_NO_BOOTSTRAP": "1"}
    env.pop("KUBECONFIG", None)
    done = subprocess.run([ROOT / "tests/conformance/run"], env=env, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 1, done.stdout
    assert done.stdout.count("\n") == 1, done.stdout
    assert "no cluster is up: scripts/cluster up" in done.stdout, done.stdout
