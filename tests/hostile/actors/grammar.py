"""What a strict reader makes of the bytes of HTTP/1.1 requests: the judge of what may pass. Written
from RFC 9112 without its leniences, and apart from the code that is judged.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import re
from dataclasses import dataclass, field

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])")
FIELD = re.compile(rb"(" + TOKEN + rb"):[ \t]*((?:[\x21-\x7e\x80-\xff]"
                   rb"(?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*")
PATH = re.compile(rb"/[^\x00-\x20\x7f#?]*(\?[^\x00-\x20\x7f#]*)?")
ABSOLUTE = re.compile(rb"http://([^/?#@]+)(/.*|\?.*|)", re.IGNORECASE)
LABEL = rb"[A-Za-z0-9_~-]+"
NAME = LABEL + rb"(\." + LABEL + rb")*\.?"
AUTHORITY = re.compile(rb"(" + NAME + rb"|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
# Differing from one of these in case only.
STANDARD = {b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE",
            b"PATCH"}
CHUNK_EXTENSION = re.compile(
    rb"(;" + TOKEN + rb"(=(" + TOKEN + rb'|"([^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\x20-\x7e])*"))?)*')
CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")

FRAMING = {b"content-length", b"transfer-encoding", b"host", b"connection", b"keep-alive",
           b"proxy-connection", b"trailer", b"expect", b"te", b"upgrade", b"http2-settings"}
NOT_IN_TRAILERS = FRAMING | {b"authorization", b"content-type", b"content-encoding", b"cookie",
                             b"set-cookie", b"cache-control", b"range", b"proxy-authorization"}


class Bad(Exception):
    """Not a request that only has one meaning."""


class More(Exception):
    """It is not whole yet."""


@dataclass
class Request:
    """One request, as every reader must understand it."""
    method: bytes
    target: bytes
    minor: int
    fields: list[tuple[bytes, bytes]]
    body: bytes = b""
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list)
    extended: bool = False  # chunks had extensions

    def values(self, name: bytes) -> list[bytes]:
        return [v for n, v in self.fields if n == name]

    @property
    def authority(self) -> bytes:
        """The host that is meant: the target's, where it names one."""
        match = ABSOLUTE.fullmatch(self.target)
        if match or self.method == b"CONNECT":
            return match.group(1) if match else self.target
        return b"".join(self.values(b"host")[:1])

    @property
    def origin_form(self) -> bytes:
        """The target as it is sent to the one server that is meant."""
        match = ABSOLUTE.fullmatch(self.target)
        if not match:
            return self.target
        rest = match.group(2)
        if not rest and self.method == b"OPTIONS":
            return b"*"
        return rest if rest.startswith(b"/") else b"/" + rest


def line(data: bytes, at: int) -> tuple[bytes, int]:
    end = data.find(b"\n", at)
    if end < 0:
        raise More
    if data[end - 1:end] != b"\r" or end - 1 < at or b"\r" in data[at:end - 1]:
        raise Bad("line end")
    return data[at:end - 1], end + 1


def field_lines(data: bytes, at: int) -> tuple[list[tuple[bytes, bytes]], int]:
    fields = []
    while True:
        text, at = line(data, at)
        if not text:
            return fields, at
        match = FIELD.fullmatch(text)
        if not match:
            raise Bad("field line")
        name = match.group(1).lower()
        if name in (b"content_length", b"transfer_encoding"):
            raise Bad("a framing field but for an underscore")
        fields.append((name, match.group(2)))


def check_target(request: Request) -> None:
    target = request.target
    hosts = request.values(b"host")
    if len(hosts) > 1 or (not hosts and request.minor == 1):
        raise Bad("host fields")
    if hosts and not AUTHORITY.fullmatch(hosts[0]):
        raise Bad("host")
    if request.method == b"CONNECT":
        if not AUTHORITY.fullmatch(target) or not re.search(rb":[0-9]+$", target):
            raise Bad("target of CONNECT")
        return
    if target == b"*" and request.method == b"OPTIONS":
        return
    match = ABSOLUTE.fullmatch(target)
    if match:
        if not AUTHORITY.fullmatch(match.group(1)):
            raise Bad("authority")
    if not PATH.fullmatch(request.origin_form) and request.origin_form != b"*":
        raise Bad("target")
    try:
        target.decode()
    except UnicodeDecodeError:
        raise Bad("target") from None


def chunked(request: Request, data: bytes, at: int) -> int:
    body = bytearray()
    while True:
        # A size line is judged by what is there of it: nobody waits for the end of a bad one.
        text, at = line(data, at)
        size = CHUNK_SIZE.match(text)
        if not size or not CHUNK_EXTENSION.fullmatch(text[size.end():]):
            raise Bad("chunk size")
        request.extended |= size.end() < len(text)
        length = int(size.group(), 16)
        if length == 0:
            break
        if len(data) < at + length + 2:
            if len(data) > at + length and data[at + length:at + length + 2] != b"\r":
                raise Bad("chunk end")
            raise More
        if data[at + length:at + length + 2] != b"\r\n":
            raise Bad("chunk end")
        body += data[at:at + length]
        at += length + 2
    request.trailers, at = field_lines(data, at)
    if any(name in NOT_IN_TRAILERS for name, _ in request.trailers):
        raise Bad("trailer")
    request.body = bytes(body)
    return at


def framed_body(request: Request, data: bytes, at: int) -> int:
    lengths, codings = request.values(b"content-length"), request.values(b"transfer-encoding")
    if codings:
        if lengths or len(codings) > 1 or codings[0].lower() != b"chunked" or not request.minor:
            raise Bad("transfer-encoding")
        return chunked(request, data, at)
    if not lengths:
        return at
    if len(lengths) > 1 or not re.fullmatch(rb"[0-9]+", lengths[0]) or int(lengths[0]) >= 1 << 63:
        raise Bad("content-length")
    if request.method in (b"CONNECT", b"TRACE"):
        raise Bad("body")
    end = at + int(lengths[0])
    if len(data) < end:
        raise More
    request.body = data[at:end]
    return end


def one(data: bytes, at: int, blanks: bool = False) -> tuple[Request, int]:
    """The request that begins at `at`, and where it ends. `blanks`: one empty line may come first.
    Raises Bad or More."""
    if blanks and data.startswith(b"\r\n", at):
        at += 2
    text, at = line(data, at)
    match = REQUEST_LINE.fullmatch(text)
    if not match:
        raise Bad("request line")
    fields, at = field_lines(data, at)
    request = Request(match.group(1), match.group(2), int(match.group(3)), fields)
    if request.method not in STANDARD and request.method.upper() in STANDARD:
        raise Bad("method")
    check_target(request)
    for option in b",".join(request.values(b"connection")).split(b","):
        name = option.strip(b" \t").lower()
        if name in (b"host", b"content-length", b"transfer-encoding", b"trailer", b"expect"):
            raise Bad("connection")
    return request, framed_body(request, data, at)


def read(data: bytes, blanks: bool = False) -> tuple[list[Request], str]:
    """All requests before the first fault, and how it ends: "clean", "partial" or "bad"."""
    found: list[Request] = []
    at = 0
    while at < len(data):
        try:
            request, at = one(data, at, blanks)
        except Bad:
            return found, "bad"
        except More:
            return found, "partial"
        found.append(request)
    return found, "clean"
