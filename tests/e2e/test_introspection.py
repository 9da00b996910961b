"""Tokens of an authorization server that knows nothing of us (oidc-provider, skipped by name where
Node.js is missing), introspected at a Gateway.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import pathlib
import shutil
from typing import Iterator

import pytest

from bed import Bed, npm_program
from bed.http_client import Answer
from bed.objects import Port
from bed.programs import Unavailable
from bed.wait import until

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "bed" / "apps" / "oidc_provider"
IDP_PORT, APP_PORT, GATEWAY_PORT = 9000, 8080, 8000
ISSUER = f"http://idp.example.com:{IDP_PORT}"
BASE = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge, namespace: default}}
spec:
  gatewayClassName: weft
  listeners: [{{name: http, port: {GATEWAY_PORT}, protocol: HTTP}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: edge, namespace: default}}
spec:
  parentRefs: [{{name: edge}}]
  rules: [{{backendRefs: [{{name: app, port: {APP_PORT}}}]}}]
"""
FILTER = f"""
apiVersion: v1
kind: Secret
metadata: {{name: client, namespace: default}}
stringData: {{secret: SECRET}}
---
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: tokens, namespace: default}}
spec:
  targetRefs: [{{kind: Gateway, name: edge}}]
  oauth2Introspection:
    backendRef: {{name: idp, port: {IDP_PORT}}}
    path: /token/introspection
    host: idp.example.com
    clientId: gate way
    clientSecretRef: {{name: client, key: secret}}
    scopes: [read]
    claimToHeaders: [{{claim: client_id, header: x-client}}, {{claim: scope, header: x-scope}}]
    MORE
"""


SIGNED = f"""
apiVersion: policy.weft.dev/v1alpha1
kind: RequestAuthentication
metadata: {{name: signed, namespace: default}}
spec:
  targetRefs: [{{kind: Gateway, name: edge}}]
  jwtRules:
  - issuer: {ISSUER}
    audiences: [https://api.example.com]
    jwksUri: http://idp.default.svc:{IDP_PORT}/jwks
    outputClaimToHeaders: [{{claim: client_id, header: x-client}}]
---
apiVersion: policy.weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {{name: signed, namespace: default}}
spec:
  targetRefs: [{{kind: Gateway, name: edge}}]
  rules: [{{when: [{{key: "request.auth.claims[scope]", values: [read]}}]}}]
"""


def policy(more: str = "", secret: str = "s:cret/1") -> str:
    return FILTER.replace("MORE", more).replace("SECRET", json.dumps(secret))


class Door:
    """An app that answers with the request that it got, a Gateway in front of it, and the server
    behind that."""

    def __init__(self, provider: pathlib.Path, node: str) -> None:
        self.node = node
        self.bed = Bed("introspection")
        try:
            self._build(provider)
        except BaseException:
            self.bed.delete()
            raise

    def _build(self, provider: pathlib.Path) -> None:
        bed = self.bed
        self.app, self.idp, self.edge, self.outside = (
            bed.add_pod(n, meshed=False) for n in ("app", "idp", "edge", "outside"))
        bed.add_service("app", [Port(APP_PORT, APP_PORT, "http")])
        bed.add_service("idp", [Port(IDP_PORT, IDP_PORT, "http")])
        bed.add_certd()
        bed.publish()
        bed.policies.write("20-edge.yaml", BASE)
        self.folder = bed.run.folder("provider")
        shutil.copytree(provider, self.folder, dirs_exist_ok=True)
        self.app.start_python("http_app.py", "mirror", str(APP_PORT))
        self.start_provider()
        self.edge.start_ingress("edge", ready=False)
        self.edge.sidecar.await_ready()

    def start_provider(self, seconds: int = 600) -> None:
        self.idp.start([self.node, str(self.folder / "provider.js"), ISSUER, str(IDP_PORT),
                        str(seconds)], "listens on", name="provider")

    def token(self, scope: str = "read", more: str = "") -> str:
        told = self.outside.ask("POST", f"http://{self.idp.ip}:{IDP_PORT}/token",
                                f"grant_type=client_credentials&scope={scope}{more}".encode(), FORM)
        return told.json()["access_token"]

    def revoke(self, token: str) -> None:
        told = self.outside.ask("POST", f"http://{self.idp.ip}:{IDP_PORT}/token/revocation",
                                f"token={token}".encode(), FORM)
        assert told.status == 200, told

    def knock(self, token: str | None = None, **headers: str) -> Answer:
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return self.outside.get(f"http://{self.edge.ip}:{GATEWAY_PORT}/x",
                                {k.replace("_", "-"): v for k, v in headers.items()})


