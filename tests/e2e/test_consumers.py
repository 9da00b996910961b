"""Consumers at a Gateway: who is let in by which key, what the backend and the access log are told,
and that keys are replaced and revoked while requests run.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import base64
import contextlib

from bed.http_client import Client
from bed.shop import HOST
from bed.tls import browser

CONSUMERS = """
apiVersion: policy.weft.dev/v1alpha1
kind: Consumer
metadata: {name: ai-dev-user, namespace: default}
spec:
  customID: "4711"
  groups: [partners]
  credentials:
  - keyAuth: {secretRef: {name: ai-dev-user, key: first}}
  - basicAuth: {username: ann, hashRef: {name: ai-dev-user, key: hash}}
---
apiVersion: policy.weft.dev/v1alpha1
kind: Consumer
metadata: {name: guest, namespace: default}
spec: {groups: [guests]}
---
apiVersion: policy.weft.dev/v1alpha1
kind: Consumer
metadata: {name: stranger, namespace: elsewhere}
spec:
  credentials:
  - keyAuth: {secretRef: {name: stranger, key: key}}
---
apiVersion: v1
kind: Secret
metadata: {name: stranger, namespace: elsewhere}
stringData: {key: stranger-key}
---
"""
# "Hello world!", by crypt(3).
HASH = "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"
SECRET = """
apiVersion: v1
kind: Secret
metadata: {{name: ai-dev-user, namespace: default}}
stringData: {{first: {0}, hash: "%s"}}
---
""" % HASH
FILTER = """
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: {0}, namespace: default}}
spec:
  targetRefs: [{{kind: HTTPRoute, name: shop-secure}}]
  {1}
---
"""
KEYS = FILTER.format("keys", "keyAuth: {}")
BASIC = {"Authorization": "Basic " + base64.b64encode(b"ann:Hello world!").decode()}


@contextlib.contextmanager
def door(shop):
    def dial(_, to):
        return shop.outside.connect(shop.ingress.ip, to)
    with Client(dial, HOST, 443, browser(shop.public_ca.roots)) as client:
        yield client


def policy(shop, filters, key="ai-dev-key-2025"):
    return shop.bed.policy(CONSUMERS + SECRET.format(key) + filters)


def knock(shop, path="/who", headers=None):
    with door(shop) as client:
        return client.ask("GET", path, None, headers or {})


# requirement: H1, H2
def test_a_key_lets_in(shop):
    with policy(shop, KEYS):
        told = knock(shop)
        assert told.status == 401
        assert told.text() == "No API key found in request\n"
        assert told.headers["www-authenticate"] == "Key"
        assert knock(shop, headers={"X-API-Key": "ai-dev-key-2025"}).status == 200
        assert knock(shop, "/who?apikey=ai-dev-key-2025").status == 200
        told = knock(shop, headers={"X-API-Key": "ai-dev-key-2024"})
        assert (told.status, told.text()) == (401, "Unauthorized\n")
        # A key of another namespace is none here.
        assert knock(shop, headers={"X-API-Key": "stranger-key"}).status == 401


def test_a_consumer_has_filters_of_its_own(shop):
    # The narrower one is for the consumer, whatever is for the route.
    closed = "directResponse: {status: %d}"
    own = FILTER.format("own", closed % 418).replace(
        "{kind: HTTPRoute, name: shop-secure}", "{kind: Consumer, name: ai-dev-user}")
    with policy(shop, KEYS + FILTER.format("wide", closed % 410) + own):
        assert knock(shop).status == 401
        assert knock(shop, headers={"X-API-Key": "ai-dev-key-2025"}).status == 418


def test_keys_are_replaced_and_revoked_live(shop):
    with policy(shop, KEYS, "old-key"):
        with door(shop) as client:
            def status(key):
                return client.ask("GET", "/who", None, {"X-API-Key": key}).status
            assert status("old-key") == 200
            shop.bed.apply("50-test.yaml", CONSUMERS + SECRET.format("new-key") + KEYS)
            # On the same connection, from the next request on.
            assert status("old-key") == 401
            assert status("new-key") == 200


# requirement: H21
def test_passwords(shop):
    with policy(shop, FILTER.format("passwords", "basicAuth: {realm: shop}")):
        told = knock(shop)
        assert told.status == 401
        assert told.headers["www-authenticate"] == 'Basic realm="shop", charset="UTF-8"'
        for _ in range(3):
            assert knock(shop, headers=BASIC).status == 200
        wrong = base64.b64encode(b"ann:hello world!").decode()
        assert knock(shop, headers={"Authorization": "Basic " + wrong}).status == 401


# requirement: H22, H28
def test_one_of_several_is_enough(shop):
    spec = "anyOf: {alternatives: [{keyAuth: {}}, {basicAuth: {realm: shop}}]%s}"
    acl = FILTER.format("groups", "acl: {allow: [partners]}")
    with policy(shop, FILTER.format("either", spec % "")):
        assert knock(shop).status == 401
        assert knock(shop, headers=BASIC).status == 200
        assert knock(shop, headers={"X-API-Key": "ai-dev-key-2025"}).status == 200
    with policy(shop, FILTER.format("either", spec % ", anonymous: guest") + acl):
        told = knock(shop)
        assert (told.status, told.text()) == (403, "You cannot consume this service\n")
        assert knock(shop, headers=BASIC).status == 200
