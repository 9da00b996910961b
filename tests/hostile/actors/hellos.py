"""The first bytes of TLS, right and wrong, and TLS sessions whose records are in our hands.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import secrets
import socket
import ssl
from dataclasses import dataclass
from typing import Any

GARBAGE = {
    "random bytes": lambda: b"\xfe" + secrets.token_bytes(4096),
    "zeros": lambda: bytes(10000),
    "a record of nonsense": lambda: b"\x16\x03\x01\x02\x00" + secrets.token_bytes(512),
    "a hello that never ends": lambda: b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc" + bytes(200),
    "a hello longer than any": lambda: b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + bytes(16380),
    "an enormous record": lambda: b"\x16\x03\x03\xff\xff" + bytes(70000),
    "empty records": lambda: b"\x16\x03\x03\x00\x00" * 5000,
    "an alert": lambda: b"\x15\x03\x03\x00\x02\x02\x28",
    "data first": lambda: b"\x17\x03\x03\x00\x20" + secrets.token_bytes(32),
    "an old hello": lambda: b"\x80\x2e\x01\x03\x01" + bytes(43),
    "SSL 3": lambda: b"\x16\x03\x00\x00\x31\x01\x00\x00\x2d\x03\x00" + bytes(43),
    "a hello in records of one byte": lambda: b"".join(
        b"\x16\x03\x01\x00\x01" + bytes([b]) for b in b"\x01\x00\x10\x00" + bytes(3000)),
    "SSH": lambda: b"SSH-2.0-hostile\r\n",
    "SMTP": lambda: b"EHLO hostile\r\n",
    "a proxy header": lambda: b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\n\r\n",
    "a binary proxy header": lambda: b"\r\n\r\n\x00\r\nQUIT\n" + bytes(20),
}


def client_hello(context: ssl.SSLContext) -> bytes:
    """What a client with that context begins with."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="app")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


@dataclass
class Session:
    """TLS without a socket."""
    tls: Any
    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO


def raw_session(mesh: Any, context: ssl.SSLContext) -> tuple[socket.socket, Session]:
    """A finished handshake; nothing further goes out by itself."""
    sock = mesh.connect(mesh.inbound)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="app")
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())
            incoming.write(sock.recv(65536))
    sock.sendall(outgoing.read())
    return sock, Session(tls, incoming, outgoing)
