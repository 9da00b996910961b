"""What a Gateway writes of the requests of a route, in formats of users' own, and of which it
writes nothing. Lines of requests that must not be there would come before those that are.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json

from bed.http_client import Client
from bed.shop import HOST
from bed.tls import browser

FILTER = """
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: {0}, namespace: default}}
spec:
  targetRefs: [{{kind: HTTPRoute, name: {1}}}]
  {2}
"""
NGINX = """accessLog:
    json:
      time: $time_iso8601
      remote_addr: $remote_addr
      request_method: $request_method
      request_uri: $request_uri
      status: $status
      body_bytes_sent: $body_bytes_sent
      request_time: $request_time
      upstream_response_time: $upstream_response_time
      http_user_agent: $http_user_agent
      http_x_request_id: $http_x_request_id
      upstream_addr: $upstream_addr
      secret: $http_authorization"""
HEALTH = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: health, namespace: default}
spec:
  parentRefs: [{name: front-door, sectionName: secure}]
  rules:
    - matches: [{path: {type: Exact, value: /health}, method: GET}]
      backendRefs: [{name: frontend, port: 9080}]
---
""" + FILTER.format("healthy", "health", """directResponse:
    headers: [{name: content-type, value: application/json}]
    body: '{"status":"healthy"}'""") + "---" + \
    FILTER.format("unheard", "health", "accessLog: {enabled: false}") + "---" + \
    FILTER.format("keys", "shop-secure", "keyAuth: {}")


def ask(shop, path, headers=None):
    def dial(_, to):
        return shop.outside.connect(shop.ingress.ip, to)
    with Client(dial, HOST, 443, browser(shop.public_ca.roots)) as client:
        return client.ask("GET", path, None, headers or {})


def log_of(name):
    return {"user-agent": 'say "hi"', "x-request-id": name, "authorization": "Bearer hidden"}


def test_a_route_has_a_format_of_its_own(shop):
    sidecar = shop.ingress.sidecar
    with shop.bed.policy(FILTER.format("log", "shop-secure", NGINX)):
        mark = sidecar.mark()
        assert ask(shop, "/who?a=b", log_of("of-nginx")).status == 200
        told = json.loads(sidecar.await_log(r"(?m)^\{.*of-nginx.*\}$", mark).group(0))
    assert list(told) == [
        "time", "remote_addr", "request_method", "request_uri", "status", "body_bytes_sent",
        "request_time", "upstream_response_time", "http_user_agent", "http_x_request_id",
        "upstream_addr", "secret"]
    assert told["remote_addr"] == shop.outside.ip and told["request_uri"] == "/who?a=b"
    assert told["status"] == 200 and told["request_time"] >= told["upstream_response_time"] >= 0
    assert told["upstream_addr"] == f"{shop.frontend.ip}:9080"
    assert told["http_user_agent"] == 'say "hi"' and told["secret"] == "REDACTED"
    with shop.bed.policy(FILTER.format("log", "shop-secure", "accessLog: {format: AWS}")):
        mark = sidecar.mark()
        assert ask(shop, "/who?a=b", log_of("of-aws")).status == 200
        told = json.loads(sidecar.await_log(r"(?m)^\{.*of-aws.*\}$", mark).group(0))
    assert told["path"] == "/who" and told["ip"] == shop.outside.ip and told["status"] == 200


def test_some_requests_are_logged(shop):
    sidecar = shop.ingress.sidecar
    rule = "accessLog: {format: Combined, onlyErrors: true}"
    with shop.bed.policy(FILTER.format("log", "shop-secure", rule)):
        mark = sidecar.mark()
        assert ask(shop, "/who?fine").status == 200
        shop.frontend.control(fail=503)
        assert ask(shop, "/who?broken", log_of("x")).status == 503
        sidecar.await_log(rf'(?m)^{shop.outside.ip} - - \[.*\] "GET /who\?broken HTTP/1.1" 503 \d+ '
                          r'"-" "say \\"hi\\""$', mark)
    assert "/who?fine" not in sidecar.output(mark)


# requirement: C11
def test_health_is_served_without_a_key_and_is_not_logged(shop):
    sidecar = shop.ingress.sidecar
    loud = FILTER.format("log", "shop-secure", "accessLog: {format: Text}")
    with shop.bed.policy(HEALTH + "---" + loud):
        mark = sidecar.mark()
        health = ask(shop, "/health")
        assert health.status == 200 and health.json() == {"status": "healthy"}
        assert ask(shop, "/who").status == 401
        sidecar.await_log(r'"GET /who HTTP/1.1" 401 ', mark)
    assert "/health" not in sidecar.output(mark)
