"""What weftctl validate and analyze say of the mistakes that people make, one at a time in a folder
that is in order. Needs no root. SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import pathlib
import subprocess
from typing import Any

import pytest

from bed import programs
from bed.pki import Authority

SERVICES = """apiVersion: v1
kind: Service
metadata: {name: two, namespace: shop}
spec: {clusterIP: 10.96.0.2, selector: {app: two}, ports: [{name: http, port: 9002}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: two-a, namespace: shop, labels: {kubernetes.io/service-name: two}}
addressType: IPv4
ports: [{name: http, port: 9002}]
endpoints: [{addresses: [127.0.0.1]}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: two, namespace: shop}
spec:
  template:
    metadata: {labels: {app: two}}
    spec: {containers: [{name: app, image: two}]}
"""
GATEWAY = """apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: door, namespace: shop}
spec:
  gatewayClassName: weft
  listeners:
    - {name: http, port: 8080, protocol: HTTP, hostname: "*.example.com"}
"""
ROUTE = """apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: shop}
spec:
  parentRefs: [{name: door}]
  hostnames: [shop.example.com]
  rules:
    - backendRefs: [{name: two, port: 9002}]
"""
POLICY = """apiVersion: policy.weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {name: wall, namespace: shop}
spec:
  selector: {matchLabels: {app: two}}
  action: DENY
  rules: [{to: [{operation: {paths: ["/admin*"]}}]}]
