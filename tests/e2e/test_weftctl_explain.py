"""weftctl explain and config on the example policies: what they say is what the policies say. Needs
no root. SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import pathlib
import subprocess
from typing import Any

import pytest

from bed import programs

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = str(ROOT / "policies" / "examples")


def weftctl(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([programs.program("weftctl"), *words], text=True, check=False,
                          capture_output=True, timeout=60)


def explain(*words: str, status: int = 0) -> Any:
    done = weftctl("explain", "--policies", EXAMPLES, "-n", "shop", "-o", "json", *words)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_split_is_shown_with_its_endpoints() -> None:
    told = explain("--from", "frontend-a", "GET", "http://reviews:9080/reviews")
    assert told["destination"] == "shop/reviews:9080"
    assert told["route"]["name"] == "shop/reviews/split"
    assert told["notRoutedBy"][0]["because"] == 'header x-canary is not "true"'
    assert [(s["cluster"].split("||")[1].split(".")[0], s["weight"]) for s in told["to"]] == [
        ("reviews-v1", 95), ("reviews-v2", 5)]
    end = told["to"][0]["endpoints"][0]
    assert end["mutualTLS"] and end["ready"] and end["workload"] == "reviews-v1-a"
    assert end["identity"] == "spiffe://cluster.local/ns/shop/sa/reviews"
    assert end["verdict"]["because"] == "allowed by shop/reviews rule 1"
    assert told["delivered"] and told["status"] == 0


def test_a_header_chooses_the_route() -> None:
    told = explain("--from", "frontend", "-H", "X-Canary: true", "GET",
                   "http://reviews.shop.svc.cluster.local:9080/reviews")
    route = told["route"]
    assert (route["name"], route["because"]) == ("shop/reviews/canary-on-demand",
                                                 'header x-canary "true"')
    assert len(told["to"]) == 1


def test_who_would_be_asked() -> None:
    told = explain("--from", "gateway/front-door", "--client-ip", "192.0.2.7",
                   "http://shop.example.com/account", status=1)  # which is redirected
    assert told["verdict"]["because"] == (
        "HTTPFilter shop/edge-authorizer would be asked, by shop/ask-for-accounts rule 1; then "
        "allowed: no ALLOW policy is for this workload")
    assert any("would ask" in f["does"] and "by gRPC" in f["does"]
               for f in told["route"]["filters"])


def test_filters_of_a_route_and_of_the_pods() -> None:
    told = explain("--from", "frontend-a", "GET", "http://reviews:9080/reviews")
    assert {"name": "faultInjection", "httpFilter": "shop/reviews-faults",
            "does": "HTTPFilter shop/reviews-faults: delays 10 % by 2000 ms, answers 1 of 1000 "
                    "with 503, of requests with its headers"} in told["route"]["filters"]
    ends = [e for share in told["to"] for e in share["endpoints"]]
    size = "HTTPFilter shop/reviews-size: refuses bodies of more than 1048576 bytes with 413"
    assert all(size in e["filters"] for e in ends)


def test_a_filter_that_answers_instead() -> None:
    told = explain("--from", "gateway/front-door", "http://old.shop.example.com/", status=1)
    assert told["status"] == 503
    assert told["remark"] == ("the route's filter: HTTPFilter shop/closed-for-repairs: answers 503 "
                              "with 31 bytes of its own; no backend is asked")


def test_a_body_that_the_pods_refuse() -> None:
    told = explain("--from", "frontend-a", "-H", "content-length: 2000000", "GET",
                   "http://reviews:9080/reviews", status=1)
    assert told["outcome"] == ("answered there with 413: HTTPFilter shop/reviews-size: "
                               "refuses bodies of more than 1048576 bytes with 413")


@pytest.mark.parametrize("request_, because", [
    (("POST", "/reviews"), 'shop/reviews rule 1: the method is "POST" (wanted: "GET", "HEAD")'),
    (("GET", "/reviewsx"), 'shop/reviews rule 1: the path is "/reviewsx" (wanted: "/reviews", '
                           '"/reviews/*")'),
])
def test_who_denies_and_why(request_: tuple[str, str], because: str) -> None:
    method, path = request_
    told = explain("--from", "frontend-a", method, f"http://reviews:9080{path}", status=1)
    verdicts = [e["verdict"] for share in told["to"] for e in share["endpoints"]]
    assert verdicts and all(not v["allowed"] for v in verdicts)
    assert all(v["because"].startswith(f"denied: no ALLOW policy matches: {because}")
               for v in verdicts)
    assert told["outcome"] == f"403 Forbidden: {verdicts[0]['because']}"
    missed = [r for r in verdicts[0]["rules"] if not r["matches"]]
    assert all(r["because"] for r in missed)


def test_a_path_that_can_be_read_in_two_ways() -> None:
    told = explain("--from", "frontend-a", "GET", "http://reviews:9080/a/%2e%2e/admin", status=1)
    assert told["status"] == 400


@pytest.mark.parametrize("url, said", [
    ("http://review:9080/", "there is no Service review in namespace shop; did you mean reviews?"),
    ("http://revews.shop.svc:9080/", "did you mean reviews?"),
    ("http://reviews/", "Service shop/reviews has port 9080, not 80"),
    ("http://reviews.shop.svc.cluster.local:81/", "Service shop/reviews has port 9080, not 81"),
    ("http://reviews.elsewhere.svc:9080/", "did you mean reviews.shop?"),
    ("http://www.example.org/", "www.example.org is no Service of the mesh"),
])
def test_a_name_or_port_that_was_mistyped(url: str, said: str) -> None:
    told = explain("--from", "deploy/frontend", url, status=1)
    assert said in told["outcome"] and "passed on as it is" in told["outcome"]


@pytest.mark.parametrize("ref, pod", [
    ("deploy/frontend", "frontend-a"), ("pod/frontend-a", "frontend-a"),
    ("svc/frontend", "frontend-a"), ("shop/deploy/frontend", "frontend-a")])
def test_kubectl_words(ref: str, pod: str) -> None:
    assert explain("--from", ref, "http://reviews:9080/reviews")["from"]["pod"] == pod


def test_a_gateway_is_found_in_any_namespace() -> None:
    done = weftctl("explain", "--policies", EXAMPLES, "-n", "default", "--from",
                   "gateway/front-door", "http://shop.example.com/", "--client-ip", "192.0.2.7")
    assert "outside, at Gateway shop/front-door" in done.stdout, done.stderr


def test_what_is_none_of_the_mesh() -> None:
    told = explain("--from", "frontend-a", "GET", "http://192.0.2.1/", status=1)
    assert "passed on as it is" in told["remark"]
    assert not told["to"]


def test_a_pod_by_its_address() -> None:
    told = explain("--from", "frontend-a", "GET", "http://10.77.0.11:9080/reviews")
    assert told["route"] is None
    assert told["to"][0]["endpoints"][0]["workload"] == "reviews-v1-a"


def test_from_outside() -> None:
    web = ("--from", "gateway/front-door")
    denied = explain(*web, "--client-ip", "203.0.113.9", "GET", "http://shop.example.com/",
                     status=1)
    assert denied["status"] == 403
    assert denied["verdict"]["because"] == "denied by shop/front-door rule 1"
    unknown = explain(*web, "GET", "http://shop.example.com/", status=1)
    assert "--client-ip" in unknown["verdict"]["because"]
    assert unknown["status"] == 301
    told = explain(*web, "GET", "http://shop.example.com:81/", status=1)
    assert told["remark"] == "the Gateway has no listener on port 81; it has 80, 8443, 9000"


def test_for_people() -> None:
    done = weftctl("explain", "--policies", EXAMPLES, "-n", "shop", "--from", "frontend-a", "-v",
                   "GET", "http://reviews:9080/reviews")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    for words in ("as cluster.local/ns/shop/sa/frontend", "95 %", "mutual TLS",
                  "allowed by shop/reviews rule 1", "within 10000 ms",
                  "destination   Service shop/reviews port 9080 (HTTP)",
                  "95 % Service shop/reviews-v1 port 9080",
                  "route         shop/reviews, rule split"):
        assert words in done.stdout
    assert "||" not in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last == "verdict       delivered to any of 2 ready endpoints"


def test_filters_and_the_certificate_are_shown() -> None:
    done = weftctl("explain", "--policies", EXAMPLES, "-n", "shop", "--from", "gateway/front-door",
                   "--client-ip", "192.0.2.7", "http://shop.example.com/")
    assert "redirect with 301 to scheme https" in done.stdout.splitlines()[-1]
    secure = weftctl("explain", "--policies", EXAMPLES, "-n", "shop", "--from",
                     "gateway/front-door", "--client-ip", "192.0.2.7", "https://shop.example.com/")
    assert "does not serve port 443: " in secure.stdout, secure.stdout  # its key is none


def test_an_unknown_verb() -> None:
    done = weftctl("explian")
    assert done.returncode == 2
    assert done.stderr == 'weftctl: there is no verb "explian"; did you mean explain?\n'
    assert "weftctl explain: " in weftctl("explain", "http://a/").stderr


@pytest.mark.parametrize("words, said", [
    (("--from", "nobody", "GET", "http://a/"), "pods there: frontend-a"),
    (("--from", "gateway/nobody", "GET", "http://a/"), "there is no Gateway nobody"),
    (("--from", "frontend-a", "GET", "ftp://a/"), "begins with http://"),
    (("--from", "frontend-a", "get", "http://a/"), "a method is wanted"),
    (("--from", "frontend-a", "-H", "x", "GET", "http://a/"), "NAME: VALUE"),
    (("--from", "frontend-a", "-o", "xml", "GET", "http://a/"), "text, json or yaml"),
    (("GET", "http://a/"), "--from is missing"),
    (("--from", "frontend-a"), "the URL is missing"),
    (("--from", "frontend-a", "GET", "http://a/", "x"), "1 arguments are too many"),
    (("--from", "deploy/frontnd", "GET", "http://a/"), "did you mean frontend?"),
    (("--from", "svc/reviewss", "GET", "http://a/"), "did you mean reviews?"),
    (("--from", "cronjob/x", "GET", "http://a/"), "pods"),
    (("--from", "other/cronjob/x", "GET", "http://a/"), 'there is no kind "cronjob" here'),
    (("--from", "gateway/front-dor", "GET", "http://a/"), "did you mean front-door?"),
])
def test_wrong_use(words: tuple[str, ...], said: str) -> None:
    done = weftctl("explain", "--policies", EXAMPLES, "-n", "shop", *words)
    assert done.returncode == 2
    assert said in done.stderr and done.stdout == ""


def test_config_hides_keys() -> None:
    done = weftctl("config", "gateway/front-door", "-n", "shop", "--policies", EXAMPLES, "-o",
                   "json")
    assert done.returncode == 0, done.stderr
    assert "PRIVATE" not in done.stdout
    names = [r["name"] for r in json.loads(done.stdout)["resources"]]
    assert "mesh" in names and "gateway/shop/front-door:80" in names


def test_config_as_yaml_and_text_name_the_same() -> None:
    forms = [weftctl("config", "frontend", "-n", "shop", "--own", "--policies", EXAMPLES, "-o", o)
             for o in ("yaml", "text", "json")]
    assert all(f.returncode == 0 for f in forms)
    assert all("inbound" in f.stdout and "shop/frontend-a" in f.stdout for f in forms)
    assert "destination/" not in forms[2].stdout


@pytest.mark.parametrize("table, who, words", [
    ("routes", "frontend", ("HOST", "shop/reviews/split", "95 shop/reviews-v1:9080")),
    ("clusters", "frontend", ("SERVICE", "shop/reviews-v1", "1/1", "mutual")),
    ("endpoints", "frontend", ("10.77.0.11:9080", "shop/reviews-v1-a", "ready")),
    ("policies", "svc/reviews-v1", ("shop/reviews", "ALLOW", "weft-system/no-admin")),
    ("listeners", "svc/reviews-v1", ("inbound", "9080")),
    ("listeners", "gateway/front-door", ("shop/front-door/http", "HTTP")),
    ("certificates", "gateway/front-door", ("NAMES",)),
])
def test_config_as_tables(table: str, who: str, words: tuple[str, ...]) -> None:
    done = weftctl("config", table, who, "-n", "shop", "--policies", EXAMPLES)
    assert done.returncode == 0, done.stderr
    for word in words:
        assert word in done.stdout
    assert "||" not in done.stdout
    assert all(line == line.rstrip() for line in done.stdout.splitlines())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_names_every_verb(shell: str) -> None:
    script = weftctl("completion", shell)
    verbs = [line.split()[0] for line in weftctl("--help").stdout.splitlines()[1:]]
    assert len(verbs) > 4
    assert all(verb in script.stdout for verb in verbs)
    if shell == "bash":
        asked = f"{script.stdout}\nCOMP_WORDS=(weftctl ex) COMP_CWORD=1; _weftctl; " \
                'echo "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", asked], text=True, capture_output=True, check=True)
        assert done.stdout.strip() == "explain"


def test_without_a_cluster_it_says_so(tmp_path: pathlib.Path) -> None:
    done = weftctl("explain", "--from", "a", "--kubeconfig", str(tmp_path / "none"), "GET",
                   "http://a/")
    assert done.returncode == 2
    assert "no way to the cluster" in done.stderr and "none" in done.stderr


GUARDED = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: door, namespace: shop}
spec:
  gatewayClassName: weft
  listeners: [{name: web, port: 80, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: read, namespace: shop}
spec:
  parentRefs: [{name: door}]
  rules:
  - matches: [{path: {value: /read}}]
    filters:
    - {type: ExtensionRef, extensionRef: {group: policy.weft.dev, kind: HTTPFilter, name: tokens}}
    - {type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /}}}
  - matches: [{path: {value: /unread}}]
    filters:
    - {type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /}}}
---
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {name: tokens, namespace: shop}
spec:
  jwt:
    optional: true
    providers: [{issuer: i, jwks: {remote: {uri: "https://login.example.com/"}}}]
---
apiVersion: policy.weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {name: not-bob, namespace: shop}
spec:
  targetRefs: [{kind: Gateway, name: door}]
  action: DENY
  rules: [{from: [{source: {requestPrincipals: [i/bob]}}]}]
"""
READS = """---
apiVersion: policy.weft.dev/v1alpha1
kind: RequestAuthentication
metadata: {name: door, namespace: shop}
spec:
  targetRefs: [{kind: Gateway, name: door}]
  jwtRules: [{issuer: i, jwksUri: "https://login.example.com/"}]
"""


