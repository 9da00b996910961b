"""The road: a plain call travels app → sidecar → mutual TLS → sidecar → app.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import hashlib
import re
import secrets
import socket

from bed.capture import tls_records
from bed.http_client import read_all, read_head
from bed.network import GATEWAY4
from bed.shop import ECHO_PORT, TOTAL_PORT


def xfcc(answer):
    return answer.json()["headers"].get("x-forwarded-client-cert", "")


# requirement: A2
def test_apps_call_each_other_by_name(shop):
    told = shop.frontend.get("http://127.0.0.1:9080/").json()
    assert told["status_behind"] == 200
    assert told["reviews"]["status_behind"] == 200
    assert told["reviews"]["ratings"]["app"] == "ratings"


def test_every_form_of_a_service_name_works(shop):
    for host in ("ratings", "ratings.default", "ratings.default.svc",
                 "ratings.default.svc.cluster.local"):
        answer = shop.frontend.get(f"http://{host}:9080/headers")
        assert answer.status == 200, (host, answer)
        assert answer.json()["headers"]["host"] == f"{host}:9080"
        assert "URI=" in xfcc(answer), f"{host} did not go over mutual TLS"


def test_both_ends_know_each_other(shop):
    seen = xfcc(shop.frontend.get("http://ratings:9080/headers"))
    assert f"URI=spiffe://{shop.frontend.identity}" in seen
    assert f"By=spiffe://{shop.ratings.identity}" in seen
    assert re.search(r"Hash=[0-9a-f]{64}", seen)


def test_a_client_cannot_claim_an_identity(shop):
    forged = {"x-forwarded-client-cert": "By=x;URI=spiffe://cluster.local/ns/default/sa/admin"}
    from_mesh = shop.frontend.get("http://ratings:9080/headers", forged)
    assert "sa/admin" not in xfcc(from_mesh)
    assert f"URI=spiffe://{shop.frontend.identity}" in xfcc(from_mesh)
    from_outside = shop.outside.get(f"http://{shop.ratings.ip}:9080/headers", forged)
    assert from_outside.status == 200
    assert xfcc(from_outside) == ""


def test_our_own_headers_are_not_taken_from_clients_nor_shown_to_apps(shop):
    told = shop.frontend.get("http://ratings:9080/headers",
                             {"x-weft-http-version": "2", "x-weft-source": "me",
                              "x-weft-attempt": "9"}).json()["headers"]
    assert not [name for name in told if name.startswith("x-weft-")], told


def test_a_request_id_is_kept_or_made(shop):
    kept = shop.frontend.get("http://ratings:9080/headers", {"x-request-id": "mine-1"})
    assert kept.json()["headers"]["x-request-id"] == "mine-1"
    made = shop.frontend.get("http://ratings:9080/headers")
    assert re.fullmatch(r"[0-9a-f-]{36}", made.json()["headers"]["x-request-id"])


def test_nothing_is_readable_on_the_wire(shop):
    marker = secrets.token_hex(16)
    wires = [p.capture(f"{p.name}-wire").start() for p in shop.meshed()]
    # A connection of its own, so that its handshake is seen: the sidecar has none to this port yet.
    with shop.frontend.connect("ledger", ECHO_PORT) as sock:
        sock.sendall(marker.encode())
        assert sock.recv(100) == marker.encode()
    assert shop.frontend.get("http://127.0.0.1:9080/", {"x-request-id": marker}).status == 200
    for wire in wires:
        wire.stop()
    flows = [f for w in wires for f in w.flows()
             if {9080, ECHO_PORT} & {f.source[1], f.target[1]}]
    assert flows and sum(f.sealed for f in flows) > 0
    for wire in wires:
        assert wire.holds(marker.encode()) == 0
        assert wire.holds(b"HTTP/1.1") == 0
    begun = [f for f in flows if f.starts]
    assert begun
    for flow in begun:
        assert tls_records(flow.data()) is not None, f"{flow.source} → {flow.target} is no TLS"


def test_the_capture_would_have_seen_it(shop):
    marker = secrets.token_hex(16)
    wire = shop.ratings.capture("control").start()
    shop.outside.get(f"http://{shop.ratings.ip}:9080/who", {"x-marker": marker})
    assert wire.stop().holds(marker.encode()) == 1


def test_opaque_tcp_keeps_its_bytes_and_its_half_close(shop):
    data = secrets.token_bytes(3_000_000)
    with shop.frontend.connect("ledger", TOTAL_PORT) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock).decode().split() == [str(len(data)),
                                                   hashlib.sha256(data).hexdigest()]


def test_opaque_tcp_answers_before_the_end(shop):
    with shop.frontend.connect("ledger", ECHO_PORT) as sock:
        for word in (b"one", b"two", b"three"):
            sock.sendall(word)
            assert sock.recv(100) == word
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(100) == b""


def test_a_pod_is_reached_by_its_own_address_over_mutual_tls(shop):
    answer = shop.frontend.get(f"http://{shop.v2.ip}:9080/headers")
    assert answer.status == 200
    assert answer.json()["version"] == "v2"
    assert f"URI=spiffe://{shop.frontend.identity}" in xfcc(answer)


def test_a_pod_outside_is_reached_in_the_clear(shop):
    shop.outside.start_demo("ratings", "plain", 9090)
    answer = shop.frontend.get(f"http://{shop.outside.ip}:9090/headers")
    assert answer.status == 200
    assert answer.json()["version"] == "plain"


def test_an_app_that_closes_is_told_apart_from_one_that_is_away(shop):
    shop.ratings.control(close=1)
    answer = shop.frontend.get("http://ratings:9080/who")
    assert answer.status == 502, answer
    assert answer.reason


def test_nobody_listens(shop):
    """At a pod's address an HTTP client is told; elsewhere, and in bytes, the connection ends."""
    answer = shop.frontend.get(f"http://{shop.outside.ip}:9/")
    assert (answer.status, answer.reason) == (503, "connect_failed"), answer
    for address, words in ((GATEWAY4, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                           (shop.outside.ip, b"\x00\x01\x02\x03")):
        try:
            with shop.frontend.connect(address, 9) as sock:
                sock.sendall(words)
                assert read_all(sock) == b""
        except OSError:
            pass  # over before that


def test_a_head_request_has_no_body(shop):
    with shop.frontend.connect("ratings", 9080) as sock:
        sock.sendall(b"HEAD /who HTTP/1.1\r\nHost: ratings:9080\r\n\r\n"
                     b"GET /who HTTP/1.1\r\nHost: ratings:9080\r\n\r\n")
        head, rest = read_head(sock)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert re.search(rb"(?i)content-length: [1-9]", head)
        if not rest:
            rest = sock.recv(65536)
        assert rest.startswith(b"HTTP/1.1 200 "), "the answer to HEAD had a body"
