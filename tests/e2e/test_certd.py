"""certd as its callers meet it: who gets a certificate, for whom, how often, and what its state
folder must look like. One process on loopback for each test; no root needed.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from bed.process import SANITIZER
from bed.programs import program, tool
from bed.wait import until

DOMAIN = "cluster.local"
FRONTEND = f"spiffe://{DOMAIN}/ns/shop/sa/frontend"
ADMIN = f"spiffe://{DOMAIN}/ns/shop/sa/admin"
NAME = "weft-certd.weft-system.svc"


def run(*command, check=True):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=check,
                          timeout=120)


class Certd:
    """A running certd, and what one can do with it from outside."""

    def __init__(self, folder):
        self.folder, self.state = folder, folder / "state"
        self.bundle, self.log = folder / "roots.pem", folder / "certd.log"
        self.process, self.address, self.health = None, None, None

    def start(self, *options):
        mark = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                [program("weft-certd"), "--state", str(self.state), "--listen", "127.0.0.1:0",
                 "--health", "127.0.0.1:0", "--bundle-out", str(self.bundle), *options],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        found = self.await_log(r"certd: listening on (\S+) ", mark)
        self.address = found.group(1)
        self.health = re.search(r"health probe on (\S+)", self.text(mark)).group(1)
        return self

    def text(self, since=0):
        return self.log.read_bytes()[since:].decode("utf-8", "replace")

    def await_log(self, pattern, since=0):
        def found():
            match = re.search(pattern, self.text(since))
            if not match and self.process.poll() is not None:
                raise RuntimeError(f"certd ended: {self.text(since)}")
            return match
        return until(f"a log line like {pattern!r}", found)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(60)

    def token(self, identity=FRONTEND, ttl="10m"):
        return run(program("weft-certd"), "token", "create", "--state", self.state, "--spiffe-id",
                   identity, "--ttl", ttl).stdout.strip()

    def ask(self, *options, identity=FRONTEND):
        done = run(program("weft-certd-client"), "--certd", self.address, "--roots", self.bundle,
                   "--id", identity, *options)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def ask_one(self, *options, identity=FRONTEND):
        [answer] = self.ask(*options, identity=identity)
        return answer

    def enroll(self, name="leaf", identity=FRONTEND):
        """A certificate by join token, in files; returns the options that show it."""
        out = self.folder / name
        answer = self.ask_one("--token", self.token(identity), "--out", out, identity=identity)
        assert answer["status"] == "OK", answer
        return ["--cert", f"{out}.pem", "--key", f"{out}.key"]

    def issued(self):
        return [json.loads(line) for line in (self.state / "issued.log").read_text().splitlines()]


@pytest.fixture(name="certd")
def fixture_certd(tmp_path):
    made = Certd(tmp_path).start()
    yield made
    if made.process.poll() is None:
        made.stop()
    assert made.process.returncode in (0, -signal.SIGKILL), made.text()
    assert not SANITIZER.search(made.text()), made.text()


def facts(pem):
    """What openssl reads in a certificate."""
    done = subprocess.run([tool("openssl"), "x509", "-noout", "-text"], input=pem, text=True,
                          capture_output=True, check=True)
    return done.stdout


# ---- join tokens ----

def test_a_token_buys_one_certificate(certd, tmp_path):
    token = certd.token()
    first = certd.ask_one("--token", token, "--out", tmp_path / "leaf")
    assert first["status"] == "OK", first
    leaf, intermediate, root = first["chain"]
    assert f"URI:{FRONTEND}" in facts(leaf)
    assert "CA:FALSE" in facts(leaf)
    assert "CA:TRUE, pathlen:0" in facts(intermediate)
    assert root == certd.bundle.read_text()
    (tmp_path / "mid.pem").write_text(intermediate)
    run(tool("openssl"), "verify", "-x509_strict", "-CAfile", certd.bundle, "-untrusted",
        tmp_path / "mid.pem", "-purpose", "sslclient", tmp_path / "leaf.pem")
    again = certd.ask_one("--token", token)
    assert again["status"] == "UNAUTHENTICATED"
    assert "chain" not in again
    certd.await_log("refused an unknown caller .*the join token was used before")
    [line] = certd.issued()
    assert line["id"] == FRONTEND and line["by"] == "join-token"
    assert line["serial"] in facts(leaf).replace(":", "").lower()


def test_a_token_buys_one_certificate_however_many_ask(certd):
    token = certd.token()
    answers = certd.ask("--token", token, "--times", "40")
    assert len(answers) == 40
    assert [a["status"] for a in answers].count("OK") == 1, answers
    assert {a["status"] for a in answers} <= {"OK", "UNAUTHENTICATED", "RESOURCE_EXHAUSTED"}
    assert len(certd.issued()) == 1


def test_a_token_is_spent_across_a_crash(certd):
    token = certd.token()
    assert certd.ask_one("--token", token)["status"] == "OK"
    certd.stop(signal.SIGKILL)
    certd.start()
    assert certd.ask_one("--token", token)["status"] == "UNAUTHENTICATED"
    assert len(certd.issued()) == 1


def test_at_most_one_certificate_whenever_it_is_killed(certd):
    """Killed at some moment of the exchange, again and again: never two for one token."""
    outcomes = set()
    for i in range(12):
        token = certd.token()
        before = len(certd.issued())
        client = subprocess.Popen(
            [program("weft-certd-client"), "--certd", certd.address, "--roots", str(certd.bundle),
             "--id", FRONTEND, "--token", token, "--times", "4"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if i % 3 == 0:
            client.stdout.readline()
        elif i % 3 == 1:
            until("something issued, or nothing to come",
                  lambda before=before, client=client: len(certd.issued()) > before
                  or client.poll() is not None)
        certd.stop(signal.SIGKILL)
        client.communicate(timeout=120)
        certd.start()
        later = certd.ask_one("--token", token)["status"]
        count = len(certd.issued()) - before
        assert count <= 1, (i, count, later)
        outcomes.add((count, later))
    assert outcomes <= {(0, "UNAUTHENTICATED"), (1, "UNAUTHENTICATED"), (1, "OK"),
                        (0, "RESOURCE_EXHAUSTED"), (1, "RESOURCE_EXHAUSTED")}, outcomes


def test_an_expired_token(certd):
    token = certd.token(ttl="5s")
    record = next(p for p in (certd.state / "tokens").iterdir() if p.is_file())
    until("its end", lambda: time.time() * 1000 > int(record.read_text().split()[0]))
    assert certd.ask_one("--token", token)["status"] == "UNAUTHENTICATED"
    certd.await_log("the join token has expired")
    assert not certd.issued()


@pytest.mark.parametrize("token", [
    "x", "weft-join-" + "0" * 64, "weft-join-../../../../etc/passwd", "a" * 8000])
def test_no_token_of_ours(certd, token):
    certd.token()
    answer = certd.ask_one("--token", token)
    assert answer["status"] == "UNAUTHENTICATED"
    # What is told does not help to guess.
    assert answer["text"] == "request authentication failed: certd's log says why"
    assert not certd.issued()


def test_no_proof_at_all(certd):
    assert certd.ask_one()["status"] == "UNAUTHENTICATED"
    certd.await_log("neither a token nor a certificate was shown")


# ---- for whom ----

def test_a_request_for_somebody_else(certd):
    token = certd.token(FRONTEND)
    answer = certd.ask_one("--token", token, identity=ADMIN)
    assert answer["status"] == "PERMISSION_DENIED"
    assert ADMIN in answer["text"] and FRONTEND in answer["text"]
    certd.await_log(f"audit: refused {FRONTEND} from ")
    assert not certd.issued()
    # The token is still good for whom it is.
    assert certd.ask_one("--token", token)["status"] == "OK"


def test_impersonation(certd):
    answer = certd.ask_one("--token", certd.token(), "--metadata", "ImpersonatedIdentity: x")
    assert answer["status"] == "PERMISSION_DENIED"
    assert not certd.issued()


def test_a_token_for_another_trust_domain(certd):
    other = "spiffe://other.example.com/ns/shop/sa/frontend"
    answer = certd.ask_one("--token", certd.token(other), identity=other)
    assert answer["status"] == "PERMISSION_DENIED"
    assert not certd.issued()


def openssl_request(folder, curve="prime256v1", *options):
    key, csr = folder / "own.key", folder / "own.csr"
    run(tool("openssl"), "req", "-new", "-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{curve}",
        "-nodes", "-keyout", key, "-out", csr, "-subj", "/O=somebody", *options)
    return csr


def test_requests_of_other_makes(certd, tmp_path):
    """As Istio's agents make them: with a subject, which is ignored, and a SAN."""
    plain = openssl_request(tmp_path)
    answer = certd.ask_one("--token", certd.token(), "--csr", plain)
    assert answer["status"] == "OK", answer
    assert f"URI:{FRONTEND}" in facts(answer["chain"][0])
    assert "somebody" not in facts(answer["chain"][0])
    named = openssl_request(tmp_path, "prime256v1", "-addext", f"subjectAltName=URI:{FRONTEND}")
    assert certd.ask_one("--token", certd.token(), "--csr", named)["status"] == "OK"


