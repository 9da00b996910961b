"""The front door: HTTP and HTTPS from a Gateway. SPDX-License-Identifier: GPL-3.0-or-later
"""
import re
import socket
import ssl

import pytest

from bed import objects, yaml_text
from bed.http_client import Client, read_all
from bed.pki import Authority
from bed.shop import HOST
from bed.tls import ask_and_half_close, browser, try_request
from bed.wait import until

SECOND = "other.example.com"
TWO_HOSTS = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: front-door, namespace: default}}
spec:
  gatewayClassName: weft
  listeners:
  - {{name: web, port: 80, protocol: HTTP}}
  - name: secure
    port: 443
    protocol: HTTPS
    hostname: {HOST}
    tls: {{certificateRefs: [{{name: shop-certificate}}]}}
  - name: second
    port: 443
    protocol: HTTPS
    hostname: {SECOND}
    tls: {{certificateRefs: [{{name: second-certificate}}]}}
"""


def ask(shop, path="/who", host=HOST, port=443, sni=None, alpn=None, headers=None):
    """A browser outside the mesh."""
    tls = browser(shop.public_ca.roots, alpn) if port == 443 else None

    def dial(_, to):
        return shop.outside.connect(shop.ingress.ip, to)
    with Client(dial, sni or host, port, tls) as client:
        return client.get(path, {"Host": host, **(headers or {})})


# requirement: A1
def test_https_reaches_the_shop(shop):
    answer = ask(shop, "/")
    assert answer.status == 200
    told = answer.json()
    assert told["app"] == "frontend" and told["status_behind"] == 200
    assert "URI=spiffe://cluster.local/ns/default/sa/ingress" in \
        told["headers"]["x-forwarded-client-cert"]
    assert told["headers"]["x-forwarded-proto"] == "https"
    assert told["headers"]["x-forwarded-for"] == shop.outside.ip


@pytest.mark.parametrize("bare", [False, True])
def test_a_browser_that_half_closes_gets_its_answer(shop, bare):
    """close_notify says that nothing more is sent, and not that nobody listens."""
    request = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    with shop.outside.connect(shop.ingress.ip, 443) as sock:
        answer = ask_and_half_close(sock, browser(shop.public_ca.roots), HOST, request,
                                    bare)
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    assert b'"app": "frontend"' in answer


def test_http_is_sent_to_https(shop):
    answer = ask(shop, "/a?b=c", port=80)
    assert answer.status == 301
    assert answer.headers["location"] == f"https://{HOST}/a?b=c"


@pytest.mark.parametrize("section, port, scheme", [("web", 80, "http"), ("secure", 443, "https")])
def test_a_redirect_keeps_the_scheme(shop, section, port, scheme):
    moved = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: moved, namespace: default}}
spec:
  parentRefs: [{{name: front-door, sectionName: {section}}}]
  rules:
  - matches: [{{path: {{type: Exact, value: /old}}}}]
    filters:
    - type: RequestRedirect
      requestRedirect: {{path: {{type: ReplaceFullPath, replaceFullPath: /new}}}}
"""
    with shop.bed.policy(moved):
        answer = ask(shop, "/old", port=port)
    assert (answer.status, answer.headers["location"]) == (302, f"{scheme}://{HOST}/new")


# requirement: C9
def test_a_route_for_https_alone(shop):
    private = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: private, namespace: default}}
spec:
  parentRefs: [{{name: front-door, sectionName: secure}}]
  rules:
  - matches: [{{path: {{value: /private}}}}]
    backendRefs: [{{name: ratings, port: 9080}}]
