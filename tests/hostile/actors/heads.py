"""Request heads that two readers may understand differently: lines, names, values, hosts, versions,
methods, targets. SPDX-License-Identifier: GPL-3.0-or-later
"""
from typing import Iterator

from .framing import GET, HEAD, ID, ODD_BYTES, SMUGGLED

X_ID = b"x-id: " + ID + b"\r\n"
HOST = b"Host: app\r\n"

FIELD_LINES = {
    "space before the colon": b"X-A : 1", "tab before the colon": b"X-A\t: 1", "no colon": b"X-A",
    "no name": b": 1", "nothing but a space": b" ", "nothing but a tab": b"\t",
    "folded": b"X-A: 1\r\n 2", "folded with a tab": b"X-A: 1\r\n\t2",
    "folded first line": b" X-A: 1",
    "an empty fold": b"X-A: 1\r\n ", "bare LF": b"X-A: 1\nX-B: 2", "bare CR": b"X-A: 1\rX-B: 2",
    "CR CR LF": b"X-A: 1\r", "LF CR": b"X-A: 1\n\rX-B: 2",
    "bare LF twice": b"X-A: 1\n\n" + SMUGGLED,
    "CR twice": b"X-A: 1\r\r" + SMUGGLED, "space in the name": b"X A: 1", "brackets": b"X(A): 1",
    "slash": b"X/A: 1", "at sign": b"X@A: 1", "comma": b"X,A: 1", "quotes": b'"X": 1',
    "backslash": b"X\\A: 1", "braces": b"X{A}: 1", "high byte in the name": b"X\xe4: 1",
    "NUL in the value": b"X-A: 1\x002", "bell in the value": b"X-A: \x07", "DEL in the value":
    b"X-A: \x7f", "CR at the end of a value": b"X-A: 1\r\r", "a colon first": b":X-A: 1",
    "semicolon in the name": b"X;A: 1", "equals sign in the name": b"X=A: 1",
    "a request line": b"GET /smuggled HTTP/1.1",
    "a status line": b"HTTP/1.1 200 OK", "escaped line end": b"X-A: 1\\r\\nX-B: 2",
}
UNDERSCORES = [b"Content_Length: 5", b"Transfer_Encoding: chunked", b"Connection_: close",
               b"Proxy_Connection: close", b"Keep_Alive: 1", b"HTTP2_Settings: x",
               b"content_length: 0", b"TRANSFER_ENCODING: CHUNKED"]
CONNECTIONS = [b"Connection: host", b"Connection: content-length", b"Connection: Trailer",
               b"Connection: expect", b"Connection: authorization", b"Connection: cookie",
               b"Connection: close, host", b"Connection: x y", b"Connection: ;",
               b"Connection: \x00",
               b"Connection: " + b"a," * 200 + b"a", b"Connection: x-id, transfer-encoding"]
