#!/usr/bin/env python3
"""The demo's little shop: frontend calls reviews, reviews call ratings. Plain HTTP/1.1 with kept
connections and threads; it knows nothing of any mesh. What goes wrong is set by POST /control.

  GET  /             an answer of its own, with the answer of the app behind it
  GET  /who          its name and version, without calling anybody
  POST /echo         the request body
  POST /control      ?fail=503&percent=100  ?delay=0.5  ?close=1  ?reset=1 (all well again)
  GET  /count        requests answered so far, without control and count
SPDX-License-Identifier: GPL-3.0-or-later
"""
import argparse
import hashlib
import http.client
import http.server
import json
import random
import socket
import threading
import time
import urllib.parse

BEHIND = {"frontend": ("reviews", 9080), "reviews": ("ratings", 9080), "ratings": None}
CARRIED = ("x-request-id", "x-canary", "traceparent")


class State:
    """How the app is told to behave, and how often it was asked."""

    def __init__(self):
        self.lock = threading.Lock()
        self.count = 0
        self.fail, self.percent, self.delay, self.close = 0, 100.0, 0.0, False

    def set(self, query):
        self.fail = int(query.get("fail", ["0"])[0])
        self.percent = float(query.get("percent", ["100"])[0])
        self.delay = float(query.get("delay", ["0"])[0])
        self.close = query.get("close", ["0"])[0] == "1"


class Server(http.server.ThreadingHTTPServer):
    """Both address families on one socket."""
    address_family = socket.AF_INET6
    request_queue_size = 256
    daemon_threads = True

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "app", self.server_address[1]

    def handle_error(self, request, client_address):
        pass  # a client that went away


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    app, version, state = "", "", State()

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass

    def answer(self, status, value):
        body = value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n"
        self.send_response_only(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def ask_behind(self):
        """(status, JSON) of the app behind; (0, text) when there was no answer."""
        host, port = BEHIND[self.app]
        carried = {k: self.headers[k] for k in CARRIED if k in self.headers}
        connection = http.client.HTTPConnection(host, port, timeout=30)
        try:
            connection.request("GET", "/", headers=carried)
            got = connection.getresponse()
            body = got.read()
            is_json = got.headers.get("content-type", "").startswith("application/json")
            return got.status, json.loads(body) if is_json else body.decode()
        except OSError as e:
            return 0, str(e)
        finally:
            connection.close()

    def misbehave(self):
        """True when the request is done with."""
        s = self.state
        if s.delay:
            time.sleep(s.delay)
        if s.close:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return True
        if s.fail and random.random() * 100 < s.percent:
            self.answer(s.fail, {"app": self.app, "version": self.version, "failed": True})
            return True
        return False

    def serve(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/control":
            self.state.set(urllib.parse.parse_qs(url.query))
            return self.answer(200, {})
        if url.path == "/count":
            return self.answer(200, {"count": self.state.count})
        with self.state.lock:
            self.state.count += 1
        sent = self.body()
        if self.misbehave():
            return None
        me = {"app": self.app, "version": self.version}
        if url.path == "/echo":
            return self.answer(200, sent)
        if url.path == "/sum":
            return self.answer(200, {**me, "bytes": len(sent),
                                     "sha256": hashlib.sha256(sent).hexdigest()})
        if url.path == "/who":
            return self.answer(200, me)
        me.update(method=self.command, path=self.path, peer=self.client_address[0],
                  headers={k.lower(): v for k, v in self.headers.items()})
        status = 200
        if url.path == "/" and BEHIND[self.app]:
            status, me[BEHIND[self.app][0]] = self.ask_behind()
            me["status_behind"], status = status, status if status else 502
        return self.answer(status, me)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = serve


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--app", choices=sorted(BEHIND), required=True)
    parser.add_argument("--version", default="v1")
    parser.add_argument("--port", type=int, default=9080)
    options = parser.parse_args()
    Handler.app, Handler.version = options.app, options.version
    server = Server(("::", options.port), Handler)
    print(f"{options.app} {options.version} listens on {options.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
