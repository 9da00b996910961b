"""gRPC-Web as browsers speak it, with frames written by hand, through a gateway to the server of
grpc-go, which knows nothing of it: in binary and in base64, by HTTP/1.1 and HTTP/2. Needs no root;
skipped by name where Go (to build the server) is missing.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import base64
import pathlib
import re
import subprocess
from dataclasses import dataclass, field
from typing import Iterator

import pytest

from bed import go_program, wait
from bed.here import GATEWAY_PORT, Doors, Here, free_port, service
from bed.process import Process
from bed.programs import Unavailable

MODULE, VERSION = "google.golang.org/grpc/interop", "v1.81.1"
SERVICE = "/grpc.testing.TestService/"
ORIGIN = "https://shop.example.com"
POLICIES = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: web, namespace: default}}
spec:
  gatewayClassName: weft
  listeners: [{{name: http, port: {GATEWAY_PORT}, protocol: HTTP}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: site, namespace: default}}
spec:
  parentRefs: [{{name: web}}]
  rules:
  - matches: [{{path: {{type: PathPrefix, value: /grpc.testing.TestService}}}}]
    filters:
    - type: CORS
      cors:
        allowOrigins: ["{ORIGIN}"]
        allowMethods: [POST]
        allowHeaders: [content-type, x-grpc-web, x-user-agent, grpc-timeout]
        exposeHeaders: [grpc-status, grpc-message]
    backendRefs: [{{name: app, port: 80}}]
  - matches: [{{path: {{type: PathPrefix, value: /nobody}}}}]
    backendRefs: [{{name: nobody, port: 80}}]
---
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: browsers, namespace: default}}
spec:
  targetRefs: [{{kind: HTTPRoute, name: site}}]
  grpcWeb: {{}}
"""
BINARY, TEXT = "application/grpc-web+proto", "application/grpc-web-text"
VERSIONS = ["--http1.1", "--http2-prior-knowledge"]


# ---- protobuf and frames, by hand ----

def varint(n: int) -> bytes:
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def number(tag: int, n: int) -> bytes:
    return varint(tag << 3) + varint(n)


def nested(tag: int, data: bytes) -> bytes:
    return varint(tag << 3 | 2) + varint(len(data)) + data


def frame(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4, "big") + message


@dataclass
class Answer:
    """Of a call: its head, messages, and what the last frame says."""
    status: int
    headers: dict[str, str]
    messages: list[bytes] = field(default_factory=list)
    trailers: dict[str, str] = field(default_factory=dict)

    @property
    def grpc_status(self) -> int:
        return int(self.trailers.get("grpc-status", self.headers.get("grpc-status", "-1")))


def unframe(data: bytes, answer: Answer) -> None:
    while data:
        length = int.from_bytes(data[1:5], "big")
        assert len(data) >= 5 + length and not answer.trailers  # the trailers are the last
        body = data[5:5 + length]
        if data[0] == 0x80:
            lines = [line.partition(":") for line in body.decode().split("\r\n")[:-1]]
            assert all(name == name.lower() for name, _, _ in lines)
            answer.trailers = {name: value.strip() for name, _, value in lines}
        else:
            assert data[0] == 0
            answer.messages.append(body)
        data = data[5 + length:]


def untext(data: bytes) -> bytes:
    """Groups of four, each of which may be padded."""
    assert len(data) % 4 == 0
    return b"".join(base64.b64decode(data[i:i + 4], validate=True)
                    for i in range(0, len(data), 4))