"""
FILES = {"10-services.yaml": SERVICES, "20-gateway.yaml": GATEWAY, "30-route.yaml": ROUTE,
         "40-policy.yaml": POLICY}


def weftctl(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([programs.program("weftctl"), *words], text=True, check=False,
                          capture_output=True, timeout=60, input=stdin)


@pytest.fixture(name="folder")
def sound_folder(tmp_path: pathlib.Path) -> pathlib.Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def change(folder: pathlib.Path, file: str, old: str, new: str) -> None:
    text = FILES[file]
    assert text.count(old) == 1, (file, old)
    (folder / file).write_text(text.replace(old, new))


def test_nothing_is_said_of_what_is_in_order(folder: pathlib.Path) -> None:
    done = weftctl("validate", "--strict", str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{folder}: 5 objects are valid\n"
    found = weftctl("analyze", str(folder))
    assert found.returncode == 0 and "0 errors" not in found.stdout, found.stdout


# file, what is written instead, the line that must be said, the exit status without --strict, and
# the code of analyze.
MISTAKES = [
    ("20-gateway.yaml", "  listeners:\n    - {name", "  listeners:\n   - {name: x}\n    - {name",
     "20-gateway.yaml:8: this line is neither", 1, "WEFT0001"),
    ("20-gateway.yaml", "  gatewayClassName", "\tgatewayClassName",
     "20-gateway.yaml:5: a tab: YAML is indented with spaces only: "
     '"\\tgatewayClassName: weft"', 1, "WEFT0001"),
    ("30-route.yaml", "name: two, port", "name: tow, port",
     '30-route.yaml:8: warning: HTTPRoute shop/shop: spec.rules.backendRefs: there is no Service '
     'shop/tow (did you mean "two"?): its share gets 500', 0, "WEFT0201"),
    ("30-route.yaml", "port: 9002", "port: 9003",
     "Service shop/two has no TCP port 9003 in the cluster (it has 9002): its share gets 500",
     0, "WEFT0202"),
    ("30-route.yaml", "- backendRefs: [{name: two, port: 9002}]", "- backendRefs: []",
     "it has no backendRefs and no redirect: answered 500", 0, "WEFT0206"),
    ("30-route.yaml", "port: 9002}", "port: 9002, weight: 0}",
     "all its backends have the weight 0: answered 500", 0, "WEFT0206"),
    ("30-route.yaml", "kind: HTTPRoute", "kind: HttpRoute",
     "30-route.yaml:2: kind: there is no kind HttpRoute in gateway.networking.k8s.io/v1; did you "
     "mean HTTPRoute?", 1, "WEFT0001"),
    ("30-route.yaml", "k8s.io/v1", "k8s.io/v1alpha2",
     "there is no kind HTTPRoute in gateway.networking.k8s.io/v1alpha2; did you mean apiVersion "
     "gateway.networking.k8s.io/v1?", 1, "WEFT0001"),
    ("40-policy.yaml", "policy.weft.dev/v1alpha1", "policy.weft.dev/v1",
     "did you mean apiVersion policy.weft.dev/v1alpha1?", 1, "WEFT0001"),
    ("40-policy.yaml", "policy.weft.dev/v1alpha1", "security.istio.io/v1",
     "40-policy.yaml:2: kind: security.istio.io/v1 AuthorizationPolicy is not supported, so "
     "nothing enforces it; use AuthorizationPolicy of policy.weft.dev/v1alpha1",
     1, "WEFT0002"),
    ("30-route.yaml", "gateway.networking.k8s.io/v1\nkind: HTTPRoute",
     "networking.istio.io/v1\nkind: VirtualService",
     "warning: kind: networking.istio.io/v1 VirtualService is not supported; use "
     "HTTPRoute of gateway.networking.k8s.io/v1", 0, "WEFT0003"),
    ("30-route.yaml", "gateway.networking.k8s.io/v1\nkind: HTTPRoute",
     "traefik.io/v1alpha1\nkind: Middleware", "so nothing enforces it", 1, "WEFT0002"),
    ("10-services.yaml", "v1\nkind: Service", "v1\nkind: service",
     "v1 service is not supported; did you mean Service?", 0, "WEFT0008"),
    ("30-route.yaml", "{name: door}", "{name: dor}",
     '30-route.yaml:5: warning: HTTPRoute shop/shop: spec.parentRefs: there is no Gateway shop/dor '
     '(did you mean "door"?)', 0, "WEFT0101"),
    ("30-route.yaml", "  parentRefs: [{name: door}]\n", "",
     "it names no parent, so it is in force nowhere", 0, "WEFT0101"),
    ("30-route.yaml", "{name: door}", "{name: door, sectionName: htp}",
     "the Gateway has no such listener: not in force", 0, "WEFT0103"),
    ("30-route.yaml", "shop.example.com", "shop.example.org",
     "no host name is both the route's and the listener's: not in force", 0, "WEFT0104"),
    ("20-gateway.yaml", "gatewayClassName: weft", "gatewayClassName: nginx",
     "there is no GatewayClass nginx, and the one of Weft is weft: not served", 0, "WEFT0106"),
    ("20-gateway.yaml", "protocol: HTTP,", "protocol: FOO,",
     "protocol FOO is not supported; there are HTTP, HTTPS, TLS, TCP and UDP", 0, "WEFT0108"),
    ("20-gateway.yaml", "protocol: HTTP,", "protocol: http,",
     '"http" is written HTTP', 0, "WEFT0005"),
    ("40-policy.yaml", "action: DENY", "action: deny",
     '"deny" is none of: ALLOW, DENY, AUDIT, CUSTOM; did you mean "DENY"?', 1, "WEFT0001"),
    ("40-policy.yaml", "{app: two}", "{app: tow}",
     "no pod of namespace shop has the labels app=tow: the policy is in force for nobody; did you "
     "mean app=two?", 0, "WEFT0402"),
    ("40-policy.yaml", "selector: {matchLabels: {app: two}}",
     "targetRefs: [{kind: Gateway, name: dor}]",
     'there is no Gateway shop/dor (did you mean "door"?): the policy does nothing for it',
     0, "WEFT0401"),
    ("40-policy.yaml", '"/admin*"', '"/admin"', 'is not "/admin/"', 0, "WEFT0406"),
    ("10-services.yaml", "{name: http, port: 9002}]}", "{name: tcp-http, port: 9002}]}",
     'port 9002 is named "tcp-http", which declares TCP', 0, "WEFT0601"),
    ("10-services.yaml", "endpoints: [{addresses: [127.0.0.1]}]", "endpoints: []",
     "Service shop/two has no ready endpoints: answered 503", 0, "WEFT0207"),
    ("10-services.yaml", "labels: {app: two}}", 'labels: {app: two, weft.dev/inject: "true"}}',
     'Deployment shop/two: metadata.labels: weft.dev/inject: "true" is neither enabled nor '
     'disabled', 0, "WEFT0701"),
    ("10-services.yaml", "labels: {app: two}}", 'labels: {app: two, istio.io/rev: one}}',
     "istio.io/rev has no effect here: the label for a sidecar is weft.dev/inject: enabled",
     0, "WEFT0702"),
]


@pytest.mark.parametrize("file, old, new, said, status, code", MISTAKES,
                         ids=[f"{m[5]}-{i}" for i, m in enumerate(MISTAKES)])
def test_mistakes(folder: pathlib.Path, file: str, old: str, new: str, said: str, status: int,
                  code: str) -> None:
    change(folder, file, old, new)
    done = weftctl("validate", str(folder))
    assert said in done.stderr, done.stderr
    assert done.returncode == status, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == len(set(lines)), "each once"
    assert weftctl("validate", "--strict", str(folder)).returncode == 1
    found = weftctl("analyze", "-o", "json", str(folder))
    assert found.returncode == 1
    assert code in [f["code"] for f in json.loads(found.stdout)["findings"]], found.stdout


HTTPS = ('    - {name: https, port: 8443, protocol: HTTPS, hostname: shop.example.com, '
         'tls: {certificateRefs: [{name: cert}]}}\n')


def make_certificate(folder: pathlib.Path, host: str, ends: float = 90 * 86400.0,
                     begins: float = -60.0) -> tuple[str, str]:
    """A certificate and its key, both PEM."""
    made = Authority(folder / "ca").issue(
        host, ["keyUsage=critical,digitalSignature", f"subjectAltName=DNS:{host}"], begins, ends)
    return made.cert_pem(), made.key_pem()


def secret(crt: str, key: str) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
                       "metadata": {"name": "cert", "namespace": "shop"},
                       "stringData": {"tls.crt": crt, "tls.key": key}})


def test_certificates(folder: pathlib.Path,
                      tmp_path_factory: pytest.TempPathFactory) -> None:
    tmp_path = tmp_path_factory.mktemp("certificates")
    (folder / "20-gateway.yaml").write_text(GATEWAY + HTTPS)
    def told(text: str | None) -> Any:
        if text is not None:
            (folder / "50-secret.json").write_text(text)
        done = weftctl("validate", "--strict", str(folder))
        found = json.loads(weftctl("analyze", "-o", "json", str(folder)).stdout)["findings"]
        return done, [f["code"] for f in found if f["severity"] != "info"]
    done, codes = told(None)
    assert "there is no valid Secret shop/cert" in done.stderr and codes == ["WEFT0501"]
    crt, key = make_certificate(tmp_path / "a", "shop.example.com")
    done, codes = told(secret(crt, key))
    assert done.returncode == 0 and not codes, done.stderr
    _, other = make_certificate(tmp_path / "b", "shop.example.com")
    done, codes = told(secret(crt, other))
    assert "Secret shop/cert: " in done.stderr and codes == ["WEFT0501"], done.stderr
    done, codes = told(secret(*make_certificate(tmp_path / "c", "shop.example.com", 9.5 * 86400)))
    assert "in 9 days" in done.stderr and codes == ["WEFT0503"], done.stderr
    done, codes = told(secret(*make_certificate(tmp_path / "d", "shop.example.org")))
    assert "is for shop.example.com, and the certificate in Secret shop/cert is not" in done.stderr
    assert codes == ["WEFT0504"]
    past = make_certificate(tmp_path / "e", "shop.example.com", -3600.0, -7200.0)
    done, codes = told(secret(*past))
    assert "the certificate expired at 20" in done.stderr
    assert codes == ["WEFT0502"] and weftctl("validate", str(folder)).returncode == 1
    done, codes = told(secret("-----BEGIN CERTIFICATE-----\n(here)\n-----END CERTIFICATE-----\n",
                              "-----BEGIN PRIVATE KEY-----\n(here)\n-----END PRIVATE KEY-----\n"))
    assert (done.returncode, codes) == (0, [])



def test_who_wins_where_routes_overlap(folder: pathlib.Path) -> None:
    (folder / "30-route.yaml").write_text("---\n".join(
        ROUTE.replace("{name: shop,", f'{{name: {name}, creationTimestamp: "{made}",')
        for name, made in (("young", "2026-03-01T00:00:00Z"), ("old", "2026-01-01T00:00:00Z"))))
    done = weftctl("validate", str(folder))
    assert done.stderr.splitlines() == [
        f"{folder}/30-route.yaml:8: warning: HTTPRoute shop/young: spec.rules: rule 0 can never "
        "match at shop.example.com: rule 0 of HTTPRoute shop/old takes the same requests first "
        "(its route is older)"]


def test_an_empty_folder_and_a_path_that_is_not_there(tmp_path: pathlib.Path) -> None:
    done = weftctl("validate", str(tmp_path))
    assert done.returncode == 1 and "no object of a kind that is read here" in done.stderr
    done = weftctl("validate", str(tmp_path / "nowhere.yaml"))
    assert done.returncode == 1 and "there is no such folder or file" in done.stderr
    assert done.stderr.splitlines()[-1].endswith("refused: 1 error, 0 warnings")
    assert weftctl("analyze", str(tmp_path / "nowhere.yaml")).returncode == 2


def test_files_and_standard_input(folder: pathlib.Path) -> None:
    files = [str(folder / name) for name in FILES]
    assert weftctl("validate", "--strict", *files).stdout == "all: 5 objects are valid\n"
    assert weftctl("validate", "--strict", *files[:-1], "-f", files[-1]).returncode == 0
    one = weftctl("validate", files[0])
    assert one.stdout == f"{files[0]}: 2 objects are valid\n"
    piped = weftctl("validate", "-", stdin=ROUTE.replace("hostnames", "hostname"))
    assert piped.returncode == 1
    assert '(standard input):6: HTTPRoute shop/shop: spec.hostname: unknown field' in piped.stderr
    done = weftctl("validate", "--strict", "-f", "-", *files[:-1], stdin=POLICY)
    assert done.returncode == 0, done.stderr


def test_what_is_shown_and_what_fails(folder: pathlib.Path) -> None:
    change(folder, "30-route.yaml", "name: two, port", "name: tow, port")
    done = weftctl("analyze", "-f", str(folder))
    assert done.returncode == 1
    assert done.stdout.splitlines()[:3] == [
        "warning  WEFT0201  HTTPRoute shop/shop  spec.rules.backendRefs  "
        f"({folder}/30-route.yaml:8)",
        '    there is no Service shop/tow (did you mean "two"?): its share gets 500',
        "    -> Correct the name or namespace in backendRefs, or create the Service."]
    found = json.loads(weftctl("analyze", "-o", "json", str(folder)).stdout)
    assert {**found["findings"][0], "advice": ""} == {
        "code": "WEFT0201", "severity": "warning", "kind": "HTTPRoute", "namespace": "shop",
        "name": "shop", "field": "spec.rules.backendRefs", "file": f"{folder}/30-route.yaml",
        "line": 8, "advice": "",
        "message": 'there is no Service shop/tow (did you mean "two"?): its share gets 500'}
    for words, status in ((("--fail-on", "error"), 0), (("--fail-on", "never"), 0),
                          (("-n", "shop"), 1), (("-n", "other"), 0), (("-A",), 1),
                          (("--suppress", "WEFT0201"), 0),
                          (("--suppress", "WEFT0201=HTTPRoute shop/shop"), 0),
                          (("--suppress", "WEFT0201=HTTPRoute shop/other"), 1),
                          (("--suppress", "WEFT9"), 2), (("--fail-on", "much"), 2)):
        assert weftctl("analyze", *words, str(folder)).returncode == status, words


def test_no_way_to_the_cluster(tmp_path: pathlib.Path) -> None:
    done = weftctl("analyze", "--kubeconfig", str(tmp_path / "nowhere"))
    assert done.returncode == 2 and "no way to the cluster" in done.stderr


def test_the_page_lists_every_code() -> None:
    page = (pathlib.Path(__file__).resolve().parents[2] / "docs/reference/findings.md").read_text()
    assert weftctl("analyze", "--codes").stdout in page
