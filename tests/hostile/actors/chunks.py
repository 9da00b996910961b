"""Requests in chunks that only a lenient reader takes: sizes, extensions, ends of lines, trailers.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from typing import Iterator

from .framing import HEAD, ODD_BYTES, SMUGGLED

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"

SIZES = {
    "plus sign": b"+5", "minus sign": b"-5", "0x": b"0x5", "0X": b"0X5", "space before": b" 5",
    "space after": b"5 ", "tab before": b"\t5", "tab after": b"5\t", "many spaces": b"5      ",
    "empty": b"", "not hexadecimal": b"g", "letters behind": b"5g", "underscore": b"0_5",
    "decimal point": b"5.0", "comma": b"5,5", "quotes": b'"5"', "NUL": b"5\x00", "NUL first":
    b"\x005", "16 digits": b"0000000000000005", "40 zeros": b"0" * 40 + b"5", "five above 2^64":
    b"10000000000000005", "five above 2^32": b"100000005", "as great as can be":
    b"ffffffffffffffff", "15 digits": b"000000000000005", "upper case": b"0A", "two sizes": b"5 5",
    "minus zero": b"-0", "plus zero": b"+0", "zero in hexadecimal": b"0x0", "no-break space":
    b"\xa05", "full-width digit": b"\xef\xbc\x95", "bare CR": b"5\r", "two CR": b"5\r\r",
    "colon": b"5:", "slash": b"5/", "equals sign": b"5=1", "hash": b"5#", "percent": b"%35",
}
EXTENSIONS = {
    "plain": b";a=b", "name alone": b";a", "quoted": b';a="b c"', "several": b";a=b;c=d;e",
    "no name": b";", "no name but a value": b";=b", "no value": b";a=", "space before": b" ;a=b",
    "space behind": b"; a=b", "tab": b";\ta=b", "space around the sign": b";a = b", "space last":
    b";a=b ", "open quote": b';a="b', "quote closed early": b';a="b"c', "bare CR": b";a=b\rc",
    "bare LF": b";a=b\n5", "bare LF in quotes": b';a="\n5', "NUL": b";a=\x00",
    "two signs": b";a==b",
    "comma": b";a,b", "control": b";a=\x01", "high byte": b";a=\xff", "high byte in quotes":
    b';a="\xff"', "far too long": b";a=" + b"b" * 20000, "very many": b";a" * 9000, "quoted pair":
    b';a="\\""', "quoted pair at the end": b';a="\\', "quoted CR": b';a="\\\r"', "slash": b";a/b",
    "brackets": b";a=[b]", "colon": b";a:b", "question mark": b";a?b", "two semicolons": b";;a",
}
ENDS = {
    "LF behind the size": CHUNKED + b"5\nhello\r\n" + END,
    "CR behind the size": CHUNKED + b"5\rhello\r\n" + END,
    "LF behind the data": CHUNKED + b"5\r\nhello\n" + END,
    "CR behind the data": CHUNKED + b"5\r\nhello\r" + END,
    "nothing behind the data": CHUNKED + b"5\r\nhello" + END,
    "more data than said": CHUNKED + b"5\r\nhello!\r\n" + END,
    "less data than said": CHUNKED + b"6\r\nhello\r\n" + END,
    "two bytes that are no line end": CHUNKED + b"5\r\nhelloXX" + END,
    "LF LF behind the data": CHUNKED + b"5\r\nhello\n\n" + END,
    "LF CR behind the data": CHUNKED + b"5\r\nhello\n\r" + END,
    "CR CR LF behind the data": CHUNKED + b"5\r\nhello\r\r\n" + END,
    "LF for everything": CHUNKED + b"5\nhello\n0\n\n",
    "LF at the very end": CHUNKED + b"5\r\nhello\r\n0\r\n\n",
    "LF behind the zero": CHUNKED + b"5\r\nhello\r\n0\n\r\n",
    "CR at the very end": CHUNKED + b"5\r\nhello\r\n0\r\n\r" + SMUGGLED,
    "no empty line": CHUNKED + b"5\r\nhello\r\n0\r\n" + SMUGGLED,
    "something after the end": CHUNKED + b"5\r\nhello\r\n0\r\n\r\n" + SMUGGLED,
    "an empty line too much": CHUNKED + b"5\r\nhello\r\n0\r\n\r\n\r\n" + SMUGGLED,
    "no last chunk": CHUNKED + b"5\r\nhello\r\n",
    "no chunk at all": CHUNKED + SMUGGLED,
    "an empty line first": CHUNKED + b"\r\n5\r\nhello\r\n" + END,
    "space before the end": CHUNKED + b"5\r\nhello \r\n" + END,
    "zero with data": CHUNKED + b"0\r\nhello\r\n" + END,
    "many zeros": CHUNKED + b"000\r\n\r\n" + SMUGGLED,
    "zero with an extension": CHUNKED + b"0;a=b\r\n\r\n" + SMUGGLED,
    "zero with LF in its extension": CHUNKED + b"0;a\n\r\n" + SMUGGLED,
    "size in the next line": CHUNKED + b"\n5\r\nhello\r\n" + END,
}
TRAILERS = [b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Host: evil",
            b"Connection: close",
            b"Keep-Alive: timeout=5", b"Proxy-Connection: close", b"Upgrade: websocket",
            b"TE: trailers", b"Trailer: x", b"Expect: 100-continue", b"Authorization: x",
            b"Cookie: a=b", b"Set-Cookie: a=b", b"Content-Type: text/html", b"Content-Encoding: br",
            b"Content_Length: 5", b"Transfer_Encoding: chunked", b"content-length:5",
            b"X-A : 1", b" X-A: 1", b"\tX-A: 1", b"X-A: 1\r\n folded", b"X-A", b": 1", b"X\x00A: 1",
            b"X-A: 1\x00", b"X-A: 1\rX-B: 2", b"X-A: 1\nX-B: 2", b"X-A: \x01", b"X A: 1",
            b"GET /smuggled HTTP/1.1", b"X-A: " + b"a" * 70000,
            b"\r\n".join(b"x-%d: 1" % n for n in range(300))]


def payloads() -> Iterator[tuple[str, bytes]]:
    for name, size in SIZES.items():
        yield f"chunk size, {name}", CHUNKED + size + b"\r\nhello\r\n" + END + SMUGGLED
        yield f"last chunk, {name}", CHUNKED + b"5\r\nhello\r\n" + size.replace(b"5", b"0") + \
            b"\r\n\r\n" + SMUGGLED
    for name, extension in EXTENSIONS.items():
        yield f"chunk extension, {name}", \
            CHUNKED + b"5" + extension + b"\r\nhello\r\n" + END + SMUGGLED
    for name, data in ENDS.items():
        yield f"chunk end, {name}", data
    for trailer in TRAILERS:
        yield f"trailer {trailer[:40]!r}", \
            CHUNKED + b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n\r\n" + SMUGGLED
    for byte in ODD_BYTES[:30]:
        odd = bytes([byte])
        yield f"chunk size, 0x{byte:02x} behind", CHUNKED + b"5" + odd + b"\r\nhello\r\n" + END
        yield f"chunk extension, 0x{byte:02x}", CHUNKED + b"5;a=" + odd + b"\r\nhello\r\n" + END
        yield f"trailer, 0x{byte:02x} in the name", \
            CHUNKED + b"0\r\nX" + odd + b"A: 1\r\n\r\n" + SMUGGLED
