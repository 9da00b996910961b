"""What weftctl explain says of a request is what sidecars and gateways do with it: random routes,
filters, weights, policies and requests, the same ones in every run.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import os
import random
import subprocess
from dataclasses import dataclass, field
from typing import Any

import pytest

from bed import programs, yaml_text
from bed.http_client import read_all
from bed.shop import HOST

# A sanitized weftctl takes its time; the worlds are the same ones, in the same order.
WORLDS, REQUESTS = 15 if os.environ.get("WEFT_SANITIZE") else 60, 30
METHODS = ["GET", "POST", "PUT", "DELETE"]
CLIENTS = ["198.51.100.7", "8.8.8.8, 198.51.100.7", "198.51.100.7, 8.8.8.8", "10.1.1.1:80",
           "unknown"]
BLOCKS = ["198.51.100.0/24", "8.8.8.8", "10.0.0.0/8", "0.0.0.0/0"]
PATHS = ["/", "/a", "/a/", "/a/b", "/ab", "/a/b/c", "/A", "/admin", "/admin/", "/admin/x", "/b?x=1",
         "/b?x=2", "/b?y=1&x=1", "/a/./b", "/a/../admin", "/%61dmin", "/a%20b", "/x.json",
         "/a;v=1/b", "/admin%2Fx", "//admin", "/a//b"]
ROLES = ["admin", "user", "Admin", "user, admin", "admin,user", "", "adm", "administrator"]
PRINCIPALS = ["cluster.local/ns/default/sa/frontend", "cluster.local/ns/default/sa/ratings",
              "cluster.local/ns/default/*", "*", "*/sa/frontend"]


@dataclass
class Request:
    """Everything that routes and policies look at."""
    method: str
    target: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    authority: str = "reviews:9080"

    def words(self) -> list[str]:
        given = [w for name, value in self.headers for w in ("-H", f"{name}: {value}")]
        return [*given, self.method, f"http://{self.authority}{self.target}"]

    def raw(self) -> bytes:
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {self.authority}",
                 "Connection: close", "Content-Length: 0"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


class World:
    """Routes and policies of one round, and requests that come near to what they name."""

    authority = "reviews:9080"
    parent: dict[str, Any] = {"group": "", "kind": "Service", "name": "reviews", "port": 9080}
    sources = ["principals", "notPrincipals", "namespaces", "ipBlocks", "remoteIpBlocks",
               "notRemoteIpBlocks"]
    conditions = ["request.headers[x-role]", "request.headers[X-Team]", "source.namespace",
                  "destination.port", "remote.ip"]

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def some(self, values: list[Any], most: int = 2) -> list[Any]:
        return self.dice.sample(values, self.dice.randint(1, most))

    def maybe(self, chance: float) -> bool:
        return self.dice.random() < chance

    # ---- routes ----

    def match(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if self.maybe(.7):
            kind = self.dice.choice(["Exact", "PathPrefix", "RegularExpression"])
            value = self.dice.choice(["/a/.*", "/a[bc]?", "/admin(/x)?"]) \
                if kind == "RegularExpression" else self.dice.choice(["/", "/a", "/a/b", "/admin"])
            made["path"] = {"type": kind, "value": value}
        if self.maybe(.3):
            made["method"] = self.dice.choice(METHODS)
        if self.maybe(.3):
            made["headers"] = [{"name": "X-Role", "value": self.dice.choice(["admin", "user"])}]
        if self.maybe(.2):
            made["queryParams"] = [{"name": "x", "value": self.dice.choice("12")}]
        return made

    def changes(self) -> list[dict[str, Any]]:
        """What the next sidecar sees is not what was asked, or nothing at all."""
        if self.maybe(.2):
            return [{"type": "RequestHeaderModifier", "requestHeaderModifier": {
                self.dice.choice(["set", "add"]): [{"name": "X-Role",
                                                    "value": self.dice.choice(ROLES[:3])}],
                "remove": ["x-team"]}}]
        if self.maybe(.15):
            return [{"type": "URLRewrite", "urlRewrite": {
                "path": {"type": "ReplaceFullPath", "replaceFullPath": self.dice.choice(
                    ["/admin", "/a/new", "/x.json"])}}}]
        if self.maybe(.1):
            return [{"type": "RequestRedirect", "requestRedirect": {
                "hostname": "elsewhere.example.com", "statusCode": self.dice.choice([301, 302])}}]
        return []

    def backends(self, is_redirect: bool) -> list[dict[str, Any]]:
        if is_redirect:
            return []
        if self.maybe(.6):
            return [{"name": "reviews", "port": 9080}]
        return [{"name": f"reviews-v{v}", "port": 9080, "weight": self.dice.choice([0, 1, 3])}
                for v in (1, 2)]

    def route(self) -> dict[str, Any]:
        rules = []
        for number in range(self.dice.randint(1, 4)):
            mark = {"type": "ResponseHeaderModifier",
                    "responseHeaderModifier": {"set": [{"name": "x-rule", "value": f"r{number}"}]}}
            cors = {"type": "CORS", "cors": {"allowOrigins": ["https://a.example.com"]}}
            changes = self.changes()
            rules.append({"name": f"r{number}",
                          "filters": [*([cors] if self.maybe(.3) else []), mark, *changes],
                          "matches": [self.match() for _ in range(self.dice.randint(1, 2))],
                          "backendRefs": self.backends(
                              any(c["type"] == "RequestRedirect" for c in changes))})
        return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
                "metadata": {"name": "random", "namespace": "default"},
                "spec": {"parentRefs": [self.parent], "rules": rules}}

    # ---- policies ----

    def source(self) -> dict[str, Any]:
        key = self.dice.choice(self.sources)
        values = {"namespaces": ["default", "other"], "ipBlocks": ["10.0.0.0/8", "192.0.2.0/24"],
                  "remoteIpBlocks": BLOCKS, "notRemoteIpBlocks": BLOCKS}
        return {"source": {key: self.some(values.get(key, PRINCIPALS))}}

    def operation(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if self.maybe(.5):
            made[self.dice.choice(["methods", "notMethods"])] = self.some(METHODS)
        if self.maybe(.7):
            made[self.dice.choice(["paths", "paths", "notPaths"])] = self.some(
                ["/a", "/a/*", "/admin", "/admin*", "*.json", "/b", "*"])
        if self.maybe(.2) or not made:
            made["hosts"] = self.some(["reviews", "other", "review*", "*ews", HOST])
        return {"operation": made}

    def condition(self) -> dict[str, Any]:
        key = self.dice.choice(self.conditions)
        values = {"source.namespace": ["default", "other"], "destination.port": ["9080", "80"],
                  "remote.ip": BLOCKS}
        return {"key": key, self.dice.choice(["values", "values", "notValues"]):
                self.some(values.get(key, ["admin", "user", "adm*", "*min", "*"]))}

    def policy(self, number: int) -> dict[str, Any]:
        rules = []
        for _ in range(self.dice.randint(1, 2)):
            rule: dict[str, Any] = {}
            if self.maybe(.4):
                rule["from"] = [self.source()]
            if self.maybe(.6):
                rule["to"] = [self.operation() for _ in range(self.dice.randint(1, 2))]
            if self.maybe(.4) or not rule:
                rule["when"] = [self.condition()]
            rules.append(rule)
        return {"apiVersion": "policy.weft.dev/v1alpha1", "kind": "AuthorizationPolicy",
                "metadata": {"name": f"random-{number}", "namespace": "default"},
                "spec": {"selector": {"matchLabels": {"app": "reviews"}},
                         "action": self.dice.choice(["ALLOW", "DENY"]), "rules": rules}}

    def mesh(self) -> dict[str, Any]:
        clients: dict[str, Any] = {"trustedHops": self.dice.randint(0, 1)}
        if self.maybe(.4):
            clients["trustedAddresses"] = self.some(["0.0.0.0/0", "198.51.100.7", "8.8.8.0/24"])
        if self.maybe(.4):
            clients["trustedIdentities"] = self.some(PRINCIPALS)
        clients["headersWithUnderscores"] = self.dice.choice(["Allow", "Allow", "Drop", "Reject"])
        return {"apiVersion": "policy.weft.dev/v1alpha1", "kind": "MeshConfig",
                "metadata": {"name": "default", "namespace": "weft-system"},
                "spec": {"clientTraffic": clients}}

    def text(self) -> str:
        made = [self.policy(i) for i in range(self.dice.randint(0, 2))]
        if self.maybe(.5):
            made.append(self.mesh())
        return yaml_text.dump(self.route(), *made)

    def preflight(self) -> tuple[str, str, list[tuple[str, str]]]:
        headers = [("Origin", "https://a.example.com"),
                   ("Access-Control-Request-Method", self.dice.choice(METHODS))]
        if self.maybe(.5):
            headers.append(("Access-Control-Request-Headers", "x-other, x-role"))
        return "OPTIONS", self.dice.choice(PATHS), headers

    def request(self) -> Request:
        headers: list[tuple[str, str]] = []
        if self.maybe(.1):
            return Request(*self.preflight(), self.authority)
        if self.maybe(.3):
            headers.append(("X-Forwarded-For", self.dice.choice(CLIENTS)))
        if self.maybe(.1):
            headers.append((self.dice.choice(["x_role", "X.Role", "x_other", "x_forwarded_for",
                                              "keep.alive"]), "admin"))
        if self.maybe(.6):
            headers.append(("X-Role", self.dice.choice(ROLES)))
        if self.maybe(.15):
            headers.append(("x-role", self.dice.choice(ROLES)))
        if self.maybe(.2):
            headers.append(("x-team", self.dice.choice(["admin", "none"])))
        return Request(self.dice.choice(METHODS), self.dice.choice(PATHS), headers, self.authority)


class GatewayWorld(World):
    """The same at a Gateway: its routes stand beside the shop's own, and it has policies too. What
    a sidecar can say of the Gateway's address is not what is tried here."""
    authority = HOST
    parent = {"name": "front-door", "sectionName": "web"}
    sources = ["principals", "notPrincipals", "namespaces"]
    conditions = ["request.headers[x-role]", "request.headers[X-Team]", "source.namespace"]

    def entry(self) -> dict[str, Any]:
        made = self.policy(9)
        made["spec"].pop("selector")
        made["spec"]["targetRefs"] = [{"group": "gateway.networking.k8s.io", "kind": "Gateway",
                                       "name": "front-door"}]
        if self.maybe(.5):
            made["spec"]["rules"][0]["from"] = [{"source": {
                self.dice.choice(["ipBlocks", "remoteIpBlocks", "notRemoteIpBlocks"]):
                    self.some(BLOCKS)}}]
        return made

    def text(self) -> str:
        made = [self.policy(0)] if self.maybe(.5) else []
        if self.maybe(.6):
            made.append(self.entry())
        if self.maybe(.5):
            made.append(self.mesh())
        return yaml_text.dump(self.route(), *made)


