"""Consumers at a Gateway: who is let in by which key, what the backend and the access log are told,
and that keys are replaced and revoked while requests run.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import base64
import contextlib
import json

from bed.http_client import Client
from bed.shop import HOST
from bed.tls import browser
from bed.wait import until

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


TWO = """
apiVersion: policy.weft.dev/v1alpha1
kind: Consumer
metadata: {name: mobile-app, namespace: default}
spec: {credentials: [{keyAuth: {secretRef: {name: keys, key: mobile}}}]}
---
apiVersion: policy.weft.dev/v1alpha1
kind: Consumer
metadata: {name: partner-api, namespace: default}
spec: {credentials: [{keyAuth: {secretRef: {name: keys, key: partner}}}]}
---
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: default}
stringData: {mobile: mobile-secret-key, partner: partner-secret-key}
---
"""


def told_of(shop, key):
    return knock(shop, "/headers", {"X-API-Key": key}).json()["headers"]


# requirement: H3, H5
def test_each_has_its_key_and_the_list_shows_none(shop):
    with shop.bed.policy(TWO + KEYS):
        for name in ("mobile-app", "partner-api"):
            told = told_of(shop, f"{name.split('-', maxsplit=1)[0]}-secret-key")
            assert told["x-consumer-username"] == name and "x-api-key" not in told
        dump = shop.ingress.sidecar.ask(15000, "GET", "/config_dump").text()
    listed = {c["username"]: c["credentials"] for c in json.loads(dump)["consumers"]}
    assert listed == {"mobile-app": [{"type": "keyAuth", "id": "keys/mobile"}],
                      "partner-api": [{"type": "keyAuth", "id": "keys/partner"}]}
    assert "secret-key" not in dump


LIMIT = "rateLimit: {limits: [{fixedWindow: {year: %d}, by: [{type: Consumer}]}]}"


# requirement: I2, I3
def test_a_consumers_limit_wins_over_the_services(shop):
    own = FILTER.format("own", LIMIT % 4).replace(
        "{kind: HTTPRoute, name: shop-secure}", "{kind: Consumer, name: partner-api}")

    def counted():
        return [shop.ingress.sidecar.metric("weft_consumer_requests_total",
                                            consumer=f"default/{name}", response_code=str(code))
                for name in ("mobile-app", "partner-api") for code in (200, 429)]

    before = counted()
    with shop.bed.policy(TWO + KEYS + FILTER.format("of-the-service", LIMIT % 2) + own):
        statuses = {key: [knock(shop, headers={"X-API-Key": key}).status for _ in range(6)]
                    for key in ("mobile-secret-key", "partner-secret-key")}
    assert statuses == {"mobile-secret-key": [200] * 2 + [429] * 4,
                        "partner-secret-key": [200] * 4 + [429] * 2}
    assert [now - then for now, then in zip(counted(), before)] == [2, 4, 4, 2]


# requirement: H34
def test_refused_authentications_are_counted(shop):
    def refused():
        return shop.ingress.sidecar.metric("istio_requests_total", response_flags="UAEX",
                                           response_code="401")
    with shop.bed.policy(TWO + KEYS):
        before = refused()
        for key in ("", "wrong", "partner-secret-key", "other"):
            knock(shop, headers={"X-API-Key": key} if key else None)
        assert refused() == before + 3


LOG = """
apiVersion: policy.weft.dev/v1alpha1
kind: MeshConfig
metadata: {name: default, namespace: weft-system}
spec: {accessLog: {mode: All, format: JSON}}
"""


# requirement: H35
def test_no_secret_is_told(shop):
    """Of what is good and of what is not: in no log, no dump, no metric and no error."""
    secrets = ["mobile-secret-key", "partner-secret-key", "wrong-secret-key", "ai-dev-key-2025",
               "Hello world!", BASIC["Authorization"].split()[1], HASH, "wrong-query-key"]
    either = FILTER.format("either", "anyOf: {alternatives: [{keyAuth: {}}, "
                                     "{basicAuth: {realm: shop}}]}")
    sidecar = shop.ingress.sidecar
    mark = sidecar.mark()
    with shop.bed.policy(TWO + CONSUMERS + SECRET.format("ai-dev-key-2025") + either + LOG):
        told = [knock(shop, headers=headers).text() for headers in (
            {"X-API-Key": "mobile-secret-key"}, {"X-API-Key": "wrong-secret-key"}, BASIC,
            {"Authorization": "Basic " + base64.b64encode(b"ann:wrong-secret-key").decode()})]
        told += [knock(shop, f"/who?apikey={key}").text()
                 for key in ("partner-secret-key", "wrong-query-key")]
        told += [sidecar.ask(15000, "GET", page).text()
                 for page in ("/config_dump", "/clusters", "/status", "/metrics")]
        until("a line for each", lambda: sidecar.output(mark).count("/who") >= 6)
    told.append(sidecar.output(mark))
    for secret in secrets:
        assert not [text for text in told if secret in text], secret


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
