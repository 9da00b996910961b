"""How a sidecar starts, or says why it does not; what it keeps over a restart.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import shutil

import pytest

from bed import Bed, Port
from bed.http_client import read_head
from bed.wait import until
from conftest import make, take_down

BROKEN = "apiVersion: v1\nkind: Service\nmetadata: {name: Not A Name}\nspec: {ports: 7}\n"


@pytest.fixture(scope="module", name="bed")
def fixture_bed():
    bed = make(lambda: Bed("start"))
    bed.add_pod("one")
    bed.add_pod("two", "two")
    bed.add_pod("stranger", meshed=False)
    bed.add_service("two", [Port(9080, 9080)])
    bed.add_authority()
    bed.publish()
    bed.pods["two"].start_demo("ratings")
    bed.pods["two"].start_sidecar()
    yield bed
    take_down(bed)


@pytest.fixture(name="one")
def fixture_one(bed):
    """A pod whose sidecar each test starts in its own way."""
    pod = bed.pods["one"]
    yield pod
    if pod.sidecar and pod.sidecar.is_running():
        pod.sidecar.stop()


def refuses(bed, one):
    try:
        bed.pods["stranger"].connect(one.ip, 9080).close()
        return False
    except OSError:
        return True


def fails(one, expected, **options):
    """It ends, with a status and a sentence."""
    sidecar = one.start_sidecar(ready=False, **options)
    assert sidecar.await_end() not in (0, None)
    assert sidecar.status > 0, f"killed by a signal: {sidecar.status}"
    assert expected in sidecar.output(), sidecar.output()


def test_a_mistaken_option_is_named(one):
    fails(one, "--outbond", outbond="1")
    fails(one, "--workers", workers="many")
    fails(one, "where the configuration comes from is missing", policy_dir=None)
    fails(one, "--gateway", mode="ingress")


# requirement: A25
def test_the_first_request_is_served(one):
    """A sidecar that says it is ready needs nothing more: no connection, no name is warmed up."""
    for _ in range(3):
        one.start_sidecar()
        assert one.get("http://two:9080/who").status == 200
        assert one.sidecar.stop() == 0


def test_a_key_that_everybody_may_read(bed, one):
    one.prepare_identity()
    (bed.run.path / "pods" / "one" / "key.pem").chmod(0o604)
    sidecar = one.start_sidecar(ready=False, fresh_token=False)
    assert sidecar.await_end() > 0
    assert "chmod 600" in sidecar.output(), sidecar.output()
    (bed.run.path / "pods" / "one" / "key.pem").chmod(0o600)


# requirement: A15
def test_a_folder_that_is_not_there(one):
    fails(one, "/nowhere", policy_dir="/nowhere")


def test_a_port_that_is_taken(one):
    taken = one.start_tcp("echo", 15006)
    try:
        fails(one, "15006")
    finally:
        taken.stop()


def test_a_broken_policy_at_the_start(bed, one):
    own = bed.run.folder("broken")
    (own / "a.yaml").write_text(BROKEN)
    fails(one, "a.yaml:", policy_dir=own)


def test_the_last_good_configuration_survives_a_restart(bed, one):
    own = bed.run.folder("kept")
    shutil.copy(bed.policies.path / "00-topology.yaml", own)
    keep = bed.run.folder("pods", "one", "state", uid=1337, mode=0o700) / "last-good"
    one.start_sidecar(policy_dir=own, last_good=keep)
    assert one.get("http://two:9080/who").status == 200
    assert one.sidecar.stop() == 0
    assert keep.stat().st_mode & 0o077 == 0, "it may hold private keys"
    (own / "broken.yaml").write_text(BROKEN)
    one.start_sidecar(policy_dir=own, last_good=keep)
    one.sidecar.await_log(r"broken\.yaml:\d+")
    one.sidecar.await_log("last good")
    assert one.get("http://two:9080/who").status == 200
    mark = one.sidecar.mark()
    (own / "broken.yaml").unlink()
    one.sidecar.await_log("is in force", mark)


def test_certificates_from_files(one):
    one.start_sidecar()
    one.sidecar.await_identity()
    seen = one.get("http://two:9080/headers").json()["headers"]["x-forwarded-client-cert"]
    assert f"URI=spiffe://{one.identity}" in seen


def test_new_files_are_taken(bed, one):
    one.start_sidecar()
    one.sidecar.await_identity()

    def hash_seen():
        told = one.get("http://two:9080/headers").json()["headers"]["x-forwarded-client-cert"]
        return told.split("Hash=")[1][:64]
    before = hash_seen()
    one.prepare_identity()
    until("the new certificate", lambda: hash_seen() != before)


def test_files_that_cannot_be_used_change_nothing(bed, one):
    one.start_sidecar()
    one.sidecar.await_identity()
    folder = bed.run.path / "pods" / "one"
    kept = (folder / "cert.pem").read_text()
    mark = one.sidecar.mark()
    try:
        (folder / "cert.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n"
                                         "-----END CERTIFICATE-----\n")
        one.sidecar.await_log(r"(?m)(warn|error) identity: .+", mark)
        assert one.get("http://two:9080/who").status == 200
    finally:
        (folder / "cert.pem").write_text(kept)


def test_the_app_may_call_until_it_has_left(bed, one):
    """Both containers of a pod are told to stop at the same time: what comes in ends, what the app
    sends goes on as long as the app is there."""
    one.start_sidecar(drain_time="60s")
    one.sidecar.await_identity()
    with one.connect("two", 9080) as kept:
        one.sidecar.ask_to_end()
        one.sidecar.await_log("its own calls go on")
        until("the way in to be closed", lambda: refuses(bed, one))
        for _ in range(3):
            assert one.get("http://two:9080/who").status == 200
        kept.sendall(b"GET /who HTTP/1.1\r\nHost: two\r\n\r\n")
        assert read_head(kept)[0].startswith(b"HTTP/1.1 200 ")
    one.sidecar.await_log("the app has left")
    assert one.sidecar.await_end() == 0


def test_a_native_sidecar_is_told_when_the_app_has_ended(one):
    one.start_sidecar(drain_time="60s", native_sidecar="on")
    one.sidecar.await_identity()
    with one.connect("two", 9080):
        one.sidecar.ask_to_end()
        assert one.sidecar.await_end() == 0


def test_an_app_that_is_done_says_so(one):
    one.start_sidecar(drain_time="60s")
    one.sidecar.await_identity()
    with one.connect("two", 9080):
        assert one.ask("POST", "http://127.0.0.1:15000/quitquitquit").status == 200
        assert one.sidecar.await_end() == 0


def test_signals_end_it_in_order(bed, one):
    one.start_sidecar()
    one.sidecar.await_identity()
    assert one.sidecar.is_ready()
    assert one.sidecar.stop() == 0
    assert "draining" in one.sidecar.output()
    stranger = bed.pods["stranger"]
    with pytest.raises(OSError):
        stranger.connect(one.ip, 15021).close()


def listens(one, port):
    """Somebody in the pod listens there, whichever the address."""
    text = one.netns.run("cat", "/proc/net/tcp", "/proc/net/tcp6").stdout
    return any(f":{port:04X} " in line and " 0A " in line for line in text.splitlines())


@pytest.mark.parametrize("option, port", [("inbound", 15006), ("outbound", 15001)])
@pytest.mark.parametrize("word", ["off", "no"])
def test_a_listener_that_is_off_is_not_opened(one, option, port, word):
    one.start_sidecar(**{option: word})
    try:
        assert not listens(one, port)
        assert listens(one, 15006 + 15001 - port)
    finally:
        one.sidecar.stop()


def test_a_listener_without_a_port_is_a_mistake(one):
    fails(one, "inbound", inbound="10.0.0.1")
