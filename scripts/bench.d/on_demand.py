"""What a sidecar weighs that calls 10 services, in a mesh of 10 and in one of 10,000, told by
weft-policyd on demand. Needs root (network namespaces).
SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import argparse
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

# pylint: disable=wrong-import-position
from bed import Bed, Unavailable
from bed.policyd_pod import PolicydPod

CALLED, ROUNDS, PER_FILE = 10, 5, 500
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: s{i}, namespace: default}}
spec:
  clusterIP: {vip}
  clusterIPs: [{vip}]
  selector: {{app: server}}
  ports: [{{name: http, port: 9080, targetPort: 9080}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: s{i}-1
  namespace: default
  labels: {{kubernetes.io/service-name: s{i}}}
addressType: IPv4
ports: [{{name: http, port: 9080, protocol: TCP}}]
endpoints: [{{addresses: ["{ip}"], conditions: {{ready: true}}}}]
"""


def vip(i: int) -> str:
    return f"10.97.{i // 250}.{i % 250 + 1}"


def write_services(bed: Bed, count: int, ip: str) -> None:
    for first in range(0, count, PER_FILE):
        each = range(first, min(count, first + PER_FILE))
        bed.policies.write(f"20-{first:05d}.yaml",
                           "---\n".join(SERVICE.format(i=i, vip=vip(i), ip=ip) for i in each))


def measure(count: int) -> tuple[int, int, int]:
    """Resident KiB of the sidecar and of policyd, and how many destinations the sidecar has."""
    with Bed("demand") as bed:
        bed.add_authority()
        client, server = bed.add_pod("client"), bed.add_pod("server")
        plane = bed.add_pod("policyd", "weft-policyd", False, "weft-system")
        bed.publish()
        write_services(bed, count, server.ip)
        policyd = PolicydPod(plane)
        policyd.start()
        server.start_demo("ratings")
        for pod in (client, server):
            pod.start_sidecar(discovery=policyd.address, policy_dir=None)
        for _ in range(ROUNDS):
            for i in range(CALLED):
                answer = client.get(f"http://{vip(i * count // CALLED)}:9080/who")
                if answer.status != 200:
                    raise RuntimeError(f"a call failed: {answer}")
        told = client.sidecar.ask(15000, "GET", "/status").json()["discovery"]
        found = client.sidecar.rss_kib(), policyd.process.rss_kib(), told["addresses"]
        policyd.stop()
        return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench --on-demand",
                                     description="What a sidecar weighs in a large mesh.")
    parser.add_argument("--bin", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bin:
        os.environ["WEFT_BUILD_DIR"] = str(options.bin.parent)
    sizes = {}
    for count in (CALLED, 10000):
        sidecar, policyd, addresses = measure(count)
        sizes[count] = sidecar
        print(f"{count:6d} services, {addresses} called: sidecar {sidecar} KiB, "
              f"policyd {policyd} KiB", flush=True)
    print(f"difference: {sizes[10000] - sizes[CALLED]} KiB (at most 1024)")


if __name__ == "__main__":
    try:
        main()
    except Unavailable as why:
        raise SystemExit(f"scripts/bench --on-demand: {why}") from why
