#!/usr/bin/env python3
"""How long a change takes to have effect: from the API server's answer to a patch of an HTTPRoute
to the first request that is served under it, at a Gateway and in a sidecar of the mesh, on a real
cluster with real pods. Nothing here is a test: numbers are printed.
SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import sys
import time
from typing import Any, Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "cluster"))
sys.path.insert(0, str(ROOT / "tests"))

# pylint: disable=wrong-import-position
from live.cluster import Cluster, Unavailable
from live.mesh import Mesh
from live.shop import HOST, Shop

HEADER = "x-effect"
ROUTES = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes"
PROBE = str(pathlib.Path(__file__).with_name("effect_probe.py"))
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


def arguments() -> argparse.Namespace:
    p = argparse.ArgumentParser(prog="scripts/bench --effect", description=__doc__)
    p.add_argument("--bin", help=argparse.SUPPRESS)
    p.add_argument("--rounds", type=int, default=100, help="changes at each place")
    return p.parse_args()


class Api:
    """The API server over one connection that stays open, as a controller would use it."""

    def __init__(self, cluster: Cluster) -> None:
        folder = pathlib.Path(cluster.kubectl.kubeconfig).parent
        context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        context.load_cert_chain(str(folder / "admin.crt"), str(folder / "admin.key"))
        view = cluster.kubectl.json("config", "view")
        host, port = view["clusters"][0]["cluster"]["server"].split("//")[1].split(":")
        self.connection = http.client.HTTPSConnection(host, int(port), context=context)

    def set_value(self, route: str, value: str) -> float:
        """The time at which the server said that it is done."""
        body = [
            {
                "op": "replace",
                "path": "/spec/rules/0/filters/0/responseHeaderModifier/set/0/value",
                "value": value,
            }
        ]
        self.connection.request(
            "PATCH",
            f"{ROUTES}/{route}",
            json.dumps(body),
            {"Content-Type": "application/json-patch+json"},
        )
        answer = self.connection.getresponse()
        said = answer.read()
        when = time.monotonic()
        if answer.status != 200:
            raise Unavailable(f"the API server refused the patch: {said[:300]!r}")
        return when


def route(name: str, parent: dict[str, Any], backend: str, **more: Any) -> dict[str, Any]:
    rule = {
        "backendRefs": [{"name": backend, "port": 9080}],
        "filters": [
            {
                "type": "ResponseHeaderModifier",
                "responseHeaderModifier": {"set": [{"name": HEADER, "value": "start"}]},
            }
        ],
    }
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"parentRefs": [parent], "rules": [rule], **more},
    }


def sandbox_pid(cluster: Cluster, app: str) -> str:
    """A process in the network of that app's pod."""
    pod = cluster.kubectl.pods("shop", f"app={app}")[0]
    uid = pod["metadata"]["uid"]
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and uid in pathlib.Path(f"/proc/{name}/cgroup").read_text():
                return name
        except OSError:
            continue
    raise Unavailable(f"no process of the pod of {app} is to be seen")


def probe(enter: list[str], host: str, port: int, authority: str) -> subprocess.Popen[str]:
    words = ["nsenter", *enter, PYTHON, PROBE, host, str(port), "/", HEADER, authority]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def lines(process: subprocess.Popen[str]) -> Iterator[tuple[str, float, str]]:
    assert process.stdout
    for line in process.stdout:
        value, asked, status = line.split()
        yield value, float(asked), status


def measure(api: Api, name: str, process: subprocess.Popen[str], rounds: int) -> list[float]:
    """Milliseconds from the answer to the asking of the first request that shows the new value."""
    seen, found = lines(process), []
    while next(seen)[0] != "start":
        pass
    for i in range(rounds):
        done = api.set_value(name, str(i))
        value, asked, status = next(seen)
        if value != str(i):
            raise Unavailable(f"{name}: wanted {i}, a request was answered {status} with {value}")
        found.append(max(0.0, (asked - done) * 1000))
    process.kill()
    return found


def show(what: str, found: list[float]) -> None:
    ordered = sorted(found)
    at = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))]
    print(
        f"{what}: {len(found)} changes, milliseconds from the API server's answer to the first "
        f"request under the new rule: p50 {at(.5):.1f}, p90 {at(.9):.1f}, p99 {at(.99):.1f}, "
        f"worst {ordered[-1]:.1f}"
    )


def run(cluster: Cluster, rounds: int) -> None:
    mesh = Mesh(cluster)
    if mesh.weftctl("check").returncode:
        mesh.load_images()
        mesh.install("--ingress")
    shop = Shop(mesh).open()
    address = shop.door()
    shop.kubectl.apply(
        [
            route("effect-door", {"name": "shop"}, "frontend", hostnames=[HOST]),
            route(
                "effect-mesh",
                {"group": "", "kind": "Service", "name": "ratings", "port": 9080},
                "ratings",
            ),
        ]
    )
    shop.kubectl.run("-n", "shop", "delete", "httproute", "frontend")
    ratings = shop.kubectl.json("-n", "shop", "get", "service", "ratings")["spec"]["clusterIP"]
    api = Api(cluster)
    show(
        "gateway",
        measure(api, "effect-door", probe([f"--net={cluster.netns}"], address, 80, HOST), rounds),
    )
    show(
        "sidecar",
        measure(
            api,
            "effect-mesh",
            probe(["-t", sandbox_pid(cluster, "frontend"), "-n"], ratings, 9080, "ratings:9080"),
            rounds,
        ),
    )
    shop.close()


def main() -> int:
    options = arguments()
    if options.bin:
        os.environ["WEFT_BUILD_DIR"] = os.environ["WEFT_BUILD"] = str(
            pathlib.Path(options.bin).parent
        )
    cluster = Cluster(os.environ.get("WEFT_CLUSTER", "bench"))
    try:
        cluster.up()
        run(cluster, options.rounds)
    except Unavailable as e:
        print(f"bench: {e}", file=sys.stderr)
        return 1
    finally:
        if cluster.is_ours:
            cluster.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
