"""Checks of who may talk to whom, and of certificates that change under way.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from bed.wait import until
from stage import Stage, check


def check_deny(stage: Stage) -> str:
    """DENY by principal, method and path; each of the three must matter."""
    stage.use("deny")
    shop = stage.shop
    url = "http://reviews:9080"
    denied = shop.frontend.get(f"{url}/private/notes")
    check(denied.status == 403, f"the frontend's GET got {denied!r}")
    others = {
        "another principal": shop.ratings.get(f"{url}/private/notes"),
        "another method": shop.frontend.ask("POST", f"{url}/private/notes"),
        "another path": shop.frontend.get(f"{url}/who"),
    }
    for what, answer in others.items():
        check(answer.status == 200, f"{what} got {answer!r}")
    return f"403 ({denied.reason}: {denied.text().strip()}); {', '.join(others)}: 200"


def check_strict(stage: Stage) -> str:
    """Plain text from outside is served under PERMISSIVE and refused under STRICT."""
    shop = stage.shop
    url = f"http://{shop.v1.ip}:9080/who"
    before = shop.outside.get(url)
    check(before.status == 200, f"PERMISSIVE: {before!r}")
    stage.use("strict")
    served = shop.v1.count()
    answer = shop.outside.get(url)
    check(answer.status == 403 and answer.reason, f"STRICT: {answer!r}")
    check(shop.v1.count() == served, "the app saw the refused request")
    mesh = shop.reviews()
    check(mesh.status == 200, f"the mesh itself: {mesh!r}")
    return f"PERMISSIVE: 200; STRICT: {answer.status} ({answer.reason}), from inside 200"


def check_rotation(stage: Stage) -> str:
    """Certificates live 20 s here. The steady load counts those it sees."""
    def seen() -> int:
        return len([k for k in stage.steady.result.kinds if k])
    until("three different certificates under load", lambda: seen() >= 3, 90)
    result = stage.steady.result
    check(not result.failures,
          f"{len(result.failures)} of {result.done} failed: {result.why()}")
    check(not result.kinds[""], f"{result.kinds['']} requests without a certificate")
    return f"{seen()} certificates of the frontend over {result.done} requests, 0 failed"


def check_certd_away(stage: Stage) -> str:
    """The CA stops; new connections and requests go on."""
    certd = stage.shop.bed.certd
    assert certd
    certd.stop()
    try:
        result = stage.reviews_load(reconnect_every=5).run(300)
    finally:
        certd.start()
    check(not result.failures, f"{len(result.failures)} of {result.done} failed: {result.why()}")
    return f"{result.done} requests over {result.done // 5} connections, 0 failed"
