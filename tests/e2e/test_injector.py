"""The injector behind a real API server, with its certificate from a real certd and nothing but the
rights that its manifests give it: pods get sidecars, bad policies are refused with the checker's
own words, and what is malformed is refused without harm.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import base64
import http.client
import json
import pathlib
import re
import signal
import ssl
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from bed.api_server import ApiServer
from bed.process import SANITIZER
from bed.programs import ROOT, Unavailable, program, tool
from bed.wait import until

BUNDLE = "weft-trust-bundle"


class Running:
    """A program and its log."""

    def __init__(self, log, argv, env=None):
        self.log = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            env=env)

    def text(self, since=0):
        return self.log.read_bytes()[since:].decode("utf-8", "replace")

    def await_log(self, pattern, since=0):
        def found():
            match = re.search(pattern, self.text(since))
            if not match and self.process.poll() is not None:
                raise RuntimeError(f"it ended: {self.text()}")
            return match
        return until(f"a log line like {pattern!r}", found, aid=self.text)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        assert self.process.returncode == 0, self.text()
        assert not SANITIZER.search(self.text()), self.text()


class Bed:
    """An API server, certd, and the files that a pod of the injector would have."""

    def __init__(self, folder):
        self.folder = folder
        self.api = ApiServer(folder / "api")
        self.certd, self.injector, self.port, self.health = None, None, 0, ""

    def start(self):
        (self.folder / "api").mkdir()
        self.api.start()
        api = self.api
        for name in ("weft-system", "shop", "plain"):
            api.kubectl("create", "namespace", name)
        api.kubectl("label", "namespace", "shop", "weft.dev/inject=enabled")
        for name in ("certd", "injector"):
            api.kubectl("apply", "-f", str(ROOT / "k8s" / "base" / f"{name}-rbac.yaml"))
        for namespace in ("shop", "plain"):
            api.account(namespace, "default")
        config = api.write_kubeconfig(
            self.folder / "certd.kubeconfig",
            {"token": api.token("weft-system", "weft-certd")}, "weft-system")
        self.certd = Running(self.folder / "certd.log", [
            program("weft-certd"), "--kubernetes", "--kubeconfig", str(config), "--listen",
            "127.0.0.1:0", "--dns-for", "weft-system/weft-injector=localhost"])
        address = self.certd.await_log(r"certd: listening on (\S+) ").group(1)
        self._install_crds()
        self._write_files()
        self.start_injector(address)
        assert "the API server cannot check our certificate" in self.probe("/readyz")
        self._register()
        return self

    def _install_crds(self):
        """Enough for the API server to take our kinds; the schema is not the point here."""
        for plural, kind in (("authorizationpolicies", "AuthorizationPolicy"),
                             ("trafficpolicies", "TrafficPolicy")):
            self.api.apply({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {"name": f"{plural}.policy.weft.dev"},
                "spec": {"group": "policy.weft.dev", "scope": "Namespaced",
                         "names": {"plural": plural, "kind": kind},
                         "versions": [{"name": "v1alpha1", "served": True, "storage": True,
                                       "schema": {"openAPIV3Schema": {
                                           "type": "object",
                                           "x-kubernetes-preserve-unknown-fields": True}}}]}})
        for plural in ("authorizationpolicies", "trafficpolicies"):
            self.api.kubectl("wait", "--for=condition=Established", "--timeout=60s",
                             f"crd/{plural}.policy.weft.dev")

    def _write_files(self):
        api = self.api
        api.pod("weft-system", "weft-injector-a", "weft-injector")
        token = api.token("weft-system", "weft-injector", "--bound-object-kind", "Pod",
                          "--bound-object-name", "weft-injector-a", "--audience", "weft-certd")
        (self.folder / "token").write_text(token)
        bundle = until("the trust bundle", lambda: api.get("configmap", BUNDLE, "-n", "weft-system")
                       .get("data", {}).get("ca.crt"))
        (self.folder / "ca.crt").write_text(bundle)
        api.write_kubeconfig(self.folder / "injector.kubeconfig",
                             {"token": api.token("weft-system", "weft-injector")}, "weft-system")

    def start_injector(self, certd, listen="127.0.0.1:0"):
        self.injector = Running(self.folder / "injector.log", [
            program("weft-injector"), "--listen", listen, "--health", "127.0.0.1:0",
            "--certd", certd, "--token-file", str(self.folder / "token"),
            "--trust-bundle", str(self.folder / "ca.crt"), "--image", "weft.local/weft:test",
            "--discovery", "localhost:15012", "--cluster-domain", "corp.example",
            "--kubeconfig", str(self.folder / "injector.kubeconfig"), "--drain-time", "10ms"])
        self.injector.await_log(r"injector: localhost is (127\.0\.0\.1|::1)")
        found = self.injector.await_log(r"injector: listening on 127.0.0.1:(\d+)")
        self.port = int(found.group(1))
        self.health = self.injector.await_log(r"health probe on (\S+)").group(1)

    def _register(self):
        """The manifests' own configurations, but for where we are."""
        text = (ROOT / "k8s" / "base" / "webhooks.yaml").read_text()
        text = re.sub(r"service: \{[^}]*path: (/\w+)[^}]*\}",
                      rf"url: 'https://localhost:{self.port}\1'", text)
        self.api.kubectl("apply", "-f", "-", text=text)

    def bundles(self):
        """The caBundle of every webhook."""
        found = []
        for kind in ("mutatingwebhookconfiguration", "validatingwebhookconfiguration"):
            for webhook in self.api.get(kind, "weft-injector")["webhooks"]:
                found.append(base64.b64decode(webhook["clientConfig"].get("caBundle", "")).decode())
        return found

    def stop(self):
        for running in (self.injector, self.certd):
            if running:
                running.stop()
        self.api.stop()

    def post(self, path, body, method="POST", content_type="application/json"):
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        connection = http.client.HTTPSConnection("localhost", self.port, context=context,
                                                 timeout=60)
        connection.request(method, path, body=body, headers={"Content-Type": content_type})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def probe(self, path):
        return subprocess.run([tool("curl"), "-s", f"http://{self.health}{path}"],
                              capture_output=True, text=True, check=True, timeout=30).stdout

    def metric(self, webhook, outcome):
        found = re.search(rf'^weft_injector_admissions_total{{webhook="{webhook}",'
                          rf'outcome="{outcome}"}} (\d+)', self.probe("/metrics"), re.MULTILINE)
        return int(found.group(1))


