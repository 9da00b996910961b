"""The interoperability cases of gRPC, with the client and the server of grpc-go, which know nothing
of us: from pod to pod through both sidecars, whichever of the two pods calls, and in at a Gateway.
Skipped by name where Go (to build them) is missing.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import pathlib
from typing import Iterator

import pytest

from bed import Bed, go_program
from bed.objects import Port
from bed.pod import Pod
from bed.programs import Unavailable

MODULE, VERSION = "google.golang.org/grpc/interop", "v1.81.1"
PORT, GATEWAY_PORT = 10000, 8000
# All but those that need credentials of a cloud, or measure the load of a server.
CASES = ["empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong",
         "empty_stream", "timeout_on_sleeping_server", "cancel_after_begin",
         "cancel_after_first_response", "status_code_and_message", "special_status_message",
         "custom_metadata", "unimplemented_method", "unimplemented_service"]
PODS = ["one", "two"]
GATEWAY = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge, namespace: default}}
spec:
  gatewayClassName: weft
  listeners: [{{name: http, port: {GATEWAY_PORT}, protocol: HTTP}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {{name: edge, namespace: default}}
spec:
  parentRefs: [{{name: edge}}]
  rules:
  - backendRefs: [{{name: interop-one, port: {PORT}}}]
"""


class Interop:
    """Two pods in the mesh with a server in each, and a Gateway in front of the first."""

    def __init__(self, client: pathlib.Path, server: pathlib.Path) -> None:
        self.bed = Bed("interop")
        try:
            self._build(client, server)
        except BaseException:
            self.bed.delete()
            raise

    def _build(self, client: pathlib.Path, server: pathlib.Path) -> None:
        bed = self.bed
        self.pods = {name: bed.add_pod(name) for name in PODS}
        self.edge, self.outside = (bed.add_pod(n, meshed=False) for n in ("edge", "outside"))
        for name in PODS:
            bed.add_service(f"interop-{name}", [Port(PORT, PORT, "grpc")], app=name)
        bed.add_certd()
        bed.publish()
        bed.policies.write("20-edge.yaml", GATEWAY)
        folder = bed.run.folder("interop")
        for path in (client, server):
            (folder / path.name).write_bytes(path.read_bytes())
            (folder / path.name).chmod(0o755)
        self.client = str(folder / "client")
        for pod in self.pods.values():
            pod.start([str(folder / "server"), f"--port={PORT}"], name="interop")
            pod.start_sidecar(ready=False)
        self.edge.start_ingress("edge", ready=False)
        for one in bed.sidecars():
            one.await_ready()
            one.await_identity()

    def call(self, pod: Pod, host: str, port: int, case: str) -> None:
        done = pod.netns.run(self.client, f"--server_host={host}", f"--server_port={port}",
                             f"--test_case={case}", check=False)
        assert done.returncode == 0, f"{case}: {done.stdout[-2000:]}{done.stderr[-2000:]}"


@pytest.fixture(name="interop", scope="module")
def fixture_interop() -> Iterator[Interop]:
    try:
        programs = [go_program.build(f"{MODULE}/{name}", VERSION, f"grpc-interop-{VERSION}")
                    for name in ("client", "server")]
        made = Interop(*programs)
    except Unavailable as e:
        pytest.skip(str(e))
    yield made
    ended, complaints = made.bed.stop(), made.bed.complaints()
    logs = {pod.name: pod.sidecar.output() for pod in [*made.pods.values(), made.edge]}
    made.bed.delete()
    assert not complaints, "\n".join(complaints)
    assert not ended, f"ended badly: {ended}"
    # Each client says goodbye with a GOAWAY, in its own way.
    for name, log in logs.items():
        assert "invalid last_stream_id" not in log, f"{name}: {log[-2000:]}"


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("caller, called", [PODS, PODS[::-1]])
def test_through_the_mesh(interop, caller, called, case):
    interop.call(interop.pods[caller], f"interop-{called}.default", PORT, case)


# requirement: L3
@pytest.mark.parametrize("case", CASES)
def test_in_at_a_gateway(interop, case):
    interop.call(interop.outside, interop.edge.ip, GATEWAY_PORT, case)
