"""What takes too long, what may take as long as it likes, and who is told.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import contextlib
import signal
import time

import pytest

from bed import h2_frames as h2
from bed.http_client import read_head
from bed.policy_text import traffic

WEBSOCKET = (b"GET /chat HTTP/1.1\r\nHost: upgrade\r\nConnection: Upgrade\r\n"
             b"Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
             b"Sec-WebSocket-Version: 13\r\n\r\n")


def test_a_websocket_outlives_the_deadlines_of_answers(lab):
    spec = """\
    timeouts: {request: 500ms, backend: 300ms}
    retries: {attempts: 1, perTryTimeout: 200ms}"""
    with lab.bed.policy(traffic("upgrade", spec)):
        with lab.client.connect("upgrade", lab.port("upgrade")) as sock:
            sock.sendall(WEBSOCKET)
            head, rest = read_head(sock)
            assert head.startswith(b"HTTP/1.1 101 "), head
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                sock.sendall(b"hello")
                while len(rest) < 5:
                    part = sock.recv(100)
                    assert part, "the deadline of an answer ended the tunnel"
                    rest += part
                assert rest == b"hello"
                rest = b""
                time.sleep(0.05)


def test_a_504_over_http_2_comes_whole(lab):
    with lab.bed.policy(traffic("deaf", "timeouts: {idle: 300ms}")):
        connection = h2.Connection(lab.client.connect("deaf", lab.port("deaf")))
        connection.send(h2.headers(1, h2.request("deaf", "/")))
        kinds, body = [], b""
        while not body or not kinds[-1][1] & h2.END_STREAM:
            frame = connection.receive()
            assert frame, kinds
            if frame.stream == 1:
                kinds.append((frame.kind, frame.flags))
                assert frame.kind != h2.RST_STREAM, kinds
                body += frame.payload if frame.kind == h2.DATA else b""
        assert b"nothing was sent or received for too long" in body
        connection.close()


@pytest.mark.parametrize("how, status", [({"fail": 503}, 503), ({"close": 1}, 502)])
def test_the_last_answer_rather_than_a_pause_to_no_purpose(shop, how, status):
    spec = """\
    timeouts: {request: 2s}
    retries: {attempts: 3, retryOn: [gateway-error, reset], backoff: {base: 5s, max: 10s}}"""
    with shop.bed.policy(traffic("reviews", spec)):
        for pod in (shop.v1, shop.v2):
            pod.control(**how)
        answer = shop.reviews()
        assert answer.status == status, answer
        assert answer.reason != "request_timeout"


def test_an_app_that_closes_after_each_answer_loses_no_get(lab):
    """Requests meet its closing, again and again; each is then sent on a connection of its own."""
    result = lab.client.load(f"http://curt:{lab.port('curt')}/", threads=8).run(1500)
    assert not result.failures, result.why()


def test_connecting_includes_the_handshake(lab):
    """The kernel there takes the connection, and nobody says a word in TLS."""
    with lab.bed.policy(traffic("echo", "timeouts: {connect: 400ms}")):
        lab.server.sidecar.send(signal.SIGSTOP)
        try:
            # Well below the ten seconds that handshakes have elsewhere.
            with lab.client.connect("echo", lab.port("echo"), timeout=8) as sock:
                sock.sendall(b"hello")
                with contextlib.suppress(ConnectionResetError):
                    assert sock.recv(100) == b""
        finally:
            lab.server.sidecar.send(signal.SIGCONT)
