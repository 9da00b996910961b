"""An honest client that comes by again and again while others misbehave, each time anew.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import socket
import threading
import time

REQUEST = b"GET /probe HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n"


class Prober:
    """`served` times it got its answer, at worst after `worst` seconds; else see `failures`."""

    def __init__(self, port: int) -> None:
        self.port, self.served, self.worst = port, 0, 0.0
        self.failures: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def once(self) -> None:
        begun, data = time.monotonic(), b""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 60) as sock:
                sock.sendall(REQUEST)
                while part := sock.recv(65536):
                    data += part
        except OSError as e:
            self.failures.append(f"{e}: {data[:200]!r}")
            return
        if data.startswith(b"HTTP/1.1 200 "):
            self.served += 1
            self.worst = max(self.worst, time.monotonic() - begun)
        else:
            self.failures.append(f"{data[:300]!r}")

    def _run(self) -> None:
        while not self._over.wait(0.005):
            self.once()

    def __enter__(self) -> "Prober":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Once more at the end, so that it was served at least once after everything."""
        self._over.set()
        self._thread.join()
        self.once()
