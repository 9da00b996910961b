"""Many objects into an API server, fast: keep-alive connections, a few at a time.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import concurrent.futures
import http.client
import json
import ssl
import threading
from typing import Any, Iterable

THREADS = 8
Request = tuple[str, str, dict[str, Any]]  # method, path, body


class KubeLoad:
    def __init__(self, port: int, folder: Any) -> None:
        self._port = port
        self._ssl = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        self._ssl.load_cert_chain(str(folder / "admin.crt"), str(folder / "admin.key"))
        self._own = threading.local()

    def _connection(self) -> http.client.HTTPSConnection:
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPSConnection("127.0.0.1", self._port,
                                                               context=self._ssl, timeout=60)
        return self._own.connection

    def send(self, request: Request) -> dict[str, Any]:
        method, path, body = request
        kind = {"PATCH": "application/merge-patch+json"}.get(method, "application/json")
        connection = self._connection()
        connection.request(method, path, json.dumps(body), {"content-type": kind})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300 and answer.status != 409:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:400]!r}")
        return json.loads(text)

    def send_all(self, requests: Iterable[Request]) -> int:
        count = 0
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(self.send, requests):
                count += 1
        return count
