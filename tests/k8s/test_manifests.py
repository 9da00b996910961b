"""The manifests under k8s/: what they promise is read off the objects themselves, and they fit
together. No cluster is needed. SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import pathlib
import re
import shutil
import sys
import tempfile
from typing import Any, Iterator

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

# pylint: disable=wrong-import-position
from manifests import K8S, ROOT, Object, key, kubectl, kustomize, load, resources, version

PROGRAMS = ("weft-certd", "weft-policyd", "weft-injector")
BASE = list(resources(K8S / "base"))
INGRESS = load(K8S / "components/ingress/ingress.yaml")


def of_kind(kind: str, objects: list[Object] | None = None) -> list[Object]:
    return [o for o in (BASE if objects is None else objects) if o["kind"] == kind]


def named(kind: str, name: str) -> Object:
    found = [o for o in of_kind(kind) if o["metadata"]["name"] == name]
    assert len(found) == 1, f"{kind} {name}: {len(found)}"
    return found[0]


def test_every_file_is_listed() -> None:
    for folder in (K8S / "base", K8S / "base/crds", K8S / "components/ingress",
                   K8S / "examples/shop"):
        listed = set(load(folder / "kustomization.yaml")[0].get("resources") or [])
        there = {p.name for p in folder.glob("*.yaml")} - {"kustomization.yaml"}
        if folder.name == "shop":  # policies to try one at a time
            there -= {"canary.yaml", "deny.yaml", "strict.yaml"}
        assert {n for n in listed if n.endswith(".yaml")} == there, folder


def defaults_in(node: Any, path: str) -> Iterator[tuple[str, Object]]:
    """Everything in a schema that has a default."""
    if isinstance(node, dict):
        if "default" in node and "type" in node:
            yield path, node
        for name, item in node.items():
            yield from defaults_in(item, f"{path}.{name}")
    elif isinstance(node, list):
        for item in node:
            yield from defaults_in(item, path)


def test_defaults_are_values_that_an_api_server_takes() -> None:
    found = 0
    for path in sorted((K8S / "base/crds").glob("policy.weft.dev_*.yaml")):
        for where, schema in defaults_in(load(path)[0], path.name):
            value = schema["default"]
            found += 1
            if isinstance(value, str):
                assert re.search(schema.get("pattern", ""), value), where
                assert value in schema.get("enum", [value]), where
            elif not isinstance(value, bool) and isinstance(value, int):
                assert schema.get("minimum", value) <= value <= schema.get("maximum", value), where
    assert found > 50


def test_names_are_unique() -> None:
    keys = [key(o) for o in BASE + INGRESS]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("program", PROGRAMS)
def test_pods_are_restricted(program: str) -> None:
    spec = named("Deployment", program)["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == program
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not spec.get("hostNetwork") and not spec.get("hostPID")
    for c in spec["containers"]:
        own = c["securityContext"]
        assert own["readOnlyRootFilesystem"] is True
        assert own["allowPrivilegeEscalation"] is False
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert c["imagePullPolicy"] == "IfNotPresent"
        assert c["resources"]["requests"]["cpu"] and c["resources"]["requests"]["memory"]
        assert c["readinessProbe"] and c["livenessProbe"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_image_is_this_version(program: str) -> None:
    image = f"weft.local/weft:{version()}"
    container = named("Deployment", program)["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == image
    for variable in container["env"]:
        if variable["name"] == "WEFT_IMAGE":
            assert variable["value"] == image


@pytest.mark.parametrize("program", PROGRAMS)
def test_selectors_meet(program: str) -> None:
    deployment = named("Deployment", program)["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    ports = {p["name"]: p["containerPort"]
             for p in deployment["template"]["spec"]["containers"][0]["ports"]}
    wanted = [deployment["selector"]["matchLabels"],
              named("Service", program)["spec"]["selector"],
              named("PodDisruptionBudget", program)["spec"]["selector"]["matchLabels"],
              named("NetworkPolicy", program)["spec"]["podSelector"]["matchLabels"]]
    for selector in wanted:
        assert selector.items() <= labels.items()
    for port in named("Service", program)["spec"]["ports"]:
        assert port["targetPort"] in ports
    allowed = {p["port"] for rule in named("NetworkPolicy", program)["spec"]["ingress"]
               for p in rule["ports"]}
    assert allowed == set(ports.values())


def rules_of(program: str) -> list[dict[str, list[str]]]:
    """Everything that the program's service account may do."""
    found = []
    for binding in of_kind("ClusterRoleBinding") + of_kind("RoleBinding"):
        assert len(binding["subjects"]) == 1, "one account each"
        if binding["subjects"][0]["name"] == program:
            found += named(binding["roleRef"]["kind"], binding["roleRef"]["name"])["rules"]
    return found


