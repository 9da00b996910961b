"""The objects under k8s/, as Python values. SPDX-License-Identifier: GPL-3.0-or-later
"""
import os
import pathlib
import re
import shutil
import subprocess
from typing import Any, Iterator

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
K8S = ROOT / "k8s"
Object = dict[str, Any]


def version() -> str:
    """The project's."""
    text = (ROOT / "CMakeLists.txt").read_text()
    found = re.search(r"project\(weft VERSION ([0-9.]+)", text)
    assert found
    return found.group(1)


def load(path: pathlib.Path) -> list[Object]:
    """The documents of a file."""
    return [d for d in yaml.safe_load_all(path.read_text()) if d]


def resources(folder: pathlib.Path) -> Iterator[Object]:
    """What a kustomization lists, without what it changes."""
    listed = load(folder / "kustomization.yaml")[0].get("resources") or []
    for name in listed:
        path = folder / name
        if path.is_dir():
            yield from resources(path)
        else:
            yield from load(path)


def key(o: Object) -> tuple[str, str, str]:
    return o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]


def kubectl() -> str | None:
    """Any kubectl: `kubectl kustomize` needs no cluster."""
    found = shutil.which("kubectl")
    if found:
        return found
    cache = pathlib.Path(os.environ.get("WEFT_CACHE") or pathlib.Path.home() / ".cache/weft")
    built = sorted(cache.glob("cluster/*/bin/kubectl"))
    return str(built[-1]) if built else None


def kustomize(folder: pathlib.Path) -> list[Object]:
    """As kustomize builds it."""
    program = kubectl()
    assert program
    done = subprocess.run([program, "kustomize", str(folder)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return [d for d in yaml.safe_load_all(done.stdout) if d]
