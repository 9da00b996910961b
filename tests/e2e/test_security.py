"""Who may talk to whom, and what happens to those who show something wrong.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import secrets
import ssl

import pytest

from bed.http_client import read_all
from bed.pki import Authority
from bed.shop import ECHO_PORT
from bed.tls import mesh_client, try_request
from bed.wait import until

HEAD = """
apiVersion: policy.weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {name: reviews, namespace: default}
spec:
  selector: {matchLabels: {app: reviews}}
"""
DENY = HEAD + """
  action: DENY
  rules:
  - from: [{source: {principals: [cluster.local/ns/default/sa/frontend]}}]
    to: [{operation: {methods: [GET], paths: ["/private/*", /admin]}}]
"""
ALLOW = HEAD + """
  action: ALLOW
  rules:
  - from: [{source: {principals: [cluster.local/ns/default/sa/frontend]}}]
    to: [{operation: {paths: ["/public*"]}}]
"""
STRICT = """
apiVersion: policy.weft.dev/v1alpha1
kind: PeerAuthentication
metadata: {name: default, namespace: default}
spec:
  mtls: {mode: STRICT}
"""


# ---- authorization ----

# requirement: H29
def test_deny_needs_principal_method_and_path(shop):
    with shop.bed.policy(DENY):
        denied = shop.reviews("/private/x")
        assert (denied.status, denied.reason) == (403, "authz_denied"), denied
        assert "default/reviews" in denied.text()
        assert shop.ratings.get("http://reviews:9080/private/x").status == 200
        assert shop.frontend.ask("POST", "http://reviews:9080/private/x").status == 200
        assert shop.reviews("/public").status == 200
    assert shop.reviews("/private/x").status == 200


@pytest.mark.parametrize("path", ["/admin", "//admin", "/./admin", "/a/../admin", "/%61dmin",
                                  "/admin;x=y", "/admin?q", "/%2e/admin", "//x/admin", "/\\x/admin",
                                  "/%2fx/admin", "/admin%20", "/admin%09", "/admin.", "/%2561dmin",
                                  "/%252561dmin", "/admin%2520", "/private\\x", "/a/..%20/admin"])
def test_a_path_cannot_be_disguised(shop, path):
    with shop.bed.policy(DENY):
        with shop.frontend.connect("reviews", 9080) as sock:
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: reviews:9080\r\n"
                         "Connection: close\r\n\r\n".encode())
            status = read_all(sock)[:12]
        assert status in (b"HTTP/1.1 403", b"HTTP/1.1 400"), status


@pytest.mark.parametrize("host", ["reviews", "reviews.", "REVIEWS:9080", "reviews.:9080",
                                  "reviews..", "reviews..:9080", ".reviews"])
def test_a_host_cannot_be_disguised(shop, host):
    text = HEAD + """
  action: DENY
  rules:
  - to: [{operation: {hosts: [reviews]}}]
"""
    with shop.bed.policy(text):
        with shop.frontend.connect("reviews", 9080) as sock:
            sock.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            status = read_all(sock)[:12]
        assert status in (b"HTTP/1.1 403", b"HTTP/1.1 400"), status


# requirement: H29
def test_allow_means_nobody_else(shop):
    with shop.bed.policy(ALLOW):
        assert shop.reviews("/public").status == 200
        assert shop.reviews("/other").status == 403
        assert shop.ratings.get("http://reviews:9080/public").status == 403
        plain = shop.outside.get(f"http://{shop.v1.ip}:9080/public")
        assert plain.status == 403, "without a certificate there is no principal"


def answer_to_a_byte(pod) -> bytes:
    """What comes back until the connection ends, which may be before it was seen to be open."""
    try:
        with pod.connect("ledger", ECHO_PORT) as sock:
            sock.sendall(b"x")
            return read_all(sock)
    except (ConnectionResetError, BrokenPipeError):
        return b""


def test_opaque_connections_are_judged_as_well(shop):
    text = HEAD.replace("app: reviews", "app: ratings") + f"""
  action: DENY
  rules:
  - from: [{{source: {{principals: [cluster.local/ns/default/sa/frontend]}}}}]
    to: [{{operation: {{ports: ["{ECHO_PORT}"]}}}}]