@pytest.mark.parametrize("program", PROGRAMS)
def test_rights_are_named(program: str) -> None:
    rules = rules_of(program)
    assert rules
    for rule in rules:
        assert "*" not in rule["verbs"] and "*" not in rule["apiGroups"]
        written = set(rule["verbs"]) - {"get", "list", "watch"}
        if written:
            assert "*" not in rule["resources"], rule


def test_who_may_write_secrets_and_webhooks() -> None:
    writes = {"create", "update", "patch", "delete"}
    for program in PROGRAMS:
        for rule in rules_of(program):
            on_secrets = "secrets" in rule["resources"] and writes & set(rule["verbs"])
            if on_secrets:
                assert program == "weft-certd"
                assert rule.get("resourceNames") == ["weft-ca"] or rule["verbs"] == ["create"]
            if any("webhook" in r for r in rule["resources"]):
                assert program == "weft-injector" and rule["resourceNames"] == ["weft-injector"]
    role = named("Role", "weft-certd")
    assert role["metadata"]["namespace"] == "weft-system"


def test_only_labelled_namespaces_wait_for_webhooks() -> None:
    hooks = (named("MutatingWebhookConfiguration", "weft-injector")["webhooks"]
             + named("ValidatingWebhookConfiguration", "weft-injector")["webhooks"])
    enabled = {"key": "weft.dev/inject", "operator": "In", "values": ["enabled"]}
    assert {h["failurePolicy"] for h in hooks} == {"Fail", "Ignore"}
    for hook in hooks:
        if any("namespaces" in r["resources"] for r in hook["rules"]):
            assert hook["failurePolicy"] == "Ignore" and hook["matchConditions"]
            continue
        expressions = hook["namespaceSelector"]["matchExpressions"]
        if hook["failurePolicy"] == "Fail":
            assert enabled in expressions, hook["name"]
        about_pods = any("pods" in r["resources"] for r in hook["rules"])
        if about_pods:
            excluded = [set(e["values"]) for e in expressions
                        if e["key"] == "kubernetes.io/metadata.name" and e["operator"] == "NotIn"]
            assert excluded and {"kube-system", "weft-system"} <= excluded[0]
            assert hook["objectSelector"]


def test_pods_that_get_no_sidecar_do_not_wait() -> None:
    hooks = named("MutatingWebhookConfiguration", "weft-injector")["webhooks"]
    names = {"not-host-network", "not-windows", "not-static", "not-declined", "not-injected-yet"}
    for hook in hooks:
        assert {c["name"] for c in hook["matchConditions"]} == names
        assert {"key": "app.kubernetes.io/part-of", "operator": "NotIn",
                "values": ["weft"]} in hook["objectSelector"]["matchExpressions"]
    assert hooks[0]["matchConditions"] == hooks[1]["matchConditions"]


def everywhere(value: Any, name: str) -> Iterator[Any]:
    """What stands under that key, at any depth."""
    if isinstance(value, dict):
        for k, v in value.items():
            if k == name:
                yield v
            yield from everywhere(v, name)
    elif isinstance(value, list):
        for v in value:
            yield from everywhere(v, name)


def test_what_is_owned_as_a_whole_says_its_defaults() -> None:
    """Else whoever applies the same manifest after somebody else is told of a conflict: the API
    server compares it with what it filled in itself."""
    refs = list(everywhere(BASE + INGRESS, "fieldRef"))
    assert refs and all(r["apiVersion"] == "v1" for r in refs)
    hooks = (named("MutatingWebhookConfiguration", "weft-injector")["webhooks"]
             + named("ValidatingWebhookConfiguration", "weft-injector")["webhooks"])
    assert all(rule["scope"] for hook in hooks for rule in hook["rules"])
    ports = [p for o in of_kind("NetworkPolicy", BASE + INGRESS)
             for p in everywhere(o, "ports")]
    assert ports and all(one["protocol"] for listed in ports for one in listed)