def test_what_a_token_decides_at_a_gateway(tmp_path: pathlib.Path) -> None:
    """As the Gateway does: behind the filters of the route that read it, and before a 404."""
    def ask(path: str) -> Any:
        done = weftctl("explain", "--policies", str(tmp_path), "-n", "shop", "-o", "json", "--from",
                       "gateway/door", f"http://shop.example.com{path}")
        return json.loads(done.stdout)
    (tmp_path / "a.yaml").write_text(GUARDED)
    told = ask("/read")
    assert (told["status"], told["verdict"]["allowed"]) == (302, True)
    assert told["verdict"]["because"].endswith(", as a request without a token")
    assert told["verdict"]["rules"][0]["because"].startswith("the token's principal is")
    assert [f["name"] for f in told["route"]["filters"]] == ["jwt", "authorization", "redirect"]
    told = ask("/unread")
    assert (told["status"], told["verdict"]["because"]) == (403, "denied by shop/not-bob rule 1")
    assert (ask("/nowhere")["status"], ask("/nowhere")["route"]) == (403, None)
    (tmp_path / "b.yaml").write_text(READS)
    assert [ask(p)["status"] for p in ("/read", "/unread", "/nowhere")] == [302, 302, 404]
    assert {"name": "jwt", "requestAuthentication": "shop:door",
            "does": "RequestAuthentication shop:door: checks a token of i"} in (
                ask("/read")["filters"])
