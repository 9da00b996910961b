"""ldapAuth with a real directory: who is let in, by what connection, and what happens when the
directory is not there. Needs no root. SPDX-License-Identifier: GPL-3.0-or-later
"""
import base64
import http.server
import pathlib
import threading
from typing import Iterator

import pytest

from bed.directory_server import BASE, PEOPLE, SERVICE, SERVICE_PASSWORD, DirectoryServer
from bed.here import Doors, gateway_and_route, service
from bed.pki import Authority

USERS = {
    "ann": ("secret", ["cn=admins,ou=groups,dc=example,dc=com", "staff"]),
    "bob": ("hunter2", []),
    "o'neil, (jr) *": ("with a comma", ["staff"]),
}
FILTER = """
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: users, namespace: default}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: Gateway, name: web}}]
  ldapAuth:
    baseDN: "{base}"
    cacheTime: {cache}
{more}
"""
BIND = f"""    bind: {{dn: "{SERVICE}", passwordRef: {{name: ldap, key: password}}}}
    groupAttribute: businessCategory
"""


class App(http.server.BaseHTTPRequestHandler):
    """Says what it was told of the caller."""

    def do_GET(self) -> None:  # pylint: disable=invalid-name
        told = "".join(f"{k.lower()}: {v}\n" for k, v in self.headers.items())
        self.send_response(200)
        self.send_header("content-length", str(len(told.encode())))
        self.end_headers()
        self.wfile.write(told.encode())

    def log_message(self, format: str, *args: object) -> None:  # pylint: disable=redefined-builtin
        pass


class World:
    def __init__(self, folder: pathlib.Path, app_port: int) -> None:
        authority = Authority(folder / "ca")
        leaf = authority.issue("directory", ["subjectAltName=IP:127.0.0.1"])
        self.directory = DirectoryServer(folder, leaf, USERS)
        roots = "".join(f"    {line}\n" for line in authority.roots.read_text().splitlines())
        self.doors = Doors(folder, 1, gateway_and_route("app") + service("app", app_port) + f"""
---
apiVersion: v1
kind: Secret
metadata: {{name: ldap, namespace: default}}
stringData: {{password: "{SERVICE_PASSWORD}", wrong: "no"}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: ca, namespace: default}}
data:
  ca.crt: |
{roots}""")

    def ask_with(self, url: str, more: str = "", base: str = PEOPLE, cache: str = "0s") -> None:
        text = FILTER.format(base=base, cache=cache, more=f"    url: {url}\n" + more)
        self.doors.write("50-users.yaml", text)

    def knock(self, name: str, password: str):
        token = base64.b64encode(f"{name}:{password}".encode()).decode()
        return self.doors.gateways[0].ask("/", authorization=f"Basic {token}",
                                          x_consumer_groups="admins")


@pytest.fixture(scope="module", name="world")
def fixture_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    app = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=app.serve_forever, daemon=True).start()
    world = World(tmp_path_factory.mktemp("ldap"), app.server_address[1])
    yield world
    world.directory.stop()
    app.shutdown()
    assert world.doors.stop() == []


def ways(world: World) -> dict[str, tuple[str, str]]:
    trust = "    caRef: {name: ca, key: ca.crt}\n"
    plain, tls = world.directory.plain_port, world.directory.port
    return {
        "ldaps": (f"ldaps://127.0.0.1:{tls}", trust),
        "StartTLS": (f"ldap://127.0.0.1:{plain}", trust + "    startTLS: true\n"),
        "in the clear": (f"ldap://127.0.0.1:{plain}", "    plaintext: true\n"),
    }


# requirement: H24
@pytest.mark.parametrize("way", ["ldaps", "StartTLS", "in the clear"])
def test_who_is_let_in(world: World, way: str) -> None:
    world.ask_with(*ways(world)[way])
    told = world.knock("ann", "secret")
    assert told.status == 200
    assert "x-consumer-username: ann\n" in told.text()
    assert "authorization" not in told.text() and "x-consumer-groups" not in told.text()
    for name, password in [("ann", "Secret"), ("ann", ""), ("nobody", "secret"), ("", "secret"),
                           ("ann", "secret\0"), ("a*", "secret"), ("bob", "secret")]:
        told = world.knock(name, password)
        assert told.status == 401, (name, password)
        assert told.headers["www-authenticate"].startswith("Basic realm=")
    assert world.knock("o'neil, (jr) *", "with a comma").status == 200


def test_users_are_looked_up_and_have_groups(world: World) -> None:
    url, more = ways(world)["ldaps"]
    world.ask_with(url, more + BIND, base=BASE)
    told = world.knock("ann", "secret")
    assert told.status == 200 and "x-consumer-groups: admins,staff\n" in told.text()
    assert "x-consumer-groups" not in world.knock("bob", "hunter2").text()
    assert world.knock("o'neil, (jr) *", "with a comma").status == 200
    for name in ("*", "a*", "ann)(uid=*", "nobody"):
        assert world.knock(name, "secret").status == 401, name


def test_what_was_good_is_not_asked_again(world: World) -> None:
    url, more = ways(world)["ldaps"]
    world.ask_with(url, more, cache="1h")
    before = world.directory.binds_of("bob")
    for _ in range(5):
        assert world.knock("bob", "hunter2").status == 200
    assert world.directory.binds_of("bob") == before + 1
    assert world.knock("bob", "other").status == 401
    world.ask_with(url, more, cache="2h")  # another configuration knows nobody yet
    assert world.knock("bob", "hunter2").status == 200
    assert world.directory.binds_of("bob") == before + 3


@pytest.mark.parametrize("what, more", [
    ("a service that may not look", BIND.replace("key: password", "key: wrong")),
    ("an authority that is not known", ""),
])
def test_what_cannot_be_asked_lets_nobody_in(world: World, what: str, more: str) -> None:
    url, trust = ways(world)["ldaps"]
    world.ask_with(url, (trust + more) if more else "", base=BASE)
    assert world.knock("ann", "secret").status == 503, what


def test_a_directory_that_is_restarted(world: World) -> None:
    world.ask_with(*ways(world)["ldaps"])
    assert world.knock("ann", "secret").status == 200
    world.directory.stop()
    assert world.knock("ann", "secret").status == 503
    world.directory.start()
    assert world.knock("ann", "secret").status == 200
    assert world.knock("ann", "wrong").status == 401