HOSTS = {
    "missing": b"", "twice": HOST + HOST, "two of them": HOST + b"Host: evil\r\n",
    "empty": b"Host:\r\n", "a space": b"Host: app evil\r\n", "a tab": b"Host: app\tevil\r\n",
    "a comma": b"Host: app,evil\r\n", "a slash": b"Host: app/evil\r\n",
    "a query": b"Host: app?a\r\n",
    "a fragment": b"Host: app#a\r\n", "a user": b"Host: user@app\r\n", "a password":
    b"Host: u:p@app\r\n", "a scheme": b"Host: http://app\r\n", "a bad port": b"Host: app:x\r\n",
    "a signed port": b"Host: app:+80\r\n", "a huge port": b"Host: app:99999999\r\n",
    "two ports": b"Host: app:80:80\r\n", "a backslash": b"Host: app\\evil\r\n", "NUL":
    b"Host: app\x00evil\r\n", "percent": b"Host: a%70p\r\n", "folded": b"Host:\r\n app\r\n",
    "a bare CR": b"Host: app\revil\r\n", "a bare LF": b"Host: app\nevil\r\n", "quotes":
    b'Host: "app"\r\n', "an open bracket": b"Host: [::1\r\n", "nothing in brackets":
    b"Host: []\r\n", "a closed bracket": b"Host: ::1]\r\n", "behind brackets": b"Host: [::1]x\r\n",
    "high bytes": b"Host: \xc3\xa4pp\r\n", "angle brackets": b"Host: <app>\r\n", "braces":
    b"Host: {app}\r\n", "pipe": b"Host: a|b\r\n", "space before the colon": b"Host : app\r\n",
    "space before the name": b" Host: app\r\n", "control": b"Host: app\x01\r\n", "a star":
    b"Host: *\r\n", "underscore name": b"Ho_st: app\r\n", "semicolon": b"Host: app;a\r\n",
    "an equals sign": b"Host: a=b\r\n", "very long": b"Host: " + b"a" * 9000 + b"\r\n",
    "two, one by underscore": HOST + b"HOST_: x\r\nhost: app\r\n",
}
VERSIONS = [b"HTTP/1.2", b"HTTP/1.9", b"HTTP/2.0", b"HTTP/2", b"HTTP/3.0", b"HTTP/0.9", b"HTTP/1",
            b"HTTP/1.", b"HTTP/.1", b"HTTP/1.10", b"HTTP/01.1", b"HTTP/1.01", b"HTTP/11.1",
            b"HTTP/1,1", b"HTTP/ 1.1", b"HTTP 1.1", b"http/1.1", b"Http/1.1", b"HTTPS/1.1",
            b"HTP/1.1", b"HTTP/1.1 ", b" HTTP/1.1", b"HTTP/1.1\t", b"HTTP/1.1\x00", b"HTTP/1.1x",
            b"HTTP/1.1\r", b"ICY/1.1", b"RTSP/1.0", b"HTTP/1.1 HTTP/1.1", b"HTTP/-1.1",
            b"HTTP/1.-1",
            b"HTTP/+1.1", b"HTTP/1.1\x0b", b"HTTP/\xef\xbc\x91.1", b"HTTP/1.a", b"HTTP/0x1.1", b""]
METHODS = [b"get", b"Get", b"GET\x00", b"G ET", b"GE\tT", b"GET:", b"GET/", b"(GET)", b'"GET"',
           b"G\xc3\x84T", b"", b" GET", b"\tGET", b"\x00GET", b"GET,POST", b"G@T", b"FROB",
           b"A" * 40, b"A" * 5000, b"GET\x0b", b"GET\x7f", b"PRI", b"HTTP/1.1", b"\xff\xfeGET",
           b"GET\r", b"GET\n", b"{GET}", b"[GET]", b"GET=", b"GET?", b"GET;", b"\\GET", b"GET<"]
TARGETS = [b"", b"/a b", b"/a\tb", b"/a#b", b"#", b"/a\x00b", b"/a\x01b", b"/a\x7fb", b"/a\xffb",
           b"/\xc3\xa4", b'/a"b', b"/a<b", b"/a>b", b"a", b"a/b", b"?a", b"*", b"**", b"*/a",
           b"/a\\b", b"\\a", b"http:/app/a", b"http:app/a", b"http://", b"http:///a", b"://app/a",
           b"http://evil/a", b"http://app:81/a", b"http://user@app/a", b"http://app@evil/a",
           b"http://app\\@evil/a", b"http://app#@evil/a", b"http://app /a", b"http://a%70p/a",
           b"https://app/a", b"ftp://app/a", b"file:///etc/passwd", b"javascript:a", b"app:80",
           b"HTTP://evil/a", b"http://[::1/a", b"http://app:x/a", b"http://app/a#b",
           b"//\x0bevil/a",
           b"/a\rb", b"/a\nb", b"/a\r\nX-A: b", b"/a\x85b", b"/\xe2\x80\xa8", b"/" + b"a" * 9000,
           b"http://app/" + b"a" * 9000, b"/a HTTP/1.1\r\nX-A: b\r\n\r\nGET /smuggled"]
