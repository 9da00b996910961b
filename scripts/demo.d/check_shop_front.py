"""The check of a gateway with many filters. SPDX-License-Identifier: GPL-3.0-or-later
"""
import gzip
import json

from bed.http_client import Answer, Client
from bed.shop import HOST
from bed.tls import browser
from stage import Stage, check

KEY = {"X-API-Key": "mobile-app-key", "User-Agent": "shop/1"}


def ask_who(client: Client) -> None:
    """Who gets in, and who does not."""
    stranger = client.get("/who", {"User-Agent": "shop/1"})
    check(stranger.status == 401 and "x-correlation-id" in stranger.headers
          and stranger.headers.get("x-content-type-options") == "nosniff",
          f"without a key: {stranger!r} {stranger.headers}")
    partner = client.get("/who", {**KEY, "X-API-Key": "old-partner-key"})
    check(partner.status == 403, f"of a group that may not: {partner!r}")
    bot = client.get("/who", {**KEY, "User-Agent": "Wget/1.21"})
    check(bot.status == 403, f"a bot: {bot!r}")


def ask_twice(client: Client) -> None:
    """From the backend, then from memory."""
    first, second = (client.get("/who", KEY) for _ in range(2))
    said = [a.headers.get("x-cache-status") for a in (first, second)]
    check(first.status == second.status == 200 and said == ["MISS", "HIT"]
          and first.body == second.body, f"kept: {said}, {second!r}")


def ask_in_shapes(client: Client) -> None:
    """Compressed, only some fields, with a header for the backend."""
    packed = client.get("/headers", {**KEY, "Accept-Encoding": "gzip"})
    check(packed.headers.get("content-encoding") == "gzip", f"compressed: {packed.headers}")
    sent = json.loads(gzip.decompress(packed.body))["headers"]
    check(sent.get("x-shop-front") == "mobile-app" and "x-api-key" not in sent,
          f"what the backend saw: {sent}")
    some = client.get("/who?fields=version", KEY)
    check(list(some.json()) == ["version"], f"some fields: {some!r}")


def order(client: Client, what: object, **more: str) -> Answer:
    body = json.dumps(what).encode()
    head = {**KEY, "Content-Type": "application/json", **more}
    return client.ask("POST", "/echo", gzip.compress(body) if more else body, head)


def send_orders(client: Client) -> None:
    """Only what the API describes, in whatever coding."""
    packed = {"Content-Encoding": "gzip"}
    good = order(client, {"article": "tea", "count": 2})
    check(good.status == 200 and good.json()["count"] == 2, f"an order: {good!r}")
    good = order(client, {"article": "tea", "count": 2}, **packed)
    check(good.status == 200, f"an order in gzip: {good!r}")
    bad = order(client, {"article": "tea", "count": 0}, **packed)
    check(bad.status == 400 and "count" in bad.text(), f"not as described: {bad!r}")
    large = order(client, {"article": "x" * 70000})
    check(large.status == 413, f"too large: {large!r}")


def ask_too_often(client: Client) -> int:
    """How many more answers there are until there is the page for those who ask too often."""
    for more in range(20):
        answer = client.get("/who", KEY)
        if answer.status != 200:
            check(answer.status == 429 and answer.json() == {"error": "slow down"}
                  and "retry-after" in answer.headers, f"too often: {answer!r}")
            return more
    check(False, "the limit of 12 was never reached")
    return 0


def check_shop_front(stage: Stage) -> str:
    """A gateway with eighteen filters on one route: keys, groups, bots, limits, an API document,
    fields, compression, a cache."""
    shop = stage.shop
    shop.bed.name_host(HOST, shop.ingress.ip)
    stage.use("shop-front")
    count = stage.policy("shop-front").count("kind: HTTPFilter")
    with shop.outside.client(HOST, 443, browser(shop.public_ca.roots)) as client:
        ask_who(client)
        ask_twice(client)
        ask_in_shapes(client)
        send_orders(client)
        ask_too_often(client)
    return (f"{count} filters: 401 without a key, 403 for a group and a bot, the second answer "
            "from memory, gzip both ways, 400 for what the API does not describe, 413 and 429")
