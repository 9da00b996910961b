"""certd in a cluster, against a real API server and with nothing but the rights that its manifests
give it: the CA's Secret, the trust bundle in every namespace, and who gets a certificate for what.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import base64
import json
import pathlib
import re
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from bed.api_server import ApiServer
from bed.process import SANITIZER
from bed.programs import ROOT, Unavailable, program, tool
from bed.wait import until

DOMAIN = "cluster.local"
FRONTEND = f"spiffe://{DOMAIN}/ns/shop/sa/frontend"
INJECTOR = f"spiffe://{DOMAIN}/ns/weft-system/sa/weft-injector"
BUNDLE = "weft-trust-bundle"


@pytest.fixture(scope="module", name="api")
def fixture_api(tmp_path_factory):
    try:
        made = ApiServer(tmp_path_factory.mktemp("api"))
    except Unavailable as e:
        pytest.skip(str(e))
    try:
        made.start()
        for name in ("weft-system", "shop"):
            made.kubectl("create", "namespace", name)
        made.kubectl("apply", "-f", str(ROOT / "k8s" / "base" / "certd-rbac.yaml"))
        for namespace, name in (("shop", "frontend"), ("weft-system", "weft-injector")):
            made.account(namespace, name)
        yield made
    finally:
        made.stop()


class Certd:
    """A replica, as the service account that the manifests make for it."""

    def __init__(self, api, folder, name):
        self.api, self.folder, self.log = api, folder, folder / f"{name}.log"
        token = api.token("weft-system", "weft-certd", "--duration", "1h")
        config = api.write_kubeconfig(folder / f"{name}.kubeconfig", {"token": token},
                                      namespace="weft-system")
        self._argv = [program("weft-certd"), "--kubernetes", "--kubeconfig", str(config),
                      "--listen", "127.0.0.1:0", "--health", "127.0.0.1:0",
                      "--dns-for", "weft-system/weft-injector=weft-injector.weft-system.svc"]
        self.process, self.address, self.health = None, None, None

    def launch(self, *options):
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen([*self._argv, *options], stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=out)
        self.health = self.await_log(r"health probe on (\S+)").group(1)
        return self

    def await_service(self):
        self.address = self.await_log(r"certd: listening on (\S+) ").group(1)
        return self

    def start(self, *options):
        return self.launch(*options).await_service()

    def text(self, since=0):
        return self.log.read_bytes()[since:].decode("utf-8", "replace")

    def await_log(self, pattern, since=0):
        def found():
            match = re.search(pattern, self.text(since))
            if not match and self.process.poll() is not None:
                raise RuntimeError(f"certd ended: {self.text()}")
            return match
        return until(f"a log line like {pattern!r}", found, aid=self.text)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        assert self.process.returncode == 0, self.text()
        assert not SANITIZER.search(self.text()), self.text()

    def probe(self, path):
        done = subprocess.run([tool("curl"), "-s", "-w", "%{http_code}",
                               f"http://{self.health}{path}"],
                              capture_output=True, text=True, check=True, timeout=30)
        return int(done.stdout[-3:]), done.stdout[:-3]

    def ask(self, *options, identity=FRONTEND):
        roots = self.folder / "roots.pem"
        roots.write_text(bundle_of(self.api, "shop"))
        done = subprocess.run([program("weft-certd-client"), "--certd", self.address, "--roots",
                               str(roots), "--id", identity, *options], capture_output=True,
                              text=True, check=True, timeout=120)
        [answer] = [json.loads(line) for line in done.stdout.splitlines()]
        return answer


def bundle_of(api, namespace):
    return until(f"the bundle of {namespace}", lambda: api.get("configmap", BUNDLE, "-n", namespace)
                 .get("data", {}).get("ca.crt"))


def secret_of(api):
    data = api.get("secret", "weft-ca", "-n", "weft-system")["data"]
    return {k: base64.b64decode(v).decode() for k, v in data.items()}


@pytest.fixture(name="certd")
def fixture_certd(api, tmp_path):
    made = Certd(api, tmp_path, "certd").start()
    yield made
    made.stop()


@pytest.fixture(name="frontend")
def fixture_frontend(api):
    """A function that makes the projected token of pod shop/NAME."""
    api.pod("shop", "frontend-a", "frontend")
    return lambda *args: api.token("shop", "frontend", "--bound-object-kind", "Pod",
                                   "--bound-object-name", "frontend-a", *args)


def facts(pem):
    return subprocess.run([tool("openssl"), "x509", "-noout", "-text"], input=pem, text=True,
                          capture_output=True, check=True).stdout


# ---- the CA

def test_replicas_agree_on_one_ca(api, tmp_path):
    api.kubectl("delete", "secret", "weft-ca", "-n", "weft-system", "--ignore-not-found")
    replicas = [Certd(api, tmp_path, f"certd{i}").launch() for i in range(3)]
    for replica in replicas:
        replica.await_service()
        assert replica.probe("/readyz") == (200, "ok\n")
    secret = secret_of(api)
    assert set(secret) == {"root.pem", "root.key", "intermediate.pem", "intermediate.key",
                           "bundle.version"}
    api.pod("shop", "frontend-a", "frontend")
    token = api.token("shop", "frontend", "--bound-object-kind", "Pod", "--bound-object-name",
                      "frontend-a", "--audience", "weft-certd")
    for replica in replicas:
        answer = replica.ask("--token", token)
        assert answer["status"] == "OK", (answer, replica.text())
        assert answer["chain"][1:] == [secret["intermediate.pem"], secret["root.pem"]]
    for replica in replicas:
        replica.stop()


def test_a_restart_finds_the_same_ca(api, certd, tmp_path):
    before = secret_of(api)
    other = Certd(api, tmp_path, "other").start()
    other.stop()
    assert secret_of(api) == before
    assert certd.probe("/healthz")[0] == 200


def test_a_deleted_secret_comes_back(api, certd):
    before = secret_of(api)
    api.kubectl("delete", "secret", "weft-ca", "-n", "weft-system")
    certd.await_log("was deleted: it is written again")
    until("the Secret", lambda: api.get("secret", "weft-ca", "-n", "weft-system"))
    assert secret_of(api) == before


def test_a_secret_that_is_not_usable_changes_nothing(api, certd, frontend):
    before = secret_of(api)
    patch = {"stringData": {"intermediate.pem": "garbage"}}
    api.kubectl("patch", "secret", "weft-ca", "-n", "weft-system", "-p", json.dumps(patch))
    certd.await_log("not usable, what was in use stays: .*intermediate.pem: not a readable")
    assert certd.ask("--token", frontend("--audience", "weft-certd"))["status"] == "OK"
    assert secret_of(api)["intermediate.pem"] == "garbage"
    until("an Event", lambda: "Refused" in api.kubectl("get", "events", "-n", "weft-system").stdout,
          pause=0.1)
    mark = certd.log.stat().st_size
    patch = {"stringData": {"intermediate.pem": before["intermediate.pem"]}}
    api.kubectl("patch", "secret", "weft-ca", "-n", "weft-system", "-p", json.dumps(patch))
    certd.await_log("signing with the CA", mark)


def test_a_second_root_reaches_every_namespace(api, certd):
    before = secret_of(api)
    subprocess.run([tool("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(certd.folder / "k"),
                    "-out", str(certd.folder / "c"), "-subj", "/CN=second", "-addext",
                    "keyUsage=critical,keyCertSign,cRLSign"], check=True, capture_output=True)
    both = before["root.pem"] + (certd.folder / "c").read_text()
    api.kubectl("patch", "secret", "weft-ca", "-n", "weft-system", "-p",
                json.dumps({"stringData": {"root.pem": both}}))
    for namespace in ("default", "shop", "kube-system"):
        until(f"both roots in {namespace}", lambda n=namespace: bundle_of(api, n) == both)
    version = int(before["bundle.version"].split()[0])
    until("the next version",
          lambda: secret_of(api)["bundle.version"].startswith(f"{version + 1} "))
    api.kubectl("patch", "secret", "weft-ca", "-n", "weft-system", "-p",
                json.dumps({"stringData": {"root.pem": before["root.pem"]}}))
    until("one root again", lambda: bundle_of(api, "shop") == before["root.pem"])


def put(api, **entries):
    """Replaces entries of the CA's Secret; None takes one away."""
    patch = {"stringData": {k: v for k, v in entries.items() if v is not None},
             "data": {k: None for k, v in entries.items() if v is None}}
    api.kubectl("patch", "secret", "weft-ca", "-n", "weft-system", "--type", "merge", "-p",
                json.dumps(patch))


