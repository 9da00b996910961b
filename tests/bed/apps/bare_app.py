"""A TLS server that ends its connections with a bare FIN, without a close_notify, as many do. The
path says how its answer is framed: /length, /chunked, /close (until the connection's end), /short.
usage: bare_app.py <certificate> <key> <port>. SPDX-License-Identifier: GPL-3.0-or-later
"""
import socket
import ssl
import sys
import threading

FRAMINGS = {
    "/length": b"Content-Length: 5\r\n\r\nhello",
    "/chunked": b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "/close": b"\r\nhello",
    "/short": b"Content-Length: 6\r\n\r\nhello",
}


def serve(raw, context):
    try:
        tls = context.wrap_socket(raw, server_side=True)
        head = b""
        while b"\r\n\r\n" not in head:
            part = tls.recv(65536)
            if not part:
                return
            head += part
        tls.sendall(b"HTTP/1.1 200 OK\r\n" + FRAMINGS[head.split(b" ", 2)[1].decode()])
        tls.close()  # Python says no close_notify unless it is asked to
    except OSError as e:
        print(f"bare_app: {e}", flush=True)


def main():
    certificate, key, port = sys.argv[1:4]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("::", int(port)), family=socket.AF_INET6,
                                    dualstack_ipv6=True)
    print(f"listens on {port}", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, context), daemon=True).start()


main()
