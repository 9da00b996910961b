"""The Helm chart: it is made from k8s/base and comes to the same objects. Where there is no helm, a
few lines here fill in the values; the templates use no more than they know.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

# pylint: disable=wrong-import-position
from manifests import K8S, Object, key, load, resources, version

CHART = K8S / "helm" / "weft"
IF = re.compile(r"\{\{- if \.Values\.([\w.]+) \}\}\n(.*?)\{\{- end \}\}\n", re.DOTALL)
VALUE = re.compile(r"\{\{ \.Values\.([\w.]+)(?: \| (toJson|default \.Chart\.AppVersion))? \}\}")


def find(values: Any, path: str) -> Any:
    for word in path.split("."):
        values = values[word]
    return values


def rendered(**changes: Any) -> list[Object]:
    """The templates with the chart's values, some of them changed (`ingress__enabled`)."""
    values = load(CHART / "values.yaml")[0]
    for name, value in changes.items():
        section, field = name.split("__")
        values[section][field] = value
    chart = load(CHART / "Chart.yaml")[0]

    def fill(m: re.Match[str]) -> str:
        value = find(values, m.group(1))
        if m.group(2) == "toJson":
            return json.dumps(value)
        return str(value or (chart["appVersion"] if m.group(2) else value))

    objects = []
    for path in sorted((CHART / "templates").glob("*.yaml")):
        text = IF.sub(lambda m: m.group(2) if find(values, m.group(1)) else "", path.read_text())
        text = VALUE.sub(fill, text)
        assert "{{" not in text, path
        objects += [d for d in yaml.safe_load_all(text) if d]
    return objects


def by_key(objects: list[Object]) -> dict[tuple[str, str, str], Object]:
    return {key(o): o for o in objects}


def base_without_crds() -> list[Object]:
    return [o for o in resources(K8S / "base") if o["kind"] != "CustomResourceDefinition"]


def test_the_chart_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, K8S / "helm/make_chart.py", "--check"], text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def test_it_comes_to_the_base() -> None:
    assert by_key(rendered()) == by_key(base_without_crds())


def test_with_the_front_door() -> None:
    more = load(K8S / "components/ingress/ingress.yaml")
    assert by_key(rendered(ingress__enabled=True)) == by_key(base_without_crds() + more)


def test_values_are_taken() -> None:
    objects = by_key(rendered(image__repository="registry.example.com/weft", image__tag="7",
                              policyd__replicas=5))
    text = json.dumps(list(objects.values()))
    assert "weft.local/" not in text and "registry.example.com/weft:7" in text
    assert objects[("Deployment", "weft-system", "weft-policyd")]["spec"]["replicas"] == 5
    assert objects[("Deployment", "weft-system", "weft-certd")]["spec"]["replicas"] == 2


def test_it_is_this_version() -> None:
    assert load(CHART / "Chart.yaml")[0]["appVersion"] == version()


@pytest.mark.skipif(not shutil.which("helm"), reason="no helm: only our own filling-in is tried")
def test_helm_says_the_same() -> None:
    done = subprocess.run(["helm", "template", "weft", str(CHART)], text=True, check=True,
                          capture_output=True)
    assert by_key([d for d in yaml.safe_load_all(done.stdout) if d]) == by_key(rendered())
