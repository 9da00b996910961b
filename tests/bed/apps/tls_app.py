#!/usr/bin/env python3
"""A TLS server that shows whatever certificate it is given, for those who must not believe it.
Says "GET" in its log when a client went as far as asking. usage: tls_app.py PORT CERT KEY
SPDX-License-Identifier: GPL-3.0-or-later
"""
import socket
import ssl
import sys
import threading


def serve(context, sock):
    try:
        with context.wrap_socket(sock, server_side=True) as tls:
            data = tls.recv(65536)
            if data:
                print(f"was asked: GET or the like, {len(data)} bytes", flush=True)
    except OSError as e:
        print(f"handshake: {e}", flush=True)


def main():
    port, cert, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.set_alpn_protocols(["weft-h2", "weft-h1", "weft-tcp"])
    listener = socket.create_server(("", port))
    print(f"listens on {port}", flush=True)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve, args=(context, sock), daemon=True).start()


if __name__ == "__main__":
    main()
