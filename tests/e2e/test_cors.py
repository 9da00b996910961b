"""CORS as browsers meet it: preflights of routes that look at methods and headers, and answers that
the page may read though they are refusals.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import contextlib

from bed.http_client import Client
from bed.shop import HOST
from bed.tls import browser

PAGE = "https://page.example.com"
ROUTES = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api, namespace: default}
spec:
  parentRefs: [{name: front-door, sectionName: secure}]
  rules:
  - matches:
    - {path: {value: /api}, method: GET}
    - {path: {value: /api}, method: PUT, headers: [{name: x-version, value: v2}]}
    filters:
    - type: CORS
      cors:
        allowOrigins: ["https://page.example.com"]
        allowMethods: [GET, PUT]
        allowHeaders: ["*"]
    backendRefs: [{name: frontend, port: 9080}]
"""
DENY = """
---
apiVersion: policy.weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {name: door, namespace: default}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: front-door}]
  action: DENY
  rules: [{to: [{operation: {paths: ["/api/private*"]}}]}]
"""


@contextlib.contextmanager
def door(shop):
    def dial(_, to):
        return shop.outside.connect(shop.ingress.ip, to)
    with Client(dial, HOST, 443, browser(shop.public_ca.roots)) as client:
        yield client


def preflight(shop, method, headers=None, path="/api/x"):
    asked = {"Origin": PAGE, "Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = headers
    with door(shop) as client:
        return client.ask("OPTIONS", path, None, asked)


# requirement: J7
def test_a_preflight_is_matched_as_what_it_announces(shop):
    with shop.bed.policy(ROUTES):
        for method, headers in (("GET", None), ("PUT", "x-version"),
                                ("PUT", "content-type,x-version")):
            told = preflight(shop, method, headers)
            assert told.status == 204, (method, told)
            assert told.headers["access-control-allow-origin"] == PAGE
        # Such a PUT is not for this route: it has no x-version.
        assert "access-control-allow-origin" not in preflight(shop, "PUT").headers
        with door(shop) as client:
            told = client.ask("GET", "/api/x", None, {"Origin": PAGE})
        assert told.status == 200 and told.headers["access-control-allow-origin"] == PAGE


def test_the_page_may_read_that_it_was_refused(shop):
    with shop.bed.policy(ROUTES + DENY):
        assert preflight(shop, "GET", path="/api/private").status == 204
        with door(shop) as client:
            told = client.ask("GET", "/api/private", None, {"Origin": PAGE})
            assert told.status == 403
            assert told.headers["access-control-allow-origin"] == PAGE
            told = client.ask("GET", "/api/private", None, {"Origin": "https://other.example.com"})
            assert told.status == 403 and "access-control-allow-origin" not in told.headers
