"""Bad input in HTTP/1: each gets its status and its reason, no app sees it, nobody else is
disturbed. SPDX-License-Identifier: GPL-3.0-or-later
"""
import re

import pytest

from bed.http_client import read_all

GET = b"GET / HTTP/1.1\r\nHost: mirror\r\n"
POST = b"POST / HTTP/1.1\r\nHost: mirror\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

# what: (bytes, statuses that are right; 0: closed without an answer)
BAD = {
    "both framings": (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                      b"0\r\n\r\n", {400}),
    "two lengths": (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", {400}),
    "the same length twice": (POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", {400}),
    "a list of lengths": (POST + b"Content-Length: 5, 5\r\n\r\nhello", {400}),
    "a signed length": (POST + b"Content-Length: +5\r\n\r\nhello", {400}),
    "a length in hex": (POST + b"Content-Length: 0x5\r\n\r\nhello", {400}),
    "a huge length": (POST + b"Content-Length: 99999999999999999999\r\n\r\nhello", {400, 413}),
    "chunked twice": (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", {400, 501}),
    "chunked not last": (POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", {400, 501}),
    "an unknown coding": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", {400, 501}),
    "chunked in 1.0": (b"POST / HTTP/1.0\r\nHost: mirror\r\nTransfer-Encoding: chunked\r\n\r\n"
                       b"0\r\n\r\n", {400}),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", {400}),
    "two hosts": (GET + b"Host: mirror\r\n\r\n", {400}),
    "a bad host": (b"GET / HTTP/1.1\r\nHost: mir ror\r\n\r\n", {400}),
    "a host with an empty label": (b"GET / HTTP/1.1\r\nHost: mirror..\r\n\r\n", {400}),
    "a method in small letters": (b"delete / HTTP/1.1\r\nHost: mirror\r\n\r\n", {400}),
    "a fragment": (b"GET /a#b HTTP/1.1\r\nHost: mirror\r\n\r\n", {400}),
    "a space in the target": (b"GET /a b HTTP/1.1\r\nHost: mirror\r\n\r\n", {400}),
    "bytes above 7f in the target": (b"GET /\xff HTTP/1.1\r\nHost: mirror\r\n\r\n", {400}),
    "a space before the colon": (GET + b"X-A : 1\r\n\r\n", {400}),
    "a folded header": (GET + b"X-A: 1\r\n 2\r\n\r\n", {400}),
    "a bare line feed": (b"GET / HTTP/1.1\nHost: mirror\n\n", {400}),
    "a bare carriage return": (GET + b"X-A: 1\rX-B: 2\r\n\r\n", {400}),
    "a NUL": (GET + b"X-A: 1\0002\r\n\r\n", {400}),
    "a header without a name": (GET + b": 1\r\n\r\n", {400}),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: mirror\r\n\r\n", {400, 505}),
    "HTTP/3.0": (b"GET / HTTP/3.0\r\nHost: mirror\r\n\r\n", {400, 505}),
    "HTTP/0.9": (b"GET /\r\n\r\n", {0, 400, 505}),
    "a long header": (GET + b"X-A: " + b"a" * 200_000 + b"\r\n\r\n", {431}),
    "very many headers": (GET + b"".join(b"x-%d: 1\r\n" % n for n in range(5000)) + b"\r\n", {431}),
    "a long target": (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: mirror\r\n\r\n",
                      {414, 431}),
    "a chunk size that is none": (CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n", {400}),
    "a negative chunk size": (CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", {400}),
    "a huge chunk size": (CHUNKED + b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n", {400, 413}),
    "a chunk that is too long": (CHUNKED + b"3\r\nhello\r\n0\r\n\r\n", {400}),
    "chunks ended by a line feed": (CHUNKED + b"5\nhello\n0\n\n", {400}),
    "framing in a trailer": (CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n", {400}),
    "a preface for HTTP/2 that is none": (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", {0, 400, 501, 505}),
    "no HTTP": (b"EHLO mail.example.com\r\n\r\n", {0, 400}),
    "binary": (bytes(range(256)) * 4, {0, 400}),
}


def send(pod, host, port, data):
    with pod.connect(host, port) as sock:
        try:
            sock.sendall(data)
            sock.shutdown(1)
        except OSError:
            pass  # refused before everything was sent
        return read_all(sock)


def check(lab, pod, host, what):
    data, expected = BAD[what]
    app = lab.server.find("mirror")
    seen = app.output()
    answer = send(pod, host, lab.port("mirror"), data)
    line = re.match(rb"HTTP/1\.1 (\d{3})", answer)
    status = int(line.group(1)) if line else 0
    assert status in expected, answer[:300]
    assert len(re.findall(rb"(?m)^HTTP/1\.1 \d{3} ", answer)) <= 1, "one request, one answer"
    if status:
        assert re.search(rb"(?i)\r\nx-weft-reason: \S+", answer), answer[:300]
        assert re.search(rb"(?i)\r\nconnection: close", answer), answer[:300]
    if not data.startswith(CHUNKED):  # a head may be on its way before its body turns out bad
        assert app.output() == seen, "the app saw something"
    fine = lab.client.get(f"http://mirror:{lab.port('mirror')}/")
    assert fine.status == 200


@pytest.mark.parametrize("what", BAD)
def test_from_the_app_behind_its_own_sidecar(lab, what):
    check(lab, lab.client, "mirror", what)


@pytest.mark.parametrize("what", BAD)
def test_in_the_clear_from_outside(lab, what):
    check(lab, lab.outside, lab.server.ip, what)


def test_a_sidecar_is_no_forward_proxy(lab):
    answer = send(lab.client, "127.0.0.1", 15001,
                  b"CONNECT mirror:80 HTTP/1.1\r\nHost: mirror:80\r\n\r\n")
    assert re.match(rb"HTTP/1\.1 (400|403|405|501) ", answer), answer
    assert re.search(rb"(?i)\r\nx-weft-reason: \S+", answer)


def test_what_follows_a_bad_request_is_not_served(lab):
    smuggled = POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG" + \
        b"GET /smuggled HTTP/1.1\r\nHost: mirror\r\n\r\n"
    mirror = lab.server.find("mirror")
    answer = send(lab.client, "mirror", lab.port("mirror"), smuggled)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"smuggled" not in answer and "smuggled" not in mirror.output()


def test_the_log_says_what_was_wrong(lab):
    mark = lab.client.sidecar.mark()
    send(lab.client, "mirror", lab.port("mirror"), BAD["both framings"][0])
    line = lab.client.sidecar.await_log(r"bad request, answered 400: (.+)", mark)
    assert line.group(1).strip()


def test_an_unfinished_body_ends_with_its_connection(lab):
    answer = send(lab.client, "mirror", lab.port("mirror"),
                  POST + b"Content-Length: 100\r\n\r\nonly this")
    assert not answer.startswith(b"HTTP/1.1 200"), answer
    assert lab.client.get("http://web:8080/").status == 200
