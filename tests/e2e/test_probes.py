"""What is asked of the app by way of its sidecar: the kubelet's probes, under STRICT as well, and
the app's own metrics; and how a sidecar is waited for and told to go.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import threading

import pytest

from bed import Bed, Port
from bed.pki import Authority
from bed.pod import APP_UID
from conftest import make, take_down

STRICT = """\
apiVersion: policy.weft.dev/v1alpha1
kind: PeerAuthentication
metadata: {name: strict, namespace: default}
spec: {mtls: {mode: STRICT}}
"""
OWN = "app_things_total 7"


def answer(status, body="", *headers):
    """As the path of a scripted app that says so."""
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *headers, "", body]
    return "/" + "\r\n".join(lines).encode().hex()


def get(path, **more):
    return {"httpGet": {"path": path, "port": 9000, **more}}


PROBES = {
    "web/livez": get(answer(200, "fine")),
    "web/readyz": get(answer(500, "no database")),
    "web/startupz": get(answer(302, "", "location: http://example.org/")),
    "deaf/livez": {"httpGet": {"path": "/", "port": 9001}, "timeoutSeconds": 1},
    "tcp/livez": {"tcpSocket": {"port": 9000}},
    "tcp/readyz": {"tcpSocket": {"port": 9999}},
    "tls/livez": {"httpGet": {"path": "/bytes/5", "port": 9443, "scheme": "HTTPS"}},
    "grpc/livez": {"grpc": {"port": 9999}},
}


@pytest.fixture(scope="module", name="bed")
def fixture_bed():
    bed = make(lambda: Bed("probes"))
    pod = bed.add_pod("web")
    bed.add_pod("kubelet", meshed=False)
    bed.add_service("web", [Port(80, 9000)])
    bed.add_authority()
    bed.policies.write("10-strict.yaml", STRICT)
    bed.publish()
    pod.start_python("http_app.py", "scripted", "9000", name="scripted")
    pod.start_python("http_app.py", "deaf", "9001", name="deaf")
    leaf = Authority(bed.run.folder("nobodys-ca", uid=APP_UID, mode=0o700)).server("nobody")
    for file in (leaf.cert, leaf.key):
        file.chmod(0o644)
    pod.start([bed.run.program("weft-test-app"), "--listen", f"{pod.ip}:9443", "--tls",
               f"{leaf.cert},{leaf.key}"], "listening on", name="tls")
    metrics = answer(200, f"# HELP app_things_total Things.\n{OWN}")
    pod.start_sidecar(app_probes=json.dumps(PROBES), app_metrics=f"9000{metrics}")
    yield bed
    take_down(bed)


@pytest.fixture(name="web")
def fixture_web(bed):
    return bed.pods["web"]


def probe(web, name):
    """As the kubelet asks: at the pod's health port."""
    return web.sidecar.ask(15021, "GET", f"/app-health/{name}")


@pytest.mark.parametrize("name, status, says", [
    ("web/livez", 200, "fine"),
    ("web/readyz", 500, "no database"),
    ("web/startupz", 200, ""),
    ("deaf/livez", 503, "no answer within 1000 ms"),
    ("tcp/livez", 200, ""),
    ("tcp/readyz", 503, "refused"),
    ("tls/livez", 200, ""),
    ("grpc/livez", 503, "refused"),
    ("other/livez", 404, "no such probe"),
])
def test_what_the_app_says_is_what_the_kubelet_hears(web, name, status, says):
    found = probe(web, name)
    assert found.status == status, found.text()
    assert says in found.text()


def test_a_probe_needs_no_certificate(bed, web):
    kubelet = bed.pods["kubelet"]
    assert kubelet.get(f"http://{web.ip}:9000{answer(200)}").reason == "plaintext_denied"
    assert kubelet.get(f"http://{web.ip}:15021/app-health/web/livez").text() == "fine"


def test_the_apps_metrics_come_with_the_sidecars(web):
    text = web.sidecar.ask(15020, "GET", "/metrics").text()
    assert OWN in text.splitlines()
    assert web.sidecar.metric("weft_app_metrics_up") == 1
    assert "weft_build_info" in text


def test_a_broken_list_of_probes_is_no_list(bed):
    pod = bed.add_pod("broken")
    bed.publish()
    sidecar = pod.start_sidecar(ready=False, app_probes='{"a/livez": {"exec": {}}}')
    assert sidecar.await_end() == 1
    assert "--app-probes: a/livez: neither" in sidecar.output()
    sidecar = pod.start_sidecar(ready=False, app_metrics="metrics")
    assert sidecar.await_end() == 1
    assert "is not PORT/PATH" in sidecar.output()


def test_waiting_for_a_sidecar(bed):
    pod = bed.add_pod("late")
    bed.publish()
    program = bed.run.program("weft-sidecar")
    nobody = pod.netns.run(program, "wait", "--timeout", "300ms", check=False)
    assert nobody.returncode == 1
    assert "not ready after 300 ms" in nobody.stderr
    assert pod.netns.run(program, "wait", "--timeout", "soon", check=False).returncode == 2
    found = []
    waiting = threading.Thread(
        target=lambda: found.append(pod.netns.run(program, "wait", check=False).returncode))
    waiting.start()
    pod.start_sidecar(ready=False)
    waiting.join()
    assert found == [0]
    assert pod.sidecar.is_ready()


def test_an_app_that_is_done_tells_its_sidecar(bed):
    pod = bed.add_pod("job")
    bed.publish()
    sidecar = pod.start_sidecar()
    assert sidecar.ask(15000, "GET", "/quitquitquit").status == 405
    assert sidecar.is_running()
    assert sidecar.ask(15000, "POST", "/quitquitquit").status == 200
    assert sidecar.await_end() == 0
