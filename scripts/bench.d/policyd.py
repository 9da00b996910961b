#!/usr/bin/env python3
"""The control plane by itself: how large it is and how long it takes to start with a large cluster,
and how long a change takes to a thousand data planes. A real API server holds the objects; the data
planes are simulated, and speak the real protocol. Nothing here is a test: numbers are printed.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
import tempfile
import time
from typing import Any, Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

# pylint: disable=wrong-import-position
from bed.api_server import ApiServer
from bed.pki import Authority
from bed.policyd import Client, Policyd
from bed.programs import Unavailable
from kube_load import KubeLoad, Request

GATEWAY_API = "gateway.networking.k8s.io"
POLICIES = "/apis/policy.weft.dev/v1alpha1/namespaces/weft-system/authorizationpolicies"
SHARED = "10.96.255.1:80"


def arguments() -> argparse.Namespace:
    p = argparse.ArgumentParser(prog="scripts/bench --control-plane", description=__doc__)
    p.add_argument("--bin", help=argparse.SUPPRESS)
    p.add_argument("--services", type=int, default=1000)
    p.add_argument("--endpoints", type=int, default=10, help="of each Service")
    p.add_argument("--routes", type=int, default=2000)
    p.add_argument("--clients", type=int, default=1000, help="data planes")
    p.add_argument("--addresses", type=int, default=10, help="that each data plane calls")
    p.add_argument("--rounds", type=int, default=10, help="changes of each sort")
    return p.parse_args()


# ---- the cluster

def service_ip(i: int) -> str:
    return f"10.96.{i // 250}.{i % 250 + 2}"


def pod_ip(i: int, j: int) -> str:
    n = i * 16 + j
    return f"10.{1 + n // 65536}.{n // 256 % 256}.{n % 256}"


def namespace(i: int) -> str:
    return f"bench-{i % 50}"


def make_pod(ns: str, name: str) -> Request:
    return ("POST", f"/api/v1/namespaces/{ns}/pods", {
        "metadata": {"name": name, "labels": {"app": name.split("-")[0], "pod-template-hash": "x"},
                     "annotations": {"weft.dev/status": "injected"}},
        "spec": {"serviceAccountName": "default", "automountServiceAccountToken": False,
                 "containers": [{"name": "app", "image": "none:1",
                                 "ports": [{"containerPort": 8080}]}]}})


def make_namespaces() -> Iterator[Request]:
    for ns in [f"bench-{i}" for i in range(50)] + ["clients", "weft-system"]:
        yield "POST", "/api/v1/namespaces", {"metadata": {"name": ns}}
    for ns in [f"bench-{i}" for i in range(50)] + ["clients"]:
        yield "POST", f"/api/v1/namespaces/{ns}/serviceaccounts", {"metadata": {"name": "default"}}


def make_pods(o: argparse.Namespace) -> Iterator[Request]:
    for i in range(o.services):
        for j in range(o.endpoints):
            yield make_pod(namespace(i), f"s{i}-{j}")
    for i in range(o.clients):
        yield make_pod("clients", f"client-{i}")


def make_statuses(o: argparse.Namespace) -> Iterator[Request]:
    for i in range(o.services):
        for j in range(o.endpoints):
            ip = pod_ip(i, j)
            yield ("PATCH", f"/api/v1/namespaces/{namespace(i)}/pods/s{i}-{j}/status",
                   {"status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]}})


def one_service(ns: str, name: str, ip: str) -> Request:
    return ("POST", f"/api/v1/namespaces/{ns}/services", {
        "metadata": {"name": name},
        "spec": {"clusterIP": ip, "selector": {"app": name},
                 "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}})


def one_slice(ns: str, name: str, pods: list[tuple[str, str]]) -> Request:
    return ("POST", f"/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices", {
        "metadata": {"name": f"{name}-x", "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4", "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": [{"addresses": [ip], "conditions": {"ready": True}, "zone": "a",
                       "targetRef": {"kind": "Pod", "namespace": ns, "name": pod}}
                      for pod, ip in pods]})


def make_services(o: argparse.Namespace) -> Iterator[Request]:
    for i in range(o.services):
        ns = namespace(i)
        yield one_service(ns, f"s{i}", service_ip(i))
        yield one_slice(ns, f"s{i}", [(f"s{i}-{j}", pod_ip(i, j)) for j in range(o.endpoints)])
    yield one_service("bench-0", "shared", SHARED.split(":", maxsplit=1)[0])
    yield one_slice("bench-0", "shared", [("s0-0", pod_ip(0, 0))])


def route_body(name: str, service: str, value: str) -> dict[str, Any]:
    return {"apiVersion": f"{GATEWAY_API}/v1", "kind": "HTTPRoute", "metadata": {"name": name},
            "spec": {"parentRefs": [{"group": "", "kind": "Service", "name": service}],
                     "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": f"/{value}"}}],
                                "backendRefs": [{"name": service, "port": 80}]}]}}


def make_routes(o: argparse.Namespace) -> Iterator[Request]:
    for i in range(o.routes):
        ns, service = namespace(i % o.services), f"s{i % o.services}"
        yield ("POST", f"/apis/{GATEWAY_API}/v1/namespaces/{ns}/httproutes",
               route_body(f"r{i}", service, f"v{i}"))
    yield ("POST", f"/apis/{GATEWAY_API}/v1/namespaces/bench-0/httproutes",
           route_body("shared", "shared", "v0"))


def fill(load: KubeLoad, o: argparse.Namespace) -> None:
    start, count = time.monotonic(), 0
    for part in (make_namespaces(), make_pods(o), make_statuses(o), make_services(o),
                 make_routes(o)):
        count += load.send_all(part)
    print(f"filled the API server: {count} writes in {time.monotonic() - start:.0f} s", flush=True)


# ---- measuring

def memory_mb(policyd: Policyd, key: str) -> float:
    assert policyd.process
    status = pathlib.Path(f"/proc/{policyd.process.pid}/status").read_text()
    [line] = [x for x in status.splitlines() if x.startswith(key + ":")]
    return int(line.split()[1]) / 1024


def measure_start(folder: pathlib.Path, authority: Authority, api: ApiServer) -> Policyd:
    policyd = Policyd(folder, authority)
    start = time.monotonic()
    policyd.start("--kubeconfig", str(api.kubeconfig), "--gateways", "false",
                  "--streams-per-peer", "0", ready=False)
    while policyd.get("/readyz")[0] != 200:
        time.sleep(0.01)
    print(f"full start                            {time.monotonic() - start:8.2f} s", flush=True)
    print(f"objects                               {policyd.metric('weft_policyd_objects'):8.0f}")
    return policyd


def settle(policyd: Policyd) -> None:
    """Until the statuses of a new cluster are all written."""
    before, still = -1.0, 0
    while still < 4:
        time.sleep(0.5)
        now = policyd.metric("weft_policyd_status_writes_total")
        still = still + 1 if now == before else 0
        before = now
    print(f"statuses written                      {before:8.0f}")


def connect(policyd: Policyd, o: argparse.Namespace, folder: pathlib.Path) -> Client:
    calls = [[SHARED] + [f"{service_ip((c * (o.addresses - 1) + k) % o.services)}:80"
                         for k in range(o.addresses - 1)] for c in range(o.clients)]
    listed = folder / "addresses"
    listed.write_text("\n".join(a for one in calls for a in one))
    start = time.monotonic()
    client = policyd.client("clients", "default", pod="client-%", clients=o.clients,
                            addresses=f"@{listed}", per=o.addresses, quiet="yes")
    while policyd.metric("weft_policyd_subscribers") < o.clients or \
            policyd.metric("weft_policyd_subscribers_behind") or \
            policyd.metric("weft_policyd_subscribers_waiting"):
        time.sleep(0.05)
    print(f"{o.clients} data planes up to date in          {time.monotonic() - start:8.2f} s")
    return client


def one_round(client: Client, load: KubeLoad, request: Request) -> dict[str, float]:
    client.mark()
    client.say("mark")
    time.sleep(0.05)
    load.send(request)
    answered_ms = time.monotonic() * 1000
    event = client.await_event("all")
    late = event["mark_ms"] - answered_ms
    return {key: max(event[key] + late, 0.0) for key in ("p50_ms", "p99_ms", "max_ms")}


def audit(path: str) -> dict[str, Any]:
    return {"action": "AUDIT", "rules": [{"to": [{"operation": {"paths": [path]}}]}]}


def changes(sort: str, i: int) -> Request:
    if sort == "endpoints":
        pods = [("s0-0", pod_ip(0, 0)), ("s0-1", f"10.9.0.{i + 1}")]
        _, path, body = one_slice("bench-0", "shared", pods)
        return "PATCH", path + "/shared-x", {"endpoints": body["endpoints"]}
    if sort == "route":
        body = route_body("shared", "shared", f"changed{i}")
        return ("PATCH", f"/apis/{GATEWAY_API}/v1/namespaces/bench-0/httproutes/shared",
                {"spec": body["spec"]})
    return "PATCH", f"{POLICIES}/everywhere", {"spec": audit(f"/x{i}")}


def measure_changes(client: Client, load: KubeLoad, rounds: int) -> None:
    load.send(("POST", POLICIES, {
        "apiVersion": "policy.weft.dev/v1alpha1", "kind": "AuthorizationPolicy",
        "metadata": {"name": "everywhere"}, "spec": audit("/x")}))
    time.sleep(2)
    print("change -> every data plane, ms after the API server's answer (worst round)")
    for sort in ("endpoints", "route", "policy"):
        seen = [one_round(client, load, changes(sort, i)) for i in range(rounds)]
        worst = {key: max(one[key] for one in seen) for key in seen[0]}
        print(f"  {sort:12} p50 {worst['p50_ms']:7.1f}   p99 {worst['p99_ms']:7.1f}   "
              f"max {worst['max_ms']:7.1f}", flush=True)


def run(o: argparse.Namespace, folder: pathlib.Path) -> None:
    api = ApiServer(folder).start()
    try:
        for crds in (api.crds, ROOT / "k8s" / "base" / "crds"):
            gateway = sorted(crds.glob(f"{GATEWAY_API}_[!v]*.yaml"))
            for path in gateway + sorted(crds.glob("policy*")):
                api.kubectl("apply", "--server-side", "-f", str(path))
        api.kubectl("apply", "-f", str(ROOT / "k8s" / "base" / "gateway-class.yaml"))
        load = KubeLoad(api.port, folder)
        fill(load, o)
        authority = Authority(folder / "pki")
        policyd = measure_start(folder, authority, api)
        print(f"memory after the start, RSS           {memory_mb(policyd, 'VmRSS'):8.1f} MB")
        settle(policyd)
        print(f"memory, RSS (peak)                    {memory_mb(policyd, 'VmRSS'):8.1f} MB "
              f"({memory_mb(policyd, 'VmHWM'):.1f})")
        client = connect(policyd, o, folder)
        print(f"memory with them, RSS                 {memory_mb(policyd, 'VmRSS'):8.1f} MB")
        measure_changes(client, load, o.rounds)
        print(f"memory at the end, RSS                {memory_mb(policyd, 'VmRSS'):8.1f} MB")
        client.stop()
        policyd.stop()
    finally:
        api.stop()


def main() -> int:
    o = arguments()
    if o.bin:
        os.environ["WEFT_BUILD_DIR"] = str(pathlib.Path(o.bin).parent)
    try:
        with tempfile.TemporaryDirectory(prefix="weft-bench-") as folder:
            run(o, pathlib.Path(folder))
    except Unavailable as e:
        print(json.dumps({"skipped": str(e)}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
