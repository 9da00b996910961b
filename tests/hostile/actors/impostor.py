"""Somebody at the address of a workload of the mesh, who shows what he likes and writes down
what he is told. SPDX-License-Identifier: GPL-3.0-or-later
"""
import socket
import ssl
import threading

from bed.pki import Leaf


def server_context(leaf: Leaf, alpn: str | None = "weft-h2",
                   newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.cert, leaf.key)
    context.maximum_version = newest
    if alpn:
        context.set_alpn_protocols([alpn])
    return context


class Impostor:
    """With a `context` it speaks TLS; else it says `words` in the clear. `heard`: what it was told
    inside of TLS; `met`: how many came."""

    def __init__(self) -> None:
        self.context: ssl.SSLContext | None = None
        self.words, self.heard, self.met = b"", b"", 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.met += 1
            with sock:
                try:
                    self._talk(sock)
                except OSError:
                    pass

    def _talk(self, sock: socket.socket) -> None:
        sock.settimeout(30)
        if not self.context:
            sock.recv(65536)
            sock.sendall(self.words)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass
            return
        with self.context.wrap_socket(sock, server_side=True) as tls:
            self.heard += tls.recv(65536)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(30)
