"""Answers that are wrong, or odd and right: what an app may do to the proxy in front of it.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from typing import Iterator

from .chunks import EXTENSIONS, SIZES
from .framing import DISGUISES, LENGTHS
from .scripted import Reply

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
INNER = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"

STATUS_LINES = [b"HTTP/1.1 2000 OK", b"HTTP/1.1 20 OK", b"HTTP/1.1 abc OK", b"HTTP/1.1 OK",
                b"HTTP/1.1", b"HTTP/1.2 200 OK", b"HTTP/2.0 200 OK", b"HTTP/2 200 OK",
                b"HTTP/0.9 200 OK", b"http/1.1 200 OK", b"ICY 200 OK", b"HTTP/1.1  200 OK",
                b"HTTP/1.1\t200\tOK", b"HTTP/1.1 200\tOK", b" HTTP/1.1 200 OK", b"HTTP/1.1 000 OK",
                b"HTTP/1.1 099 OK", b"HTTP/1.1 -20 OK", b"HTTP/1.1 +20 OK", b"HTTP/1.1 2 0 OK",
                b"HTTP/1.1 0x1 OK", b"200 OK", b"", b"\x00", b"HTTP/1.1 200 O\x00K",
                b"HTTP/1.1 200 O\rK", b"HTTP/1.1 200 OK\nX: y", b"HTTP/1.1 200 " + b"K" * 9000,
                b"GET / HTTP/1.1", b"<html>hello</html>", b"220 mail ESMTP", b"HTTPS/1.1 200 OK",
                b"HTTP/1.1200 OK", b"HTTP/11 200 OK", b"\xff\xff\xff\xff"]
FIELD_LINES = [b"X-A : 1", b"X A: 1", b": 1", b"X-A", b" X-A: 1", b"X-A: 1\r\n 2",
               b"X-A: 1\nX-B: 2",
               b"X-A: 1\rX-B: 2", b"X-A: 1\x00", b"X-A: \x01", b"X\x00A: 1", b"X\xe4: 1",
               b"X-A: " + b"a" * 70000, b"\r\n".join(b"x-%d: 1" % n for n in range(1100)),
               b"Content_Length: 7", b"Connection: content-length", b"X-A: 1\r"]
TRAILERS = [b"Content-Length: 5", b"Transfer-Encoding: chunked", b"X-A : 1", b"X-A: 1\nX-B: 2",
            b"X-A: 1\x00", b" folded", b"Connection: close", b"X: " + b"a" * 70000]


def wrong_heads() -> Iterator[tuple[str, Reply]]:
    for line in STATUS_LINES:
        yield f"status line {line[:40]!r}", \
            Reply([line + b"\r\nContent-Length: 5\r\n\r\nhello"], "close")
    for line in FIELD_LINES:
        yield f"field {line[:40]!r}", \
        Reply([OK + b"Content-Length: 5\r\n" + line + b"\r\n\r\nhello"])
    for name, text in DISGUISES.items():
        if b"X" not in text and name not in ("no hyphen", "two lines in one"):
            yield f"a length and {name}", \
                Reply([OK + b"Content-Length: 50\r\n" + text +
                       b"\r\n\r\n5\r\nhello\r\n" + END + INNER])
    for name, text in LENGTHS.items():
        yield f"length, {name}", Reply([OK + b"Content-Length: " + text + b"\r\n\r\nhello"],
                                       "close")
    for lengths in (b"5\r\nContent-Length: 5", b"5\r\nContent-Length: 6",
                    b"0\r\nContent-Length: 5"):
        yield f"two lengths {lengths!r}", \
            Reply([OK + b"Content-Length: " + lengths + b"\r\n\r\nhello"])
    yield "coding in HTTP/1.0", Reply([CHUNKED.replace(b"1.1", b"1.0") + b"5\r\nhello\r\n" + END])
    yield "an unknown coding", Reply([OK + b"Transfer-Encoding: gzip\r\n\r\nhello"], "close")
    yield "a switch nobody asked for", Reply(
        [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + INNER])
    yield "a switch without a word of it", Reply([b"HTTP/1.1 101 Switching\r\n\r\n" + INNER])


def wrong_bodies() -> Iterator[tuple[str, Reply]]:
    right = {"15 digits", "upper case", "zero in hexadecimal"}
    for name, size in SIZES.items():
        if name not in right:
            yield f"chunk size, {name}", \
                Reply([CHUNKED + b"3\r\nabc\r\n", size + b"\r\nhello\r\n" + END], "close")
    for name, text in EXTENSIONS.items():
        if name not in ("plain", "name alone", "quoted", "several", "quoted pair",
                        "high byte in quotes"):
            yield f"chunk extension, {name}", \
                Reply([CHUNKED + b"3" + text + b"\r\nabc\r\n" + END], "close")
    for text in (b"5\nhello\n0\n\n", b"5\r\nhello!\r\n", b"5\r\nhelloXX", b"5\r\nhello0\r\n\r\n",
                 b"5\r\nhello\n0\r\n\r\n", b"5\r\nhello\r\n0\r\nX", b"\r\n5\r\nhello\r\n"):
        yield f"chunks {text!r}", Reply([CHUNKED + text], "close")
    for line in TRAILERS:
        yield f"trailer {line[:40]!r}", \
        Reply([CHUNKED + b"5\r\nhello\r\n0\r\n" + line + b"\r\n\r\n"])


def cut() -> Iterator[tuple[str, Reply]]:
    whole = {"length": HELLO, "chunked": CHUNKED + b"5\r\nhello\r\n" + END}
    for then in ("close", "reset"):
        yield f"nothing, {then}", Reply([], then)
        for name, text in whole.items():
            for at in range(1, len(text)):
                # What is cut between the chunks looks no different from the end of a body …
                yield f"{name}, {then} after {at} bytes", Reply([text[:at]], then)
        yield f"interim, {then}", Reply([b"HTTP/1.1 103 Early Hints\r\n\r\n"], then)
        yield f"a large body, {then}", \
            Reply([OK + b"Content-Length: 300000\r\n\r\n" + b"x" * 299999], then)
    # … but for the one that has no other end: a FIN ends it, and nothing else.
    yield "until close, reset", Reply([OK + b"\r\n", b"hello"], "reset")


def endless() -> Iterator[tuple[str, Reply]]:
    yield "a head without end", Reply([OK, b"X-A: " + b"a" * 1000 + b"\r\n"], "repeat")
    yield "a line without end", Reply([OK + b"X-A: ", b"a" * 10000], "repeat")
    yield "a status line without end", Reply([b"HTTP/1.1 200 ", b"O" * 10000], "repeat")
    yield "interim answers without end", Reply([b"HTTP/1.1 103 Early Hints\r\n\r\n"], "repeat")
    yield "continue without end", Reply([b"HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n"], "repeat")
    yield "zeros without end", Reply([bytes(10000)], "repeat")
    yield "trailers without end", Reply([CHUNKED + b"0\r\n", b"x-a: b\r\n" * 100], "repeat")
    yield "a chunk extension without end", Reply([CHUNKED + b"5;", b"a" * 1000], "repeat")


def wrong() -> Iterator[tuple[str, Reply]]:
    yield from wrong_heads()
    yield from wrong_bodies()
    yield from cut()
    yield from endless()


# Odd and right: (reply, body).
RIGHT = {
    "length": (Reply([HELLO]), b"hello"),
    "chunks": (Reply([CHUNKED + b"2\r\nhe\r\n", b"3\r\nllo\r\n", END]), b"hello"),
    "chunks with extensions": (Reply([CHUNKED + b"2;a=b\r\nhe\r\n3;c\r\nllo\r\n" + END]), b"hello"),
    "chunks with a trailer": (Reply([CHUNKED + b"5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n"]), b"hello"),
    "until close": (Reply([OK + b"\r\n", b"hel", b"lo"], "close"), b"hello"),
    "HTTP/1.0 until close": (Reply([b"HTTP/1.0 200 OK\r\n\r\nhello"], "close"), b"hello"),
    "interim answers": (Reply([b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3, HELLO]), b"hello"),
    "no reason phrase": (Reply([HELLO.replace(b" OK", b" ")]), b"hello"),
    "byte by byte": (Reply([bytes([b]) for b in HELLO]), b"hello"),
    "closed afterwards": (Reply([HELLO], "close"), b"hello"),
    "more than was asked for": (Reply([HELLO + INNER]), b"hello"),
    "garbage behind": (Reply([HELLO + b"\x00\xff" * 100]), b"hello"),
    "chunks and more": (Reply([CHUNKED + b"5\r\nhello\r\n" + END + INNER]), b"hello"),
    "nothing": (Reply([OK + b"Content-Length: 0\r\n\r\n"]), b""),
    "nothing, and then something": (Reply([OK + b"Content-Length: 0\r\n\r\n" + INNER]), b""),
    "a length on 204": (Reply([HELLO.replace(b"200", b"204")]), b""),
    "a coding on 204": (Reply([CHUNKED.replace(b"200", b"204")]), b""),
    "a coding on 204, and chunks": (Reply([CHUNKED.replace(b"200", b"204") + END]), b""),
    "a coding on 304": (Reply([CHUNKED.replace(b"200", b"304") + END]), b""),
    "a length on 103": (Reply([b"HTTP/1.1 103 Early\r\nContent-Length: 5\r\n\r\n" + HELLO]),
                        b"hello"),
    "204 and a body": (Reply([b"HTTP/1.1 204 No Content\r\n\r\n" + INNER]), b""),
    "304 and a body": (Reply([b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello"]),
                       b""),
}
