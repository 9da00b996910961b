"""A Redis server on loopback, for limits that gateways share: plain, with a password, or with TLS
only. Keeps nothing over its end. SPDX-License-Identifier: GPL-3.0-or-later
"""
import pathlib
import socket
from typing import Any, Sequence

from . import wait
from .here import Here, free_port
from .pki import Leaf
from .process import Process
from .programs import tool


class RedisServer:
    """`port` stays the same when it is stopped and started again."""

    def __init__(self, folder: pathlib.Path, name: str = "redis", options: Sequence[str] = (),
                 password: str = "", tls: Leaf | None = None) -> None:
        self.port, self._name, self._folder = free_port(), name, folder / name
        self._password, self._is_tls = password, tls is not None
        self._options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                         "--dir", str(self._folder), *options]
        if password:
            self._options += ["--requirepass", password]
        if tls:
            self._options += ["--tls-port", str(self.port), "--port", "0", "--tls-cert-file",
                              str(tls.cert), "--tls-key-file", str(tls.key),
                              "--tls-ca-cert-file", str(tls.cert), "--tls-auth-clients", "no"]
        else:
            self._options += ["--port", str(self.port)]
        self._folder.mkdir()
        self.process: Process | None = None
        self.start()

    def start(self) -> None:
        """Empty."""
        self.process = Process(self._name, Here(), [tool("redis-server"), *self._options],
                               self._folder / "log")
        self.process.await_log("Ready to accept connections")

    def kill(self) -> None:
        if self.process:
            self.process.kill()
        self.process = None

    def ask(self, *words: str) -> Any:
        """One command by itself, without TLS; an error is raised."""
        with socket.create_connection(("127.0.0.1", self.port), wait.SAFETY) as sock, \
                sock.makefile("rwb") as stream:
            if self._password:
                stream.write(_command("AUTH", self._password))
                stream.flush()
                _reply(stream)
            stream.write(_command(*words))
            stream.flush()
            return _reply(stream)

    def keys(self) -> list[str]:
        return sorted(self.ask("KEYS", "*"))


def _command(*words: str) -> bytes:
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        data = word.encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)


def _reply(stream: Any) -> Any:
    line = stream.readline().decode().rstrip("\r\n")
    kind, text = line[:1], line[1:]
    if kind == "-":
        raise ValueError(text)
    if kind == "$":
        return None if text == "-1" else stream.read(int(text) + 2)[:-2].decode()
    if kind == "*":
        return [_reply(stream) for _ in range(int(text))]
    return int(text) if kind == ":" else text
