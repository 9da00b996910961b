#!/usr/bin/env python3
"""Makes the templates of the Helm chart out of k8s/base and k8s/components/ingress, so that both
say the same: make_chart.py writes them, make_chart.py --check says whether they are up to date.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import os
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
CHART = HERE / "weft"
BASE, INGRESS = HERE.parent / "base", HERE.parent / "components/ingress/ingress.yaml"
IMAGE = "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"


def templated(text: str, program: str) -> str:
    """What users may choose becomes a value. `program` is whose file it is."""
    rules = [
        (r"\bweft\.local/weft:[0-9.]+", IMAGE),
        (r"imagePullPolicy: IfNotPresent", "imagePullPolicy: {{ .Values.image.pullPolicy }}"),
        (r"(?m)^  replicas: \d+$", f"  replicas: {{{{ .Values.{program}.replicas }}}}"),
        (r"requests: \{.*\}", f"requests: {{{{ .Values.{program}.requests | toJson }}}}"),
        (r"limits: \{.*\}", f"limits: {{{{ .Values.{program}.limits | toJson }}}}"),
        (r"--cluster-domain=auto", "--cluster-domain={{ .Values.clusterDomain }}"),
        (r"minReplicas: \d+", "minReplicas: {{ .Values.ingress.minReplicas }}"),
        (r"maxReplicas: \d+", "maxReplicas: {{ .Values.ingress.maxReplicas }}"),
    ]
    for pattern, value in rules:
        text = re.sub(pattern, lambda _, value=value: value, text)
    return text


def templates() -> dict[str, str]:
    """{path in the chart: text}."""
    made = {}
    for path in sorted(BASE.glob("*.yaml")):
        if path.name != "kustomization.yaml":
            program = path.stem.split("-")[0]
            made[f"templates/{path.name}"] = templated(path.read_text(), program)
    inner = templated(INGRESS.read_text(), "ingress")
    made["templates/ingress.yaml"] = (
        f"{{{{- if .Values.ingress.enabled }}}}\n{inner}{{{{- end }}}}\n")
    return made


def crds() -> set[str]:
    return {p.name for p in (BASE / "crds").glob("*.yaml")} - {"kustomization.yaml"}


def outdated() -> list[str]:
    """What in the chart is not as it should be."""
    wanted = templates()
    there = {str(p.relative_to(CHART)) for p in (CHART / "templates").iterdir()} - {
        "templates/NOTES.txt"}
    wrong = sorted(there ^ set(wanted))
    wrong += [n for n, text in wanted.items()
              if n in there and (CHART / n).read_text() != text]
    linked = {p.name for p in (CHART / "crds").iterdir() if p.exists()}
    return wrong + [f"crds/{n}" for n in sorted(linked ^ crds())]


def write() -> None:
    for name, text in templates().items():
        (CHART / name).write_text(text)
    for name in crds():
        link = CHART / "crds" / name
        if not link.is_symlink():
            os.symlink(f"../../../base/crds/{name}", link)


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        found = outdated()
        print("\n".join(f"{n}: run k8s/helm/make_chart.py" for n in found))
        sys.exit(1 if found else 0)
    write()