WITHOUT_VERSION = [b"GET /" + ID, b"GET /" + ID + b" ", b"GET  /" + ID + b" HTTP/1.1",
                   b"GET\t/" + ID + b"\tHTTP/1.1", b"GET /" + ID + b"  HTTP/1.1",
                   b"GET /" + ID + b"\tHTTP/1.1", b"GET /" + ID + b" HTTP/1.1 ",
                   b"GET\x0b/" + ID + b"\x0bHTTP/1.1", b"GET\xa0/" + ID + b"\xa0HTTP/1.1",
                   b"GET /" + ID + b"\x0cHTTP/1.1", b"/" + ID + b" HTTP/1.1", b"GET HTTP/1.1",
                   b"GET", b"\x00GET /" + ID + b" HTTP/1.1"]
BEFORE = [b"\r", b"\n", b"\n\n", b"\r\r\n", b" \r\n", b"\t", b" ", b"\x00", b"\xef\xbb\xbf",
          b"\r\n\r\n\r\n", b"\x0b", b"\x0c", b"X-A: b\r\n", b"0\r\n\r\n",
          b"HTTP/1.1 200 OK\r\n\r\n"]


def lines() -> Iterator[tuple[str, bytes]]:
    for name, text in FIELD_LINES.items():
        yield f"field line, {name}", GET + text + b"\r\n\r\n" + SMUGGLED
        yield f"first field line, {name}", \
            b"GET /" + ID + b" HTTP/1.1\r\n" + text + b"\r\n" + HOST + X_ID + b"\r\n" + SMUGGLED
    for text in [*UNDERSCORES, *CONNECTIONS]:
        yield f"field {text[:40]!r}", HEAD + text + b"\r\n\r\n" + SMUGGLED
    for byte in ODD_BYTES[:31]:
        odd = bytes([byte])
        yield f"0x{byte:02x} in a value", GET + b"X-A: a" + odd + b"b\r\n\r\n"
        yield f"0x{byte:02x} in a name", GET + b"X" + odd + b"A: b\r\n\r\n"
        yield f"0x{byte:02x} in the target", \
            GET.replace(b" HTTP", odd + b" HTTP") + b"\r\n"
        yield f"0x{byte:02x} in the method", GET.replace(b"GET", b"GE" + odd + b"T") + b"\r\n"
        yield f"0x{byte:02x} for a space", GET.replace(b" HTTP", odd + b"HTTP") + b"\r\n"
    for name, host in HOSTS.items():
        yield f"host, {name}", b"GET /" + ID + b" HTTP/1.1\r\n" + X_ID + host + b"\r\n" + SMUGGLED


def payloads() -> Iterator[tuple[str, bytes]]:
    yield from lines()
    for text in VERSIONS:
        yield f"version {text!r}", b"GET /" + ID + b" " + text + b"\r\n" + HOST + X_ID + b"\r\n"
    for text in METHODS:
        yield f"method {text[:40]!r}", \
            text + b" /" + ID + b" HTTP/1.1\r\n" + HOST + X_ID + b"\r\n" + SMUGGLED
    for text in TARGETS:
        for method in (b"GET ", b"CONNECT "):
            yield f"{method.decode()}target {text[:40]!r}", \
                method + text + b" HTTP/1.1\r\n" + HOST + X_ID + b"\r\n" + SMUGGLED
    for text in WITHOUT_VERSION:
        yield f"request line {text!r}", text + b"\r\n" + HOST + X_ID + b"\r\n" + SMUGGLED
        yield f"nothing but {text!r}", text + b"\r\n\r\n" + SMUGGLED
    for text in BEFORE:
        yield f"{text!r} first", text + GET + b"\r\n"
        yield f"{text!r} between", GET + b"\r\n" + text + GET + b"\r\n"
    for text in (b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk",
                 b"Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 5",
                 b"Upgrade: x y\r\nConnection: Upgrade", b"Upgrade:\r\nConnection: Upgrade",
                 b"Upgrade: a\r\nUpgrade: b\r\nConnection: Upgrade"):
        yield f"upgrade {text[:40]!r}", GET + text + b"\r\n\r\n" + SMUGGLED
