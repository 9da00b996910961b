"""TLS clients of the bed: a browser's view of the ingress, and a stranger at a sidecar's door.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import pathlib
import socket
import ssl
from dataclasses import dataclass

from .pki import Leaf


def browser(roots: pathlib.Path, alpn: list[str] | None = None) -> ssl.SSLContext:
    """Trusts these roots alone and checks the host name."""
    context = ssl.create_default_context(cafile=str(roots))
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


def mesh_client(leaf: Leaf | None, alpn: str = "weft-h1",
                newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """Shows `leaf` and believes whatever the other side shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = newest
    context.set_alpn_protocols([alpn])
    if leaf:
        context.load_cert_chain(leaf.cert, leaf.key)
    return context


def ask_and_half_close(sock: socket.socket, context: ssl.SSLContext, host: str,
                       request: bytes, bare: bool = False) -> bytes:
    """Sends the request, close_notify (unless `bare`) and FIN in one go; everything that comes
    back. Python's own sockets would wait for the other side's close_notify."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=host)

    def receive() -> None:
        part = sock.recv(65536)
        if part:
            incoming.write(part)
        else:
            incoming.write_eof()
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())
            receive()
    tls.write(request)
    try:
        if not bare:
            tls.unwrap()
    except ssl.SSLWantReadError:
        pass
    sock.sendall(outgoing.read())
    sock.shutdown(socket.SHUT_WR)
    answer = b""
    while True:
        try:
            part = tls.read(65536)
        except ssl.SSLWantReadError:
            receive()
            continue
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return answer
        if not part:
            return answer
        answer += part


@dataclass
class Attempt:
    """How a handshake and one request after it ended."""
    answer: bytes
    error: str
    version: str | None = None
    alpn: str | None = None

    @property
    def was_served(self) -> bool:
        return self.answer.startswith(b"HTTP/1.")


def try_request(sock: socket.socket, context: ssl.SSLContext, host: str,
                path: str = "/") -> Attempt:
    """A handshake and a GET. In TLS 1.3 a refused client hears of it at its first read."""
    attempt = Attempt(b"", "")
    try:
        with context.wrap_socket(sock, server_hostname=host) as tls:
            attempt.version, attempt.alpn = tls.version(), tls.selected_alpn_protocol()
            request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            tls.sendall(request.encode())
            while part := tls.recv(65536):
                attempt.answer += part
    except OSError as e:
        attempt.error = str(e)
    finally:
        sock.close()
    return attempt
