"""What is led through the sidecar and what is not; loops; who speaks first.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import socket

import pytest

from bed.http_client import read_all
from bed.lab import TEST_APP
from bed.wait import until

STRICT = """
apiVersion: policy.weft.dev/v1alpha1
kind: PeerAuthentication
metadata: {name: server, namespace: default}
spec:
  selector: {matchLabels: {app: server}}
  mtls: {mode: STRICT}
"""


def seen_by_mirror(lab, pod, host):
    """The request as the app got it."""
    return pod.get(f"http://{host}:{lab.port('mirror')}/").text().lower()


# ---- the pod calls itself ----

def test_an_app_reaches_itself_through_its_own_service(lab):
    told = seen_by_mirror(lab, lab.server, "mirror")
    assert f"uri=spiffe://{lab.server.identity}" in told, "not through its own front door"


def test_an_app_reaches_itself_by_its_own_address(lab):
    told = seen_by_mirror(lab, lab.server, lab.server.ip)
    assert told.startswith("get / http/1.1")


def test_an_app_reaches_itself_on_loopback(lab):
    assert "x-request-id" not in seen_by_mirror(lab, lab.server, "127.0.0.1"), \
        "loopback is none of the sidecar's business"


# ---- IPv6 ----

def test_ipv6_destinations_are_known(lab):
    web = lab.bed.services["default/mirror"]
    told = seen_by_mirror(lab, lab.client, f"[{web.vip6}]")
    assert f"uri=spiffe://{lab.client.identity}" in told


def test_endpoints_with_ipv6_addresses(lab):
    dual = lab.bed.services["default/dual"]
    for address in (dual.vip4, f"[{dual.vip6}]"):
        assert lab.client.get(f"http://{address}:{TEST_APP}/").status == 200


def test_ipv6_from_outside_is_led_in(lab):
    told = seen_by_mirror(lab, lab.outside, f"[{lab.server.ip6}]")
    assert told.startswith("get / http/1.1")
    with lab.bed.policy(STRICT):
        refused = lab.outside.get(f"http://[{lab.server.ip6}]:{lab.port('mirror')}/")
        assert (refused.status, refused.reason) == (403, "plaintext_denied")


# ---- loops ----

REFUSALS = {15001: "that port is the sidecar's own", 15006: "it was not redirected here"}


@pytest.mark.parametrize("port", [15001, 15006])
@pytest.mark.parametrize("family", [4, 6])
def test_the_listeners_cannot_be_called_directly(lab, port, family):
    sidecar = lab.server.sidecar
    mark, count = sidecar.mark(), sidecar.descriptors()
    address = lab.server.ip if family == 4 else lab.server.ip6
    with lab.outside.connect(address, port) as sock:
        caller = sock.getsockname()[1]
        try:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
            answer = read_all(sock)
        except OSError:
            answer = b""
    assert answer == b""
    until("the connections to be gone", lambda: sidecar.descriptors() <= count + 2,
          aid=sidecar.tail)
    # The log is written a moment later, so what was refused before may come after the mark, too.
    sidecar.await_log(rf":{caller} -> \S+:{port}: refused: {REFUSALS[port]}", mark)
    others = [line for line in sidecar.output(mark).splitlines() if "refused" in line and
              lab.outside.ip not in line and lab.outside.ip6 not in line]
    assert not others, f"it called itself: {others}"
    assert lab.client.get(f"http://web:{TEST_APP}/").status == 200


@pytest.mark.parametrize("port", [15001, 15006])
def test_an_app_cannot_make_its_sidecar_call_itself(lab, port):
    """By the pod's own address and by loopback, in HTTP and in bytes."""
    sidecar = lab.client.sidecar
    count = sidecar.descriptors()
    for address in (lab.client.ip, "127.0.0.1", lab.client.ip6):
        for words in (f"GET / HTTP/1.1\r\nHost: {address}:{port}\r\nConnection: close\r\n\r\n",
                      "nonsense\r\n\r\n"):
            with lab.client.connect(address, port) as sock:
                try:
                    sock.sendall(words.encode())
                    sock.shutdown(socket.SHUT_WR)
                    answer = read_all(sock)
                except OSError:
                    answer = b""
            assert b" 200 " not in answer.split(b"\r\n")[0], (address, answer)
    until("the connections to be gone", lambda: sidecar.descriptors() <= count + 2,
          aid=sidecar.tail)
    assert lab.client.get(f"http://web:{TEST_APP}/").status == 200