@pytest.mark.parametrize("options,status", [
    (["-addext", f"subjectAltName=URI:{ADMIN}"], "PERMISSION_DENIED"),
    (["-addext", f"subjectAltName=URI:{FRONTEND},URI:{ADMIN}"], "PERMISSION_DENIED"),
    (["-addext", "basicConstraints=critical,CA:TRUE"], "PERMISSION_DENIED"),
    (["-addext", "keyUsage=keyCertSign"], "INVALID_ARGUMENT"),
])
def test_requests_for_too_much(certd, tmp_path, options, status):
    csr = openssl_request(tmp_path, "prime256v1", *options)
    assert certd.ask_one("--token", certd.token(), "--csr", csr)["status"] == status
    assert not certd.issued()


@pytest.mark.parametrize("curve", ["secp384r1", "secp256k1"])
def test_requests_with_other_keys(certd, tmp_path, curve):
    csr = openssl_request(tmp_path, curve)
    assert certd.ask_one("--token", certd.token(), "--csr", csr)["status"] == "INVALID_ARGUMENT"


def test_requests_that_are_none(certd, tmp_path):
    good = openssl_request(tmp_path).read_text()
    lines = good.splitlines()
    flipped = lines[3][::-1]
    for text in ("garbage", "", good.replace(lines[3], flipped), good[:100], "A" * 60000):
        csr = tmp_path / "bad.csr"
        csr.write_text(text)
        answer = certd.ask_one("--token", certd.token(), "--csr", csr)
        assert answer["status"] in ("INVALID_ARGUMENT", "PERMISSION_DENIED"), answer
    csr.write_text("A" * 100000)
    assert certd.ask_one("--token", certd.token(), "--csr", csr)["status"] == "RESOURCE_EXHAUSTED"
    assert not certd.issued()