@pytest.fixture(scope="module", name="bed")
def fixture_bed(tmp_path_factory):
    try:
        made = Bed(tmp_path_factory.mktemp("injector"))
    except Unavailable as e:
        pytest.skip(str(e))
    try:
        made.start()
        until("the configurations", lambda: all(made.bundles()), pause=0.1,
              aid=made.injector.text)
        yield made
    finally:
        made.stop()


def pod(name, namespace="shop", **spec):
    spec.setdefault("containers", [{"name": "app", "image": "a:1"}])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
            "spec": spec}


def create(bed, thing):
    return bed.api.kubectl("create", "-f", "-", text=json.dumps(thing), check=False)


def made(bed, thing):
    done = create(bed, thing)
    assert done.returncode == 0, done.stderr + bed.injector.text()
    meta = thing["metadata"]
    return bed.api.get("pod", meta["name"], "-n", meta["namespace"]), done.stderr


def names(got, field):
    return [c["name"] for c in got["spec"].get(field, [])]


# ---- the configurations

def test_the_api_server_is_told_whom_to_trust(bed):
    roots = (bed.folder / "ca.crt").read_text()
    assert set(bed.bundles()) == {roots}
    assert len(bed.bundles()) == 5
    until("readiness", lambda: bed.probe("/readyz") == "ok\n", pause=0.1)
    assert "weft_injector_webhooks_current 1" in bed.probe("/metrics")