# app:app-secret
FORM = {"authorization": "Basic YXBwOmFwcC1zZWNyZXQ=",
        "content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(name="door", scope="module")
def fixture_door() -> Iterator[Door]:
    try:
        made = Door(npm_program.install(FOLDER), npm_program.node("oidc-provider"))
    except Unavailable as e:
        pytest.skip(str(e))
    yield made
    ended, complaints = made.bed.stop(), made.bed.complaints()
    made.bed.delete()
    assert not complaints, "\n".join(complaints)
    assert not ended, f"ended badly: {ended}"


# requirement: H19
def test_a_token_of_the_server(door):
    with door.bed.policy(policy()):
        told = door.knock(door.token("read write"), x_client="root", x_scope="all")
        assert told.status == 200, told
        assert "x-client: app" in told.text() and "x-scope: read write" in told.text()
        assert "root" not in told.text()


# requirement: H19
def test_no_token_and_others(door):
    with door.bed.policy(policy()):
        assert door.knock().headers["www-authenticate"] == "Bearer"
        for wrong in ("nobody-has-issued-this", door.token() + "x"):
            told = door.knock(wrong)
            assert told.status == 401
            assert told.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        told = door.knock(door.token("write"))
        assert told.status == 403
        assert told.headers["www-authenticate"] == (
            'Bearer error="insufficient_scope", scope="read"')


# requirement: H19
def test_a_revoked_token_is_good_for_as_long_as_it_is_remembered(door):
    with door.bed.policy(policy()):
        token = door.token()
        assert door.knock(token).status == 200
        door.revoke(token)
        assert all(door.knock(token).status == 200 for _ in range(5))
    with door.bed.policy(policy("cacheTime: 0s")):
        other = door.token()
        assert door.knock(other).status == 200
        door.revoke(other)
        assert door.knock(other).status == 401


# requirement: H25
def test_signed_tokens_of_the_server(door):
    """An identity provider of another project issues them, and publishes its keys."""
    with door.bed.policy(SIGNED):
        good = door.token("read", "&resource=https://api.example.com")
        assert good.count(".") == 2
        told = door.knock(good, x_client="root")
        assert told.status == 200, told
        assert "x-client: app" in told.text() and "root" not in told.text()
        assert door.knock().status == 403
        assert door.knock(door.token("write", "&resource=https://api.example.com")).status == 403
        for wrong in (good[:-8] + "AAAAAAAA", door.token(),
                      door.token("read", "&resource=https://bank.example.com")):
            assert door.knock(wrong).status == 401


def test_another_issuer(door):
    with door.bed.policy(policy(f"issuer: {ISSUER}")):
        assert door.knock(door.token()).status == 200
    with door.bed.policy(policy("issuer: http://other.example.com")):
        assert door.knock(door.token()).status == 401


def test_the_server_does_not_know_us(door):
    with door.bed.policy(policy(secret="another")):
        assert door.knock(door.token()).status == 503
    with door.bed.policy(policy()):
        assert door.knock(door.token()).status == 200


def test_the_server_is_gone_and_comes_back(door):
    with door.bed.policy(policy()):
        known, unknown = door.token(), door.token()
        assert door.knock(known).status == 200
        door.idp.find("provider").kill()
        assert door.knock(unknown).status == 503
        assert door.knock(known).status == 200
        door.start_provider(seconds=2)
        # It has forgotten what it issued.
        until("it is asked again", lambda: door.knock(unknown).status == 401)
        brief = door.token()
        assert door.knock(brief).status == 200
        until("the token expires, remembered or not", lambda: door.knock(brief).status == 401)