# ---- renewal ----

def test_renewal_by_certificate(certd, tmp_path):
    shown = certd.enroll()
    answer = certd.ask_one(*shown, "--out", tmp_path / "second")
    assert answer["status"] == "OK", answer
    again = ["--cert", f"{tmp_path}/second.pem", "--key", f"{tmp_path}/second.key"]
    assert certd.ask_one(*again)["status"] == "OK"
    assert [line["by"] for line in certd.issued()] == ["join-token", "svid", "svid"]
    assert len({line["serial"] for line in certd.issued()}) == 3
    assert certd.ask_one(*shown, identity=ADMIN)["status"] == "PERMISSION_DENIED"


def test_certificate_and_token_must_agree(certd):
    shown = certd.enroll()
    answer = certd.ask_one(*shown, "--token", certd.token(ADMIN), identity=ADMIN)
    assert answer["status"] == "UNAUTHENTICATED"
    certd.await_log("token and certificate name different callers")


def test_renewal_with_a_foreign_certificate(certd, tmp_path):
    """From a CA that looks the same: the connection itself is refused."""
    (tmp_path / "other").mkdir()
    other = Certd(tmp_path / "other").start()
    shown = other.enroll()
    other.stop()
    both = tmp_path / "both.pem"
    both.write_text(certd.bundle.read_text() + other.bundle.read_text())
    certd.bundle, real = both, certd.bundle
    answer = certd.ask_one(*shown)
    certd.bundle = real
    assert answer["status"] in ("UNAUTHENTICATED", "UNAVAILABLE"), answer
    certd.await_log("refused the connection .*(root|signature)")
    assert not certd.issued()


