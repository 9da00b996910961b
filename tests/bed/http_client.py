"""HTTP/1.1 as a client in a pod speaks it: on a connection that begins in the pod's namespace.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import http.client
import json
import socket
import ssl
from typing import Any, Callable, Mapping

Dial = Callable[[str, int], socket.socket]


class Answer:
    """A whole answer."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.body = status, body
        self.headers = {k.lower(): v for k, v in headers}
        self.fields = headers  # as they came, those that are there twice too

    @property
    def reason(self) -> str:
        """Why the mesh answered by itself; empty when it did not."""
        return self.headers.get("x-weft-reason", "")

    def text(self) -> str:
        return self.body.decode("utf-8", errors="replace")

    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<{self.status} {self.reason} {self.text()[:200]!r}>"


class Client:
    """One kept connection to one place; dials again when the other side said it would close."""

    def __init__(self, dial: Dial, host: str, port: int, tls: ssl.SSLContext | None = None,
                 timeout: float = 30.0) -> None:
        self._dial, self._tls, self.host, self.port = dial, tls, host, port
        self._connection = http.client.HTTPConnection(host, port, timeout=timeout)
        self._connection.auto_open = False

    def _open(self) -> None:
        sock = self._dial(self.host, self.port)
        if self._tls:
            sock = self._tls.wrap_socket(sock, server_hostname=self.host)
        self._connection.sock = sock

    def ask(self, method: str, path: str, body: bytes | None = None,
            headers: Mapping[str, str] | None = None) -> Answer:
        if self._connection.sock is None:
            self._open()
        try:
            standard = 443 if self._tls else 80
            host = f"[{self.host}]" if ":" in self.host else self.host
            host += "" if self.port == standard else f":{self.port}"
            self._connection.request(method, path, body, {"Host": host, **(headers or {})})
            got = self._connection.getresponse()
            return Answer(got.status, got.getheaders(), got.read())
        except BaseException:
            self.close()
            raise

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.ask("GET", path, None, headers)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_all(sock: socket.socket, limit: int = 1 << 26) -> bytes:
    """Until the other side closes; a reset ends it as well."""
    parts, total = [], 0
    while total < limit:
        try:
            part = sock.recv(65536)
        except ConnectionResetError:
            break
        if not part:
            break
        parts.append(part)
        total += len(part)
    return b"".join(parts)


def read_head(sock: socket.socket) -> tuple[bytes, bytes]:
    """The head of the next message, and what came after it."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(65536)
        if not part:
            raise ConnectionError(f"closed within a head: {data[:200]!r}")
        data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest
