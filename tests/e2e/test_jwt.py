"""Tokens of an issuer outside of the mesh, which publishes its keys at a host name: who is let in,
what the backend is told, and what happens when keys are replaced and the issuer goes away. Keys and
signatures are made by openssl.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import pytest

from bed.http_client import Client
from bed.issuer import ISSUER, JWKS_URI, Issuer, Key
from bed.shop import HOST
from bed.tls import browser
from bed.wait import until

FILTER = f"""
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: tokens, namespace: default}}
spec:
  targetRefs: [{{kind: HTTPRoute, name: shop-secure}}]
  jwt:
    providers:
    - issuer: https://{ISSUER}
      audiences: [shop]
      jwks: {{remote: {{uri: "{JWKS_URI}"}}}}
      claimToHeaders: [{{header: X-User-ID, claim: sub}}, {{header: X-User-Roles, claim: roles}}]
    errorFormat: JSON
"""
POLICY = """
---
apiVersion: policy.weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {{name: tokens, namespace: default}}
spec:
  selector: {{matchLabels: {{app: frontend}}}}
  rules: [{{from: [{{source: {{requestPrincipals: ["https://{0}/ann"]}}}}]}}]
"""


@pytest.fixture(name="issuer")
def fixture_issuer(shop):
    one = Issuer(shop)
    one.start()
    yield one
    one.stop()


def knock(shop, token=None, **headers):
    def dial(_, to):
        return shop.outside.connect(shop.ingress.ip, to)
    headers = {k.replace("_", "-"): v for k, v in headers.items()}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with Client(dial, HOST, 443, browser(shop.public_ca.roots)) as client:
        return client.ask("GET", "/shown", None, headers)


# requirement: H6, H8, H11, H12, H14
def test_a_token_lets_in(shop, issuer):
    key, other = Key(issuer.secret, "a"), Key(issuer.secret, "other")
    issuer.publish(key)
    with shop.bed.policy(FILTER):
        before = shop.frontend.count()
        told = knock(shop)
        assert told.status == 401
        assert told.headers["www-authenticate"] == "Bearer"
        assert told.json() == {"error": "unauthorized",
                               "message": "Missing or invalid Authorization header"}
        told = knock(shop, key.sign(exp=1700000000))
        assert (told.status, told.json()["error"]) == (401, "token_expired")
        for bad in ("x", other.sign(), key.sign(aud="bank"), key.sign(iss="https://example.com")):
            assert knock(shop, bad).status == 401
        assert shop.frontend.count() == before  # the backend has seen none of them
        told = knock(shop, key.sign(roles=["a", "b"]), X_User_ID="root", x_user_roles="admin")
        assert told.status == 200
        shown = told.json()["headers"]
        assert (shown["x-user-id"], shown["x-user-roles"]) == ("ann", "a,b")


def test_keys_are_replaced_and_the_issuer_goes_away(shop, issuer):
    old, new = Key(issuer.secret, "old"), Key(issuer.secret, "new")
    issuer.publish(old)
    with shop.bed.policy(FILTER):
        assert knock(shop, old.sign()).status == 200
        issuer.publish(old, new)
        # Within the time in which the issuer is not asked again.
        until("the new key to be known", lambda: knock(shop, new.sign()).status == 200)
        issuer.stop()
        assert knock(shop, new.sign(jti="another")).status == 200
        assert knock(shop, old.sign(jti="another")).status == 200


def test_without_an_issuer_nobody_is_let_in(shop, issuer):
    key = Key(issuer.secret, "a")
    issuer.publish(key)
    issuer.stop()
    with shop.bed.policy(FILTER):
        told = knock(shop, key.sign())
        assert (told.status, told.json()["error"]) == (503, "internal_error")
        issuer.start()
        until("the keys to be fetched", lambda: knock(shop, key.sign()).status == 200)


def test_policies_see_the_token(shop, issuer):
    key = Key(issuer.secret, "a")
    issuer.publish(key)
    at_service = FILTER.replace("{kind: HTTPRoute, name: shop-secure}",
                                "{kind: Service, name: frontend}")
    with shop.bed.policy(at_service + POLICY.format(ISSUER)):
        assert knock(shop, key.sign()).status == 200
        assert knock(shop, key.sign(sub="bob")).status == 403
        assert knock(shop).status == 401
