"""An issuer of tokens outside of the mesh: keys and signatures that openssl makes, and a web server
that publishes the keys.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import base64
import json
import pathlib
import subprocess
import time
from typing import Any

from .pki import openssl
from .programs import tool

ISSUER, PORT = "login.example.com", 8090
JWKS_URI = f"http://{ISSUER}:{PORT}/keys.json"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """An RSA key with a name."""

    def __init__(self, folder: pathlib.Path, kid: str) -> None:
        self.path, self.kid = folder / f"{kid}.pem", kid
        openssl("genrsa", "-out", str(self.path), "2048")

    def jwk(self) -> dict[str, str]:
        text = openssl("rsa", "-in", str(self.path), "-noout", "-modulus").strip()
        modulus = bytes.fromhex(text.split("=", 1)[1])
        return {"kty": "RSA", "kid": self.kid, "use": "sig", "alg": "RS256", "n": b64(modulus),
                "e": "AQAB"}

    def sign(self, **claims: Any) -> str:
        """A token of ann's, for the shop and an hour, unless the claims say otherwise."""
        claims = {"iss": f"https://{ISSUER}", "aud": "shop", "sub": "ann",
                  "exp": int(time.time()) + 3600, **claims}
        parts = [json.dumps(p).encode() for p in ({"alg": "RS256", "kid": self.kid}, claims)]
        text = ".".join(map(b64, parts))
        made = subprocess.run([tool("openssl"), "dgst", "-sha256", "-sign", str(self.path)],
                              input=text.encode(), capture_output=True, check=True)
        return f"{text}.{b64(made.stdout)}"


class Issuer:
    """A web server with a file of keys, in a pod that is not of the mesh."""

    def __init__(self, shop: Any) -> None:
        self.shop = shop
        self.secret = shop.bed.run.folder("issuer-secret", mode=0o700)
        self.public = shop.bed.run.folder("issuer", mode=0o755)
        shop.bed.name_host(ISSUER, shop.outside.ip)
        shop.bed.publish()
        self.process: Any = None

    def publish(self, *keys: Key) -> None:
        text = json.dumps({"keys": [k.jwk() for k in keys]})
        (self.public / "keys.json").write_text(text)

    def start(self) -> None:
        self.process = self.shop.outside.start(
            ["/usr/bin/python3", "-u", "-m", "http.server", str(PORT), "--directory",
             str(self.public)], "Serving HTTP", name="issuer")

    def stop(self) -> None:
        if self.process and self.process.is_running():
            self.process.stop()
