"""An API server to be unkind to: started with other options, made to forget its history; and a
client of our own that is quick enough for objects by the thousand.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import http.client
import json
import pathlib
import ssl
from typing import Any

from .api_server import ApiServer
from .pki import openssl

TOKENS = {"good": "system:masters", "weak": "nobody-in-particular"}
ADMIN = "client-certificate: admin.crt, client-key: admin.key"


class KubeLab(ApiServer):
    """`options` are for the next start of the server."""

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__(folder)
        rows = [f'{token},user-{token},{token},"{group}"' for token, group in TOKENS.items()]
        (folder / "tokens.csv").write_text("\n".join(rows) + "\n")
        self.options: tuple[str, ...] = ()
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "2", "-keyout", str(folder / "other.key"), "-out",
                str(folder / "other.crt"), "-subj", "/CN=other ca")

    def _run(self, name: str, *argv: str) -> None:
        if name == "apiserver":
            argv += ("--token-auth-file", str(self.folder / "tokens.csv"), *self.options)
        super()._run(name, *argv)

    def config(self, name: str = "probe", user: str = ADMIN, authority: str = "ca",
               host: str = "127.0.0.1", more: str = "") -> str:
        """The path of a kubeconfig."""
        path = self.folder / f"{name}.yaml"
        text = ("apiVersion: v1\nkind: Config\ncurrent-context: it\n"
                "contexts: [{name: it, context: {cluster: c, user: u}}]\n"
                f"clusters: [{{name: c, cluster: {{server: 'https://{host}:{self.port}', "
                f"certificate-authority: {authority}.crt{more}}}}}]\n"
                f"users: [{{name: u, user: {{{user}}}}}]\n")
        # Never half a file under the eyes of who is reading it.
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        return str(path)

    def connect(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        context.load_cert_chain(str(self.folder / "admin.crt"), str(self.folder / "admin.key"))
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=60)

    def request(self, method: str, path: str, body: Any = None,
                over: http.client.HTTPSConnection | None = None) -> tuple[int, Any]:
        """Status, and the answer's JSON."""
        connection = over or self.connect()
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"content-type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            if not over:
                connection.close()

    def forget_history(self) -> None:
        """etcd drops every revision but the newest."""
        def ask(path: str, body: dict[str, Any]) -> Any:
            connection = http.client.HTTPConnection("127.0.0.1", self._etcd_port, timeout=60)
            connection.request("POST", path, json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
            assert answer.status == 200, text
            return json.loads(text)
        newest = ask("/v3/kv/range", {"key": "AA=="})["header"]["revision"]
        ask("/v3/kv/compaction", {"revision": newest, "physical": True})
