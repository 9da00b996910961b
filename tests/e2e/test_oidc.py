"""Browsers that log in at a Gateway, with an OpenID provider that knows nothing of us
(oidc-provider, skipped by name where Node.js is missing): the login, what the backend is told,
refreshing, keys that are replaced on either side, a second gateway, and logging out. The browser
is a cookie jar that follows redirects and fills in the provider's forms.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import pathlib
import shutil
import urllib.parse

import pytest

from bed import npm_program
from bed.browser import Browser
from bed.programs import Unavailable
from bed.shop import HOST
from bed.tls import browser as trust
from bed.wait import until

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "bed" / "apps" / "oidc_provider"
IDP, IDP_PORT = "idp.example.com", 9000
ISSUER = f"http://{IDP}:{IDP_PORT}"
URL = f"https://{HOST}/shown"
# The labels are kept from clients of a Gateway; the sentences are not.
REASONS = {"has no session": "oidc_login_required", "has not begun": "oidc_state_unknown",
           "was used already": "oidc_code_refused", "has not let": "oidc_login_denied",
           "cannot be asked": "oidc_provider_unavailable", "lacks a claim": "oidc_claim_missing",
           "is not a consumer": "oidc_consumer_unknown"}
KEY, OTHER_KEY = "k" * 32, "o" * 48
FILTER = f"""
apiVersion: v1
kind: Secret
metadata: {{name: login, namespace: default}}
stringData: {{secret: "s:cret/2", key: {KEY}, other: {OTHER_KEY}}}
---
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: login, namespace: default}}
spec:
  targetRefs: [{{kind: HTTPRoute, name: shop-secure}}]
  oidc:
    issuer: {ISSUER}
    discovery: {{uri: "{ISSUER}/.well-known/openid-configuration"}}
    clientId: browser
    clientSecretRef: {{name: login, key: secret}}
    scopes: [email]
    sessionKeys: KEYS
    postLogoutRedirect: /bye
    claimToHeaders: [{{header: X-User, claim: sub}}, {{header: X-Groups, claim: groups}}]
    MORE
