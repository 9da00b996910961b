"""Routes of the mesh, and changing them under load. SPDX-License-Identifier: GPL-3.0-or-later
"""
import math

import pytest

from bed.wait import until

ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: reviews, namespace: default}
spec:
  parentRefs: [{group: "", kind: Service, name: reviews, port: 9080}]
  rules:
"""


def version(answer):
    return answer.json()["version"]


def route(rules):
    return ROUTE + rules


CANARY = route("""
  - matches: [{headers: [{name: x-canary, value: "true"}]}]
    backendRefs: [{name: reviews-v2, port: 9080}]
  - backendRefs:
    - {name: reviews-v1, port: 9080, weight: 95}
    - {name: reviews-v2, port: 9080, weight: 5}
""")


def edition(text):
    return route(f"""
  - filters:
    - type: ResponseHeaderModifier
      responseHeaderModifier: {{set: [{{name: x-edition, value: "{text}"}}]}}
    backendRefs: [{{name: reviews, port: 9080}}]
""")


# requirement: C14
def test_weights_split_requests(shop):
    with shop.bed.policy(CANARY):
        result = shop.frontend.load("http://reviews:9080/who", threads=4, kind=version).run(2000)
    assert not result.failures, result.why()
    # Five standard deviations: wrong once in two million runs.
    assert abs(result.kinds["v2"] - 100) <= 5 * math.sqrt(2000 * .05 * .95), result.kinds


# requirement: C2
def test_a_header_decides(shop):
    with shop.bed.policy(CANARY):
        result = shop.frontend.load("http://reviews:9080/who", kind=version,
                                    headers={"x-canary": "true"}).run(100)
        other = shop.frontend.load("http://reviews:9080/who", kind=version,
                                   headers={"x-canary": "no"}).run(100)
    assert not result.failures and not other.failures
    assert set(result.kinds) == {"v2"}
    assert other.kinds["v1"] > other.kinds["v2"]


# requirement: C1, C3, C4, C6
def test_path_method_and_query_decide(shop):
    rules = route("""
  - matches: [{path: {type: Exact, value: /exact}}]
    backendRefs: [{name: reviews-v2, port: 9080}]
  - matches: [{path: {type: PathPrefix, value: /pre}}]
    backendRefs: [{name: reviews-v2, port: 9080}]
  - matches: [{path: {type: RegularExpression, value: "/re[0-9]+"}}]
    backendRefs: [{name: reviews-v2, port: 9080}]
  - matches: [{method: PUT}]
    backendRefs: [{name: reviews-v2, port: 9080}]
  - matches: [{queryParams: [{name: to, value: v2}]}]
    backendRefs: [{name: reviews-v2, port: 9080}]
  - backendRefs: [{name: reviews-v1, port: 9080}]
""")
    wanted = {"/exact": "v2", "/exact/": "v1", "/pre": "v2", "/pre/a": "v2", "/prefix": "v1",
              "/re12": "v2", "/re": "v1", "/?to=v2": "v2", "/?to=v1": "v1", "/other": "v1"}
    with shop.bed.policy(rules):
        got = {path: version(shop.reviews(path)) for path in wanted}
        assert got == wanted
        put = shop.frontend.ask("PUT", "http://reviews:9080/who", b"x")
        assert version(put) == "v2"


# requirement: B5
def test_no_rule_means_404_and_no_backend_means_500(shop):
    with shop.bed.policy(route("""
  - matches: [{path: {type: Exact, value: /here}}]
    backendRefs: [{name: reviews-v1, port: 9080}]
  - matches: [{path: {type: Exact, value: /nobody}}]
    backendRefs: [{name: nobody, port: 9080}]
""")):
        assert shop.reviews("/here").status == 200
        missing = shop.reviews("/there")
        assert (missing.status, bool(missing.reason)) == (404, True), missing
        nobody = shop.reviews("/nobody")
        assert (nobody.status, bool(nobody.reason)) == (500, True), nobody


# requirement: C8, K1, K3
def test_headers_paths_and_redirects_are_changed(shop):
    with shop.bed.policy(route("""
  - matches: [{path: {type: PathPrefix, value: /old}}]
    filters:
    - type: URLRewrite
      urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}
    - type: RequestHeaderModifier
      requestHeaderModifier:
        set: [{name: x-set, value: ours}]
        add: [{name: x-added, value: more}]
        remove: [x-removed]
    - type: ResponseHeaderModifier
      responseHeaderModifier: {set: [{name: x-answer, value: seen}]}
    backendRefs: [{name: reviews-v1, port: 9080}]
  - matches: [{path: {type: PathPrefix, value: /moved}}]
    filters:
    - type: RequestRedirect
      requestRedirect: {hostname: elsewhere.example.com, statusCode: 302}
