"""RequestAuthentication, at a sidecar and at a Gateway: who is let in by which token, what policies
see of it, and which route a claim leads to. Keys and signatures are made by openssl.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import base64
import contextlib
import json

import pytest

from bed.http_client import Client
from bed.issuer import ISSUER, JWKS_URI, Issuer, Key
from bed.shop import HOST
from bed.tls import browser

TOKENS = f"""
apiVersion: policy.weft.dev/v1alpha1
kind: RequestAuthentication
metadata: {{name: tokens, namespace: default}}
spec:
  WHERE
  jwtRules:
  - issuer: https://{ISSUER}
    audiences: [shop]
    jwksUri: {JWKS_URI}
    outputPayloadToHeader: x-payload
    MORE
---
"""
AT_SIDECAR = "selector: {matchLabels: {app: frontend}}"
AT_GATEWAY = "targetRefs: [{kind: Gateway, name: front-door}]"
POLICY = """
apiVersion: policy.weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {{name: {name}, namespace: default}}
spec:
  {where}
  action: {action}
  rules: [{rules}]
---
"""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}, namespace: default}}
spec:
  parentRefs: [{{name: front-door, sectionName: secure}}]
  rules:
  - matches: [{{path: {{value: {path}}}{more}}}]
    {filters}
    backendRefs: [{{name: {to}, port: 9080}}]
---
"""
JWT = f"""
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: NAME, namespace: default}}
spec:
  TARGET
  jwt:
    MORE
    providers:
    - issuer: https://{ISSUER}
      audiences: [shop]
      jwks: {{remote: {{uri: "{JWKS_URI}"}}}}
---
"""


def tokens(where, more=""):
    return TOKENS.replace("WHERE", where).replace("MORE", more)


def policy(name, rules, where=AT_GATEWAY, action="ALLOW"):
    return POLICY.format(name=name, where=where, action=action, rules=rules)


def route(name, path, to="frontend", filters="", more=""):
    return ROUTE.format(name=name, path=path, to=to, filters=filters, more=more)


def jwt(name, target="", more=""):
    return JWT.replace("NAME", name).replace("TARGET", target).replace("MORE", more)


def extension(*names):
    refs = ", ".join("{type: ExtensionRef, extensionRef: {group: policy.weft.dev, "
                     f"kind: HTTPFilter, name: {n}}}}}" for n in names)
    return f"filters: [{refs}]"


@pytest.fixture(name="issuer")
def fixture_issuer(shop):
    one = Issuer(shop)
    one.start()
    yield one
    one.stop()


@pytest.fixture(name="key")
def fixture_key(issuer):
    made = Key(issuer.secret, "a")
    issuer.publish(made)
    return made


@contextlib.contextmanager
def door(shop, where=None):
    def dial(_, to):
        return (where or shop.outside).connect(shop.ingress.ip, to)
    with Client(dial, HOST, 443, browser(shop.public_ca.roots)) as client:
        yield client


def knock(shop, path="/shown", token=None, where=None, **headers):
    headers = {k.replace("_", "-"): v for k, v in headers.items()}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with door(shop, where) as client:
        return client.ask("GET", path, None, headers)


def statuses(shop, *asked):
    return [knock(shop, path, token).status for path, token in asked]


# ---- at a sidecar ----