"""
    with shop.bed.policy(text):
        assert answer_to_a_byte(shop.frontend) == b""
        with shop.v1.connect("ledger", ECHO_PORT) as sock:
            sock.sendall(b"x")
            assert sock.recv(10) == b"x"


# ---- mutual TLS or not ----

def test_strict_refuses_plain_text_and_permissive_does_not(shop):
    url = f"http://{shop.v1.ip}:9080/who"
    assert shop.outside.get(url).status == 200
    with shop.bed.policy(STRICT):
        asked = shop.v1.count()
        refused = shop.outside.get(url)
        assert (refused.status, refused.reason) == (403, "plaintext_denied"), refused
        assert shop.v1.count() == asked
        assert shop.reviews().status == 200
        with shop.outside.connect(shop.ratings.ip, ECHO_PORT) as sock:
            sock.sendall(b"x")
            assert read_all(sock) == b"", "opaque plain text was served"
    assert shop.outside.get(url).status == 200


def test_a_port_may_have_a_mode_of_its_own(shop):
    text = STRICT.replace("metadata: {name: default,", "metadata: {name: ratings,") + f"""
  selector: {{matchLabels: {{app: ratings}}}}
  portLevelMtls: {{"{ECHO_PORT}": {{mode: PERMISSIVE}}}}
"""
    with shop.bed.policy(text):
        assert shop.outside.get(f"http://{shop.ratings.ip}:9080/who").status == 403
        with shop.outside.connect(shop.ratings.ip, ECHO_PORT) as sock:
            sock.sendall(b"x")
            assert sock.recv(10) == b"x"


# ---- certificates at the door ----

@pytest.fixture(scope="module")
def authorities(shop_bed, tmp_path_factory):
    """The mesh's own signing CA, misused, and one that looks just like it."""
    folder = tmp_path_factory.mktemp("pki")
    mesh = Authority.load(folder / "mesh", *shop_bed.bed.signing_files())
    return {"mesh": mesh, "foreign": Authority(folder / "foreign", "bed root")}


ME = "spiffe://cluster.local/ns/default/sa/frontend"
BAD_LEAVES = {
    "from another CA": ("foreign", [ME], {}),
    "expired": ("mesh", [ME], {"begins": -7200, "ends": -3600}),
    "not valid yet": ("mesh", [ME], {"begins": 3600, "ends": 7200}),
    "two names": ("mesh", [ME, "spiffe://cluster.local/ns/default/sa/admin"], {}),
    "no name": ("mesh", [], {}),
    "another trust domain": ("mesh", ["spiffe://other.example/ns/default/sa/frontend"], {}),
    "a trust domain that begins alike": (
        "mesh", ["spiffe://cluster.local.example/ns/default/sa/frontend"], {}),
    "no SPIFFE name": ("mesh", ["https://cluster.local/ns/default/sa/frontend"], {}),
}


def knock(shop, leaf, **how):
    sock = shop.outside.connect(shop.ratings.ip, 9080)
    return try_request(sock, mesh_client(leaf, **how), "ratings", "/headers")


def test_a_good_certificate_is_let_in(shop, authorities):
    leaf = authorities["mesh"].workload(ME, chain=True)
    attempt = knock(shop, leaf)
    assert attempt.was_served, attempt.error
    assert attempt.version == "TLSv1.3"
    assert f"URI={ME}".encode() in attempt.answer