def test_lifetimes(certd):
    def life(*options):
        certd.ask_one("--token", certd.token(), *options)
        line = certd.issued()[-1]
        return round((line["not_after_ms"] - line["time_ms"]) / 1000)
    assert abs(life() - 86400) <= 1
    assert abs(life("--seconds", "60") - 60) <= 1
    assert abs(life("--seconds", "99999999") - 7 * 86400) <= 1
    answer = certd.ask_one("--token", certd.token(), "--seconds", "-5")
    assert answer["status"] == "INVALID_ARGUMENT"


def test_short_lifetimes(certd):
    certd.stop()
    certd.start("--leaf-ttl", "10s")
    certd.ask_one("--token", certd.token())
    line = certd.issued()[-1]
    assert 8000 <= line["not_after_ms"] - line["time_ms"] <= 11000


def test_rate_limit(certd):
    certd.stop()
    certd.start("--rate", "5")
    shown = certd.enroll()
    answers = [certd.ask_one(*shown)["status"] for _ in range(8)]
    assert answers.count("RESOURCE_EXHAUSTED") >= 2, answers
    assert answers[:4] == ["OK"] * 4
    assert certd.ask_one("--token", certd.token(ADMIN), identity=ADMIN)["status"] == "OK"


# ---- the audit log ----

def test_what_cannot_be_written_down_is_not_handed_out(certd):
    shown = certd.enroll()
    count = len(certd.issued())
    aside = certd.state / "issued.log.1"
    aside.mkdir()
    os.truncate(certd.state / "issued.log", 16 << 20)
    answer = certd.ask_one(*shown)
    assert answer["status"] == "INTERNAL" and "could not be written down" in answer["text"], answer
    certd.await_log("cannot be put aside as .*issued.log.1")
    aside.rmdir()
    assert certd.ask_one(*shown)["status"] == "OK"
    assert len(certd.issued()) == 1, "a file of its own"
    assert aside.stat().st_size == 16 << 20 and count >= 1


# ---- bundle, health, doors ----

def test_bundle(certd):
    answer = certd.ask_one("--bundle")
    assert answer["status"] == "OK"
    assert answer["roots"] == certd.bundle.read_text()
    assert answer["trust_domain"] == DOMAIN
    first = answer["version"]
    extra = (certd.state / "root.pem").read_text()
    (certd.folder / "second").mkdir()
    second = Certd(certd.folder / "second").start()
    second.stop()
    (certd.state / "root.pem").write_text(extra + second.bundle.read_text())
    mark = certd.log.stat().st_size
    certd.process.send_signal(signal.SIGHUP)
    certd.await_log("certd: read .* again", mark)
    answer = certd.ask_one("--bundle")
    assert answer["roots"] == extra + second.bundle.read_text()
    assert answer["version"] == first + 1
    assert certd.bundle.read_text() == answer["roots"]
    assert certd.ask_one("--token", certd.token())["status"] == "OK"


def test_a_bad_reload_keeps_what_is_in_use(certd):
    good = (certd.state / "root.pem").read_text()
    (certd.state / "root.pem").write_text("garbage")
    mark = certd.log.stat().st_size
    certd.process.send_signal(signal.SIGHUP)
    certd.await_log("root.pem: not a readable certificate", mark)
    certd.await_log("kept what was in use", mark)
    assert certd.ask_one("--token", certd.token())["status"] == "OK"
    (certd.state / "root.pem").write_text(good)


