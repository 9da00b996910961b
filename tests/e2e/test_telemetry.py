"""What sidecars count and write down about what happened.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import re
import time

from bed.shop import ECHO_PORT
from bed.wait import until

REQUESTS = "istio_requests_total"


def grows(read, by, act):
    """What `read` tells has grown by that much after `act`."""
    before = read()
    act()
    until(f"a growth of {by}", lambda: read() - before == by)


def test_both_ends_count_a_request_and_name_each_other(shop):
    me, it = f"spiffe://{shop.frontend.identity}", f"spiffe://{shop.ratings.identity}"
    common = {"source_workload": "frontend", "source_principal": me,
              "destination_workload": "ratings", "destination_principal": it,
              "destination_service": "ratings.default.svc.cluster.local",
              "response_code": "200", "connection_security_policy": "mutual_tls"}

    def ask():
        for _ in range(7):
            assert shop.frontend.get("http://ratings:9080/who").status == 200
    grows(lambda: shop.frontend.sidecar.metric(REQUESTS, reporter="source", **common), 7, ask)
    grows(lambda: shop.ratings.sidecar.metric(REQUESTS, reporter="destination", **common), 7, ask)


def test_an_answer_of_the_mesh_is_counted_with_its_flag(shop):
    for pod in (shop.v1, shop.v2):
        pod.facts.ready = False
    shop.bed.publish()
    try:
        grows(lambda: shop.frontend.sidecar.metric(REQUESTS, reporter="source",
                                                   response_code="503", response_flags="UH"), 1,
              shop.reviews)
    finally:
        for pod in (shop.v1, shop.v2):
            pod.facts.ready = True
        shop.bed.publish()


def test_plain_text_is_counted_by_its_source(shop):
    grows(lambda: shop.v1.sidecar.metric("weft_plaintext_requests_total", source=shop.outside.ip),
          3, lambda: [shop.outside.get(f"http://{shop.v1.ip}:9080/who") for _ in range(3)])


def test_bytes_of_a_tunnel_are_counted(shop):
    def talk():
        with shop.frontend.connect("ledger", ECHO_PORT) as sock:
            sock.sendall(b"x" * 1000)
            got = 0
            while got < 1000:
                got += len(sock.recv(1000))
    for name, by in (("istio_tcp_connections_opened_total", 1),
                     ("istio_tcp_sent_bytes_total", 1000), ("istio_tcp_received_bytes_total", 1000),
                     ("istio_tcp_connections_closed_total", 1)):
        grows(lambda name=name: shop.frontend.sidecar.metric(name, reporter="source"), by, talk)


def test_a_refused_configuration_is_counted(shop):
    sidecar = shop.frontend.sidecar
    before = sidecar.metric("weft_config_rejected_total")
    mark = sidecar.mark()
    shop.bed.policies.write("50-test.yaml", "kind: [")
    sidecar.await_log("refused as a whole", mark)
    assert sidecar.metric("weft_config_rejected_total") == before + 1
    shop.bed.withdraw("50-test.yaml")


def test_the_end_of_the_certificate_is_told(shop):
    ends = shop.frontend.sidecar.metric("weft_certificate_expiry_timestamp_seconds")
    assert ends > time.time()


def test_ready_and_live(shop):
    assert shop.frontend.sidecar.ask(15021, "GET", "/healthz/ready").status == 200
    assert shop.frontend.sidecar.ask(15021, "GET", "/healthz/live").status == 200


def test_the_administration_is_for_the_pod_alone(shop):
    answer = None
    try:
        answer = shop.outside.get(f"http://{shop.v1.ip}:15000/clusters")
    except OSError:
        pass
    assert answer is None or answer.status != 200, answer


def test_clusters_are_shown(shop):
    shop.reviews()
    told = shop.frontend.sidecar.ask(15000, "GET", "/clusters").json()
    found = {e["address"] for worker in told for c in worker["clusters"] for e in c["endpoints"]}
    assert {f"{shop.v1.ip}:9080", f"{shop.v2.ip}:9080"} & found


def test_the_access_log_has_a_line_for_each_request(shop):
    pod = shop.v2
    assert pod.sidecar.stop() == 0
    pod.start_sidecar(access_log="json")
    pod.sidecar.await_identity()
    try:
        mark = pod.sidecar.mark()
        url = "http://reviews-v2:9080/who?a=b"
        assert shop.frontend.get(url, {"x-request-id": "find-me"}).status == 200
        line = pod.sidecar.await_log(r"(?m)^\{.*find-me.*\}$", mark).group(0)
        told = json.loads(line)
        assert "GET" in told.values() and 200 in told.values(), told
        assert any(str(v).startswith("/who") for v in told.values()), told
        assert re.search(r"sa/frontend", line)
    finally:
        pod.sidecar.stop()
        pod.start_sidecar()
        pod.sidecar.await_identity()


MESH_SIZES = """
apiVersion: policy.weft.dev/v1alpha1
kind: MeshConfig
metadata: {name: default, namespace: weft-system}
spec: {metrics: {bodySizes: true}}
"""


def test_sizes_of_bodies_are_counted_on_demand(shop):
    sidecar = shop.frontend.sidecar

    def ask():
        assert shop.frontend.get("http://ratings:9080/who").status == 200

    def sizes():
        return sidecar.metric("istio_response_bytes_count", reporter="source",
                              destination_workload="ratings")

    def are_shown():
        return any(name.startswith("istio_response_bytes") for name in sidecar.metrics())
    ask()
    assert not are_shown()
    with shop.bed.policy(MESH_SIZES):
        until("sizes are shown", are_shown)
        grows(sizes, 3, lambda: [ask() for _ in range(3)])
    until("sizes are shown no more", lambda: not are_shown())


MESH_LOG = """
apiVersion: policy.weft.dev/v1alpha1
kind: MeshConfig
metadata: {name: default, namespace: weft-system}
spec: {accessLog: {mode: %s, format: %s}}
"""


def test_the_mesh_turns_the_access_log_on(shop):
    """While sidecars run; a line of the one that must not be there would come before the other."""
    sidecar = shop.frontend.sidecar

    def ask(path, name):
        return shop.frontend.get(f"http://reviews-v2:9080{path}", {"x-request-id": name}).status

    def fail(name):
        shop.v2.control(fail=503)
        try:
            assert ask("/who", name) == 503
        finally:
            shop.v2.control(fail=0)

    with shop.bed.policy(MESH_LOG % ("All", "Text")):
        mark = sidecar.mark()
        assert ask("/who", "of-all") == 200
        sidecar.await_log(r'(?m)^\[\d{4}-.*\] "GET /who HTTP/1.1" 200 .*"of-all"', mark)
    with shop.bed.policy(MESH_LOG % ("Errors", "JSON")):
        mark = sidecar.mark()
        assert ask("/who", "fine") == 200
        fail("broken")
        sidecar.await_log(r"(?m)^\{.*broken.*\}$", mark)
        assert "fine" not in sidecar.output(mark)
    mark = sidecar.mark()
    fail("silent")
    with shop.bed.policy(MESH_LOG % ("All", "JSON")):
        assert ask("/who", "again") == 200
        sidecar.await_log(r"(?m)^\{.*again.*\}$", mark)
        assert "silent" not in sidecar.output(mark)
