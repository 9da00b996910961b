"""Filters that change what clients send and get, at a Gateway with real sockets: by HTTP/1.1, by
HTTP/2, with bodies in pieces; and the pages and headers of answers that no backend has given.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json

import pytest

from bed.http_client import Client
from bed.shop import HOST
from bed.tls import browser

FILTER = """
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: {0}, namespace: default}}
spec:
  targetRefs: [{1}]
  {2}
"""
AT_GATEWAY = "{kind: Gateway, name: front-door}"
AT_ROUTE = "{kind: HTTPRoute, name: shop-secure}"
CHANGE = """transform:
    request:
      headers:
        add: [{name: x-gateway-version, value: weft}, {name: x-agent, value: $(headers.user-agent)}]
        remove: [x-secret]
      query: {rename: [{from: q, to: search}]}
      body: {remove: [pin], add: [{path: meta.client, value: $(clientIP)}]}
    response:
      headers: {remove: [server], add: [{name: content-type, value: text/plain}]}
      body: {remove: [app], add: [{path: shown, value: "true", type: Boolean}]}"""
PAGES = """errorPages:
    pages:
    - statuses: [404, 5xx]
      status: 503
      json: '{"error":"service_unavailable","id":"$(requestID)"}'
      html: <h1>$(reason)</h1>""".replace("404", '"404"')
PARTS = """aggregate:
    parts:
    - {{field: who, backendRef: {{name: reviews, port: 9080}}, path: /who, pick: version}}
    - field: asked
      backendRef: {{name: frontend, port: 9080}}
      path: "/headers?user=$(path[1])"
      forwardHeaders: [x-user]
    - {{field: last, backendRef: {{name: ratings, port: 9080}}, path: /who, timeout: 2s, {0}}}"""
CAREFUL = "securityHeaders: {xssProtection: Block, remove: [Server]}"


def ask(shop, method, path, body=None, headers=None):
    def dial(_, to):
        return shop.outside.connect(shop.ingress.ip, to)
    with Client(dial, HOST, 443, browser(shop.public_ca.roots)) as client:
        return client.ask(method, path, body, headers or {})


def curl(shop, *arguments):
    done = shop.outside.netns.run(
        "curl", "-sS", "--http2", "--cacert", str(shop.public_ca.roots), "--resolve",
        f"{HOST}:443:{shop.ingress.ip}", *arguments)
    return done.stdout


# requirement: K1, K2, K3, K22
def test_requests_and_responses_are_changed(shop):
    with shop.bed.policy(FILTER.format("shape", AT_ROUTE, CHANGE)):
        told = ask(shop, "GET", "/headers?q=a%20b&x=1",
                   headers={"x-secret": "1", "user-agent": "phone", "sec-ch-ua-model": '"P8"'})
        got = told.json()
        assert "app" not in got and got["shown"] is True
        assert got["path"] == "/headers?search=a%20b&x=1"
        assert got["headers"]["x-gateway-version"] == "weft"
        assert got["headers"]["x-agent"] == "phone"
        assert got["headers"]["sec-ch-ua-model"] == '"P8"'
        assert "x-secret" not in got["headers"] and "server" not in told.headers
        assert int(told.headers["content-length"]) == len(told.body)


@pytest.mark.parametrize("length", [10, 200_000])
def test_bodies_are_changed_whatever_way_they_come(shop, tmp_path, length):
    sent = tmp_path / "sent.json"
    sent.write_text(json.dumps({"pin": 1, "text": "x" * length}), encoding="utf-8")
    with shop.bed.policy(FILTER.format("shape", AT_ROUTE, CHANGE)):
        for extra in ([], ["-H", "transfer-encoding: chunked", "--http1.1"]):
            got = json.loads(curl(shop, "-H", "content-type: application/json", *extra,
                                  "-d", f"@{sent}", f"https://{HOST}/sum"))
            wanted = {"text": "x" * length, "meta": {"client": shop.outside.ip}}
            assert got["bytes"] == len(json.dumps(wanted, separators=(",", ":")))


# requirement: K17, J11
def test_errors_have_pages_also_where_there_is_no_route(shop):
    both = FILTER.format("pages", AT_GATEWAY, PAGES) + "---" + \
        FILTER.format("careful", AT_GATEWAY, CAREFUL)
    with shop.bed.policy(both):
        whole = ask(shop, "GET", "/who")
        assert whole.status == 200 and "server" not in whole.headers
        assert whole.headers["strict-transport-security"].startswith("max-age=31536000")
        with shop.outside.client(shop.ingress.ip, 80) as client:
            lost = client.ask("GET", "/nowhere", None, {"Host": "nowhere.example"})
        assert lost.status == 503
        assert lost.json()["error"] == "service_unavailable"
        assert lost.headers["x-frame-options"] == "DENY"
        assert lost.headers["x-xss-protection"] == "1; mode=block"
        assert "strict-transport-security" not in lost.headers
        with shop.outside.client(shop.ingress.ip, 80) as client:
            page = client.ask("GET", "/", None, {"Host": "nowhere.example", "accept": "text/html"})
        assert page.text() == "<h1>Service Unavailable</h1>"


# requirement: K6
def test_a_client_gets_the_fields_that_it_asks_for(shop):
    with shop.bed.policy(FILTER.format("fields", AT_ROUTE, "fieldSelection: {}")):
        assert ask(shop, "GET", "/who?fields=version").json() == {"version": "v1"}
        assert curl(shop, f"https://{HOST}/who?fields=app") == '{"app":"frontend"}'


# requirement: K5, C10
def test_services_give_one_answer_together(shop):
    def answer(rest="pick: app"):
        with shop.bed.policy(FILTER.format("whole", AT_ROUTE, PARTS.format(rest))):
            return ask(shop, "GET", "/users/7", headers={"x-user": "ann", "cookie": "a=b"})

    whole = answer()
    got = whole.json()
    assert whole.status == 200 and list(got) == ["who", "asked", "last"]
    assert got["who"] in ("v1", "v2") and got["last"] == "ratings"
    assert got["asked"]["path"] == "/headers?user=7"
    assert got["asked"]["headers"]["x-user"] == "ann" and "cookie" not in got["asked"]["headers"]
    assert whole.headers["content-type"] == "application/json"
    lacking = answer("pick: items").json()
    assert lacking["last"] is None and lacking["_metadata"]["errors"] == [
        {"field": "last", "reason": "absent", "status": 200}]
    shop.ratings.control(delay=60)
    late = answer('fallback: "[]"')
    got = late.json()
    assert late.status == 206 and got["last"] == [] and got["asked"]["path"] == "/headers?user=7"
    assert got["_metadata"]["partial"] is True and got["_metadata"]["timestamp"].endswith("Z")
    assert got["_metadata"]["errors"] == [{"field": "last", "reason": "timeout"}]
    assert answer("required: true").status == 504
    shop.ratings.control(fail=500)
    assert answer("").json()["_metadata"]["errors"] == [
        {"field": "last", "reason": "status", "status": 500}]
    assert answer("required: true").status == 502