class Site:
    """The server, and the gateway in front of it."""

    def __init__(self, folder: pathlib.Path, server: pathlib.Path) -> None:
        port = free_port()
        self.app = Process("interop", Here(), [str(server), f"--port={port}"],
                           folder / "interop.log")
        self.folder = folder
        self.doors = Doors(folder, 1, POLICIES + service("app", port, app="grpc") +
                           service("nobody", free_port(), app="grpc"), "--workers", "2")
        wait.until("the server answers", lambda: self.call("EmptyCall", b"").grpc_status == 0)

    def curl(self, path: str, body: bytes, *options: str) -> tuple[int, dict[str, str], bytes]:
        heads, sent, got = (self.folder / n for n in ("heads", "sent", "got"))
        sent.write_bytes(body)
        got.write_bytes(b"")
        subprocess.run(["curl", "-sS", "-D", heads, "-o", got, "--data-binary", f"@{sent}",
                        *options, f"http://127.0.0.1:{self.doors.gateways[0].port}{path}"],
                       check=True, timeout=wait.SAFETY)
        lines = heads.read_text().splitlines()
        headers = {k.lower(): v.strip() for k, _, v in (x.partition(":") for x in lines[1:])}
        return int(lines[0].split()[1]), headers, got.read_bytes()

    def call(self, method: str, *messages: bytes, kind: str = BINARY, version: str = VERSIONS[0],
             options: tuple[str, ...] = (), prefix: str = SERVICE) -> Answer:
        frames = [frame(m) for m in messages]
        text = kind == TEXT
        body = b"".join(base64.b64encode(f) if text else f for f in frames)
        status, headers, data = self.curl(prefix + method, body, version, "-H",
                                          f"content-type: {kind}", "-H", f"accept: {kind}",
                                          "-H", "x-grpc-web: 1", *options)
        answer = Answer(status, headers)
        if data:
            unframe(untext(data) if text else data, answer)
        return answer


@pytest.fixture(name="site", scope="module")
def fixture_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    try:
        server = go_program.build(f"{MODULE}/server", VERSION, f"grpc-interop-{VERSION}")
    except Unavailable as e:
        pytest.skip(str(e))
    made = Site(tmp_path_factory.mktemp("grpc-web"), server)
    yield made
    wrong = made.doors.stop()
    made.app.stop()
    assert not wrong, "\n".join(wrong)


both_forms = pytest.mark.parametrize("kind", [BINARY, TEXT])
both_versions = pytest.mark.parametrize("version", VERSIONS)


@both_forms
@both_versions
def test_a_unary_call(site: Site, kind: str, version: str) -> None:
    size = 314159
    got = site.call("UnaryCall", number(2, size) + nested(3, nested(2, bytes(271828))), kind=kind,
                    version=version)
    assert got.status == 200 and got.grpc_status == 0 and "grpc-status" in got.trailers
    assert got.headers["content-type"] == (kind if kind == BINARY else kind + "+proto")
    assert got.messages == [nested(1, nested(2, bytes(size)))]


@both_forms
@both_versions
def test_a_stream_of_messages(site: Site, kind: str, version: str) -> None:
    sizes = [1, 0, 70000, 2, 3]
    got = site.call("StreamingOutputCall", b"".join(nested(2, number(1, s)) for s in sizes),
                    kind=kind, version=version)
    assert got.grpc_status == 0
    assert got.messages == [nested(1, nested(2, bytes(s)) if s else b"") for s in sizes]


@both_forms
@both_versions
def test_an_error(site: Site, kind: str, version: str) -> None:
    echo = nested(7, number(1, 2) + nested(2, "\t\ntest 100% ünïcode".encode()))
    got = site.call("UnaryCall", echo, kind=kind, version=version)
    said = {**got.headers, **got.trailers}
    assert got.status == 200 and got.grpc_status == 2 and not got.messages
    assert said["grpc-message"] == "%09%0Atest 100%25 %C3%BCn%C3%AFcode"


@both_forms
def test_a_method_that_is_not_there(site: Site, kind: str) -> None:
    got = site.call("UnimplementedCall", b"", kind=kind)
    assert got.status == 200 and got.grpc_status == 12 and not got.messages
    assert got.headers["content-type"].startswith("application/grpc-web")