"""
    with shop.bed.policy(private):
        assert ask(shop, "/private", port=443).json()["app"] == "ratings"
        answer = ask(shop, "/private", port=80)
        assert answer.status == 301, answer  # what is for all of the other listener


# requirement: C5
def test_another_host_is_not_served(shop):
    for port in (80, 443):
        answer = ask(shop, host="nobody.example.com", port=port, sni=HOST)
        assert answer.status in (404, 421), answer
        assert not answer.reason and "weft" not in answer.text(), answer


FAILING = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: failing, namespace: default}
spec:
  parentRefs: [{name: front-door, sectionName: web}]
  rules:
  - matches: [{path: {type: PathPrefix, value: /no-backend}}]
    backendRefs: [{name: nobody-at-all, port: 9080}]
  - matches: [{path: {type: PathPrefix, value: /no-endpoint}}]
    backendRefs: [{name: empty, port: 9080}]
  - matches: [{path: {type: PathPrefix, value: /behind}}]
    backendRefs: [{name: ratings, port: 9080}]
  - matches: [{path: {type: PathPrefix, value: /at-the-gateway}}]
    backendRefs: [{name: ratings, port: 9080}]
---
apiVersion: v1
kind: Service
metadata: {name: empty, namespace: default}
spec: {clusterIP: 10.96.77.77, ports: [{name: http, port: 9080}], selector: {app: nobody}}
---
apiVersion: policy.weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {name: keep-out-of-ratings, namespace: default}
spec:
  selector: {matchLabels: {app: ratings}}
  action: DENY
  rules: [{to: [{operation: {paths: ["/behind*"]}}]}]
---
apiVersion: policy.weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {name: keep-out-at-the-gateway, namespace: default}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: front-door}]
  action: DENY
  rules: [{to: [{operation: {paths: ["/at-the-gateway*"]}}]}]
"""
FAILURES = {"/no-backend": (500, "Internal Server Error", "no_cluster"),
            "/no-endpoint": (503, "Service Unavailable", "no_endpoint"),
            "/behind": (403, "Forbidden", "authz_denied"),
            "/at-the-gateway": (403, "Forbidden", "authz_denied"),
            "/at-the-gateway/%00": (400, "Bad Request", "bad_request")}


# requirement: A3
@pytest.mark.parametrize("port, section", [(80, "web"), (443, "secure")])
def test_a_stranger_reads_no_internal_name(shop, port, section):
    with shop.bed.policy(FAILING.replace("sectionName: web", f"sectionName: {section}")):
        for path, (status, name, _) in FAILURES.items():
            answer = ask(shop, path, port=port)
            assert answer.status == status, (path, answer)
            assert answer.text() == f"{status} {name}\nrequest id: " \
                                    f"{answer.headers['x-request-id']}\n", (path, answer)
            assert not [h for h in answer.headers if h.startswith("x-weft")], answer.headers


def test_the_log_has_what_a_stranger_does_not_read(shop):
    mesh = """
---
apiVersion: policy.weft.dev/v1alpha1
kind: MeshConfig
metadata: {name: default, namespace: weft-system}
spec: {accessLog: {mode: Errors, format: JSON}}
"""
    with shop.bed.policy(FAILING + mesh):
        for path, said in (("/at-the-gateway", "keep-out-at-the-gateway"),
                           ("/behind", "authz_denied")):
            mark = shop.ingress.sidecar.mark()
            shown = ask(shop, path, port=80).headers["x-request-id"]
            line = shop.ingress.sidecar.await_log(rf"(?m)^\{{.*{shown}.*\}}$", mark).group(0)
            assert said in line, line


def test_an_operator_lets_clients_read_why(shop):
    always = """
---
apiVersion: policy.weft.dev/v1alpha1
kind: ListenerPolicy
metadata: {name: tells, namespace: default}
spec:
  targetRefs: [{kind: Gateway, name: front-door}]
"""
    for line, told in (("  failureDetails: Always", True), ("  failureDetails: Never", False),
                       (f"  trustedAddresses: [{shop.outside.ip}]", True)):
        with shop.bed.policy(FAILING + always + line):
            for path, (status, _, reason) in FAILURES.items():
                answer = ask(shop, path, port=80)
                assert (answer.status, answer.reason) == (status, reason if told else ""), answer
            if told:
                assert "keep-out-at-the-gateway" in ask(shop, "/at-the-gateway", port=80).text()
                assert "keep-out-of-ratings" in ask(shop, "/behind", port=80).text()


