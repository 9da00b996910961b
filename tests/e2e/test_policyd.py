"""weft-policyd from a folder: what data planes get, when it changes, who gets nothing, and that
those who are lost or lie come right again. The data planes speak the real protocol.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import pathlib
import subprocess
import sys

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from bed.pki import Authority
from bed.policyd import DOMAIN, Client, Policyd, spiffe
from bed.programs import program
from bed.wait import until

REVIEWS = "10.96.0.10:9080"
CLUSTER = "cluster/outbound|9080||reviews.shop.svc.cluster.local"
DESTINATION = "destination/shop/reviews:9080"


def service(name="reviews", ip="10.96.0.10"):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": name},
            "spec": {"clusterIP": ip, "ports": [{"name": "http", "port": 9080}]}}


def endpoints(*ips, name="reviews"):
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"namespace": "shop", "name": f"{name}-1",
                         "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4", "ports": [{"name": "http", "port": 9080}],
            "endpoints": [{"addresses": [ip]} for ip in ips]}


def pod(name, account, namespace="shop", **labels):
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"namespace": namespace, "name": name, "labels": labels},
            "spec": {"serviceAccountName": account, "containers": [{"name": "app"}]}}


class World:
    """A folder, and policyd on it."""

    def __init__(self, folder, authority):
        self.dir = folder / "policies"
        self.dir.mkdir()
        self.write("base", service(), endpoints("10.1.0.1"), pod("frontend-a", "frontend"))
        self.policyd = Policyd(folder, authority).start("--policies", str(self.dir))

    def write(self, name, *objects):
        path = self.dir / f".{name}"
        path.write_text(yaml.safe_dump_all(objects))
        path.rename(self.dir / f"{name}.yaml")


@pytest.fixture(scope="module", name="authority")
def fixture_authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(name="world")
def fixture_world(tmp_path, authority):
    made = World(tmp_path, authority)
    yield made
    made.policyd.stop()


@pytest.fixture(name="frontend")
def fixture_frontend(world):
    made = world.policyd.client("shop", "frontend", pod="frontend-a", addresses=REVIEWS)
    made.await_event("update", serial=1)
    yield made
    made.stop()


# ---- what is sent

def test_a_data_plane_gets_what_is_its_own_and_what_it_asked_for(frontend):
    first = frontend.await_event("update", serial=1)
    assert set(first["resources"]) == {"mesh", "inbound", CLUSTER, DESTINATION}
    assert set(first["answers"][REVIEWS]) == {CLUSTER, DESTINATION}
    assert first["agrees"] and first["removed"] == []


def test_what_nobody_knows_is_answered_too(frontend):
    frontend.say("add", "192.0.2.1:80")
    assert frontend.answer("192.0.2.1:80") == []
    assert frontend.events()[-1]["resources"] == []


def test_a_change_sends_what_it_changed_and_no_more(world, frontend):
    frontend.mark()
    world.write("base", service(), endpoints("10.1.0.1", "10.1.0.2"),
                pod("frontend-a", "frontend"))
    assert frontend.await_event("update")["resources"] == [CLUSTER]


def test_a_change_that_does_not_concern_it_sends_nothing(world, frontend):
    world.write("other", service("ratings", "10.96.0.11"))
    frontend.say("add", "10.96.0.11:9080")
    until("the answer", lambda: frontend.answer("10.96.0.11:9080"))
    sent = [name for e in frontend.events() for name in e["resources"]]
    assert sent.count(CLUSTER) == 1 and "destination/shop/ratings:9080" in sent


def test_what_it_drops_is_taken_away(frontend):
    frontend.mark()
    frontend.say("drop", REVIEWS)
    assert set(frontend.await_event("update")["removed"]) == {CLUSTER, DESTINATION}


def test_a_service_that_appears_changes_the_answer(world, frontend):
    frontend.say("add", "10.96.0.12:9080")
    assert frontend.answer("10.96.0.12:9080") == []
    world.write("late", service("late", "10.96.0.12"))
    until("another answer", lambda: frontend.answer("10.96.0.12:9080"))
    (world.dir / "late.yaml").unlink()
    until("nothing again", lambda: frontend.answer("10.96.0.12:9080") == [])


def test_a_folder_that_is_not_valid_changes_nothing(world, frontend):
    world.write("bad", {**service("bad"), "apiVersion": "policy.weft.dev/v9"})
    world.policyd.await_log("refused as a whole; what was in force stays")
    frontend.say("add", "192.0.2.1:80")
    assert frontend.answer("192.0.2.1:80") == []
    assert frontend.answer(REVIEWS)
    assert world.policyd.get("/readyz")[0] == 200


# ---- what data planes do

def test_an_update_that_was_refused_is_not_repeated_but_mended(world, frontend):
    frontend.mark()
    frontend.say("nack")
    frontend.say("add", "192.0.2.1:80")
    frontend.await_event("update", serial=2)
    until("the refusal", lambda: world.policyd.metric("weft_policyd_nacks_total") == 1)
    assert world.policyd.subscribers()[0]["state"] == "refused"
    world.write("base", service(), endpoints("10.1.0.7"), pod("frontend-a", "frontend"))
    mended = frontend.await_event("update", serial=3)
    assert mended["agrees"] and "192.0.2.1:80" in mended["answers"]
    until("all is well", lambda: world.policyd.subscribers()[0]["state"] == "current")


def test_one_that_lost_something_comes_back_and_gets_it(world, frontend):
    frontend.say("forget")
    frontend.say("add", "192.0.2.1:80")
    frontend.await_event("closed", text="ABORTED: what it has is not what it was sent")
    assert world.policyd.metric("weft_policyd_desynced_total") == 1
    frontend.mark()
    frontend.say("reconnect")
    healed = frontend.await_event("update")
    assert healed["agrees"] and len(healed["resources"]) == 1 and healed["has"] == 4


def test_hello_again_on_the_same_stream(frontend):
    frontend.mark()
    frontend.say("hello")
    again = frontend.await_event("update")
    assert again["serial"] == 2 and again["resources"] == [] and again["agrees"]
    assert REVIEWS in again["answers"]


def test_a_slow_one_gets_one_update_at_a_time(world, frontend):
    frontend.say("silent")
    for i in range(3):
        world.write("base", service(), endpoints(f"10.1.0.{i + 50}"), pod("frontend-a", "frontend"))
        until("it is read", lambda n=i: world.policyd.text().count("feed: ") >= n + 2)
    frontend.await_event("update", serial=2)
    assert [s["state"] for s in world.policyd.subscribers()] == ["behind"]
    assert frontend.events()[-1]["serial"] == 2


@pytest.mark.parametrize("words, text", [
    (("raw", "nonsense"), "INVALID_ARGUMENT: a message that cannot be read"),
    (("add", "reviews:80"), "INVALID_ARGUMENT: it asks for what is no address with a port"),
    (("add", "10.96.0.10"), "INVALID_ARGUMENT: it asks for what is no address with a port"),
])
def test_what_makes_no_sense_ends_the_stream(frontend, words, text):
    frontend.say(*words)
    frontend.await_event("closed", text=text)


# ---- who gets nothing

def test_a_pod_of_another_service_account_is_refused(world):
    liar = world.policyd.client("shop", "thief", pod="frontend-a")
    said = liar.await_event("closed")["text"]
    assert said.startswith("PERMISSION_DENIED: pod shop/frontend-a has the service account front")
    liar.stop()


def test_a_gateway_is_for_its_own_pods(world):
    world.write("door", {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
                         "metadata": {"namespace": "shop", "name": "door"},
                         "spec": {"gatewayClassName": "weft", "listeners": [
                             {"name": "http", "port": 80, "protocol": "HTTP"}]}})
    thief = world.policyd.client("shop", "frontend", pod="frontend-a", gateway="door")
    assert thief.await_event("closed")["text"].startswith("PERMISSION_DENIED: pod shop/frontend-a")
    thief.stop()
    own = world.policyd.client("shop", "door-weft", pod="door-1", gateway="door")
    own.await_update("gateway/shop/door:80")
    own.stop()


def test_a_certificate_of_another_mesh_gets_no_connection(world, tmp_path):
    stranger = Authority(tmp_path / "stranger").workload(spiffe("shop", "frontend"))
    expect_stranger(world, stranger)


def expect_stranger(world, leaf):
    """The client takes policyd for what it is; it is policyd that does not take the client."""
    before = len(world.policyd.text())
    client = Client(world.policyd, leaf, world.policyd.authority.roots, pod="frontend-a",
                    unchecked="yes")
    client.await_event("closed")
    assert [e["event"] for e in client.events()] == ["closed"], client.events()
    client.stop()
    said = world.policyd.await_log(r"refused the connection .*", before).group(0)
    assert "frontend-a" not in world.policyd.text(before), "it was admitted first"
    return said


@pytest.mark.parametrize("identity", ["spiffe://other.example/ns/shop/sa/frontend",
                                      "spiffe://cluster.local.example/ns/shop/sa/frontend"])
def test_one_of_another_trust_domain_gets_nothing(world, identity):
    said = expect_stranger(world, world.policyd.authority.workload(identity))
    assert "trust domain" in said, said


@pytest.mark.parametrize("path", ["node/one", "ns/shop", "ns/shop/sa/frontend/more"])
def test_one_that_names_no_workload_gets_nothing(world, path):
    """It is of the mesh, so it has a connection, and is refused there."""
    leaf = world.policyd.authority.workload(f"spiffe://{DOMAIN}/{path}")
    client = Client(world.policyd, leaf, world.policyd.authority.roots, pod="frontend-a",
                    unchecked="yes")
    said = client.await_event("closed")["text"]
    assert said.startswith("UNAUTHENTICATED: configuration is for workloads"), said
    assert [e["event"] for e in client.events()] == ["closed"], client.events()
    client.stop()


# ---- policyd itself

def test_its_end_is_told_and_a_restart_goes_on_from_what_is_known(world, frontend):
    world.policyd.stop()
    frontend.await_event("closed", text="UNAVAILABLE: policyd is stopping")
    world.policyd.start("--policies", str(world.dir))
    back = world.policyd.client("shop", "frontend", pod="frontend-a", addresses=REVIEWS)
    back.await_event("update", serial=1, agrees=True)
    back.stop()


@pytest.mark.parametrize("argv, text", [
    ([], "needs --certd"),
    (["--certd", "x:1"], "needs --trust-bundle"),
    (["--cert-file", "a", "--trust-bundle", "b"], "--cert-file needs --key-file"),
    (["--polices", "x"], "unknown option --polices"),
    (["--listen", "nowhere"], "--listen 'nowhere'"),
])
def test_wrong_options_are_explained(argv, text):
    done = subprocess.run([program("weft-policyd"), *argv], capture_output=True, text=True,
                          check=False, timeout=30)
    assert done.returncode == 2 and text in done.stderr
