"""Whom a request is from: proxies that are trusted and proxies that are not, at the front door and
beside an app; and names of headers that pretend to be others.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import re

import pytest

from bed.http_client import Client
from bed.shop import HOST
from bed.tls import browser

FORGED = {"X-Forwarded-For": "8.8.8.8, 198.51.100.7", "X-Real-IP": "8.8.8.8",
          "X-Forwarded-Proto": "http", "Forwarded": "for=8.8.8.8"}


def ask(shop, path="/headers", headers=None, host=HOST, method="GET"):
    """A browser outside of the mesh, or the proxy in front of one."""
    def dial(_, to):
        return shop.outside.connect(shop.ingress.ip, to)
    with Client(dial, HOST, 443, browser(shop.public_ca.roots)) as client:
        return client.ask(method, path, None, {"Host": host, **(headers or {})})


def at_app(shop, **headers):
    return ask(shop, headers=headers).json()["headers"]


def listener(text):
    return f"""
apiVersion: policy.weft.dev/v1alpha1
kind: ListenerPolicy
metadata: {{name: door, namespace: default}}
spec:
  targetRefs: [{{kind: Gateway, name: front-door}}]
  {text}
"""


def mesh(text):
    return f"""
apiVersion: policy.weft.dev/v1alpha1
kind: MeshConfig
metadata: {{name: default, namespace: weft-system}}
spec: {{clientTraffic: {text}}}
"""


def only_for(app, address):
    return f"""
---
apiVersion: policy.weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {{name: clients, namespace: default}}
spec:
  selector: {{matchLabels: {{app: {app}}}}}
  action: ALLOW
  rules: [{{from: [{{source: {{remoteIpBlocks: [{address}]}}}}]}}]
"""


# ---- at the front door ----

# requirement: K20
def test_a_stranger_cannot_say_who_he_is(shop):
    seen = ask(shop, headers=FORGED).json()["headers"]
    assert seen["x-forwarded-for"] == seen["x-real-ip"] == shop.outside.ip
    assert seen["x-forwarded-proto"] == "https" and seen["x-forwarded-port"] == "443"
    assert "forwarded" not in seen


@pytest.mark.parametrize("setting", ["trustedHops: 1", "trustedAddresses: [{ip}]"])
def test_a_balancer_in_front_is_believed(shop, setting):
    with shop.bed.policy(listener(setting.format(ip=shop.outside.ip))):
        seen = ask(shop, headers=FORGED).json()["headers"]
    assert seen["x-forwarded-for"] == f"198.51.100.7, {shop.outside.ip}"
    assert seen["x-real-ip"] == "198.51.100.7"
    assert seen["x-forwarded-proto"] == "http"
    assert "forwarded" not in seen


def test_redirects_keep_the_scheme_that_the_balancer_was_asked_with(shop):
    moved = """
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: moved, namespace: default}
spec:
  parentRefs: [{name: front-door, sectionName: secure}]
  rules:
  - matches: [{path: {type: Exact, value: /old}}]
    filters:
    - type: RequestRedirect
      requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /new}}
