"""Filters that HTTPFilters configure, at a Gateway and at sidecars: what a client sees of each,
that an edit holds at once, and that one that cannot be used closes whatever names it, nothing else.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import contextlib
import time

import pytest

from bed.http_client import Client, read_head
from bed.shop import HOST
from bed.tls import browser
from bed.wait import until

FILTER = """
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: test, namespace: default}}
spec:
  targetRefs: [{0}]
  {1}
"""
AT_GATEWAY = "{kind: Gateway, name: front-door, sectionName: secure}"
AT_ROUTE = "{kind: HTTPRoute, name: shop-secure}"
AT_SERVICE = "{kind: Service, name: reviews}"
ANSWER = "directResponse: {{status: 418, headers: [{{name: x-from, value: {0}}}], body: a teapot}}"
LIMIT = "requestSize: {max: 10}"


@contextlib.contextmanager
def door(shop):
    def dial(_, to):
        return shop.outside.connect(shop.ingress.ip, to)
    with Client(dial, HOST, 443, browser(shop.public_ca.roots)) as client:
        yield client


def knock(shop, path="/who", method="GET", body=None, **headers):
    with door(shop) as client:
        return client.ask(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})


# ---- at a Gateway

@pytest.mark.parametrize("target", [AT_GATEWAY, AT_ROUTE])
def test_a_gateway_answers_itself(shop, target):
    assert knock(shop).status == 200
    with shop.bed.policy(FILTER.format(target, ANSWER.format("one"))):
        told = knock(shop)
        assert (told.status, told.headers["x-from"], told.text()) == (418, "one", "a teapot")
        shop.bed.apply("50-test.yaml", FILTER.format(target, ANSWER.format("two")))
        assert knock(shop).headers["x-from"] == "two"
    assert knock(shop).status == 200


def test_the_narrower_target_is_in_force(shop):
    wide = FILTER.format(AT_GATEWAY, ANSWER.format("gateway")).replace("name: test", "name: wide")
    with shop.bed.policy(wide + "---" + FILTER.format(AT_ROUTE, ANSWER.format("route"))):
        assert knock(shop).headers["x-from"] == "route"


# requirement: J1
def test_a_gateway_refuses_large_bodies(shop):
    with shop.bed.policy(FILTER.format(AT_GATEWAY, LIMIT)):
        assert knock(shop, method="POST", body=b"0123456789").status == 200
        assert knock(shop, method="POST", body=b"0123456789a").status == 413
        assert knock(shop, method="POST", body=b"").status == 200


def test_a_gateway_fails_on_purpose(shop):
    faults = """faultInjection:
    headers: [{name: x-chaos, value: "yes"}]
    abort: {httpStatus: 555}
    delay: {duration: 300ms}"""
    with shop.bed.policy(FILTER.format(AT_GATEWAY, faults)):
        assert knock(shop).status == 200
        began = time.monotonic()
        assert knock(shop, x_chaos="yes").status == 555
        assert time.monotonic() - began >= .3


# ---- at sidecars

def test_the_sidecar_of_a_service_answers_whoever_calls(shop):
    with shop.bed.policy(FILTER.format(AT_SERVICE, ANSWER.format("pod"))):
        assert shop.reviews().status == 418
        with Client(lambda _, to: shop.outside.connect(shop.v1.ip, to), "reviews", 9080) as client:
            assert client.get("/who").headers["x-from"] == "pod"
    assert shop.reviews().status == 200


def test_the_sidecar_of_a_service_refuses_large_bodies(shop):
    with shop.bed.policy(FILTER.format(AT_SERVICE, LIMIT)):
        url = "http://reviews:9080/echo"
        assert shop.frontend.ask("POST", url, b"0123456789").status == 200
        told = shop.frontend.ask("POST", url, b"0123456789a")
    assert told.status == 413 and told.reason == "request_too_large"


CHUNKED = (b"POST /echo HTTP/1.1\r\nhost: reviews:9080\r\ntransfer-encoding: chunked\r\n\r\n"
           b"b\r\n0123456789a\r\n")


def test_a_body_without_a_length_is_counted_as_it_comes(shop):
    with shop.bed.policy(FILTER.format(AT_SERVICE, LIMIT)):
        with shop.outside.connect(shop.v1.ip, 9080) as sock:
            sock.sendall(CHUNKED)
            assert b" 413 " in read_head(sock)[0].split(b"\r\n")[0]


ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: reviews, namespace: default}}
spec:
  parentRefs: [{{group: "", kind: Service, name: reviews, port: 9080}}]
  rules:
  - matches: [{{path: {{value: /guarded}}}}]
    filters:
    - {{type: ExtensionRef, extensionRef: {{group: policy.weft.dev, kind: HTTPFilter, name: {0}}}}}
    backendRefs: [{{name: reviews, port: 9080}}]
  - backendRefs: [{{name: reviews, port: 9080}}]
---
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: fault, namespace: default}}
spec:
  faultInjection: {{abort: {{}}}}
"""


def test_a_route_of_the_mesh_names_its_filter(shop):
    with shop.bed.policy(ROUTE.format("fault")):
        told = shop.reviews("/guarded/who")
        assert told.status == 503 and told.reason == "fault_abort"
        assert shop.reviews().status == 200


def test_what_is_not_there_closes_the_rule_that_names_it(shop):
    with shop.bed.policy(ROUTE.format("lost")):
        told = shop.reviews("/guarded/who")
        assert told.status == 500 and told.reason == "filter_broken"
        assert "there is no HTTPFilter default/lost" in told.text()
        assert shop.reviews().status == 200
        shop.bed.apply("50-test.yaml", ROUTE.format("fault"))
        until("the rule to have its filter", lambda: shop.reviews("/guarded/who").status == 503)
