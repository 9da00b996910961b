"""HTTP/1 between real apps: its versions, framings and oddities, through two sidecars.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import re
import socket

import pytest

from bed.http_client import read_all, read_head
from bed.sidecar import ADMIN


def talk(pod, host, port, data, timeout=30):
    """Everything that comes back until the connection ends."""
    with pod.connect(host, port, timeout) as sock:
        sock.sendall(data)
        return read_all(sock)


def mirror(lab, data):
    return talk(lab.client, "mirror", lab.port("mirror"), data)


def body_of(answer):
    return answer.partition(b"\r\n\r\n")[2]


# ---- what must work ----

def test_the_app_sees_the_version_that_the_client_spoke(lab):
    for version in (b"1.1", b"1.0"):
        answer = mirror(lab, b"GET /v HTTP/" + version + b"\r\nHost: mirror\r\n"
                             b"Connection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1."), answer
        assert b" 200 " in answer.split(b"\r\n")[0]
        assert body_of(answer).startswith(b"GET /v HTTP/" + version), answer


def test_http_1_0_without_a_host_is_served(lab):
    answer = mirror(lab, b"GET /old HTTP/1.0\r\n\r\n")  # comes back: the connection ends
    assert b" 200 " in answer.split(b"\r\n")[0], answer
    assert body_of(answer).startswith(b"GET /old HTTP/1.0\r\n")
    assert b"uri=spiffe://" in answer.lower(), "not over mutual TLS"


def test_http_1_0_is_never_answered_in_chunks(lab):
    answer = talk(lab.client, "web", 8080, b"GET /slow/3/10 HTTP/1.0\r\nHost: web\r\n\r\n")
    assert b" 200 " in answer.split(b"\r\n")[0]
    assert not re.search(rb"(?i)transfer-encoding", answer.partition(b"\r\n\r\n")[0])


SWITCHES = {
    "docker": b"POST /exec HTTP/1.1\r\nHost: upgrade\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
              b"Content-Length: 5\r\n\r\nhello",
    "kubectl": b"POST /exec HTTP/1.1\r\nHost: upgrade\r\nConnection: Upgrade\r\n"
               b"Upgrade: SPDY/3.1\r\nContent-Length: 0\r\n\r\n",
    "two fields": b"GET / HTTP/1.1\r\nHost: upgrade\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
                  b"Upgrade: one, two\r\n\r\n",
    "a forward proxy": b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
}


@pytest.mark.parametrize("name", SWITCHES)
def test_any_protocol_may_take_over(lab, name):
    for pod, host in ((lab.client, "upgrade"), (lab.outside, lab.server.ip)):
        with pod.connect(host, lab.port("upgrade")) as sock:
            sock.sendall(SWITCHES[name])
            head, _ = read_head(sock)
            assert re.match(rb"HTTP/1\.1 (101|200) ", head), head
            sock.sendall(b"\x00raw")
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock).endswith(b"\x00raw"), host


@pytest.mark.parametrize("opening", [b"PING", b"P", b"\r\n", b"\x16\x03", b"CONNECT x"])
def test_what_begins_like_http_and_pauses_is_carried(lab, opening):
    """On a port about which nothing is declared: a client that waits for its answer gets one."""
    for pod, host in ((lab.client, "parrot"), (lab.outside, lab.server.ip)):
        with pod.connect(host, lab.port("parrot"), timeout=8) as sock:
            sock.sendall(opening)
            got = b""
            while len(got) < len(opening):
                got += sock.recv(100)
            assert got == opening, host


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
def test_a_client_that_half_closes_gets_its_answer(lab, version):
    """As `printf … | nc -N` does: the request is whole, and who sent it listens on."""
    request = b"GET /slow/5/100 HTTP/" + version + b"\r\nHost: web\r\n\r\n"
    for pod, host in ((lab.client, "web"), (lab.outside, lab.server.ip), (lab.client, "127.0.0.1")):
        port = ADMIN if host == "127.0.0.1" else 8080
        with pod.connect(host, port) as sock:
            sock.sendall(request.replace(b"/slow/5/100", b"/status") if port == ADMIN else request)
            sock.shutdown(socket.SHUT_WR)
            answer = read_all(sock)
        assert b" 200 " in answer.split(b"\r\n")[0], (host, answer)
        if port != ADMIN:
            assert len(body_of(answer)) > 0, (host, answer)


def test_pipelined_requests_are_answered_in_order(lab):
    count = 20
    data = b"".join(b"GET /n%d HTTP/1.1\r\nHost: mirror\r\n%s\r\n" % (
        n, b"Connection: close\r\n" if n == count - 1 else b"") for n in range(count))
    answer = mirror(lab, data)
    assert answer.count(b"HTTP/1.1 200 ") == count
    order = [int(n) for n in re.findall(rb"GET /n(\d+) HTTP", answer)]
    assert order == list(range(count))


def test_a_request_may_come_byte_by_byte(lab):
    with lab.client.connect("mirror", lab.port("mirror")) as sock:
        for byte in b"POST /slow HTTP/1.1\r\nHost: mirror\r\nContent-Length: 3\r\n" \
                    b"Connection: close\r\n\r\nabc":
            sock.sendall(bytes([byte]))
        answer = read_all(sock)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"abc")


def test_chunks_and_trailers_arrive(lab):
    answer = mirror(lab, b"POST /chunks HTTP/1.1\r\nHost: mirror\r\nTransfer-Encoding: chunked\r\n"
                         b"Trailer: x-sum\r\nTE: trailers\r\nConnection: close\r\n\r\n"
                         b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nx-sum: 42\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    sent = body_of(answer)
    head, _, rest = sent.partition(b"\r\n\r\n")
    assert re.search(rb"(?i)transfer-encoding: chunked", head)
    pieces = re.findall(rb"(?:hello|world)", rest)
    assert pieces == [b"hello", b"world"]
    assert b"ext=1" not in rest, "chunk extensions are for one hop"
    assert re.search(rb"(?i)x-sum: 42", rest), "the trailer is lost"


def test_trailers_of_an_answer_arrive(lab):
    answer = talk(lab.client, "web", 8080, b"GET /trailers HTTP/1.1\r\nHost: web\r\n"
                                           b"TE: trailers\r\nConnection: TE, close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    last = answer.rsplit(b"\r\n0\r\n", maxsplit=1)[1]
    assert b":" in last, f"no trailer in {last!r}"


def test_100_continue_comes_from_the_app(lab):
    with lab.client.connect("mirror", lab.port("mirror")) as sock:
        sock.sendall(b"POST /c HTTP/1.1\r\nHost: mirror\r\nContent-Length: 5\r\n"
                     b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
        head, rest = read_head(sock)
        assert head.startswith(b"HTTP/1.1 100 "), head
        sock.sendall(b"hello")
        answer = rest + read_all(sock)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"hello")


def test_an_answer_instead_of_100_continue(lab):
    with lab.client.connect("web", 8080) as sock:
        sock.sendall(b"POST /early/417 HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n"
                     b"Expect: 100-continue\r\n\r\n")
        head, _ = read_head(sock)
    assert head.startswith(b"HTTP/1.1 417 "), head


def test_a_head_answer_keeps_its_length_and_has_no_body(lab):
    answer = talk(lab.client, "web", 8080, b"HEAD /bytes/1000 HTTP/1.1\r\nHost: web\r\n"
                                           b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert re.search(rb"(?i)content-length: 1000\r\n", answer)
    assert body_of(answer) == b""


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body(lab, status):
    with lab.client.client("web", 8080) as client:
        assert client.get(f"/status/{status}").status == status
        assert client.get("/bytes/10").body == b"x" * 10 or len(client.get("/bytes/10").body) == 10


# requirement: L1
def test_a_websocket_becomes_a_tunnel(lab):
    with lab.client.connect("upgrade", lab.port("upgrade")) as sock:
        sock.sendall(b"GET /chat HTTP/1.1\r\nHost: upgrade\r\nConnection: Upgrade\r\n"
                     b"Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                     b"Sec-WebSocket-Version: 13\r\n\r\n")
        head, rest = read_head(sock)
        assert head.startswith(b"HTTP/1.1 101 "), head
        assert re.search(rb"(?i)upgrade: websocket", head)
        for word in (b"\x81\x05hello", b"\x00\xff any bytes", b"x" * 100_000):
            sock.sendall(word)
            while len(rest) < len(word):
                rest += sock.recv(65536)
            assert rest == word
            rest = b""
        sock.shutdown(1)
        assert sock.recv(10) == b""


def test_another_upgrade_is_ignored(lab):
    answer = mirror(lab, b"GET /u HTTP/1.1\r\nHost: mirror\r\nConnection: Upgrade, close\r\n"
                         b"Upgrade: TLS/1.2\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"tls/1.2" not in body_of(answer).lower()


def test_hop_by_hop_headers_stay_on_their_hop(lab):
    answer = mirror(lab, b"GET /h HTTP/1.1\r\nHost: mirror\r\nConnection: close, X-Mine\r\n"
                         b"X-Mine: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\n"
                         b"X-Other: 2\r\n\r\n")
    told = body_of(answer).lower()
    assert b"x-other: 2" in told
    for name in (b"x-mine", b"keep-alive", b"proxy-connection"):
        assert name + b":" not in told, name


def test_odd_targets_arrive_as_they_were(lab):
    for target in (b"/a%20b/%E2%82%AC?x=%2F&y=a+b", b"/a//b/./c?", b"/?", b"/a;b=c/d,e:f@g"):
        answer = mirror(lab, b"GET " + target + b" HTTP/1.1\r\nHost: mirror\r\n"
                             b"Connection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 "), (target, answer)
        assert body_of(answer).startswith(b"GET " + target + b" HTTP/1.1\r\n"), target


@pytest.mark.parametrize("target", ["/caf\u00e9?\u20ac=1", '/a"b<c>?"<>', "/a`{}|^b", "/a\\b",
                                    "//a//b", "/a.", "/a%20", "/%2561"])
def test_targets_that_clients_should_have_encoded_arrive(lab, target):
    """Many clients do not encode them, and most servers take them as they are."""
    line = b"GET " + target.encode() + b" HTTP/1.1\r\n"
    answer = mirror(lab, line + b"Host: mirror\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    assert body_of(answer).startswith(line)


@pytest.mark.parametrize("method", ["LIST", "BAN", "VERSION-CONTROL", "UPDATEREDIRECTREF", "X_1~"])
def test_any_method_arrives(lab, method):
    line = f"{method} /m HTTP/1.1\r\n".encode()
    answer = mirror(lab, line + b"Host: mirror\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    assert body_of(answer).startswith(line)


def test_the_host_of_the_target_replaces_host(lab):
    """RFC 9112 \u00a73.2.2, and the app sees one host."""
    answer = mirror(lab, b"GET http://mirror/a?b HTTP/1.1\r\nHost: elsewhere\r\n"
                         b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    told = body_of(answer).lower()
    assert told.startswith(b"get /a?b http/1.1\r\n")
    assert b"\r\nhost: mirror\r\n" in told and b"elsewhere" not in told


# requirement: K22
def test_many_headers_and_long_ones_arrive(lab):
    many = b"".join(b"x-h%d: %d\r\n" % (n, n) for n in range(60))
    answer = mirror(lab, b"GET /m HTTP/1.1\r\nHost: mirror\r\nCookie: " + b"c" * 8000 + b"\r\n" +
                    many + b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    told = body_of(answer)
    assert b"c" * 8000 in told
    assert all(b"x-h%d: %d\r\n" % (n, n) in told for n in range(60))


# ---- answers that an app gets wrong ----

BAD_ANSWERS = {
    "both framings": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
                     b"3\r\nabc\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "no HTTP at all": b"220 mail.example.com ESMTP\r\n\r\n",
    "a header without a name": b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n",
    "a folded header": b"HTTP/1.1 200 OK\r\nx-a: 1\r\n 2\r\nContent-Length: 0\r\n\r\n",
    "a bare line feed": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "an unasked upgrade": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                          b"Upgrade: websocket\r\n\r\n",
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
}


def scripted(lab, raw, suffix=""):
    return lab.client.get(f"http://scripted:{lab.port('scripted')}/{raw.hex()}{suffix}")


@pytest.mark.parametrize("what", BAD_ANSWERS)
def test_a_malformed_answer_is_a_502(lab, what):
    answer = scripted(lab, BAD_ANSWERS[what])
    assert answer.status == 502, answer
    assert answer.reason in ("upstream_protocol", "upstream_closed", "upstream_reset"), answer
    assert lab.client.get("http://web:8080/").status == 200


def test_an_answer_that_breaks_off_is_not_taken_for_whole(lab):
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    for raw in (whole, chunked):
        request = f"GET /{raw.hex()} HTTP/1.1\r\nHost: scripted\r\nConnection: close\r\n\r\n"
        got = talk(lab.client, "scripted", lab.port("scripted"), request.encode())
        head, _, body = got.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 200"):
            is_whole = body.endswith(b"0\r\n\r\n") or \
                re.search(rb"(?i)content-length: %d\r\n" % len(body), head + b"\r\n")
            assert not is_whole, got
        else:  # a connection that is reset may take its last bytes with it
            assert not got or head.startswith(b"HTTP/1.1 502"), got


def test_an_answer_until_the_connection_ends(lab):
    raw = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"until the end"
    answer = scripted(lab, raw)
    assert (answer.status, answer.body) == (200, b"until the end")


def test_interim_answers_are_passed_on(lab):
    raw = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" \
          b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    request = f"GET /{raw.hex()} HTTP/1.1\r\nHost: scripted\r\nConnection: close\r\n\r\n"
    got = talk(lab.client, "scripted", lab.port("scripted"), request.encode())
    assert got.startswith(b"HTTP/1.1 103 "), got
    assert b"HTTP/1.1 200 " in got and got.endswith(b"ok")
