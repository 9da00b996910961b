"""What the gateways of the bench are configured with: none, or filters that guard the route.

SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Callable

from doors import Policies

CONSUMERS = 10_000


def http_filter(name: str, spec: str) -> str:
    return f"""---
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: {name}, namespace: default}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: Gateway, name: door}}]
  {spec}
"""


def api_key(number: int) -> str:
    return f"key-{number:05}-of-the-bench"


PER_SECRET = 1000  # so that none has more keys than are accepted


def consumer(number: int) -> str:
    ref = f"{{name: keys-{number // PER_SECRET}, key: k{number}}}"
    return f"""---
apiVersion: policy.weft.dev/v1alpha1
kind: Consumer
metadata: {{name: c{number}, namespace: default}}
spec: {{credentials: [{{keyAuth: {{secretRef: {ref}}}}}]}}
"""


def secret(first: int, count: int) -> str:
    keys = "".join(f"  k{i}: {api_key(i)}\n" for i in range(first, first + count))
    return f"""---
apiVersion: v1
kind: Secret
metadata:
  name: keys-{first // PER_SECRET}
  namespace: default
  labels: {{policy.weft.dev/credential: ""}}
stringData:
{keys}"""


def consumers(count: int) -> str:
    """Each with a key of its own."""
    secrets = [secret(first, min(PER_SECRET, count - first))
               for first in range(0, count, PER_SECRET)]
    return "".join([consumer(i) for i in range(count)] + secrets)


RATE_LIMIT = http_filter("limits", """rateLimit:
    limits:
    - fixedWindow: {minute: 4000000000}
      by: [{type: Consumer}]""")
CORRELATION_ID = http_filter("ids", "correlationID: {}")
KEY_AUTH = http_filter("keys", "keyAuth: {headers: [x-api-key]}")


def plain(folder: Path) -> Policies:
    del folder
    return Policies()


def keyed(count: int, routes: int = 1) -> Callable[[Path], Policies]:
    """A key in the middle of so many."""

    def make(folder: Path) -> Policies:
        del folder
        header = f"x-api-key: {api_key(count // 2)}"
        return Policies(KEY_AUTH + consumers(count), routes, [header])

    return make


def guarded(folder: Path) -> Policies:
    """A key, a limit that is never reached, and an id that the client is shown."""
    one = keyed(1)(folder)
    return Policies(one.text + RATE_LIMIT + CORRELATION_ID, 1, one.headers)


# ---- tokens ----

ISSUER = "https://login.example.com"
NEW_TOKENS = 50_000  # many more than are remembered


def coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """An issuer with a key on P-256."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self.key = ec.generate_private_key(ec.SECP256R1())
        point = self.key.public_key().public_numbers()
        x, y = (coded(n.to_bytes(32, "big")) for n in (point.x, point.y))
        self.jwks = json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "x": x, "y": y}]})

    def token(self, subject: str) -> str:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, utils

        claims = {"iss": ISSUER, "sub": subject, "exp": int(time.time()) + 3600}
        text = ".".join(coded(json.dumps(part).encode()) for part in ({"alg": "ES256"}, claims))
        r, s = utils.decode_dss_signature(
            self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{coded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def jwt_policies(signer: Signer) -> str:
    inline = json.dumps(signer.jwks)
    return http_filter("tokens", f"""jwt:
    providers:
    - issuer: {ISSUER}
      jwks: {{inline: {inline}}}""")


def token_seen_before(folder: Path) -> Policies:
    del folder
    signer = Signer()
    return Policies(jwt_policies(signer), 1, [f"authorization: Bearer {signer.token('ann')}"])


NEXT_TOKEN = """local tokens, at = {{}}, 0
for line in io.lines("{0}") do tokens[#tokens + 1] = line end
request = function()
  at = at % #tokens + 1
  wrk.headers["authorization"] = "Bearer " .. tokens[at]
  return wrk.format()
end
"""


def tokens_not_seen_before(folder: Path) -> Policies:
    """In turn, so many that none is remembered when it comes again."""
    signer = Signer()
    tokens = folder / "tokens"
    tokens.write_text("".join(signer.token(f"user-{i}") + "\n" for i in range(NEW_TOKENS)))
    script = folder / "tokens.lua"
    script.write_text(NEXT_TOKEN.format(tokens))
    return Policies(jwt_policies(signer), script=str(script))


# ---- shapes ----

LARGE = "/large.json"  # 10 kB


def compressed(coding: str) -> Callable[[Path], Policies]:
    def make(folder: Path) -> Policies:
        del folder
        return Policies(http_filter("packed", "compression: {}"), 1,
                        [f"Accept-Encoding: {coding}"], path=LARGE)
    return make


def transformed(folder: Path) -> Policies:
    """A header for the backend, and one for the client."""
    del folder
    return Policies(http_filter("shape", """transform:
    request: {headers: {add: [{name: X-Gateway, value: weft}]}}
    response: {headers: {add: [{name: X-Served-By, value: weft}]}}"""))


def answered(spec: str) -> Callable[[Path], Policies]:
    """Without the backend, but perhaps for the first time."""

    def make(folder: Path) -> Policies:
        del folder
        return Policies(http_filter("answers", spec))
    return make


POLICIES: dict[str, Callable[[Path], Policies]] = {
    "weft": plain,
    "weft-key": keyed(1),
    "weft-consumers": keyed(CONSUMERS),
    "weft-many": keyed(CONSUMERS, CONSUMERS),
    "weft-guarded": guarded,
    "weft-jwt": token_seen_before,
    "weft-jwt-new": tokens_not_seen_before,
    "weft-transform": transformed,
    "weft-gzip": compressed("gzip"),
    "weft-brotli": compressed("br"),
    "weft-cache": answered("cache: {ttl: [{statuses: ['200'], for: 1h}]}"),
    "weft-direct": answered(f"directResponse: {{status: 200, body: {'x' * 100}}}"),
}
