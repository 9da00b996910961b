"""No request means two things: what a strict reader would not take never reaches the app, and what
passes is what that reader sees, whatever the way, and however the bytes are cut.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import random

import pytest

from actors import chunks, framing, grammar, heads
from actors.drive import Payload, drive
from actors.mesh import Mesh

# How many of the payloads must be refused; the rest pass as strict requests or are not whole.
REFUSED_AT_LEAST = 700
# Of those that look odd and are right, so that refusing everything is no way out.
FINE = {"TE alone, as it should be", "TE alone, tab before the value", "TE alone, mixed case",
        "CL.TE, another name that begins so", "a length and no body", "a length of zero",
        "chunk size, 15 digits", "chunk extension, quoted", "chunk end, many zeros",
        "chunk end, an empty line too much", "0x09 in a value", "field b'Connection_: close'"}
# Fields that sidecars write; all others come from the client.
OURS = {b"host", b"content-length", b"transfer-encoding", b"connection", b"x-request-id", b"te",
        b"x-forwarded-client-cert", b"x-weft-attempt", b"x-forwarded-proto"}


def corpus():
    made, number = [], 0
    for source in (framing, chunks, heads):
        for name, data in source.payloads():
            number += 1
            payload = Payload(name, data.replace(framing.ID, b"i%05dx" % number), number)
            payload.requests, payload.end = grammar.read(payload.data, blanks=True)
            made.append(payload)
    return made


@pytest.fixture(scope="module", name="mesh")
def fixture_mesh(origin):
    made = Mesh(origin.port)
    yield made
    made.stop()


def difference(got, meant):
    """What of the request that came is not what the client said; empty when nothing."""
    if (got.method, got.target, got.body) != (meant.method, meant.origin_form, meant.body):
        return f"{got} is not {meant}"
    said = {(n, v) for n, v in meant.fields + meant.trailers}
    said.add((b"host", meant.authority))
    # Two of these are one list.
    said.add((b"upgrade", b", ".join(v for n, v in meant.fields if n.lower() == b"upgrade")))
    added = [(n, v) for n, v in got.fields + got.trailers if n not in OURS and (n, v) not in said]
    return f"{added} in {got}" if added else ""


def faults_of(outcome, came):
    """What is wrong with how one payload ended, and with the requests that came of it."""
    payload, meant = outcome.payload, iter(outcome.payload.requests)
    for got in came:
        # A request may have been refused for other reasons than its syntax; the order stays.
        differences = []
        for said in meant:
            differences.append(difference(got, said))
            if not differences[-1]:
                break
        else:
            yield f"{payload.name}: {differences or got}"[:1000]
    # What follows a CONNECT is carried to an origin that says nothing to it.
    carried = any(r.method == b"CONNECT" for r in payload.requests)
    if outcome.end == "overdue" and not carried:
        yield f"{payload.name}: neither an answer nor an end"
    if payload.end == "bad" and 200 in outcome.statuses[len(payload.requests):]:
        yield f"{payload.name}: answered {outcome.statuses}"
    if outcome.was_refused and not outcome.reasons[-1]:
        yield f"{payload.name}: refused without a reason"
    if payload.end == "bad" and not outcome.was_refused and not payload.requests:
        yield f"{payload.name}: ended without a word"
    if payload.name in FINE and outcome.statuses != [200] * len(payload.requests):
        yield f"{payload.name}: {outcome.statuses}, and it is fine"


def judge(origin, outcomes):
    """The faults, and how many payloads were refused, passed and dropped."""
    faults, seen = list(origin.faults), origin.seen()
    count = {"refused": 0, "passed": 0, "closed": 0}
    for outcome in outcomes:
        came = seen.get(outcome.payload.number, [])
        faults += faults_of(outcome, came)
        count["refused" if outcome.was_refused else "passed" if came else "closed"] += 1
    return faults, count


def run(origin, port, payloads, seed=None):
    origin.forget()
    outcomes = drive(port, payloads, seed)
    faults, count = judge(origin, outcomes)
    print(f"{len(payloads)} payloads: {count['refused']} refused, {count['closed']} closed, "
          f"{count['passed']} passed, {len(faults)} faults")
    assert not faults, "\n".join(faults[:20])
    return outcomes, count


@pytest.mark.parametrize("way", ["inbound", "outbound"])
def test_nothing_that_is_not_strict_reaches_the_app(mesh, origin, way):
    payloads = corpus()
    _, count = run(origin, getattr(mesh, way), payloads)
    assert count["refused"] >= REFUSED_AT_LEAST, count


@pytest.mark.parametrize("way", ["inbound", "outbound"])
def test_nor_when_it_comes_in_pieces(mesh, origin, way):
    payloads = [p for p in corpus() if len(p.data) < 4000]
    _, count = run(origin, getattr(mesh, way), payloads, seed=random.randrange(1 << 30))
    assert count["refused"] >= REFUSED_AT_LEAST, count
