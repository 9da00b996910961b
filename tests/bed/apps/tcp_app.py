#!/usr/bin/env python3
"""Plain TCP servers for the bed, one for each way that bytes can go; they know nothing of any mesh.

  echo     every byte comes back; the end as well, after all of them
  parrot   the same, for a port about which nothing is declared
  total    says "<bytes> <sha256>" once the client has ended its side, and only then ends its own
  farewell says "bye" and ends its own side first, then reads on; its log says "got <bytes>"
  greeter  speaks first ("220 …"), then answers each line with "250 <line>"
SPDX-License-Identifier: GPL-3.0-or-later
"""
import argparse
import hashlib
import socket
import socketserver


def echo(sock):
    while part := sock.recv(65536):
        sock.sendall(part)


def total(sock):
    count, digest = 0, hashlib.sha256()
    while part := sock.recv(65536):
        count += len(part)
        digest.update(part)
    sock.sendall(f"{count} {digest.hexdigest()}\n".encode())


def farewell(sock):
    sock.sendall(b"bye\n")
    sock.shutdown(socket.SHUT_WR)
    count = 0
    while part := sock.recv(65536):
        count += len(part)
    print(f"got {count}", flush=True)


def greeter(sock):
    sock.sendall(b"220 at your service\r\n")
    with sock.makefile("rb") as lines:
        for line in lines:
            sock.sendall(b"250 " + line)
            if line.strip().lower() == b"quit":
                return


KINDS = {"echo": echo, "parrot": echo, "total": total, "farewell": farewell, "greeter": greeter}


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
            serve(self.request)

    server = Server(("::", options.port), Handler)
    print(f"{options.kind} listens on {options.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