def test_metadata(site: Site) -> None:
    got = site.call("UnaryCall", b"", options=(
        "-H", "x-grpc-test-echo-initial: hello", "-H", "x-grpc-test-echo-trailing-bin: q6urAQ=="))
    assert got.headers["x-grpc-test-echo-initial"] == "hello"
    assert got.trailers["x-grpc-test-echo-trailing-bin"].rstrip("=") == "q6urAQ"


def test_padding_between_messages(site: Site) -> None:
    """One message, of which each byte is a piece of base64 of its own."""
    body = b"".join(base64.b64encode(bytes([b])) for b in frame(number(2, 10)))
    status, _, data = site.curl(SERVICE + "UnaryCall", body, "-H", f"content-type: {TEXT}")
    answer = Answer(status, {})
    unframe(untext(data), answer)
    assert answer.messages == [nested(1, nested(2, bytes(10)))] and answer.grpc_status == 0


# The last one: a message that the server waits for the rest of.
@pytest.mark.parametrize("body", [
    b"AAAA!AAA", b"AAAAA", base64.b64encode(b"\0\0\x0f\x42\x40") + b"A" * 70001])
def test_what_is_not_base64(site: Site, body: bytes) -> None:
    status, headers, data = site.curl(SERVICE + "UnaryCall", body, "-H", f"content-type: {TEXT}")
    assert (status, headers["grpc-status"], data) == (200, "3", b"")
    assert headers["content-type"] == TEXT + "+proto"


@both_forms
@both_versions
def test_a_backend_that_is_not_there(site: Site, kind: str, version: str) -> None:
    got = site.call("UnaryCall", b"", kind=kind, version=version, prefix="/nobody/")
    assert got.status == 200 and got.grpc_status == 14
    assert got.headers["content-type"].startswith("application/grpc-web")


def test_a_route_that_is_not_there(site: Site) -> None:
    """No filter has a say there; clients know what HTTP's 404 is to gRPC."""
    status, headers, _ = site.curl("/nowhere/Call", b"", "-H", f"content-type: {BINARY}")
    assert status == 404 and "grpc-status" not in headers


def test_a_stream_that_breaks_off(site: Site) -> None:
    """The server ends it when the deadline is over, in its middle: nobody takes it for whole."""
    slow = nested(2, number(1, 1)) + nested(2, number(1, 1) + number(2, 60_000_000))
    with pytest.raises(subprocess.CalledProcessError):
        site.call("StreamingOutputCall", slow, options=("-H", "grpc-timeout: 100m"))
    assert site.call("EmptyCall", b"").grpc_status == 0


def test_from_another_origin(site: Site) -> None:
    status, headers, _ = site.curl(SERVICE + "UnaryCall", b"", "-X", "OPTIONS", "-H",
                                   f"origin: {ORIGIN}", "-H",
                                   "access-control-request-method: POST", "-H",
                                   "access-control-request-headers: content-type,x-grpc-web")
    assert status in (200, 204) and headers["access-control-allow-origin"] == ORIGIN
    got = site.call("UnimplementedCall", b"", options=("-H", f"origin: {ORIGIN}"))
    assert got.headers["access-control-allow-origin"] == ORIGIN
    exposed = re.split(r",\s*", got.headers["access-control-expose-headers"].lower())
    assert {"grpc-status", "grpc-message"} <= set(exposed)


def test_grpc_itself_passes(site: Site) -> None:
    """By HTTP/2, with its own Content-Type; curl shows its trailers behind the head."""
    heads = site.folder / "heads"
    site.curl(SERVICE + "EmptyCall", frame(b""), VERSIONS[1], "-H", "te: trailers", "-H",
              "content-type: application/grpc")
    assert "grpc-status: 0" in heads.read_text()


def test_metrics_know_the_status(site: Site) -> None:
    door = site.doors.gateways[0]
    before = door.metric("weft_filter_events_total", filter="grpcWeb", event="call")
    site.call("UnimplementedCall", b"", kind=TEXT)
    assert door.metric("weft_filter_events_total", filter="grpcWeb", event="call") == before + 1