# ---- excluded ports ----

def test_an_excluded_inbound_port_goes_past_the_sidecar(lab):
    pod = lab.bed.pods.get("excluded") or lab.bed.add_pod("excluded")
    lab.bed.publish()
    pod.start_python("http_app.py", "mirror", "9100", name="m9100")
    pod.start_python("http_app.py", "mirror", "9101", name="m9101")
    pod.start_sidecar(rules=("--exclude-inbound-ports", "15020,15021,9100"))
    with lab.bed.policy(STRICT.replace("app: server", "app: excluded")):
        assert lab.outside.get(f"http://{pod.ip}:9100/").status == 200
        assert lab.outside.get(f"http://{pod.ip}:9101/").status == 403


def test_an_excluded_outbound_port_goes_past_the_sidecar(lab):
    pod = lab.bed.pods.get("direct") or lab.bed.add_pod("direct")
    lab.bed.publish()
    port = lab.port("mirror")
    pod.start_sidecar(rules=("--exclude-outbound-ports", str(port)))
    pod.sidecar.await_identity()
    past = seen_by_mirror(lab, pod, lab.server.ip)
    assert "x-request-id" not in past, "it went through the sidecar"
    assert lab.client.get(f"http://{lab.server.ip}:{port}/").text().count("spiffe://")


# ---- who speaks first ----

def speak(sock):
    with sock:
        greeting = sock.recv(100)
        sock.sendall(b"hello\r\n")
        answer = sock.recv(100)
    return greeting, answer


def test_a_server_may_speak_first_on_an_undeclared_port(lab):
    greeting, answer = speak(lab.client.connect("greeter", lab.port("greeter")))
    assert greeting.startswith(b"220 ")
    assert answer == b"250 hello\r\n"


def test_a_server_may_speak_first_to_a_plain_client(lab):
    greeting, answer = speak(lab.outside.connect(lab.server.ip, lab.port("greeter")))
    assert greeting.startswith(b"220 ")
    assert answer == b"250 hello\r\n"


def test_a_client_may_speak_first_on_an_undeclared_port(lab):
    with lab.client.connect("greeter", lab.port("greeter")) as sock:
        sock.sendall(b"early\r\n")
        data = b""
        while data.count(b"\n") < 2:
            data += sock.recv(100)
    assert data == b"220 at your service\r\n250 early\r\n"


def test_http_is_recognised_on_an_undeclared_port(lab):
    """Nobody says what port 9102 speaks; the request tells."""
    lab.server.start_python("http_app.py", "mirror", "9102", name="m9102")
    told = lab.client.get(f"http://{lab.server.ip}:9102/").text().lower()
    assert "x-request-id" in told
    assert f"uri=spiffe://{lab.client.identity}" in told


def test_a_port_declared_http_takes_nothing_else(lab):
    with lab.client.connect("web", TEST_APP) as sock:
        sock.sendall(b"\x00\x01\x02 this is no HTTP\r\n\r\n")
        answer = read_all(sock)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400"), answer


def test_a_silent_client_costs_nothing_and_may_leave(lab):
    sidecar = lab.client.sidecar
    count = sidecar.descriptors()
    socks = [lab.client.connect("web", TEST_APP) for _ in range(50)]
    for sock in socks:
        sock.close()
    until("the connections to be gone", lambda: sidecar.descriptors() <= count + 2,
          aid=sidecar.tail)