# requirement: H17
def test_no_token_passes_and_a_bad_one_does_not(shop, issuer, key):
    other = Key(issuer.secret, "other")
    with shop.bed.policy(tokens(AT_SIDECAR)):
        told = knock(shop, x_payload="forged", X_Payload="forged")
        assert told.status == 200
        assert "x-payload" not in told.json()["headers"]
        before = shop.frontend.count()
        for bad in ("x", other.sign(), key.sign(aud="bank"), key.sign(exp=1700000000),
                    key.sign(iss="https://example.com")):
            told = knock(shop, token=bad)
            assert told.status == 401, bad
            assert told.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
        assert knock(shop, f"/shown?access_token={other.sign()}").status == 401
        assert shop.frontend.count() == before
        told = knock(shop, token=key.sign(role="a"), x_payload="forged")
        assert told.status == 200
        shown = told.json()["headers"]
        assert "authorization" not in shown  # it was not to be forwarded
        payload = shown["x-payload"] + "=" * (-len(shown["x-payload"]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(payload))
        assert (claims["sub"], claims["role"]) == ("ann", "a")
        assert knock(shop, f"/shown?access_token={key.sign()}").status == 200


# requirement: H17
def test_policies_of_the_workload_say_who_needs_a_token(shop, key):
    need = policy("need", '{from: [{source: {requestPrincipals: ["*"]}}]}, '
                  '{to: [{operation: {paths: ["/health"]}}]}', AT_SIDECAR)
    not_bob = policy("not-bob", f'{{from: [{{source: {{requestPrincipals: '
                     f'["https://{ISSUER}/bob"]}}}}]}}', AT_SIDECAR, "DENY")
    with shop.bed.policy(tokens(AT_SIDECAR, "forwardOriginalToken: true") + need + not_bob):
        ann, bob = key.sign(), key.sign(sub="bob")
        assert statuses(shop, ("/shown", None), ("/health", None), ("/shown", "x"),
                        ("/shown", ann), ("/shown", bob)) == [403, 200, 401, 200, 403]
        assert "authorization" in knock(shop, token=ann).json()["headers"]


# ---- at a Gateway ----

# requirement: H17
def test_a_gateway_reads_tokens_before_its_policies(shop, key):
    admin = policy("admin", '{when: [{key: "request.auth.claims[role]", values: [admin]}]}')
    with shop.bed.policy(tokens(AT_GATEWAY) + admin):
        good, other = key.sign(role=["user", "admin"]), key.sign(role="user")
        assert statuses(shop, ("/shown", None), ("/shown", "x"), ("/shown", other),
                        ("/shown", good)) == [403, 401, 403, 200]


def test_who_may_not_call_is_not_told_which_routes_there_are(shop, key):
    """Neither by a 404 nor by a redirect; at a Gateway whose tokens only a route reads as well."""
    admin = policy("admin", '{when: [{key: "request.auth.claims[role]", values: [admin]}]}')
    with door(shop) as client, shop.bed.policy(jwt("tokens", "targetRefs: [{kind: HTTPRoute, name: "
                                                   "shop-secure}]") + admin):
        assert client.ask("GET", "/shown", None, {}).status == 401
        assert knock(shop, token=key.sign(role="user")).status == 403
        assert knock(shop, token=key.sign(role="admin")).status == 200
        # This listener's only route redirects, and no filter of it reads tokens.
        for host in (HOST, "nobody.example.com"):
            with Client(lambda _, to: shop.outside.connect(shop.ingress.ip, to), host, 80) as plain:
                assert plain.ask("GET", "/shown", None, {}).status == 403, host


def test_a_policy_waits_for_the_token_of_the_route(shop, key):
    """What does not depend on it is denied before; the rest when the route has read it."""
    rules = ('{from: [{source: {requestPrincipals: ["*"]}}], to: [{operation: {methods: [GET]}}]}, '
             '{to: [{operation: {paths: ["/open"]}}]}')
    with shop.bed.policy(policy("need", rules) + jwt("tokens", more="optional: true")
                         + route("a", "/a", filters=extension("tokens"))):
        with door(shop) as client:
            assert client.ask("POST", "/a", b"", {}).status == 403
            assert client.ask("GET", "/open", None, {}).status == 200
            assert client.ask("GET", "/a", None, {}).status == 403
        assert knock(shop, "/a", "x").status == 401
        assert knock(shop, "/a", key.sign()).status == 200
        # Nobody reads it on another route, so nobody is known there.
        assert knock(shop, "/other", key.sign()).status == 403


def test_a_denial_by_token_where_nobody_reads_tokens(shop, key):
    """It denies everybody there, and where one is read only whom it is for."""
    not_bob = policy("not-bob", f'{{from: [{{source: {{requestPrincipals: ["https://{ISSUER}/bob"]'
                     '}}]}', action="DENY")
    with shop.bed.policy(not_bob + jwt("tokens", more="optional: true")
                         + route("a", "/a", filters=extension("tokens"))):
        assert statuses(shop, ("/other", None), ("/a", None), ("/a", key.sign()),
                        ("/a", key.sign(sub="bob"))) == [403, 200, 200, 403]


def test_a_claim_leads_to_a_route(shop, key):
    claim = ', headers: [{{name: request.auth.claims.{0}, value: {1}}}]'
    routes = (route("beta", "/x", "reviews-v2", more=claim.format("groups", "beta"))
              + route("realm", "/x", "reviews-v2", more=claim.format("realm_access.roles", "beta"))
              + route("odd", "/x", "reviews-v2",
                      more=claim.format("https%3A%2F%2Fshop%2Eexample%2Ecom%2Frole", "beta"))
              + route("others", "/x", "reviews-v1"))
    with shop.bed.policy(tokens(AT_GATEWAY) + routes):
        def version(token=None, **headers):
            told = knock(shop, "/x", token, **headers)
            return told.json()["version"] if told.status == 200 else told.status
        assert version() == "v1"
        assert version(key.sign()) == "v1"
        assert version(key.sign(groups="alpha")) == "v1"
        assert version(key.sign(groups="beta")) == "v2"
        assert version(key.sign(groups=["alpha", "beta"])) == "v2"
        assert version(key.sign(Groups="beta")) == "v1"
        assert version(key.sign(realm_access={"roles": ["beta"]})) == "v2"
        assert version(key.sign(**{"https://shop.example.com/role": "beta"})) == "v2"
        assert version("x") == 401
        # What a client says itself is a header like any other.
        with door(shop) as client:
            told = client.ask("GET", "/x", None, {"request.auth.claims.groups": "beta"})
            assert told.json()["version"] == "v1"
    with shop.bed.policy(routes):  # and a token that nobody has checked says nothing
        assert knock(shop, "/x", key.sign(groups="beta")).json()["version"] == "v1"


# ---- many guards on one Gateway ----

# requirement: H15
def test_a_route_without_a_check_beside_one_with_it(shop, key):
    with shop.bed.policy(jwt("tokens") + route("closed", "/closed", filters=extension("tokens"))
                         + route("open", "/open")):
        good = key.sign()
        assert statuses(shop, ("/closed", None), ("/closed", "x"), ("/closed", good),
                        ("/open", None), ("/open", "x")) == [401, 401, 200, 200, 200]


# requirement: H18
def test_a_check_is_the_default_and_left_out_for_some(shop, key):
    default = jwt("default", AT_GATEWAY)
    # The route's own takes its place: whoever shows no token passes there.
    own = jwt("own", "targetRefs: [{kind: HTTPRoute, name: open}]", "optional: true")
    good = key.sign()
    with shop.bed.policy(default + own + route("open", "/open") + route("other", "/other")):
        assert statuses(shop, ("/shown", None), ("/other", None), ("/other", good),
                        ("/open", None)) == [401, 401, 200, 200]
    # Or by a policy of the Gateway, as in Istio.
    need = policy("need", '{from: [{source: {requestPrincipals: ["*"]}}]}, '
                  '{to: [{operation: {paths: ["/open", "/open/*"]}}]}')
    with shop.bed.policy(tokens(AT_GATEWAY) + need):
        assert statuses(shop, ("/shown", None), ("/shown", good), ("/open", None),
                        ("/open/x", None), ("/openx", None)) == [403, 200, 200, 200, 403]


CONSUMERS = """
apiVersion: policy.weft.dev/v1alpha1
kind: Consumer
metadata: {name: robot, namespace: default}
spec:
  groups: [machines]
  credentials: [{keyAuth: {secretRef: {name: robot, key: key}}}]
---
apiVersion: policy.weft.dev/v1alpha1
kind: Consumer
metadata: {name: buyer, namespace: default}
spec:
  groups: [gold]
  credentials: [{keyAuth: {secretRef: {name: robot, key: gold}}}]
---
apiVersion: policy.weft.dev/v1alpha1
kind: Consumer
metadata: {name: visitor, namespace: default}
spec:
  groups: [free]
  credentials: [{keyAuth: {secretRef: {name: robot, key: free}}}]
---
apiVersion: v1
kind: Secret
metadata: {name: robot, namespace: default}
stringData: {key: robot-key, gold: gold-key, free: free-key}
---
"""


def http_filter(name, text):
    return (f"apiVersion: policy.weft.dev/v1alpha1\nkind: HTTPFilter\n"
            f"metadata: {{name: {name}, namespace: default}}\nspec: {{{text}}}\n---\n")


# requirement: H26, H27
def test_each_kind_of_client_has_its_own_guard(shop, key):
    """Public, internal, administrative and machine routes, guarded by four filters, of which three
    stand on more than one route."""
    inside = http_filter("inside", f'ipRestriction: {{allow: ["{shop.ingress.ip}"]}}')
    roles = jwt("admins").replace("      jwks:", "      requiredClaims: [{claim: role, values: "
                                  "[admin]}]\n      jwks:")
    keys = http_filter("keys", "keyAuth: {}")
    machines = http_filter("machines", "acl: {allow: [machines]}")
    routes = (route("public", "/public")
              + route("internal", "/internal", filters=extension("inside"))
              + route("admin", "/admin", filters=extension("inside", "admins"))
              + route("reports", "/reports", filters=extension("admins"))
              + route("machine", "/machine", filters=extension("keys", "machines"))
              + route("nightly", "/nightly", filters=extension("keys", "machines", "inside")))
    admin, user = key.sign(role="admin"), key.sign(role="user")
    robot, buyer = {"X-API-Key": "robot-key"}, {"X-API-Key": "gold-key"}
    near, far = shop.ingress, shop.outside
    callers = [(far, None, {}), (near, None, {}), (far, user, {}), (far, admin, {}),
               (near, admin, {}), (far, None, robot), (near, None, robot), (far, None, buyer)]
    expected = {
        "/public": [200] * 8,
        "/internal": [403, 200, 403, 403, 200, 403, 200, 403],
        "/admin": [401, 401, 403, 403, 200, 401, 401, 401],
        "/reports": [401, 401, 403, 200, 200, 401, 401, 401],
        "/machine": [401, 401, 401, 401, 401, 200, 200, 403],
        "/nightly": [401, 401, 401, 401, 401, 403, 200, 403],
    }
    with shop.bed.policy(CONSUMERS + inside + roles + keys + machines + routes):
        got = {path: [knock(shop, path, token, where, **headers).status
                      for where, token, headers in callers] for path in expected}
    assert got == expected


# requirement: H31
def test_tokens_for_mobile_clients_and_keys_with_plans_for_the_api(shop, key):
    keys = http_filter("keys", "keyAuth: {}")
    plans = http_filter("plans", "quota: {plans: [{name: gold, fixedWindow: {day: 1000}}, "
                        "{name: free, fixedWindow: {day: 2}}]}")
    routes = (route("mobile", "/mobile", filters=extension("tokens"))
              + route("api", "/api", filters=extension("keys", "plans")))
    with shop.bed.policy(CONSUMERS + jwt("tokens") + keys + plans + routes):
        good = key.sign()
        assert statuses(shop, ("/mobile", None), ("/mobile", good)) == [401, 200]
        assert knock(shop, "/mobile", X_API_Key="gold-key").status == 401
        assert knock(shop, "/api", good).status == 401
        with door(shop) as client:  # one connection is one worker
            def ask(name):
                return client.ask("GET", "/api", None, {"X-API-Key": name})
            assert [ask("free-key").status for _ in range(4)] == [200, 200, 429, 429]
            assert [ask("gold-key").status for _ in range(4)] == [200] * 4
            assert ask("robot-key").status == 403  # no plan
