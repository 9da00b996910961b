"""Checks of the road itself: the call, the wire, the identities, opaque TCP.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import hashlib
import secrets
import socket

from bed.capture import tls_records
from bed.http_client import read_all
from bed.pod import Pod
from bed.shop import TOTAL_PORT
from stage import HASH, PRINCIPAL, Stage, check


def check_call(stage: Stage) -> str:
    """The frontend's app calls http://reviews:9080/, which calls http://ratings:9080/."""
    answer = stage.shop.frontend.get("http://127.0.0.1:9080/")
    check(answer.status == 200, f"{answer!r}")
    told = answer.json()
    reviews = told["reviews"]
    check(told["status_behind"] == 200 and reviews["status_behind"] == 200, f"{answer!r}")
    return (f"frontend {told['version']} → reviews {reviews['version']} → "
            f"ratings {reviews['ratings']['version']}, by service name over plain HTTP")


def check_identities(stage: Stage) -> str:
    """Each app is told who called it, from the certificate that was verified."""
    told = stage.shop.frontend.get("http://127.0.0.1:9080/").json()
    pairs = []
    for pod, facts in ((stage.shop.frontend, told["reviews"]),
                       (stage.shop.v1, told["reviews"]["ratings"])):
        seen = facts["headers"].get("x-forwarded-client-cert", "")
        uri, by = PRINCIPAL.search(seen), f"By=spiffe://{pod.bed.trust_domain}/"
        check(uri and uri.group(1) == f"spiffe://{pod.identity}", f"{facts['app']} saw {seen!r}")
        check(by in seen and HASH.search(seen), f"{facts['app']} saw {seen!r}")
        pairs.append(f"{facts['app']} saw {uri.group(1)}" if uri else "")
    return "; ".join(pairs)


def _watch(stage: Stage, marker: str) -> str:
    """One request from the frontend through all apps while the wires are watched."""
    wires = [pod.capture(f"wire-{pod.name}").start() for pod in stage.shop.meshed()]
    answer = stage.shop.frontend.get("http://127.0.0.1:9080/", {"x-request-id": marker})
    for wire in wires:
        wire.stop()
    check(answer.status == 200, f"{answer!r}")
    frames = sum(len(w.frames) for w in wires)
    leaks = sum(w.holds(marker.encode()) + w.holds(b"HTTP/1.1") for w in wires)
    flows = [f for w in wires for f in w.flows() if 9080 in (f.source[1], f.target[1])]
    check(frames and flows, "nothing was captured")
    check(not leaks, f"{leaks} of {frames} frames hold plain text")
    plain = [f for f in flows if f.data() and f.starts and tls_records(f.data()) is None]
    check(not plain, f"{len(plain)} connections are no TLS: {[f.data()[:20] for f in plain[:3]]}")
    check(all(marker.encode() not in f.data() for f in flows), "the marker is in a connection")
    sealed = sum(f.sealed for f in flows)
    check(sealed, "no TLS application data was seen")
    return f"{frames} frames, {sealed} of them TLS application data, marker or HTTP in 0"


def check_wire(stage: Stage) -> str:
    """A random word goes over the mesh, and in the clear to prove that we would see it."""
    figure = _watch(stage, f"marker-{secrets.token_hex(12)}")
    word = f"marker-{secrets.token_hex(12)}"
    control = stage.shop.ratings.capture("wire-plain").start()
    stage.shop.outside.get(f"http://{stage.shop.ratings.ip}:9080/who", {"x-marker": word})
    seen = control.stop().holds(word.encode())
    check(seen, "the control failed: plain text from outside the mesh was not seen either")
    return f"{figure} (a plain call from outside: in {seen})"


def _send_half_closed(pod: Pod, data: bytes) -> str:
    """Sends, ends its own side only, and reads what comes back."""
    with pod.connect("ledger", TOTAL_PORT) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        return read_all(sock).decode()


def check_tcp(stage: Stage) -> str:
    """A protocol of its own over the mesh: 4 MB one way, then the end, then an answer."""
    marker = f"marker-{secrets.token_hex(12)}".encode()
    data = marker + secrets.token_bytes(4_000_000)
    wire = stage.shop.ratings.capture("wire-tcp").start()
    answer = _send_half_closed(stage.shop.frontend, data)
    wire.stop()
    expected = f"{len(data)} {hashlib.sha256(data).hexdigest()}\n"
    check(answer == expected, f"the server answered {answer!r}, expected {expected!r}")
    check(not wire.holds(marker), "the bytes went over the wire in the clear")
    records = [r for f in wire.flows() if f.target[1] == TOTAL_PORT and f.starts
               for r in tls_records(f.data()) or []]
    check((23, 0x0303) in records, "no TLS was seen")
    return (f"{len(data)} bytes and their SHA-256 after a half-close, "
            f"over {len(records)} TLS records")
