"""Checks of the front door. SPDX-License-Identifier: GPL-3.0-or-later
"""
from bed.shop import HOST
from bed.tls import browser
from stage import Stage, check


def check_ingress(stage: Stage) -> str:
    """A browser outside the mesh: HTTPS with a certificate it can check, and what is not served."""
    shop = stage.shop
    door = shop.ingress.ip

    def ask(port: int, host: str, path: str = "/"):  # type: ignore[no-untyped-def]
        tls = browser(shop.public_ca.roots) if port == 443 else None
        with shop.outside.client(HOST, port, tls) as client:
            return client.get(path, {"Host": host})

    shop.bed.name_host(HOST, door)
    page = ask(443, HOST)
    check(page.status == 200 and page.json()["app"] == "frontend", f"HTTPS: {page!r}")
    check(page.json()["status_behind"] == 200, f"behind the frontend: {page!r}")
    moved = ask(80, HOST, "/a?b=c")
    where = moved.headers.get("location", "")
    check(moved.status == 301 and where == f"https://{HOST}/a?b=c",
          f"HTTP: {moved!r}, location {where!r}")
    wrong = ask(443, "other.example.com")
    check(wrong.status in (404, 421) and not wrong.reason, f"another host: {wrong!r}")
    return (f"HTTPS 200 from {page.json()['app']}, HTTP 301 to {where}, "
            f"another host {wrong.status}, without a reason for strangers")