"""
    with shop.bed.policy(listener("trustedHops: 1") + moved):
        told = ask(shop, "/old", {"X-Forwarded-Proto": "http", "X-Forwarded-For": "1.2.3.4"})
    assert told.headers["location"] == f"http://{HOST}/new"


# ---- beside an app ----

def test_an_app_cannot_choose_its_address(shop):
    with shop.bed.policy(only_for("reviews", "8.8.8.8")):
        told = shop.frontend.get("http://reviews:9080/", {"X-Forwarded-For": "8.8.8.8"})
    assert (told.status, told.reason) == (403, "authz_denied"), told
    seen = shop.frontend.get("http://ratings:9080/headers", {
        "X-Forwarded-For": "8.8.8.8", "X-Real-IP": "8.8.8.8"}).json()["headers"]
    assert seen["x-forwarded-for"] == seen["x-real-ip"] == shop.frontend.ip
    seen = shop.frontend.get("http://ratings:9080/headers").json()["headers"]
    assert "x-forwarded-for" not in seen and "x-real-ip" not in seen


def test_an_app_that_is_trusted_is_believed(shop):
    trust = mesh("{trustedIdentities: [cluster.local/ns/default/sa/frontend]}")
    with shop.bed.policy(trust + only_for("ratings", "198.51.100.7")):
        for client, status in (("198.51.100.7", 200), ("8.8.8.8, 198.51.100.7", 200),
                               ("198.51.100.7, 8.8.8.8", 403), ("unknown", 403)):
            told = shop.frontend.get("http://ratings:9080/headers", {"X-Forwarded-For": client})
            assert told.status == status, (client, told)


def test_behind_the_front_door_the_client_is_the_browser(shop):
    """The gateway is trusted by its identity and has found the client, as far as it trusts."""
    trust = mesh("{trustedIdentities: [cluster.local/ns/default/sa/ingress]}")
    with shop.bed.policy(trust + only_for("frontend", shop.outside.ip)):
        assert ask(shop).status == 200
        assert ask(shop, headers=FORGED).status == 200
    both = mesh("{trustedHops: 1, trustedIdentities: [cluster.local/ns/default/sa/ingress]}")
    with shop.bed.policy(both + only_for("frontend", "198.51.100.7")):
        assert ask(shop).status == 403
        assert ask(shop, headers=FORGED).status == 200
    with shop.bed.policy(only_for("frontend", shop.outside.ip)):
        assert ask(shop).status == 403, "nobody said that the gateway is trusted"


# ---- names ----

@pytest.mark.parametrize("name", ["X_Forwarded_Client_Cert", "x_forwarded_for", "X-Forwarded_Proto",
                                  "x_weft_source", "x.forwarded.for", "X_Real_IP"])
def test_names_in_disguise_reach_no_app(shop, name):
    for seen in (ask(shop, headers={name: "evil", "x_mine": "1"}).json()["headers"],
                 shop.frontend.get("http://ratings:9080/headers",
                                   {name: "evil", "x_mine": "1"}).json()["headers"]):
        assert "evil" not in seen.values(), seen
        assert seen["x_mine"] == "1"


def test_a_policy_is_not_passed_by_another_spelling(shop):
    deny = """
apiVersion: policy.weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {name: roles, namespace: default}
spec:
  selector: {matchLabels: {app: ratings}}
  action: DENY
  rules: [{when: [{key: "request.headers[x-role]", values: [admin]}]}]
"""
    with shop.bed.policy(deny):
        for name, status in (("x-role", 403), ("x_role", 400), ("X_Role", 400), ("x.role", 400)):
            told = shop.frontend.get("http://ratings:9080/headers", {name: "admin"})
            assert told.status == status, (name, told)
        assert "x-role" in told.text() and told.reason == "bad_request"
        assert shop.frontend.get("http://ratings:9080/headers", {"x_other": "admin"}).status == 200


def test_underscores_are_as_configured(shop):
    with shop.bed.policy(listener("headersWithUnderscores: Drop")):
        seen = at_app(shop, x_mine="1", y="2")
        assert "x_mine" not in seen and seen["y"] == "2"
    with shop.bed.policy(listener("headersWithUnderscores: Reject")):
        told = ask(shop, headers={"x_mine": "1"})
        assert (told.status, told.reason) == (400, "")
        assert ask(shop).status == 200


# ---- the log ----

def test_answers_of_our_own_are_found_in_the_log(shop):
    door = shop.ingress
    assert door.sidecar.stop() == 0
    door.start_ingress("front-door", access_log="json")
    door.sidecar.await_identity()
    try:
        with shop.bed.policy(listener("trustedHops: 1")):
            mark = door.sidecar.mark()
            told = ask(shop, host="nobody.example.com", headers={"X-Forwarded-For": "198.51.100.7"})
            assert told.status in (404, 421)
            found = told.headers["x-request-id"]
            assert re.fullmatch(r"[0-9a-f-]{36}", found)
            line = json.loads(door.sidecar.await_log(rf"(?m)^\{{.*{found}.*\}}$", mark).group(0))
        assert line["request_id"] == found
        assert line["downstream_remote_address"].startswith("198.51.100.7")
        assert line["downstream_direct_remote_address"].startswith(shop.outside.ip)
    finally:
        door.sidecar.stop()
        door.start_ingress("front-door")
        door.sidecar.await_identity()
