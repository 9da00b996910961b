"""Names, folders and addresses of a cluster; two clusters of different names share nothing.
SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import os
import pathlib
import re
import sys
import zlib

NAME = os.environ.get("WEFT_CLUSTER", "weft")
if not re.fullmatch(r"[a-z][a-z0-9]{0,9}", NAME):
    sys.exit(f"cluster: WEFT_CLUSTER={NAME}: must be up to ten small letters and digits")

BIN = pathlib.Path(os.environ["WEFT_CLUSTER_BIN"])
CRDS = BIN.parent / "crds"
STATE = pathlib.Path(os.environ["WEFT_CACHE"]) / "cluster" / "state" / NAME
LOCK = STATE.with_name(f"{NAME}.lock")
KUBECONFIG = STATE / "kubeconfig"
CONTAINERD_DIR = pathlib.Path("/run") / f"{NAME}-containerd"
CONTAINERD = CONTAINERD_DIR / "containerd.sock"
NETNS = pathlib.Path("/run/netns") / NAME

# The node's network, joined to this machine by a veth pair; another name gives another network.
_NET = f"10.{97 + zlib.crc32(NAME.encode()) % 2}.{zlib.crc32(NAME.encode()) // 2 % 254 + 1}"
NODE_IP, HOST_IP = f"{_NET}.1", f"{_NET}.2"
NODE = "node"
# Seen from inside only, so every cluster may have the same.
PODS, SERVICES = "10.244.0.0/24", "10.96.0.0/16"
API_IP, DNS_IP = "10.96.0.1", "10.96.0.10"
BALANCERS, BALANCER_FIRST, BALANCER_LAST = "10.244.100.0/24", "10.244.100.10", "10.244.100.250"


def veth() -> str:
    return f"{NAME}-host"
