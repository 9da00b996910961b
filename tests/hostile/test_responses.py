"""What an app answers wrongly never becomes an answer that looks right: the client gets 502 or 504
with a reason, or sees that the answer was cut; and nobody gets the answer of somebody else.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import asyncio
import random
import re

import pytest

from actors import answers
from actors.mesh import Mesh
from actors.scripted import App, Reply, dial

SAFETY = 60.0
TIMEOUT_ROUTE = """apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: app, namespace: default }
spec:
  parentRefs: [{ group: "", kind: Service, name: app, port: 80 }]
  rules:
    - matches: [{ path: { type: PathPrefix, value: /hurry } }]
      backendRefs: [{ name: app, port: 80 }]
      timeouts: { request: 300ms }
    - backendRefs: [{ name: app, port: 80 }]
"""
REPLIES = dict(answers.wrong()) | {name: reply for name, (reply, _) in answers.RIGHT.items()}
NAMES = list(REPLIES)


def by_name(request):
    """/n/<number of the reply>; everything else is greeted."""
    match = re.fullmatch(rb"/n/(\d+)", request.target)
    return REPLIES[NAMES[int(match.group(1))]] if match else Reply([answers.HELLO])


@pytest.fixture(scope="module", name="app")
def fixture_app(stage):
    return App(stage, by_name)


@pytest.fixture(scope="module", name="mesh")
def fixture_mesh(app):
    made = Mesh(app.port, extra=TIMEOUT_ROUTE)
    yield made
    made.stop()


async def ask(port, path, method=b"POST", version=b"1.1"):
    """One request on a connection of its own, and the bytes that come after its answer."""
    reader, writer = await dial(port)
    try:
        body = b"Content-Length: 0\r\n" if method == b"POST" else b""
        writer.write(b"%s %s HTTP/%s\r\nHost: app\r\n%s\r\n" % (method, path, version, body))
        answer = await asyncio.wait_for(reader.answer(method), SAFETY)
        return answer, reader.data
    finally:
        writer.close()


async def ask_all(port, names, method, version):
    room = asyncio.Semaphore(32)

    async def one(name):
        async with room:
            return name, *await ask(port, b"/n/%d" % NAMES.index(name), method, version)

    return await asyncio.gather(*(one(name) for name in names))


WAYS = pytest.mark.parametrize("way", ["inbound", "outbound"])


@WAYS
@pytest.mark.parametrize("method, version", [(b"GET", b"1.1"), (b"POST", b"1.1"), (b"GET", b"1.0")])
def test_wrong_answers_are_never_taken_for_right_ones(mesh, way, method, version):
    """HTTP/1.0 has no chunks: there an answer is whole when its connection ends well."""
    outcomes = asyncio.run(ask_all(getattr(mesh, way), dict(answers.wrong()), method, version))
    silent = [f"{name}: {answer}"[:400] for name, answer, _ in outcomes
              if answer.whole and not answer.is_ours]
    assert not silent, "\n".join(silent)
    ours = sum(answer.is_ours for _, answer, _ in outcomes)
    print(f"{len(outcomes)} wrong answers: {ours} with a reason, {len(outcomes) - ours} cut")
    assert ours > len(outcomes) / 2


@WAYS
@pytest.mark.parametrize("name", answers.RIGHT)
def test_odd_ones_that_are_right_pass(mesh, way, name):
    # GET: what meets a connection that the app has just closed may be asked again.
    answer, rest = asyncio.run(ask(getattr(mesh, way), b"/n/%d" % NAMES.index(name), b"GET"))
    assert answer.whole and answer.body == answers.RIGHT[name][1], answer
    assert answer.status in (200, 204, 304) and not rest


@WAYS
def test_a_body_nobody_may_send_is_not_passed_on(mesh, way):
    answer, rest = asyncio.run(ask(getattr(mesh, way), b"/", b"HEAD"))
    assert answer.status == 200 and not rest


def test_who_speaks_first_is_not_taken_at_his_word(mesh, app):
    """An app that greets: what it says before it was asked is no answer to what comes later."""
    async def many():
        return [await ask(mesh.inbound, b"/") for _ in range(50)]

    asyncio.run(ask(mesh.inbound, b"/n/%d" % NAMES.index("closed afterwards")))
    app.greeting = answers.INNER
    try:
        outcomes = asyncio.run(many())
    finally:
        app.greeting = b""
    assert not [a for a, _ in outcomes if a.whole and not a.is_ours and a.status != 200]
    assert asyncio.run(ask(mesh.inbound, b"/"))[0].whole


def test_an_answer_that_drips_runs_into_the_timeout(mesh, app):
    app.script = lambda request: Reply([answers.OK + b"X-A: "], "keep")
    try:
        answer, _ = asyncio.run(ask(mesh.outbound, b"/hurry"))
        assert (answer.status, answer.reason) == (504, "request_timeout"), answer
        app.script = lambda request: Reply([answers.OK + b"Content-Length: 10\r\n\r\nhel"], "keep")
        answer, _ = asyncio.run(ask(mesh.outbound, b"/hurry"))
        assert answer.status == 200 and not answer.whole, answer
    finally:
        app.script = by_name


# ---- nobody gets the answer of somebody else ----

REQUESTS, CONNECTIONS = 10000, 32


def fitting(number):
    body = b"answer to %d." % number
    return body * (1 + number % 7)


def misbehave(request):
    """The answer to /<number>, most often right."""
    number = int(request.target[1:])
    body = fitting(number)
    head = answers.OK + b"Content-Length: %d\r\n\r\n" % len(body)
    lie = answers.OK + b"Content-Length: 4\r\n\r\nlie."
    ways = {
        "right": Reply([head + body]), "in pieces": Reply([head[:9], head[9:] + body[:3],
                                                           body[3:]]),
        "chunked": Reply([answers.CHUNKED, b"%x\r\n" % len(body) + body + b"\r\n", answers.END]),
        "two answers": Reply([head + body + lie]), "garbage": Reply([head + body + b"\r\n\x00"]),
        "closed": Reply([head + body], "close"), "cut": Reply([head + body[:-1]], "close"),
        "reset": Reply([head + body[:-1]], "reset"), "nothing": Reply([], "close"),
        "both framings": Reply([answers.OK + b"Content-Length: 4\r\n"
                                b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + lie]),
        "a bad chunk": Reply([answers.CHUNKED + b"5\r\nhello", b"x\r\n" + lie]),
        "no answer but interims": Reply([b"HTTP/1.1 100 Continue\r\n\r\n" * 50 + lie]),
        "an empty one and another": Reply([answers.OK + b"Content-Length: 0\r\n\r\n" + lie]),
    }
    kinds = list(ways)
    return ways[random.choices(kinds, [60, 6, 10] + [2] * (len(kinds) - 3))[0]]


async def keep_asking(port, numbers, wrong, count):
    connection = None
    for number in numbers:
        connection = connection or await dial(port)
        reader, writer = connection
        writer.write(b"GET /%d HTTP/1.1\r\nHost: app\r\n\r\n" % number)
        answer = await asyncio.wait_for(reader.answer(), SAFETY)
        count["whole" if answer.whole and answer.status == 200 else
              "ours" if answer.is_ours else "cut"] += 1
        if answer.whole and answer.status == 200 and answer.body not in (fitting(number), b""):
            wrong.append(f"{number}: {answer}")
        if answer.whole and answer.status != 200 and not answer.is_ours:
            wrong.append(f"{number}: {answer}")
        if not answer.whole or answer.fields.get(b"connection") == b"close":
            writer.close()
            connection = None
    if connection:
        connection[1].close()


@WAYS
def test_answers_go_to_who_asked(mesh, app, way):
    wrong, count = [], {"whole": 0, "ours": 0, "cut": 0}
    app.script = misbehave

    async def all_of_them():
        await asyncio.gather(*(keep_asking(getattr(mesh, way), range(first, REQUESTS, CONNECTIONS),
                                           wrong, count) for first in range(CONNECTIONS)))
    try:
        asyncio.run(all_of_them())
    finally:
        app.script = by_name
    print(f"{REQUESTS} requests: {count}, {len(wrong)} wrong; {app.connections} connections so far")
    assert not wrong, "\n".join(wrong[:10])
    assert count["whole"] > REQUESTS * 0.7, count
