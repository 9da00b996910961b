"""weftctl inject from outside: files in, files out, and what it says of them. Needs no root.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import pathlib
import re
import subprocess

import pytest
import yaml

from bed import programs

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHOP = ROOT / "k8s" / "examples" / "shop"
POD = """apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop, annotations: {weft.dev/redirect: %s}}
spec: {containers: [{name: app, image: a}]}
"""


def inject(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([programs.program("weftctl"), "inject", *words], text=True, check=False,
                          input=text, capture_output=True, timeout=60)


def pods(text: str) -> list:
    return [d["spec"]["template"]["spec"] for d in yaml.safe_load_all(text)
            if d["kind"] == "Deployment"]


def test_a_file() -> None:
    source = (SHOP / "reviews.yaml").read_text()
    done = inject("-f", str(SHOP / "reviews.yaml"))
    assert done.returncode == 0, done.stderr
    before, after = list(yaml.safe_load_all(source)), list(yaml.safe_load_all(done.stdout))
    assert [d["kind"] for d in before] == [d["kind"] for d in after]
    for spec in pods(done.stdout):
        assert [c["name"] for c in spec["initContainers"]] == ["weft-redirect", "weft-sidecar"]
    # What has no pods is the same.
    for a, b in zip(before, after):
        assert a["kind"] == "Deployment" or a == b
    assert done.stderr.count(": injected\n") == len(pods(done.stdout)) > 0


def test_twice_is_once() -> None:
    once = inject("-f", str(SHOP / "ratings.yaml"))
    twice = inject("-f", "-", text=once.stdout)
    assert twice.returncode == 0
    assert twice.stdout == once.stdout
    assert "skipped: it has a sidecar already" in twice.stderr


def test_options() -> None:
    done = inject("-f", "-", "--image", "my/weft:1", "--classic", text=POD % "iptables")
    spec = yaml.safe_load(done.stdout)["spec"]
    assert [c["name"] for c in spec["containers"]] == ["weft-sidecar", "app"]
    assert spec["containers"][0]["image"] == "my/weft:1"


def test_nothing_is_printed_of_what_is_refused() -> None:
    done = inject("-f", "-", text=POD % "iptables" + "---\n" + POD % "maybe")
    assert (done.returncode, done.stdout) == (1, "")
    assert 'Pod shop/p: refused: annotation weft.dev/redirect: "maybe" is not' in done.stderr


def fill_in(words: list[str]) -> list[str]:
    """What the kubelet makes of $(NAME)."""
    values = {"POD_NAMESPACE": "shop", "POD_NAME": "p", "POD_IP": "10.0.0.7",
              "SERVICE_ACCOUNT": "default"}
    return [re.sub(r"\$\((\w+)\)", lambda m: values[m.group(1)], w) for w in words]


@pytest.mark.parametrize("annotations", [
    "{}",
    "{weft.dev/redirect: none}",
    "{weft.dev/redirect: none, weft.dev/inbound-forward: '8080'}",
    "{weft.dev/proxy-workers: '2', weft.dev/proxy-log-level: debug,"
    " weft.dev/proxy-access-log: json, weft.dev/proxy-drain-time: 7s}",
    "{weft.dev/exclude-inbound-ports: '9000,9001', weft.dev/include-inbound-ports: '*',"
    " weft.dev/exclude-outbound-ports: '5432', weft.dev/include-outbound-ports: '80',"
    " weft.dev/include-outbound-cidrs: '*', weft.dev/exclude-outbound-cidrs: '10.0.0.0/8,fd00::/8',"
    " weft.dev/exclude-interfaces: 'eth1,veth+'}",
])
def test_the_sidecar_takes_what_it_is_told(annotations: str) -> None:
    """Its own parsers read the arguments that an injected pod starts it with."""
    pod = yaml.safe_load(POD % "iptables")
    pod["metadata"]["annotations"] = yaml.safe_load(annotations)
    done = inject("-f", "-", text=json.dumps(pod))
    assert done.returncode == 0, done.stderr
    for container in yaml.safe_load(done.stdout)["spec"]["initContainers"]:
        last = "--print" if container["name"] == "weft-redirect" else "--help"
        argv = [programs.program(container["command"][0]), *container["command"][1:],
                *fill_in(container["args"]), last]
        ran = subprocess.run(argv, text=True, check=False, capture_output=True, timeout=60)
        assert ran.returncode == 0, (argv, ran.stderr)


def test_mistakes() -> None:
    assert inject().returncode == 2
    assert inject("-f", "x", "y").returncode == 2
    done = inject("-f", "/nonexistent")
    assert done.returncode == 1 and "/nonexistent cannot be read" in done.stderr
    done = inject("-f", "-", text="a: [")
    assert done.returncode == 1 and "weftctl inject: -:" in done.stderr
    done = inject("-f", "-", text="kind: Service\n")
    assert done.returncode == 0 and "there are no pods in it" in done.stderr


SETTINGS = """---
apiVersion: v1
kind: Namespace
metadata: {name: shop, annotations: {weft.dev/proxy-cpu-request: 30m}}
---
apiVersion: policy.weft.dev/v1alpha1
kind: MeshConfig
metadata: {name: default, namespace: weft-system}
spec: {sidecarDefaults: {weft.dev/proxy-cpu-request: 20m, weft.dev/proxy-workers: "2"}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: l, namespace: shop}
spec: {limits: [{type: Container, min: {memory: 64Mi}}]}
"""


def test_what_the_file_says_of_the_namespace_and_the_mesh() -> None:
    done = inject("-f", "-", text=POD % "none" + SETTINGS)
    assert done.returncode == 0, done.stderr
    sidecar = next(yaml.safe_load_all(done.stdout))["spec"]["initContainers"][0]
    assert sidecar["resources"]["requests"] == {"cpu": "30m", "memory": "64Mi"}
    assert "--workers=2" in sidecar["args"]
    assert "not its own: proxy-cpu-request=30m (namespace), proxy-workers=2 (MeshConfig)" \
        in done.stderr