def test_the_root_is_replaced_step_by_step(api, certd, frontend):
    """As docs/how-to/manage-the-ca.md says: first everybody trusts the new root, then it signs,
    and the old one goes last."""
    old = secret_of(api)["root.pem"]
    subprocess.run([tool("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(certd.folder / "k"),
                    "-out", str(certd.folder / "c"), "-subj", "/CN=the next root", "-addext",
                    "keyUsage=critical,keyCertSign,cRLSign"], check=True, capture_output=True)
    new, key = (certd.folder / "c").read_text(), (certd.folder / "k").read_text()
    put(api, **{"root.pem": old + new})
    until("both everywhere", lambda: bundle_of(api, "shop") == old + new)
    assert certd.ask("--token", frontend("--audience", "weft-certd"))["chain"][-1] == old
    put(api, **{"root.pem": new + old, "root.key": key, "intermediate.pem": None,
                "intermediate.key": None})
    until("the new one signs", lambda: certd.ask(
        "--token", frontend("--audience", "weft-certd"))["chain"][-1] == new, pause=0.2)
    put(api, **{"root.pem": new})
    until("the old one is gone", lambda: bundle_of(api, "shop") == new)
    assert certd.ask("--token", frontend("--audience", "weft-certd"))["status"] == "OK"


# ---- the trust bundle

def test_the_bundle_is_in_new_namespaces_and_put_right(api, certd):
    root = secret_of(api)["root.pem"]
    api.kubectl("create", "namespace", "fresh")
    until("the bundle", lambda: api.get("configmap", BUNDLE, "-n", "fresh"))
    assert bundle_of(api, "fresh") == root
    api.kubectl("patch", "configmap", BUNDLE, "-n", "fresh", "-p", '{"data": {"ca.crt": "mine"}}')
    until("the right one", lambda: bundle_of(api, "fresh") == root)
    api.kubectl("delete", "configmap", BUNDLE, "-n", "fresh")
    until("it again", lambda: api.get("configmap", BUNDLE, "-n", "fresh"))
    assert bundle_of(api, "fresh") == root
    assert "cannot be written" not in certd.text()


# ---- who gets a certificate

def test_a_pods_token_buys_a_certificate_for_its_account(certd, frontend):
    answer = certd.ask("--token", frontend("--audience", "weft-certd"))
    assert answer["status"] == "OK", (answer, certd.text())
    assert f"URI:{FRONTEND}" in facts(answer["chain"][0])
    assert "DNS:" not in facts(answer["chain"][0])
    certd.await_log(f"issued .* to {FRONTEND}, proven by service-account")
    # It is not one that works once.
    assert certd.ask("--token", frontend("--audience", "weft-certd"))["status"] == "OK"
    assert "weft_certd_certificates_issued_total 2" in certd.probe("/metrics")[1]


def test_the_certificate_buys_the_next_one(certd, frontend):
    out = certd.folder / "leaf"
    answer = certd.ask("--token", frontend("--audience", "weft-certd"), "--out", str(out))
    assert answer["status"] == "OK"
    assert certd.ask("--cert", f"{out}.pem", "--key", f"{out}.key")["status"] == "OK"


def test_our_own_programs_get_their_names(api, certd):
    api.pod("weft-system", "weft-injector-a", "weft-injector")
    token = api.token("weft-system", "weft-injector", "--bound-object-kind", "Pod",
                      "--bound-object-name", "weft-injector-a", "--audience", "weft-certd")
    answer = certd.ask("--token", token, identity=INJECTOR)
    assert answer["status"] == "OK", answer
    assert "DNS:weft-injector.weft-system.svc" in facts(answer["chain"][0])


def test_a_request_for_somebody_else(certd, frontend):
    answer = certd.ask("--token", frontend("--audience", "weft-certd"), identity=INJECTOR)
    assert answer["status"] == "PERMISSION_DENIED"


def refused(certd, token, why):
    mark = certd.log.stat().st_size
    answer = certd.ask("--token", token)
    assert answer["status"] == "UNAUTHENTICATED", answer
    assert answer["text"] == "request authentication failed: certd's log says why"
    certd.await_log(f"refused an unknown caller from .*{why}", mark)


def test_tokens_that_prove_nothing(api, certd, frontend):
    refused(certd, frontend(), "API server does not accept the token")
    refused(certd, frontend("--audience", "istio-ca"), "API server does not accept the token")
    refused(certd, api.token("shop", "frontend", "--audience", "weft-certd"), "not bound to a pod")
    refused(certd, "x", "no service-account token")
    refused(certd, "a.b.c", "API server does not accept the token")
    good = frontend("--audience", "weft-certd")
    head, body, signature = good.split(".")
    refused(certd, f"{head}.{body}.{signature[::-1]}", "API server does not accept the token")
    refused(certd, f"{head}.{body}.", "API server does not accept the token")
    nobody = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    refused(certd, f"{nobody}.{body}.", "API server does not accept the token")


def test_the_token_of_a_deleted_pod(api, certd):
    api.pod("shop", "gone", "frontend")
    token = api.token("shop", "frontend", "--bound-object-kind", "Pod", "--bound-object-name",
                      "gone", "--audience", "weft-certd")
    api.kubectl("delete", "pod", "gone", "-n", "shop", "--grace-period=0", "--force")
    refused(certd, token, "(does not accept the token|does not exist any more)")
    api.pod("shop", "gone", "frontend")
    refused(certd, token, "(does not accept the token|an earlier pod)")


def test_only_from_the_pods_own_address(api, tmp_path, frontend):
    certd = Certd(api, tmp_path, "strict").start("--match-pod-address")
    token = frontend("--audience", "weft-certd")
    # Nobody has given the pod an address: that may come yet.
    assert certd.ask("--token", token)["status"] == "UNAVAILABLE"
    for ip, status in (("10.9.9.9", "UNAUTHENTICATED"), ("127.0.0.1", "OK")):
        api.kubectl("patch", "pod", "frontend-a", "-n", "shop", "--subresource", "status",
                    "--type", "merge", "-p",
                    json.dumps({"status": {"podIP": ip, "podIPs": [{"ip": ip}]}}))
        assert certd.ask("--token", token)["status"] == status, certd.text()
    certd.stop()


# ---- while the API server is away

def test_without_the_api_server(api, tmp_path, frontend):
    certd = Certd(api, tmp_path, "lonely").start()
    token, out = frontend("--audience", "weft-certd"), tmp_path / "leaf"
    assert certd.ask("--token", token, "--out", str(out))["status"] == "OK"
    roots = bundle_of(api, "shop")
    api.stop_server()
    late = Certd.launch(CertdLate(certd, tmp_path))
    try:
        assert late.probe("/readyz")[0] == 503
        assert late.probe("/healthz")[0] == 200
        (tmp_path / "roots.pem").write_text(roots)
        ask = [program("weft-certd-client"), "--certd", certd.address, "--roots",
               str(tmp_path / "roots.pem"), "--id", FRONTEND]
        # A certificate still proves its holder; a token, which somebody else must judge, does not.
        for options, status in ((["--cert", f"{out}.pem", "--key", f"{out}.key"], "OK"),
                                (["--token", token], "UNAVAILABLE")):
            done = subprocess.run([*ask, *options], capture_output=True, text=True, check=True,
                                  timeout=120)
            assert json.loads(done.stdout)["status"] == status, certd.text()
    finally:
        api.start_server()
    late.await_service()
    assert late.probe("/readyz")[0] == 200
    until("tokens again", lambda: certd.ask("--token", token)["status"] == "OK")
    late.stop()
    certd.stop()


class CertdLate(Certd):
    """One that starts while there is no API server to make it a token."""

    def __init__(self, other, folder):  # pylint: disable=super-init-not-called
        self.api, self.folder, self.log = other.api, folder, folder / "late.log"
        self._argv = other._argv  # pylint: disable=protected-access
        self.process, self.address, self.health = None, None, None
