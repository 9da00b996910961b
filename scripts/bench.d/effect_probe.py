#!/usr/bin/env python3
"""Asks one URL over and over on one connection, and prints each new value of a response header with
the time it was seen: effect_probe.py HOST PORT PATH HEADER HOST-HEADER. For effect.py, which runs
it inside a namespace. SPDX-License-Identifier: GPL-3.0-or-later
"""

import http.client
import sys
import time


def main() -> None:
    host, port, path, header, authority = sys.argv[1:]
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    last = None
    while True:
        connection.request("GET", path, headers={"Host": authority})
        asked = time.monotonic()
        answer = connection.getresponse()
        answer.read()
        value = answer.getheader(header, "-")
        if value != last:
            print(value, asked, answer.status, flush=True)
            last = value
        # About a thousand questions a second, so that the asking takes no CPU from the answer.
        time.sleep(0.001)


if __name__ == "__main__":
    main()