"""


def policy(*keys: str, more: str = "") -> str:
    refs = [{"name": "login", "key": k} for k in keys or ("key",)]
    return FILTER.replace("KEYS", json.dumps(refs)).replace("MORE", more)


class Provider:
    """The provider, in the pod outside of the mesh."""

    def __init__(self, shop, folder: pathlib.Path, node: str) -> None:
        self.shop, self.folder, self.node = shop, folder, node
        self.process = None

    def start(self, seconds: int = 600) -> None:
        self.process = self.shop.outside.start(
            [self.node, str(self.folder / "provider.js"), ISSUER, str(IDP_PORT), str(seconds)],
            "listens on", name="provider")

    def stop(self) -> None:
        if self.process and self.process.is_running():
            self.process.kill()


@pytest.fixture(name="provider")
def fixture_provider(shop):
    try:
        built, node = npm_program.install(FOLDER), npm_program.node("oidc-provider")
    except Unavailable as e:
        pytest.skip(str(e))
    folder = shop.bed.run.folder("provider")
    shutil.copytree(built, folder, dirs_exist_ok=True)
    shop.bed.name_host(IDP, shop.outside.ip)
    shop.bed.publish()
    one = Provider(shop, folder, node)
    one.start()
    yield one
    one.stop()


def profile(shop, gateway=None) -> Browser:
    """A browser of its own, for which the shop is at that gateway."""
    door = gateway or shop.ingress

    def dial(host, port):
        return shop.outside.connect(door.ip if host == HOST else host, port)
    return Browser(dial, trust(shop.public_ca.roots))


def why(page) -> str:
    text = page.answer.text()
    return next((label for words, label in REASONS.items() if words in text), text)


def script(one: Browser):
    """What a page of the shop asks for."""
    return one.fetch(URL, Sec_Fetch_Mode="cors", Accept="*/*")


def log_in(one: Browser, url: str = URL, user: str = "ann"):
    page = one.go(url)
    assert page.url.startswith(f"{ISSUER}/interaction/"), (page.url, page.answer)
    page = one.submit(page, login=user, password="any")
    while page.url.startswith(ISSUER):
        page = one.submit(page)  # it asks for consent
    return page


# requirement: H20, H25, H30
def test_a_browser_logs_in(shop, provider):
    with shop.bed.policy(policy(more="forwardAccessToken: true")):
        one = profile(shop)
        page = log_in(one, URL + "?a=1&b=%2F")
        assert (page.status, page.url) == (200, URL + "?a=1&b=%2F"), page.answer
        shown = page.answer.json()["headers"]
        assert (shown["x-user"], shown["x-groups"]) == ("ann", "dev,ops")
        assert shown["authorization"].startswith("Bearer ")
        assert "cookie" not in shown
        cookies = one.cookies(HOST)
        assert len(cookies) == 1, cookies
        for name, cookie in cookies.items():
            assert name.startswith("__Host-weft-") and cookie.secure and cookie.path == "/"
            assert "HttpOnly" in cookie._rest and cookie._rest["SameSite"] == "Lax"
        # From now on it is let in at once, and so is what its pages ask for.
        assert script(one).answer.json()["headers"]["x-user"] == "ann"


# requirement: H20
def test_scripts_and_strangers_are_told_401(shop, provider):
    with shop.bed.policy(policy()):
        told = profile(shop).fetch(URL, Sec_Fetch_Mode="cors", Accept="text/html")
        assert (told.status, why(told)) == (401, "oidc_login_required")
        forged = profile(shop).go(f"https://{HOST}/oauth2/callback?code=c&state={'s' * 22}")
        assert (forged.status, why(forged)) == (403, "oidc_state_unknown")


# requirement: H30
def test_a_code_is_good_once_and_in_one_browser(shop, provider):
    with shop.bed.policy(policy()):
        one, other = profile(shop), profile(shop)
        page = one.go(URL)
        page = one.submit(page, login="ann", password="any")
        action = urllib.parse.urljoin(page.url, page.forms().action)
        data = urllib.parse.urlencode(page.forms().fields).encode()
        while not urllib.parse.urlsplit(action).path.startswith("/oauth2/"):
            answer = one.fetch(action, data).answer
            action, data = urllib.parse.urljoin(action, answer.headers["location"]), None
        assert why(other.go(action)) == "oidc_state_unknown"
        before = {c.name: c for c in one.jar}
        assert one.go(action).status == 200
        # Even with the login's cookie the provider takes no code twice.
        for cookie in before.values():
            one.jar.set_cookie(cookie)
        assert why(one.go(action)) == "oidc_code_refused"


def test_the_user_is_not_let_in(shop, provider):
    with shop.bed.policy(policy()):
        one = profile(shop)
        page = one.go(URL)
        abort = [link for link in page.forms().links if link.endswith("/abort")]
        told = one.go(urllib.parse.urljoin(page.url, abort[0]))
        assert (told.status, why(told)) == (403, "oidc_login_denied")
        assert not one.cookies(HOST)


# requirement: H20
def test_tokens_are_refreshed(shop, provider):
    provider.stop()
    provider.start(seconds=5)
    with shop.bed.policy(policy(more="forwardAccessToken: true")):
        one = profile(shop)
        first = log_in(one).answer.json()["headers"]["authorization"]

        def another() -> bool:
            told = script(one).answer
            assert told.status == 200, told
            return told.json()["headers"]["authorization"] != first
        until("another access token", another)
        provider.stop()
        until("the session to end with its tokens",
              lambda: why(script(one)) == "oidc_provider_unavailable")
        provider.start()  # it has forgotten whom it has let in

        until("the refresh token to be refused",
              lambda: why(script(one)) == "oidc_login_required")
        assert log_in(one).status == 200


# requirement: H25
def test_the_provider_has_new_keys(shop, provider):
    with shop.bed.policy(policy()):
        assert log_in(profile(shop)).status == 200
        provider.stop()
        provider.start()
        until("the new keys to be known", lambda: log_in(profile(shop)).status == 200)


# requirement: H20
def test_keys_of_sessions_are_replaced(shop, provider):
    one = profile(shop)
    with shop.bed.policy(policy("key")):
        assert log_in(one).status == 200
    with shop.bed.policy(policy("other", "key")):
        until("the filter to be there again",
              lambda: one.fetch(URL).answer.json()["headers"].get("x-user") == "ann")
        other = profile(shop)
        assert log_in(other).status == 200
    with shop.bed.policy(policy("other")):
        assert script(other).answer.status == 200
        assert script(one).answer.status == 401


# requirement: H20
def test_a_second_gateway_knows_the_session(shop, provider):
    second = shop.bed.add_pod("second", meshed=False)
    shop.bed.publish()
    second.start_ingress("front-door", access_log="json")
    second.sidecar.await_identity()
    with shop.bed.policy(policy(more="idleTimeout: 1h")):
        one = profile(shop)
        page = one.go(URL)
        # Even a login that has begun here may end there.
        there = profile(shop, second)
        there.jar = one.jar
        page = there.submit(page, login="ann", password="any")
        while page.url.startswith(ISSUER):
            page = there.submit(page)
        assert page.answer.json()["headers"]["x-user"] == "ann"
        for door in (one, there):
            assert script(door).answer.status == 200
        # What the browser has brought back is not in the log.
        second.sidecar.await_log("/oauth2/callback")
        assert "code=" not in second.sidecar.output() and "state=" not in second.sidecar.output()
    second.sidecar.stop()


# requirement: H20
def test_logging_out(shop, provider):
    with shop.bed.policy(policy()):
        one = profile(shop)
        assert log_in(one).status == 200
        page = one.go(f"https://{HOST}/oauth2/logout")
        assert page.url.startswith(f"{ISSUER}/session/end?id_token_hint="), page.url
        assert not one.cookies(HOST)
        page = one.submit(page, logout="yes")
        assert page.url.startswith(f"{ISSUER}/interaction/")  # of /bye, which needs a session too
        assert script(one).answer.status == 401


# requirement: H20, H22
def test_who_may(shop, provider):
    rule = "requiredClaims: [{claim: sub, values: [ann]}]"
    with shop.bed.policy(policy(more=rule)):
        assert log_in(profile(shop)).status == 200
        told = log_in(profile(shop), user="bob")
        assert (told.status, why(told)) == (403, "oidc_claim_missing")
    consumers = """
---
apiVersion: policy.weft.dev/v1alpha1
kind: Consumer
metadata: {name: ann, namespace: default}
spec: {groups: [editors]}
---
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {name: editors, namespace: default}
spec:
  targetRefs: [{kind: HTTPRoute, name: shop-secure}]
  acl: {allow: [editors]}
"""
    with shop.bed.policy(policy(more="consumer: {claim: sub}") + consumers):
        shown = log_in(profile(shop)).answer.json()["headers"]
        assert shown["x-consumer-groups"] == "editors"
        told = log_in(profile(shop), user="bob")
        assert (told.status, why(told)) == (403, "oidc_consumer_unknown")