def test_an_unknown_server_name_is_not_served(shop):
    sock = shop.outside.connect(shop.ingress.ip, 443)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    attempt = try_request(sock, context, "nobody.example.com")
    assert attempt.error or re.match(rb"HTTP/1\.1 4(04|21) ", attempt.answer), attempt


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_1_2_is_good_enough_and_1_1_is_not(shop):
    def version(newest):
        context = browser(shop.public_ca.roots)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = newest
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        sock = shop.outside.connect(shop.ingress.ip, 443)
        with context.wrap_socket(sock, server_hostname=HOST) as tls:
            return tls.version()
    assert version(ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    assert version(ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    with pytest.raises(OSError):
        version(ssl.TLSVersion.TLSv1_1)


# requirement: B3, L6
def test_http_2_is_offered(shop):
    context = browser(shop.public_ca.roots, ["h2", "http/1.1"])
    sock = shop.outside.connect(shop.ingress.ip, 443)
    with context.wrap_socket(sock, server_hostname=HOST) as tls:
        assert tls.selected_alpn_protocol() == "h2"


def test_curl_speaks_http_2_with_it(shop):
    done = shop.outside.netns.run(
        "curl", "-sS", "--http2", "--cacert", str(shop.public_ca.roots), "--resolve",
        f"{HOST}:443:{shop.ingress.ip}", "-w", "%{http_version} %{http_code}", "-o", "/dev/null",
        f"https://{HOST}/who")
    assert done.stdout == "2 200", done.stderr


def test_what_a_stranger_says_of_himself_is_not_believed(shop):
    told = ask(shop, "/headers", headers={
        "x-forwarded-client-cert": "URI=spiffe://cluster.local/ns/default/sa/admin",
        "x-weft-source": "admin"}).json()["headers"]
    assert "sa/admin" not in told["x-forwarded-client-cert"]
    assert "x-weft-source" not in told


def test_each_server_name_gets_its_certificate(shop):
    leaf = shop.public_ca.server(SECOND)
    secret = objects.tls_secret("second-certificate", leaf.cert_pem(), leaf.key_pem())
    first = shop.bed.policies.read("11-gateway.yaml")
    rest = first[first.index("---"):]
    shop.bed.apply("50-test.yaml", yaml_text.dump(secret))
    try:
        shop.bed.apply("11-gateway.yaml", TWO_HOSTS + rest.replace("sectionName: secure",
                                                                    "port: 443"))
        for host in (HOST, SECOND):
            answer = ask(shop, host=host)
            assert answer.status == 200, (host, answer)
    finally:
        shop.bed.apply("11-gateway.yaml", first)


def test_a_new_certificate_is_taken_without_a_restart(shop, tmp_path):
    def serial():
        sock = shop.outside.connect(shop.ingress.ip, 443)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(sock, server_hostname=HOST) as tls:
            return tls.getpeercert(binary_form=True)
    before, kept = serial(), shop.bed.policies.read("10-certificate.yaml")
    leaf = Authority(tmp_path / "new", "another public root").server(HOST)
    try:
        shop.bed.apply("10-certificate.yaml", yaml_text.dump(
            objects.tls_secret("shop-certificate", leaf.cert_pem(), leaf.key_pem())))
        until("the new certificate", lambda: serial() != before)
    finally:
        shop.bed.apply("10-certificate.yaml", kept)
    until("the old certificate", lambda: serial() == before)


@pytest.mark.parametrize("port", [80, 443])
def test_garbage_at_the_front_door(shop, port):
    for data in (b"\x16\x03\x01\x00\x05hello", b"GET / HTTP/1.1\r\n\r\n", bytes(5000), b"\n" * 10):
        with shop.outside.connect(shop.ingress.ip, port) as sock:
            try:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            answer = read_all(sock)
        assert not re.match(rb"HTTP/1\.1 2", answer)
    assert ask(shop).status == 200


def test_a_listener_comes_and_goes_with_the_gateway(shop):
    text = shop.bed.policies.read("11-gateway.yaml")
    more = text.replace("  listeners:\n", "  listeners:\n"
                        "    - {name: extra, port: 8080, protocol: HTTP}\n", 1)
    route = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: extra, namespace: default}
spec:
  parentRefs: [{name: front-door, sectionName: extra}]
  rules:
  - backendRefs: [{name: frontend, port: 9080}]
"""
    try:
        shop.bed.apply("50-test.yaml", route)
        shop.bed.apply("11-gateway.yaml", more)

        def is_open():
            return shop.outside.get(f"http://{shop.ingress.ip}:8080/who").status == 200
        until("the new listener", is_open)
    finally:
        shop.bed.apply("11-gateway.yaml", text)

    def is_closed():
        try:
            shop.outside.connect(shop.ingress.ip, 8080).close()
            return False
        except ConnectionRefusedError:
            return True
    until("the listener to be gone", is_closed)