def test_users_get_policies_with_their_roles() -> None:
    plurals = {o["spec"]["names"]["plural"] for o in of_kind("CustomResourceDefinition")}
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    for name, roles, verbs in (("weft-policies-view", {"view", "edit", "admin"},
                                {"get", "list", "watch"}),
                               ("weft-policies-edit", {"edit", "admin"},
                                {"create", "update", "patch", "delete", "deletecollection"})):
        role = named("ClusterRole", name)
        assert {k.removeprefix(prefix) for k, v in role["metadata"]["labels"].items()
                if k.startswith(prefix) and v == "true"} == roles
        assert len(role["rules"]) == 1 and set(role["rules"][0]["verbs"]) == verbs
        listed = set(role["rules"][0]["resources"])
        assert listed == plurals or (name.endswith("view") and listed == {"*"})


def test_the_webhooks_find_the_injector() -> None:
    service = named("Service", "weft-injector")
    ports = {p["port"] for p in service["spec"]["ports"]}
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        for hook in named(kind, "weft-injector")["webhooks"]:
            at = hook["clientConfig"]["service"]
            assert (at["name"], at["namespace"]) == ("weft-injector", "weft-system")
            assert at["port"] in ports
            assert at["path"] == ("/inject" if kind.startswith("Mut") else "/validate")


def test_the_front_door_scales() -> None:
    gateway = of_kind("Gateway", INGRESS)[0]
    assert gateway["spec"]["gatewayClassName"] == of_kind("GatewayClass")[0]["metadata"]["name"]
    target = of_kind("HorizontalPodAutoscaler", INGRESS)[0]["spec"]["scaleTargetRef"]
    assert target["name"] == f"{gateway['metadata']['name']}-{gateway['spec']['gatewayClassName']}"


needs_kubectl = pytest.mark.skipif(not kubectl(), reason="no kubectl: kustomize is not tried")


@needs_kubectl
@pytest.mark.parametrize("folder", ["base", "overlays/dev", "overlays/production",
                                    "examples/shop"])
def test_kustomize_builds(folder: str) -> None:
    built = kustomize(K8S / folder)
    assert len({key(o) for o in built}) == len(built) > 0


@needs_kubectl
def test_another_image_reaches_sidecars_too() -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(shutil.copytree(K8S, pathlib.Path(folder) / "k8s"))
        named_in = copy / "components/image/kustomization.yaml"
        named_in.write_text(named_in.read_text().replace("newName: weft.local/",
                                                         "newName: registry.example.com/"))
        built = kustomize(copy / "overlays/production")
    for program in PROGRAMS:
        for o in of_kind("Deployment", built):
            if o["metadata"]["name"] == program:
                text = json.dumps(o)
                assert "weft.local/" not in text and "registry.example.com/weft:" in text


def known_metrics() -> set[str]:
    """Every metric name that the sources write."""
    names: set[str] = set()
    for path in ROOT.rglob("*"):
        top = path.relative_to(ROOT).parts[0]
        if top in ("sidecar", "certd", "injector", "policies", "lib") and \
                path.suffix in (".c", ".h", ".def"):
            names |= set(re.findall(r'"((?:istio|weft|process)_[a-z0-9_]+)"', path.read_text()))
    return names


@pytest.mark.parametrize("dashboard", ["mesh", "workload", "control-plane"])
def test_dashboards_show_what_there_is(dashboard: str) -> None:
    text = (K8S / f"components/monitoring/{dashboard}.json").read_text()
    board = json.loads(text)
    metrics = known_metrics()
    assert board["uid"] and board["panels"]
    for panel in board["panels"]:
        for target in panel["targets"]:
            used = re.findall(r"\b((?:istio|weft|process)_[a-z0-9_]+)", target["expr"])
            used = [re.sub(r"_bucket$", "", name) for name in used]
            assert used or target["expr"].startswith("sum by (program) (up")
            assert set(used) <= metrics, f"{panel['title']}: {set(used) - metrics}"
