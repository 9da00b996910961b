"""weftctl install, check, version, proxy-status; and what each program may do in the cluster.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json

import pytest

from bed.wait import until
from live.mesh import PROGRAMS, SYSTEM, Mesh
from live.shop import Shop


def test_check_has_nothing_to_say(mesh: Mesh) -> None:
    done = mesh.weftctl("check", "-o", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    results = {c["check"]: c["result"] for c in json.loads(done.stdout)}
    assert set(results.values()) == {"ok"}, results
    assert {*PROGRAMS, "injection", "validation", "trust bundle"} <= set(results)


def test_installing_again_changes_nothing(mesh: Mesh) -> None:
    def generations() -> dict[str, int]:
        found = mesh.kubectl.json("-n", SYSTEM, "get", "deployments")["items"]
        return {d["metadata"]["name"]: d["metadata"]["generation"] for d in found}
    before = generations()
    assert ", 0 of them new" in mesh.install("--ingress", "--replicas", "2")
    assert generations() == before
    hooks = mesh.kubectl.json("get", "mutatingwebhookconfiguration", "weft-injector")["webhooks"]
    assert all(h["clientConfig"].get("caBundle") for h in hooks)


def test_version_names_what_runs(mesh: Mesh) -> None:
    told = json.loads(mesh.weftctl("version", "-o", "json").stdout)
    assert {p["name"]: p["version"] for p in told["controlPlane"]} == dict.fromkeys(
        PROGRAMS, told["weftctl"])
    assert all(p["image"].endswith(f":{p['version']}") for p in told["controlPlane"])
    assert all(p["version"] == told["weftctl"] and p["count"] > 0 for p in told["dataPlanes"])


def test_uninstall_asks_first(mesh: Mesh) -> None:
    """Nobody can answer here, so that nothing is done."""
    done = mesh.weftctl("uninstall")
    assert done.returncode == 2 and "say --yes" in done.stderr
    assert "the CA in it (Secret weft-ca)" in done.stdout
    said = mesh.weftctl("uninstall", "--dry-run")
    assert said.returncode == 0 and "would delete Namespace weft-system" in said.stdout
    assert "CustomResourceDefinition" not in said.stdout
    assert mesh.kubectl.json("get", "namespace", SYSTEM)["status"]["phase"] == "Active"


def test_proxy_status_lists_every_data_plane(shop: Shop) -> None:
    def listed() -> bool:
        done = shop.mesh.weftctl("proxy-status", "-n", "shop", "-o", "json")
        planes = [p["dataPlane"] for p in json.loads(done.stdout or "[]")]
        wanted = {p["metadata"]["name"] for p in shop.kubectl.pods("shop")}
        return {p["pod"] for p in planes} >= wanted and \
            all(p["state"] != "not connected" and not p["behindMs"] for p in planes)
    assert until("all data planes up to date", listed, 60, 0.3)


def test_every_pod_of_ours_keeps_to_restricted(mesh: Mesh) -> None:
    """Pod Security would have refused them: the namespace enforces it."""
    space = mesh.kubectl.json("get", "namespace", SYSTEM)
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {p["status"]["phase"] for p in mesh.kubectl.pods(SYSTEM)} == {"Running"}


# Who may do what: (program, verb, resource, namespace, name, yes or no).
RIGHTS = [
    ("weft-certd", "create", "tokenreviews.authentication.k8s.io", "", "", True),
    ("weft-certd", "patch", "secrets", SYSTEM, "weft-ca", True),
    ("weft-certd", "get", "secrets", SYSTEM, "other", False),
    ("weft-certd", "get", "secrets", "shop", "weft-ca", False),
    ("weft-certd", "patch", "configmaps", "shop", "weft-trust-bundle", True),
    ("weft-certd", "patch", "configmaps", "shop", "other", False),
    ("weft-certd", "get", "deployments", SYSTEM, "", False),
    ("weft-policyd", "list", "secrets", "", "", True),
    ("weft-policyd", "create", "secrets", SYSTEM, "", False),
    ("weft-policyd", "patch", "configmaps", SYSTEM, "", False),
    ("weft-policyd", "patch", "httproutes/status.gateway.networking.k8s.io", "shop", "", True),
    ("weft-policyd", "patch", "httproutes.gateway.networking.k8s.io", "shop", "", False),
    ("weft-policyd", "create", "pods", "shop", "", False),
    ("weft-policyd", "create", "clusterroles", "", "", False),
    ("weft-injector", "patch", "mutatingwebhookconfigurations", "", "weft-injector", True),
    ("weft-injector", "patch", "mutatingwebhookconfigurations", "", "other", False),
    ("weft-injector", "list", "secrets", "", "", False),
    ("weft-injector", "get", "pods", "shop", "", False),
]


@pytest.mark.parametrize("program, verb, resource, space, name, wanted", RIGHTS)
def test_rights(mesh: Mesh, program: str, verb: str, resource: str, space: str, name: str,
                wanted: bool) -> None:
    what = f"{resource}/{name}" if name else resource
    words = ["auth", "can-i", verb, what, f"--as=system:serviceaccount:{SYSTEM}:{program}"]
    if "/status." in resource:  # the way in which kubectl wants subresources
        plural, rest = resource.split("/")
        words[3] = f"{plural}.{rest.split('.', 1)[1]}"
        words.append("--subresource=status")
    words += ["-n", space] if space else ["-A"]
    assert mesh.kubectl.try_(*words).stdout.strip() == ("yes" if wanted else "no")


def test_nobody_is_refused_what_he_needs(shop: Shop) -> None:
    """With the shop at work, no program has met a right that it lacks."""
    assert shop.frontend.call("http://reviews:9080/").status == 200
    for program in PROGRAMS:
        assert 'is forbidden: user "' not in shop.mesh.logs(program).lower()