""")):
        answer = shop.reviews("/old/a?b=c", x_set="theirs", x_removed="secret")
        told = answer.json()
        assert told["path"] == "/new/a?b=c"
        assert told["headers"]["x-set"] == "ours"
        assert told["headers"]["x-added"] == "more"
        assert "x-removed" not in told["headers"]
        assert answer.headers["x-answer"] == "seen"
        moved = shop.reviews("/moved/x?y=z")
        assert moved.status == 302
        assert moved.headers["location"].startswith("http://elsewhere.example.com")
        assert moved.headers["location"].endswith("/moved/x?y=z")


# requirement: A10
def test_edits_under_load_fail_no_request(shop):
    shop.bed.apply("50-test.yaml", edition(0))
    load = shop.frontend.load("http://reviews:9080/who", threads=3,
                              kind=lambda a: a.headers.get("x-edition")).start()
    try:
        for number in range(1, 16):
            shop.bed.policies.write("50-test.yaml", edition(number))
            until(f"edition {number}", lambda number=number: load.saw(str(number)))
    finally:
        result = load.stop()
    assert not result.failures, result.why()


# requirement: D15
def test_endpoints_come_and_go_under_load(shop):
    load = shop.frontend.load("http://reviews:9080/who", threads=3, kind=version).start()
    try:
        for _ in range(5):
            for pod in (shop.v1, shop.v2):
                pod.facts.ready = False
                shop.bed.publish()
                before = load.done()
                until("more answers", lambda before=before: load.done() > before + 30)
                pod.facts.ready = True
                shop.bed.publish()
    finally:
        result = load.stop()
    assert not result.failures, result.why()
    assert set(result.kinds) == {"v1", "v2"}


def test_an_endpoint_that_is_not_ready_gets_nothing(shop):
    shop.v2.facts.ready = False
    shop.bed.publish()
    try:
        result = shop.frontend.load("http://reviews:9080/who", kind=version).run(100)
        assert not result.failures, result.why()
        assert set(result.kinds) == {"v1"}
    finally:
        shop.v2.facts.ready = True
        shop.bed.publish()


def test_without_endpoints_the_answer_says_so(shop):
    shop.v1.facts.ready = shop.v2.facts.ready = False
    shop.bed.publish()
    try:
        answer = shop.reviews()
        assert (answer.status, answer.reason) == (503, "no_endpoint"), answer
    finally:
        shop.v1.facts.ready = shop.v2.facts.ready = True
        shop.bed.publish()


BAD_FILES = {
    "unknown field": (edition("bad").replace("rules:", "ruels:"), r"50-bad\.yaml:\d+: .*ruels"),
    "wrong type": (edition("bad").replace("port: 9080}]\n  rules", "port: many}]\n  rules"),
                   r"50-bad\.yaml:\d+: .*port"),
    "not YAML": ("a: [1, 2\nb: }\n", r"50-bad\.yaml:\d+"),
    "bad expression": (route("""
  - matches: [{path: {type: RegularExpression, value: "/(("}}]
    backendRefs: [{name: reviews, port: 9080}]
"""), r"50-bad\.yaml:\d+: .*regular expression"),
    "unknown kind of ours": ("apiVersion: policy.weft.dev/v1alpha1\nkind: TrafficPolitely\n"
                             "metadata: {name: x}\n", r"50-bad\.yaml:\d+: .*TrafficPolitely"),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_a_bad_file_is_refused_whole(shop, what):
    text, expected = BAD_FILES[what]
    shop.bed.apply("50-test.yaml", edition("good"))
    sidecar = shop.frontend.sidecar
    load = shop.frontend.load("http://reviews:9080/who",
                              kind=lambda a: a.headers.get("x-edition")).start()
    try:
        mark = sidecar.mark()
        shop.bed.policies.write("50-bad.yaml", text)
        sidecar.await_log("refused as a whole", mark)
        sidecar.await_log(expected, mark)
        before = load.done()
        until("more answers", lambda: load.done() > before + 30)
    finally:
        result = load.stop()
        shop.bed.withdraw("50-bad.yaml")
    assert not result.failures, result.why()
    assert set(result.kinds) == {"good"}


def test_an_unreadable_file_is_refused(shop):
    sidecar = shop.frontend.sidecar
    mark = sidecar.mark()
    hidden = shop.bed.policies.path / "50-bad.yaml"
    try:
        shop.bed.policies.write("50-bad.yaml", edition("hidden"), mode=0o000)
        sidecar.await_log(r"50-bad\.yaml.*", mark)
        sidecar.await_log("refused as a whole", mark)
        assert shop.reviews().status == 200
    finally:
        hidden.chmod(0o644)
        shop.bed.withdraw("50-bad.yaml")