def probe(certd, method, path):
    host, port = certd.health.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def test_health(certd):
    assert probe(certd, "GET", "/healthz") == (200, "ok\n")
    assert probe(certd, "GET", "/readyz")[0] == 200
    assert probe(certd, "POST", "/healthz")[0] == 405
    assert probe(certd, "GET", "/other")[0] == 404


def connect(certd):
    host, port = certd.address.split(":")
    return socket.create_connection((host, int(port)), 30)


def test_doors(certd):
    """What is no TLS 1.3 gets nowhere, and disturbs nobody."""
    with connect(certd) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert sock.recv(100) == b""
    certd.await_log("refused the connection from .*not TLS")
    context = ssl.create_default_context(cafile=certd.bundle)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with connect(certd) as sock, pytest.raises(ssl.SSLError):
        context.wrap_socket(sock, server_hostname=NAME)
    context = ssl.create_default_context(cafile=certd.bundle)
    context.set_alpn_protocols(["h2"])
    with connect(certd) as sock:
        with context.wrap_socket(sock, server_hostname=NAME) as tls:
            assert tls.version() == "TLSv1.3"
            assert tls.selected_alpn_protocol() == "h2"
            # No ticket: nothing comes before the settings of HTTP/2.
            assert not tls.session.has_ticket
    assert certd.ask_one("--token", certd.token())["status"] == "OK"


# ---- the state folder ----

def test_a_restart_keeps_the_ca(certd):
    before = certd.bundle.read_text()
    shown = certd.enroll()
    certd.stop()
    certd.start()
    assert certd.bundle.read_text() == before
    assert certd.ask_one(*shown)["status"] == "OK"


def test_a_root_that_is_lost_is_said(certd):
    certd.stop()
    for file in (*certd.state.glob("*.pem"), *certd.state.glob("*.key")):
        file.unlink()
    certd.start()
    assert "the root has nothing in common with those in" in certd.text()
    assert not re.search(r"root_replaced_\w+ 0\n", probe(certd, "GET", "/metrics")[1])


def refuses_to_start(certd, *options):
    done = run(program("weft-certd"), "--state", certd.state, "--listen", "127.0.0.1:0", *options,
               check=False)
    assert done.returncode == 1
    assert not SANITIZER.search(done.stderr), done.stderr
    return done.stderr


def test_refuses_what_it_must_not_use(certd):
    assert "another weft-certd serves from this folder" in refuses_to_start(certd)
    certd.stop()
    os.chmod(certd.state / "intermediate.key", 0o644)
    assert "intermediate.key: group or others may read" in refuses_to_start(certd)
    os.chmod(certd.state / "intermediate.key", 0o600)
    assert "not for the trust domain" in refuses_to_start(certd, "--trust-domain", "other.example")
    key = (certd.state / "root.key").read_text()
    (certd.state / "root.key").write_text(key.replace("PRIVATE", "PUBLIC"))
    (certd.state / "intermediate.pem").unlink()
    assert "root.key" in refuses_to_start(certd)
    (certd.state / "root.key").write_text(key)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert "cannot listen" in refuses_to_start(certd, "--listen", f"127.0.0.1:{port}")
    certd.start()


def test_an_intermediate_of_another_root(certd, tmp_path):
    """Its own trust bundle would refuse what it signs: it says so instead of starting."""
    (tmp_path / "other").mkdir()
    other = Certd(tmp_path / "other").start()
    other.stop()
    certd.stop()
    for name in ("intermediate.pem", "intermediate.key"):
        (certd.state / name).write_text((other.state / name).read_text())
    assert "certd's own certificate cannot be used" in refuses_to_start(certd)
    for name in ("intermediate.pem", "intermediate.key"):
        (certd.state / name).unlink()
    certd.start()
    assert certd.ask_one("--token", certd.token())["status"] == "OK"