def test_a_wrong_bundle_is_put_right(bed):
    roots = (bed.folder / "ca.crt").read_text()
    wrong = json.dumps([{"op": "replace", "path": "/webhooks/1/clientConfig/caBundle",
                         "value": base64.b64encode(b"-----BEGIN CERTIFICATE-----\n"
                                                   b"-----END CERTIFICATE-----\n").decode()},
                        {"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}])
    done = bed.api.kubectl("patch", "mutatingwebhookconfiguration", "weft-injector", "--type",
                           "json", "-p", wrong, check=False)
    if done.returncode:  # the API server itself minds
        wrong = json.dumps([json.loads(wrong)[1]])
        bed.api.kubectl("patch", "mutatingwebhookconfiguration", "weft-injector", "--type", "json",
                        "-p", wrong)
    until("the right ones", lambda: set(bed.bundles()) == {roots})


# ---- pods

def test_a_pod_gets_its_sidecar(bed):
    got, _ = made(bed, pod("one"))
    assert names(got, "containers") == ["app"]
    assert names(got, "initContainers") == ["weft-redirect", "weft-sidecar"]
    sidecar = got["spec"]["initContainers"][1]
    assert sidecar["image"] == "weft.local/weft:test"
    assert sidecar["restartPolicy"] == "Always"
    assert "--pod=$(POD_NAME)" in sidecar["args"]
    assert "--certd=weft-certd.weft-system.svc.corp.example.:15012" in sidecar["args"]
    # For a pod whose resolver does not know the cluster's names.
    assert {"--discovery-ip=127.0.0.1", "--discovery-ip=::1"} & set(sidecar["args"])
    assert got["metadata"]["annotations"]["weft.dev/status"] == "injected"
    assert {"weft-token", "weft-trust", "weft-state", "weft-run"} <= set(names(got, "volumes"))


def test_only_where_it_is_asked_for(bed):
    got, _ = made(bed, pod("one", "plain"))
    assert names(got, "initContainers") == []
    asks = pod("two", "plain")
    asks["metadata"]["labels"] = {"weft.dev/inject": "enabled"}
    got, _ = made(bed, asks)
    assert names(got, "initContainers") == ["weft-redirect", "weft-sidecar"]
    declines = pod("three")
    declines["metadata"]["labels"] = {"weft.dev/inject": "disabled"}
    got, _ = made(bed, declines)
    assert names(got, "initContainers") == []
    got, _ = made(bed, pod("four", hostNetwork=True))
    assert names(got, "initContainers") == []


def test_what_the_api_server_takes_of_it(bed):
    """Every form of an injected pod passes the API server's own checks."""
    probe = {"httpGet": {"path": "/", "port": "web"}, "timeoutSeconds": 2}
    app = {"name": "app", "image": "a:1", "ports": [{"name": "web", "containerPort": 8080}],
           "livenessProbe": probe, "readinessProbe": {"tcpSocket": {"port": 8080}},
           "startupProbe": {"grpc": {"port": 8080, "service": "x"}}}
    rich = pod("rich", containers=[app], initContainers=[{"name": "first", "image": "i:1"}],
               volumes=[{"name": "data", "emptyDir": {}}])
    rich["metadata"]["annotations"] = {
        "prometheus.io/port": "9090", "weft.dev/proxy-cpu-request": "20m",
        "weft.dev/proxy-cpu-limit": "2", "weft.dev/exclude-outbound-ports": "5432,6379"}
    got, _ = made(bed, rich)
    assert names(got, "initContainers") == ["weft-redirect", "weft-sidecar", "first"]
    for kind, path in (("livenessProbe", "livez"), ("readinessProbe", "readyz"),
                       ("startupProbe", "startupz")):
        get = got["spec"]["containers"][0][kind]["httpGet"]
        assert (get["path"], get["port"]) == (f"/app-health/app/{path}", 15021)
    env = {e["name"]: e.get("value") for e in got["spec"]["initContainers"][1]["env"]}
    told = json.loads(env["WEFT_APP_PROBES"])
    assert told["app/livez"] == {"httpGet": {"path": "/", "port": 8080, "scheme": "HTTP"},
                                 "timeoutSeconds": 2}
    assert env["WEFT_APP_METRICS"] == "9090/metrics"
    for name, annotations in (("classic", {"weft.dev/native-sidecar": "false"}),
                              ("free", {"weft.dev/redirect": "none"})):
        other = pod(name, containers=[dict(app)])
        other["metadata"]["annotations"] = annotations
        got, _ = made(bed, other)
        assert "weft-sidecar" in names(got, "containers") + names(got, "initContainers")


def test_a_restricted_namespace(bed):
    """Without redirection an injected pod passes the Pod Security level `restricted`."""
    bed.api.kubectl("create", "namespace", "strict")
    bed.api.account("strict", "default")
    bed.api.kubectl("label", "namespace", "strict", "weft.dev/inject=enabled",
                    "pod-security.kubernetes.io/enforce=restricted")
    security = {"runAsNonRoot": True, "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}
    app = {"name": "app", "image": "a:1", "securityContext": security}
    done = create(bed, pod("caught", "strict", containers=[app]))
    assert "violates PodSecurity" in done.stderr and "weft-redirect" in done.stderr
    free = pod("free", "strict", containers=[app])
    free["metadata"]["annotations"] = {"weft.dev/redirect": "none"}
    got, _ = made(bed, free)
    assert names(got, "initContainers") == ["weft-sidecar"]


def test_refused_pods_say_why(bed):
    bad = pod("bad", containers=[{"name": "app", "image": "a:1",
                                  "securityContext": {"runAsUser": 1337}}])
    done = create(bed, bad)
    assert "container app runs as user 1337, which is the sidecar's" in done.stderr
    bad = pod("bad")
    bad["metadata"]["annotations"] = {"weft.dev/exclude-inbound-ports": "80;reboot"}
    done = create(bed, bad)
    assert 'annotation weft.dev/exclude-inbound-ports: "80;reboot" is not a list of ports' \
        in done.stderr
    assert bed.metric("inject", "refused") >= 2


def test_warnings_reach_whoever_applies(bed):
    odd = pod("odd")
    odd["metadata"]["annotations"] = {"weft.dev/exclude-inbound-port": "80"}
    _, said = made(bed, odd)
    assert "Warning: annotation weft.dev/exclude-inbound-port is not known" in said


# ---- policies

def policy(spec, kind="AuthorizationPolicy", name="a"):
    return {"apiVersion": "policy.weft.dev/v1alpha1", "kind": kind,
            "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


def test_a_bad_policy_is_refused_in_the_words_of_validate(bed, tmp_path):
    bad = policy({"action": "DENI", "rules": [{"form": []}]})
    done = create(bed, bad)
    assert done.returncode != 0
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    said = subprocess.run([program("weftctl"), "validate", str(tmp_path)], capture_output=True,
                          text=True, check=False, timeout=60).stderr
    lines = [line.split(": ", 1)[1] for line in said.splitlines() if "AuthorizationPolicy" in line]
    assert len(lines) >= 2, said
    for line in lines:
        assert line in done.stderr, (line, done.stderr)
    assert bed.metric("validate", "refused") >= 1


def test_a_good_policy_passes(bed):
    done = create(bed, policy({"action": "ALLOW", "rules": [{"to": [{"operation": {
        "methods": ["GET"]}}]}]}, name="good"))
    assert done.returncode == 0, done.stderr
    nameless = policy({"action": "ALLOW"}, name="x")
    del nameless["metadata"]["name"]
    nameless["metadata"]["generateName"] = "made-"
    done = create(bed, nameless)
    assert done.returncode == 0, done.stderr


# ---- what nobody should send

def review(**request):
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                       "request": {"uid": "u-1", "operation": "CREATE", **request}})


@pytest.mark.parametrize("body, why", [
    ("", "not JSON"), ("{", "not JSON"), ("[]", "no AdmissionReview"),
    ("null", "no AdmissionReview"), ("{}", "no AdmissionReview"),
    ('{"kind":"AdmissionReview"}', "only admission.k8s.io/v1"),
    ('{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}', "no request"),
    ('{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{}}', "no uid"),
    (review(object=[1]), "no object"), (review(uid=7), "no uid"),
    ("[" * 100000, "not JSON"), ('{"a":' * 100, "not JSON"),
])
def test_malformed_reviews(bed, body, why):
    for path in ("/inject", "/validate"):
        status, text = bed.post(path, body)
        assert (status, why in text) == (400, True), (status, text)


def test_answers_of_the_door(bed):
    assert bed.post("/other", review())[0] == 404
    assert bed.post("/inject", None, method="GET")[0] == 405
    assert bed.post("/inject", review(), content_type="text/plain")[0] == 415
    assert bed.post("/inject", b"x" * (9 << 20))[0] == 413
    assert bed.post("/inject?timeout=5s", review())[0] == 200
    assert bed.injector.process.poll() is None


def test_the_uid_comes_back(bed):
    status, text = bed.post("/inject", review(object=pod("x"), namespace="shop"))
    response = json.loads(text)["response"]
    assert (status, response["uid"], response["allowed"]) == (200, "u-1", True)
    patch = json.loads(base64.b64decode(response["patch"]))
    assert {p["op"] for p in patch} == {"add"}
    for namespace in ("kube-system", "weft-system"):
        _, text = bed.post("/inject", review(object=pod("x"), namespace=namespace))
        assert "patch" not in json.loads(text)["response"]


@pytest.mark.parametrize("operation, objects", [
    ("UPDATE", {"object": pod("x"), "oldObject": pod("x")}),
    ("UPDATE", {"object": pod("x")}),
    ("DELETE", {"object": None, "oldObject": pod("x")}),
    ("CONNECT", {"object": pod("x")}),
    ("create", {"object": pod("x")}),
])
def test_a_pod_is_patched_when_it_is_created_and_never_later(bed, operation, objects):
    _, text = bed.post("/inject", review(namespace="shop", operation=operation, **objects))
    response = json.loads(text)["response"]
    assert response["allowed"] is True and "patch" not in response, (operation, response)
    _, text = bed.post("/inject", review(namespace="shop", object=pod("x")))
    assert "patch" in json.loads(text)["response"], "the same pod would have been patched"
