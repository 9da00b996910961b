"""What is under way while something changes around it: streams, tunnels, half-open ends.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import socket
import threading

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
DENY = """
apiVersion: policy.weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {name: server, namespace: default}
spec:
  selector: {matchLabels: {app: server}}
  action: DENY
  rules:
  - from: [{source: {principals: [cluster.local/ns/default/sa/client]}}]
    to: [{operation: {ports: ["9012"]}}]
"""
HEADER = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: web, namespace: default}}
spec:
  parentRefs: [{{group: "", kind: Service, name: web, port: 8080}}]
  rules:
  - filters:
    - type: ResponseHeaderModifier
      responseHeaderModifier: {{set: [{{name: x-edition, value: "{0}"}}]}}
    backendRefs: [{{name: web, port: 8080}}]
"""


def echoes(sock, word):
    sock.sendall(word)
    got = b""
    while len(got) < len(word):
        part = sock.recv(65536)
        if not part:
            return False
        got += part
    return got == word


def is_closed(sock):
    """The other side has ended it."""
    sock.setblocking(False)
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_a_long_answer_outlives_edits_of_its_route(lab):
    answers = []

    def fetch():
        answers.append(lab.client.get(f"http://web:{TEST_APP}/slow/40/25"))
    lab.bed.apply("50-test.yaml", HEADER.format(0))
    thread = threading.Thread(target=fetch, daemon=True)
    thread.start()
    number = 0
    while thread.is_alive() and number < 200:
        number += 1
        lab.bed.apply("50-test.yaml", HEADER.format(number))
    thread.join()
    assert number > 3
    assert answers and answers[0].status == 200
    assert answers[0].body.count(b"\n") == 40, "the answer was cut"


def test_a_tunnel_outlives_policies_that_allow_it(lab):
    with lab.client.connect("echo", lab.port("echo")) as sock:
        assert echoes(sock, b"before")
        with lab.bed.policy(STRICT):
            assert echoes(sock, b"meanwhile")
        assert echoes(sock, b"after")


def test_a_tunnel_that_is_not_allowed_any_more_is_cut(lab):
    with lab.client.connect("echo", lab.port("echo")) as sock:
        assert echoes(sock, b"before")
        with lab.bed.policy(DENY):
            until("the tunnel to be cut", lambda: is_closed(sock))
    with lab.client.connect("echo", lab.port("echo")) as sock:
        assert echoes(sock, b"again")


def test_a_plain_tunnel_ends_when_strict_begins(lab):
    with lab.outside.connect(lab.server.ip, lab.port("echo")) as sock:
        assert echoes(sock, b"before")
        with lab.bed.policy(STRICT):
            until("the tunnel to be cut", lambda: is_closed(sock))


def test_a_plain_kept_connection_is_refused_when_strict_begins(lab):
    with lab.outside.client(lab.server.ip, TEST_APP) as client:
        assert client.get("/").status == 200
        with lab.bed.policy(STRICT):
            refused = client.get("/")
            assert (refused.status, refused.reason) == (403, "plaintext_denied"), refused


def test_the_server_may_end_its_side_first(lab):
    app = lab.server.find("farewell")
    for size in (10, 2_000_000):
        with lab.client.connect("farewell", lab.port("farewell")) as sock:
            assert read_all(sock) == b"bye\n", "the server's end did not arrive"
            sock.sendall(b"z" * size)
            sock.shutdown(socket.SHUT_WR)
            app.await_log(f"got {size}\n")


def test_both_ends_at_once(lab):
    with lab.client.connect("farewell", lab.port("farewell")) as sock:
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == b"bye\n"


def test_a_reset_is_passed_on(lab):
    """An app that breaks off does not look like one that has finished."""
    count = lab.server.sidecar.descriptors()
    sock = lab.client.connect("echo", lab.port("echo"))
    assert echoes(sock, b"before")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()
    until("the tunnel to be gone", lambda: lab.server.sidecar.descriptors() <= count,
          aid=lab.server.sidecar.tail)
    assert lab.client.get(f"http://web:{TEST_APP}/").status == 200


def test_a_restart_of_the_app_is_a_pause_and_no_more(lab):
    app = lab.server.find("mirror")
    url = f"http://mirror:{lab.port('mirror')}/"
    assert lab.client.get(url).status == 200
    app.stop()
    gone = lab.client.get(url)
    assert gone.status == 503 and gone.reason, gone
    lab.server.start_python("http_app.py", "mirror", str(lab.port("mirror")), name="mirror")
    until("an answer", lambda: lab.client.get(url).status == 200)
