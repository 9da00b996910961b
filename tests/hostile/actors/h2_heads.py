"""HTTP/2 requests that would be something else once they are written down as HTTP/1.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from typing import Iterator

from bed import h2_frames as h2

AUTHORITY = "legacy"
PSEUDO = {":method": "GET", ":scheme": "http", ":authority": AUTHORITY, ":path": "/"}
SMUGGLED = "/ HTTP/1.1\r\nHost: legacy\r\n\r\nGET /smuggled"

# A name or a value that no field may have.
VALUES = ["a\rb", "a\nb", "a\r\nb", "a\x00b", "a\r\nTransfer-Encoding: chunked\r\n", "\r\n", "\n",
          " a",
          "a ", "\ta", "a\t", "a\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: legacy\r\n\r\n", "\x01",
          "\x7f",
          "a\x0bb", "\x00"]
NAMES = ["", "X-Upper", "x a", "x:a", "x\r\na", "x\na", "x\x00a", "x\x7fa", "x\xffa", "x\ta", ":",
         ": ",
         "x: a\r\ntransfer-encoding", "transfer-encoding: chunked\r\nx", "x(a)", "x,a", "x/a",
         'x"a',
         "x{a}", " x", "x ", "\r\n", "Transfer-Encoding", "CONTENT-LENGTH", "x\x0b", "x@a", "x[a",
         "x=a",
         ":status", ":protocol", ":unknown", ":Method", "x;a", "x<a", "x?a", "x\\a"]
CONNECTION = [("connection", "close"), ("connection", "transfer-encoding"), ("keep-alive", "1"),
              ("proxy-connection", "keep-alive"), ("transfer-encoding", "chunked"),
              ("transfer-encoding", "identity"), ("transfer-encoding", ""), ("upgrade", "h2c"),
              ("upgrade", "websocket"), ("te", "chunked"), ("te", "trailers, chunked"), ("te",
                                                                                         "gzip"),
              ("transfer_encoding", "chunked"), ("content_length", "5")]
LENGTHS = ["+0", "-0", "0x0", "", " ", "0, 0", "a", "9223372036854775808", "18446744073709551616",
           "0 0", "0.0", "1e1", "0;", "\xef\xbc\x90"]
PATHS = ["", "a", "*", "?a", "/a b", "/a\tb", "/a\r\nb", SMUGGLED, "/\x00", "/a#b", "/\x7f",
         "/\xff",
         "http://evil/", "//\x0b", "\\", " /", "/ ", "/\xe4", "*/"]
METHODS = ["", "get", "Delete",
           "GE T", "GET\r\n", "GET / HTTP/1.1\r\nHost: evil\r\n\r\nGET", "GET\x00", "G(T",
           "\x7f",
           "GET ", " GET", "GET\t", "\xff", "GET:", "CONNECT"]
AUTHORITIES = ["", "legacy..", ".legacy", "a b", "a/b", "a\r\nb", "a\x00", "user@legacy",
               "legacy\r\nTransfer-Encoding: chunked",
               "legacy:x", "legacy#", "legacy?", "[::1", "legacy,evil", "a\\b", "lega%63y", "\xff",
               "<a>"]
SCHEMES = ["", "ftp", "http://", "ht tp", "http\r\nX: y", "http\x00", "javascript"]

Block = list[tuple[str, str]]


def head(more: Block = (), **changed: str | None) -> Block:
    """A good head but for what is changed (None: left out); method=… is :method."""
    fields = []
    for name, value in PSEUDO.items():
        value = changed.get(name[1:], value)
        if value is not None:
            fields.append((name, value))
    return [*fields, *more]


def requests() -> Iterator[tuple[str, Block]]:
    for value in VALUES:
        yield f"value {value[:30]!r}", head([("x-a", value)])
    for name in NAMES:
        yield f"name {name[:30]!r}", head([(name, "1")])
    for name, value in CONNECTION:
        yield f"{name}: {value}", head([(name, value)])
    for value in LENGTHS:
        yield f"content-length: {value!r}", head([("content-length", value)])
    for value in PATHS:
        yield f":path {value[:30]!r}", head(path=value)
    for value in METHODS:
        yield f":method {value[:30]!r}", head(method=value)
    for value in AUTHORITIES:
        yield f":authority {value[:30]!r}", head(authority=value)
    for value in SCHEMES:
        yield f":scheme {value!r}", head(scheme=value)
    for name in ("method", "scheme", "path", "authority"):
        yield f"without :{name}", head(**{name: None})
        yield f"two :{name}", head() + head()[list(PSEUDO).index(":" + name):][:1]
        yield f":{name} behind a field", \
            head([("x-a", "1"), (":" + name, PSEUDO[":" + name])], **{name: None})
    yield "another host", head([("host", "evil")])
    yield "two hosts", head([("host", "legacy"), ("host", "legacy")])
    yield "a host that is none", head([("host", "a b")], authority=None)
    yield "two lengths", head([("content-length", "0"), ("content-length", "0")])
    yield "CONNECT with a path", head(method="CONNECT", authority="legacy:80")
    yield "an unfinished promise", head([("content-length", "5")])
    yield "OPTIONS and a star with a tail", head(method="OPTIONS", path="*a")


def bodies() -> Iterator[tuple[str, list[bytes]]]:
    """Frames on stream 1 behind its HEADERS; these announce a length of 5 where they say so."""
    post = head([("x-b", "1")], method="POST")
    five = head([("content-length", "5")], method="POST")
    smuggled = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: legacy\r\n\r\n"
    yield "more than announced", [h2.headers(1, five, False), h2.frame(h2.DATA, 1, 1, b"hello!")]
    yield "less than announced", [h2.headers(1, five, False), h2.frame(h2.DATA, 1, 1, b"hell")]
    yield "a request behind it", [h2.headers(1, five, False), h2.frame(h2.DATA, 1, 1, smuggled)]
    yield "more in pieces", [h2.headers(1, five, False), h2.frame(h2.DATA, 0, 1, b"hello"),
                             h2.frame(h2.DATA, 1, 1, b"x")]
    yield "nothing though announced", [h2.headers(1, five, True)]
    yield "zero and a body", [h2.headers(1, head([("content-length", "0")], method="POST"), False),
                              h2.frame(h2.DATA, 1, 1, b"x")]
    for fields in ([("content-length", "5")], [("transfer-encoding", "chunked")], [("x-A", "1")],
                   [(":path", "/")], [("x", "a\r\nb")], [("host", "evil")], [("connection",
                                                                              "close")],
                   [("", "1")], [("x a", "1")], [("te", "trailers")], [(":status", "200")]):
        yield f"trailer {fields[0]!r}", [h2.headers(1, post, False), h2.frame(h2.DATA, 0, 1,
                                                                              b"hello"),
                                         h2.headers(1, fields, True)]
    yield "trailers without an end", [h2.headers(1, post, False), h2.frame(h2.DATA, 0, 1, b"hello"),
                                      h2.headers(1, [("x", "1")], False)]
    yield "trailers though less came", [h2.headers(1, five, False), h2.frame(h2.DATA, 0, 1, b"hel"),
                                        h2.headers(1, [("x", "1")], True)]


# Right, and what the app must see of it: (frames, method, target, body).
FINE = {
    "GET": ([h2.headers(1, head())], b"GET", b"/", b""),
    "query": ([h2.headers(1, head(path="/a?b=c&d"))], b"GET", b"/a?b=c&d", b""),
    "a method of its own": ([h2.headers(1, head(method="LIST"))], b"LIST", b"/", b""),
    "bytes that clients should encode": ([h2.headers(1, head(path='/"<>\\`?"<>'))],
                                         b"GET", b'/"<>\\`?"<>', b""),
    "POST": ([h2.headers(1, head(method="POST"), False), h2.frame(h2.DATA, 1, 1, b"hello")],
             b"POST", b"/", b"hello"),
    "POST of a known length": (
        [h2.headers(1, head([("content-length", "5")], method="POST"), False),
         h2.frame(h2.DATA, 0, 1, b"he"), h2.frame(h2.DATA, 1, 1, b"llo")], b"POST", b"/", b"hello"),
    "a body that looks like a request": (
        [h2.headers(1, head(method="POST"), False),
         h2.frame(h2.DATA, 1, 1, b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n")],
        b"POST", b"/", b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"),
    "trailers": ([h2.headers(1, head([("te", "trailers")], method="POST"), False),
                  h2.frame(h2.DATA, 0, 1, b"hello"), h2.headers(1, [("x-sum", "1")])],
                 b"POST", b"/", b"hello"),
    "host beside the authority": ([h2.headers(1, head([("host", "legacy")]))], b"GET", b"/", b""),
    "crumbs of a cookie": ([h2.headers(1, head([("cookie", "a=b"), ("cookie", "c=d")]))],
                           b"GET", b"/", b""),
    "OPTIONS *": ([h2.headers(1, head(method="OPTIONS", path="*"))], b"OPTIONS", b"*", b""),
    "padding": ([h2.headers(1, head(method="POST"), False),
                 h2.frame(h2.DATA, 9, 1, b"\x03hello" + bytes(3))], b"POST", b"/", b"hello"),
    "bytes above 7f in a value": ([h2.headers(1, head([("x-a", "\xe4")]))], b"GET", b"/", b""),
}
