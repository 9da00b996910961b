"""An API by its OpenAPI document, at a Gateway with real sockets: by HTTP/1.1 and HTTP/2, with
documents in the filter and in a ConfigMap, and what happens when the document is broken.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import contextlib
import json

import pytest

from bed.http_client import Client
from bed.shop import HOST
from bed.tls import browser
from bed.wait import until

DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "shop", "version": "1"},
    "paths": {
        "/who": {"get": {
            "parameters": [{"name": "limit", "in": "query",
                            "schema": {"type": "integer", "minimum": 1, "maximum": 100}}],
            "responses": {"200": {"description": "who answers", "content": {"application/json": {
                "schema": {"type": "object", "required": ["app"]}}}}}}},
        "/sum": {"post": {
            "requestBody": {"required": True, "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/Pet"}}}},
            "responses": {"200": {"description": "sum"}}}},
        "/pets/{id}": {"get": {
            "parameters": [{"name": "id", "in": "path", "required": True,
                            "schema": {"type": "string", "format": "uuid"}}],
            "responses": {"200": {"description": "a pet"}}}},
    },
    "components": {"schemas": {"Pet": {
        "type": "object", "required": ["name"], "additionalProperties": False,
        "properties": {"name": {"type": "string"},
                       "tags": {"type": "array", "items": {"type": "string"}}}}}},
}
FILTER = """
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: api, namespace: default}}
spec:
  targetRefs: [{{kind: HTTPRoute, name: shop-secure}}]
  openapi: {0}
"""
CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {{name: api, namespace: default}}
data: {0}
"""


def api(**options):
    return FILTER.format(json.dumps({"verbose": True, **options}))


def inline(document=None, **options):
    return api(document=json.dumps(document or DOCUMENT, separators=(",", ":")), **options)


@contextlib.contextmanager
def door(shop):
    def dial(_, to):
        return shop.outside.connect(shop.ingress.ip, to)
    with Client(dial, HOST, 443, browser(shop.public_ca.roots)) as client:
        yield client


def ask(shop, method, path, body=None, **headers):
    with door(shop) as client:
        return client.ask(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})


def curl(shop, *arguments):
    done = shop.outside.netns.run(
        "curl", "-sS", "--http2", "--cacert", str(shop.public_ca.roots), "--resolve",
        f"{HOST}:443:{shop.ingress.ip}", "-w", " %{http_code}", *arguments)
    return done.stdout


# requirement: J8, J13
def test_requests_are_validated(shop):
    with shop.bed.policy(inline()):
        assert ask(shop, "GET", "/who?limit=5").status == 200
        told = ask(shop, "GET", "/who?limit=500")
        assert told.status == 400
        assert told.json() == {"message": 'query parameter "limit": is too large'}
        assert ask(shop, "GET", "/pets/7").status == 400
        assert ask(shop, "GET", "/nowhere").status == 404
        told = ask(shop, "DELETE", "/who")
        assert (told.status, told.headers["allow"]) == (405, "GET")
        told = ask(shop, "POST", "/sum", b'{"name":1}', content_type="application/json")
        assert told.json() == {"message": "body at /name: must be of type string, but is a number"}
        told = ask(shop, "POST", "/sum", b'{"name":"Rex"}', content_type="application/json")
        assert told.json()["bytes"] == 14
    assert ask(shop, "GET", "/who?limit=500").status == 200


@pytest.mark.parametrize("length", [10, 200_000])
def test_bodies_of_any_length(shop, tmp_path, length):
    for name, want in (("name", 200), ("nick", 400)):
        sent = tmp_path / "sent.json"
        sent.write_text(json.dumps({name: "x" * length}), encoding="utf-8")
        with shop.bed.policy(inline()):
            for extra in ([], ["-H", "transfer-encoding: chunked", "--http1.1"]):
                got = curl(shop, "-H", "content-type: application/json", *extra,
                           "-d", f"@{sent}", f"https://{HOST}/sum")
                assert got.endswith(f" {want}"), got


def test_a_body_that_is_too_long(shop):
    with shop.bed.policy(inline(maxBody="1k")):
        told = ask(shop, "POST", "/sum", b'{"name":"' + b"x" * 2000 + b'"}',
                   content_type="application/json")
        assert told.status == 413


def test_a_document_of_a_config_map(shop):
    text = json.dumps({"openapi.json": json.dumps(DOCUMENT)})
    ref = {"name": "api", "key": "openapi.json"}
    with shop.bed.policy(CONFIG_MAP.format(text) + "---" + api(documentRef=ref)):
        assert ask(shop, "GET", "/who?limit=0").status == 400
        assert ask(shop, "GET", "/who").status == 200


# requirement: J8
def test_responses_are_validated(shop):
    strict = json.loads(json.dumps(DOCUMENT))
    content = strict["paths"]["/who"]["get"]["responses"]["200"]["content"]["application/json"]
    with shop.bed.policy(inline(responses="Enforce")):
        assert ask(shop, "GET", "/who").status == 200
        content["schema"]["required"] = ["owner"]
        shop.bed.apply("50-test.yaml", inline(strict, responses="Enforce"))
        until("a response is refused", lambda: ask(shop, "GET", "/who").status == 502)
        told = ask(shop, "GET", "/who")
        assert told.json() == {"message": 'body: lacks the required member "owner"'}
        assert "app" not in told.json()


def test_warn_lets_pass(shop):
    with shop.bed.policy(inline(mode="Warn")):
        assert ask(shop, "GET", "/who?limit=500").status == 200
        assert ask(shop, "GET", "/nowhere").status != 400