def explained(folder: str, request: Request, *caller: str) -> tuple[int, str]:
    """The status that explain foretells (200: an endpoint answers) and the rule that it names."""
    done = subprocess.run([programs.program("weftctl"), "explain", "--policies", folder, "-n",
                           "default", "-o", "json", "--from", *caller, *request.words()],
                          text=True, check=False, capture_output=True, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    told = json.loads(done.stdout)
    rule = told["route"]["name"].rpartition("/")[2] if told["route"] else ""
    if told["status"]:
        return told["status"], "" if told["status"] == 204 else rule
    verdicts = {(e["verdict"]["allowed"], e["verdict"]["because"].startswith("refused with 400"))
                for share in told["to"] for e in share["endpoints"] if share["weight"]}
    assert len(verdicts) == 1, "both endpoints have the same policies"
    allowed, malformed = verdicts.pop()
    assert told["delivered"] == allowed
    return (200 if allowed else 400 if malformed else 403), rule


def answered(sock: Any, request: Request) -> tuple[int, str]:
    sock.sendall(request.raw())
    head = read_all(sock).partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
    status = int(head[0].split()[1])
    if status == 501 and "x-weft-reason" not in headers:
        status = 200  # the app knows no OPTIONS, and it was the app that answered
    return status, headers.get("x-rule", "")


def test_the_certificate_is_named(shop: Any) -> None:
    done = subprocess.run([programs.program("weftctl"), "explain", "--policies",
                           str(shop.bed.policies.path), "--from", "gateway/front-door",
                           f"https://{HOST}/"], text=True, check=False, capture_output=True,
                          timeout=60)
    assert "the certificate of Secret default/shop-certificate (listener secure)" in done.stdout
    assert done.stdout.splitlines()[-1] == "verdict       delivered to 1 ready endpoint"


@pytest.mark.parametrize("seed", range(WORLDS))
def test_explain_says_what_happens(shop: Any, seed: int) -> None:
    world = World(seed)
    with shop.bed.policy(world.text()):
        for _ in range(REQUESTS):
            request = world.request()
            told = explained(str(shop.bed.policies.path), request, "frontend")
            with shop.frontend.connect("reviews", 9080) as sock:
                assert told == answered(sock, request), \
                    f"{request}\n{shop.bed.policies.read('50-test.yaml')}"


@pytest.mark.parametrize("seed", range(1000, 1000 + WORLDS // 2))
def test_explain_says_what_happens_at_a_gateway(shop: Any, seed: int) -> None:
    world = GatewayWorld(seed)
    with shop.bed.policy(world.text()):
        for _ in range(REQUESTS):
            request = world.request()
            status, rule = explained(str(shop.bed.policies.path), request, "gateway/front-door",
                                     "--client-ip", shop.outside.ip)
            with shop.outside.connect(shop.ingress.ip, 80) as sock:
                found = answered(sock, request)
            # The shop's own routes have no mark; what is refused before there is a route has the
            # mark of the one that it would have had.
            mark = rule if rule.startswith("r") and len(rule) == 2 else ""
            assert found[0] == status and (found[1] == mark or status in (400, 403)), \
                f"explain: {status} {rule}, found: {found}\n{request}\n" \
                f"{shop.bed.policies.read('50-test.yaml')}"