@pytest.mark.parametrize("what", BAD_LEAVES)
def test_a_bad_certificate_is_refused(shop, authorities, what):
    signer, names, validity = BAD_LEAVES[what]
    leaf = authorities[signer].workload(*names, chain=True, **validity)
    sidecar = shop.ratings.sidecar
    mark, asked = sidecar.mark(), shop.ratings.count()
    attempt = knock(shop, leaf)
    assert not attempt.was_served, attempt.answer
    assert shop.ratings.count() == asked
    line = sidecar.await_log(r".*TLS handshake failed: (.+)", mark)
    assert len(line.group(1)) > 10, "the log says why"
    assert shop.frontend.get("http://ratings:9080/who").status == 200, "others are not disturbed"


def test_without_a_certificate_nobody_is_let_in(shop):
    mark = shop.ratings.sidecar.mark()
    attempt = knock(shop, None)
    assert not attempt.was_served, attempt.answer
    shop.ratings.sidecar.await_log(r"TLS handshake failed: .+", mark)


def test_tls_1_2_is_refused(shop, authorities):
    leaf = authorities["mesh"].workload(ME, chain=True)
    attempt = knock(shop, leaf, newest=ssl.TLSVersion.TLSv1_2)
    assert not attempt.was_served
    assert attempt.error


def test_a_certificate_is_no_server_for_another_service(shop, authorities):
    """The frontend's sidecar must not talk to whoever sits at the address of ratings."""
    leaf = authorities["mesh"].workload("spiffe://cluster.local/ns/default/sa/impostor",
                                        chain=True)
    impostor = shop.bed.pods.get("impostor") or shop.bed.add_pod("impostor", "ratings",
                                                                 app="impostor")
    if "default/impostor" not in shop.bed.services:
        shop.bed.add_service("impostor", shop.bed.services["default/ratings"].ports)
    shop.bed.publish()
    script = impostor.bed.run.app("tls_app.py")
    where = impostor.bed.run.folder("impostor")
    cert = impostor.bed.run.secret(where, "cert.pem", leaf.cert_pem(), 10001)
    key = impostor.bed.run.secret(where, "key.pem", leaf.key_pem(), 10001)
    app = impostor.start(["/usr/bin/python3", "-u", script, "9080", str(cert), str(key)],
                         "listens on")
    mark = shop.frontend.sidecar.mark()
    answer = shop.frontend.get("http://impostor:9080/who")
    assert (answer.status, answer.reason) == (503, "tls_failed"), answer
    assert "impostor" not in app.output() or "GET" not in app.output()
    assert shop.frontend.sidecar.is_running() and mark is not None


# ---- garbage ----

GARBAGE = {
    "random bytes": lambda: secrets.token_bytes(4096),
    "a TLS record of nonsense": lambda: b"\x16\x03\x01\x02\x00" + secrets.token_bytes(512),
    "a hello that never ends": lambda: b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc" + bytes(200),
    "an enormous record": lambda: b"\x16\x03\x03\xff\xff" + bytes(70000),
    "zeros": lambda: bytes(10000),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_at_the_door_harms_nobody(shop, what):
    load = shop.frontend.load("http://ratings:9080/who", threads=1).start()
    try:
        for port in (9080, ECHO_PORT, 4444):
            sock = shop.outside.connect(shop.ratings.ip, port)
            with sock:
                try:
                    sock.sendall(GARBAGE[what]())
                    sock.shutdown(1)
                except OSError:
                    pass
                read_all(sock)
        before = load.done()
        until("more answers", lambda: load.done() > before + 20)
    finally:
        result = load.stop()
    assert not result.failures, result.why()
    assert shop.ratings.sidecar.is_running()


def test_garbage_inside_of_tls_harms_nobody(shop, authorities):
    leaf = authorities["mesh"].workload(ME, chain=True)
    for alpn in ("weft-h2", "weft-h1"):
        sock = shop.outside.connect(shop.ratings.ip, 9080)
        with mesh_client(leaf, alpn).wrap_socket(sock, server_hostname="ratings") as tls:
            try:
                tls.sendall(secrets.token_bytes(20000))
                while tls.recv(65536):
                    pass
            except OSError:
                pass
    assert shop.frontend.get("http://ratings:9080/who").status == 200
