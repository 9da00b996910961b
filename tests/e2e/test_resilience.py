"""When apps fail, are slow, or go. SPDX-License-Identifier: GPL-3.0-or-later
"""
import time

import pytest

from bed.policy_text import traffic
from bed.wait import until

RETRIES = traffic("reviews", """\
    retries: {attempts: 2, retryOn: [connect-failure, reset, gateway-error]}
    outlierDetection: {consecutiveFailures: 5, baseEjectionTime: 2s}
    loadBalancing: {algorithm: RoundRobin}
""")
TIMEOUT = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: reviews, namespace: default}
spec:
  parentRefs: [{group: "", kind: Service, name: reviews, port: 9080}]
  rules:
  - backendRefs: [{name: reviews, port: 9080}]
    timeouts: {request: 300ms}
"""


def version(answer):
    return answer.json()["version"]


@pytest.mark.parametrize("how", [{"fail": 503}, {"close": 1}])
def test_retries_hide_a_failing_endpoint(shop, how):
    with shop.bed.policy(RETRIES):
        shop.v2.control(**how)
        asked = shop.v2.count()
        result = shop.frontend.load("http://reviews:9080/who", kind=version).run(200)
        assert not result.failures, result.why()
        assert set(result.kinds) == {"v1"}
        assert shop.v2.count() > asked, "the failing endpoint was never tried"


def test_a_failing_endpoint_is_ejected_and_comes_back(shop):
    with shop.bed.policy(RETRIES):
        sidecar = shop.frontend.sidecar
        mark, before = sidecar.mark(), sidecar.metric("weft_ejections_total")
        shop.v2.control(fail=503)
        load = shop.frontend.load("http://reviews:9080/who", kind=version).start()
        try:
            sidecar.await_log(rf"{shop.v2.ip}:9080 .*ejected", mark)
            asked, done = shop.v2.count(), load.done()
            until("100 more answers", lambda: load.done() > done + 100)
            assert shop.v2.count() - asked <= 2, "an ejected endpoint is left alone"
            assert sidecar.metric("weft_ejections_total") > before
            shop.v2.control()
            until("v2 to be back", lambda: load.saw("v2"))
        finally:
            result = load.stop()
        assert not result.failures, result.why()


def test_the_last_endpoint_is_never_ejected(shop):
    with shop.bed.policy(RETRIES):
        shop.v1.control(fail=503)
        shop.v2.control(fail=503)
        statuses = [shop.reviews().status for _ in range(30)]
        assert set(statuses) == {503}
        shop.v1.control()
        shop.v2.control()
        until("an answer", lambda: shop.reviews().status == 200)


def test_what_may_have_happened_is_not_repeated(shop):
    """A POST that was delivered is not sent again, unless the policy says so."""
    with shop.bed.policy(RETRIES):
        shop.v1.control(fail=503)
        shop.v2.control(fail=503)
        before = shop.v1.count() + shop.v2.count()
        answer = shop.frontend.ask("POST", "http://reviews:9080/echo", b"once")
        assert answer.status == 503
        assert shop.v1.count() + shop.v2.count() == before + 1


def test_without_a_policy_an_answer_of_503_is_passed_on(shop):
    shop.v1.control(fail=503)
    shop.v2.control(fail=503)
    before = shop.v1.count() + shop.v2.count()
    answer = shop.reviews()
    assert answer.status == 503 and answer.json()["failed"]
    assert shop.v1.count() + shop.v2.count() == before + 1


def test_a_timeout_is_a_504_with_a_reason(shop):
    with shop.bed.policy(TIMEOUT):
        for pod in (shop.v1, shop.v2):
            pod.control(delay=3)
        begin = time.monotonic()
        answer = shop.reviews()
        took = time.monotonic() - begin
        assert (answer.status, answer.reason) == (504, "request_timeout"), answer
        assert took >= 0.25
        assert took < 3, "it waited for the app"
        for pod in (shop.v1, shop.v2):
            pod.control()
        assert shop.reviews().status == 200


def test_an_attempt_that_is_too_slow_is_made_elsewhere(shop):
    with shop.bed.policy(traffic("reviews", """\
    retries: {attempts: 1, retryOn: [gateway-error], perTryTimeout: 300ms}
    loadBalancing: {algorithm: RoundRobin}
""")):
        shop.v2.control(delay=3)
        result = shop.frontend.load("http://reviews:9080/who", kind=version, threads=1).run(6)
        assert not result.failures, result.why()
        assert set(result.kinds) == {"v1"}


def test_an_app_that_is_gone_is_noticed(shop):
    """Its sidecar is there, the app behind it is not: another endpoint answers."""
    app = shop.v2.apps[0]
    app.stop()
    try:
        with shop.bed.policy(RETRIES):
            result = shop.frontend.load("http://reviews:9080/who", kind=version).run(100)
            assert not result.failures, result.why()
            assert set(result.kinds) == {"v1"}
        alone = shop.frontend.get("http://reviews-v2:9080/who")
        assert alone.status == 503 and alone.reason, alone
    finally:
        shop.v2.start_demo("reviews", "v2")
    until("v2 to answer", lambda: shop.frontend.get("http://reviews-v2:9080/who").status == 200)


def test_a_sidecar_drains_under_load_without_a_failure(shop):
    """As in a rolling update: the pod is taken out of the service, then its sidecar is told to end
    while requests are under way."""
    load = shop.frontend.load("http://reviews:9080/who", threads=4, kind=version).start()
    try:
        until("both to answer", lambda: load.saw("v1") and load.saw("v2"))
        shop.v2.control(delay=0.2)
        shop.v2.facts.ready = False
        shop.bed.publish()
        assert shop.v2.sidecar.stop() == 0, shop.v2.sidecar.tail()
        before = load.done()
        until("more answers", lambda: load.done() > before + 50)
    finally:
        result = load.stop()
        shop.v2.start_sidecar()
        shop.v2.sidecar.await_identity()
        shop.v2.facts.ready = True
        shop.bed.publish()
    assert not result.failures, result.why()


def test_a_sidecar_that_ends_first_fails_no_request(shop):
    """The order that a cluster does not promise: the sidecar goes before the endpoint does."""
    load = shop.frontend.load("http://reviews:9080/who", threads=4, kind=version).start()
    try:
        until("both to answer", lambda: load.saw("v1") and load.saw("v2"))
        assert shop.v2.sidecar.stop() == 0, shop.v2.sidecar.tail()
        before = load.done()
        until("more answers", lambda: load.done() > before + 50)
    finally:
        result = load.stop()
        shop.v2.start_sidecar()
        shop.v2.sidecar.await_identity()
    assert not result.failures, result.why()


def test_a_long_request_outlives_the_drain_of_its_sidecar(shop):
    shop.v2.control(delay=1)
    load = shop.frontend.load("http://reviews-v2:9080/who", threads=1, kind=version)
    before = shop.v2.count()
    load.start()
    until("the app to have the request", lambda: shop.v2.count() > before)
    assert shop.v2.sidecar.stop() == 0
    load.stop()
    shop.v2.start_sidecar()
    shop.v2.sidecar.await_identity()
    assert load.result.kinds["v2"] >= 1, load.result.why()


# requirement: D18
def test_a_killed_sidecar_is_survived(shop):
    shop.v2.sidecar.kill()
    with shop.bed.policy(RETRIES):
        result = shop.frontend.load("http://reviews:9080/who", kind=version).run(100)
    shop.v2.start_sidecar()
    shop.v2.sidecar.await_identity()
    assert not result.failures, result.why()
    assert set(result.kinds) == {"v1"}
