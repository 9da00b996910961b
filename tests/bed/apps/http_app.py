#!/usr/bin/env python3
"""Odd HTTP servers for the bed, byte by byte over plain sockets; they know nothing of any mesh.

  mirror    answers every request with the bytes of its head, then of its body, as they came
  scripted  GET /<hex>: the answer is exactly these bytes, then the connection ends;
            /<hex>/keep: it stays open
  curt      answers a request with "ok" and closes, without having said that it would
  deaf      reads a head and nothing more, and says nothing
  upgrade   "101 Switching Protocols" for any upgrade, behind its body if it has one, and 200 for
            CONNECT; then every byte comes back
SPDX-License-Identifier: GPL-3.0-or-later
"""
import argparse
import re
import socket
import socketserver
import threading


class Input:
    """What a connection still has to say."""

    def __init__(self, sock):
        self.sock, self.data = sock, b""

    def more(self):
        part = self.sock.recv(65536)
        self.data += part
        return bool(part)

    def until(self, mark):
        """Up to and with the mark; None when the other side ends before."""
        while mark not in self.data:
            if not self.more():
                return None
        at = self.data.index(mark) + len(mark)
        taken, self.data = self.data[:at], self.data[at:]
        return taken

    def exactly(self, count):
        while len(self.data) < count and self.more():
            pass
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def body(self, head):
        """The body as it came, with its chunk sizes and trailers."""
        length = re.search(rb"(?im)^content-length:\s*(\d+)", head)
        if length:
            return self.exactly(int(length.group(1)))
        if not re.search(rb"(?im)^transfer-encoding:\s*chunked", head):
            return b""
        taken = b""
        while True:
            line = self.until(b"\r\n")
            if line is None:
                return taken
            taken += line
            size = int(line.split(b";")[0], 16)
            if size == 0:
                break
            taken += self.exactly(size + 2)
        while (line := self.until(b"\r\n")) is not None:
            taken += line
            if line == b"\r\n":
                break
        return taken


def mirror(sock):
    source = Input(sock)
    while head := source.until(b"\r\n\r\n"):
        print("saw", head.split(b"\r\n")[0], flush=True)
        if re.search(rb"(?im)^expect:\s*100-continue", head):
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = head + source.body(head)
        is_old = head.split(b"\r\n")[0].endswith(b"HTTP/1.0")
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n" % (
            len(body), b"Connection: close\r\n" if is_old else b"")
        sock.sendall(answer if head.startswith(b"HEAD ") else answer + body)
        if is_old:
            return


def scripted(sock):
    source = Input(sock)
    while head := source.until(b"\r\n\r\n"):
        parts = head.split(b" ")[1].split(b"/")
        source.body(head)
        sock.sendall(bytes.fromhex(parts[1].decode()))
        if len(parts) < 3:
            return


def curt(sock):
    source = Input(sock)
    if head := source.until(b"\r\n\r\n"):
        source.body(head)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def deaf(sock):
    Input(sock).until(b"\r\n\r\n")
    threading.Event().wait()


def upgrade(sock):
    source = Input(sock)
    head = source.until(b"\r\n\r\n") or b""
    found = re.search(rb"(?im)^upgrade:\s*(\S+)", head)
    length = re.search(rb"(?im)^content-length:\s*(\d+)", head)
    if head.startswith(b"CONNECT "):
        sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n" + source.data)
        while part := sock.recv(65536):
            sock.sendall(part)
        return
    if not found:
        sock.sendall(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n")
        return
    while length and len(source.data) < int(length.group(1)) and source.more():
        pass
    sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                 b"Upgrade: " + found.group(1) + b"\r\n\r\n" + source.data)
    while part := sock.recv(65536):
        sock.sendall(part)


KINDS = {"mirror": mirror, "scripted": scripted, "curt": curt, "deaf": deaf, "upgrade": upgrade}


class Server(socketserver.ThreadingTCPServer):
    """Both address families on one socket."""
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def handle_error(self, request, client_address):
        pass  # a client that went away


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("port", type=int)
    options = parser.parse_args()
    serve = KINDS[options.kind]

    class Handler(socketserver.BaseRequestHandler):
        """One connection."""

        def handle(self):
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            serve(self.request)

    server = Server(("::", options.port), Handler)
    print(f"{options.kind} listens on {options.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
