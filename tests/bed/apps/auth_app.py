#!/usr/bin/env python3
"""An authorizer that speaks HTTP. What it answers, the header x-ask of the request says: allow
(200), deny (401), broken (500), slow (200, too late), or nothing (403). The answer that allows says
in x-shown what it was shown.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import http.server
import json
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        ask = self.headers.get("x-ask")
        if ask == "slow":
            time.sleep(2)  # longer than anybody waits
        self.send_response({"allow": 200, "slow": 200, "deny": 401, "broken": 500}.get(ask, 403))
        text = b"" if ask in ("allow", "slow") else b"who are you?"
        if ask == "deny":
            self.send_header("www-authenticate", "Basic")
        if ask in ("allow", "slow"):
            shown = {"method": self.command, "path": self.path, "body": body.decode(),
                     "headers": {k.lower(): v for k, v in self.headers.items()}}
            self.send_header("x-user", "ann")
            self.send_header("x-shown", json.dumps(shown))
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer  # pylint: disable=invalid-name

    def log_message(self, format: str, *args: object) -> None:  # pylint: disable=redefined-builtin
        pass


def main() -> None:
    port = int(sys.argv[1])
    server = http.server.ThreadingHTTPServer(("", port), Handler)
    print(f"listens on {port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
