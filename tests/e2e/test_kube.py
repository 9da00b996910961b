"""lib/kube against a real API server: lists and watches through restarts, forgotten history and bad
credentials; what controllers write; who leads. weft-kube-probe is the user of the library.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from bed.kube_lab import KubeLab
from bed.process import Process
from bed.programs import Unavailable, program
from bed.wait import until

MAPS = "/api/v1/namespaces/default/configmaps"
EVENTS = "/api/v1/namespaces/default/events"


@pytest.fixture(scope="module", name="api")
def fixture_api(tmp_path_factory):
    try:
        program("weft-kube-probe")
        made = KubeLab(tmp_path_factory.mktemp("api"))
    except Unavailable as e:
        pytest.skip(str(e))
    try:
        yield made.start()
    finally:
        made.stop()


class Probe:
    """A running weft-kube-probe and the events that it has told so far."""

    def __init__(self, kubeconfig, log, verb, **options):
        words = [w for k, v in options.items() for w in ("--" + k.replace("_", "-"), str(v))]
        self.log, self.err = pathlib.Path(log), pathlib.Path(str(log) + ".err")
        env = {k: v for k, v in os.environ.items() if k != "KUBECONFIG"}
        with open(self.log, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [program("weft-kube-probe"), verb, "--kubeconfig", kubeconfig, *words],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env)

    def told(self):
        lines = self.log.read_text().split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def mark(self):
        return len(self.told())

    def wait_for(self, event, since=0, **fields):
        """The first such event from `since` on."""
        def found():
            assert self.process.poll() is None or self.told(), self.err.read_text()
            for one in self.told()[since:]:
                if one["event"] == event and all(one.get(k) == v for k, v in fields.items()):
                    return one
            return None
        return until(f"{event} {fields}", found,
                     aid=lambda: f"{self.told()[-5:]}\n{self.err.read_text()[-2000:]}")

    def count(self, event):
        return sum(one["event"] == event for one in self.told())

    def stop(self):
        """Ends regularly; nothing leaked."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self):
        status = self.process.wait(60)
        text = self.err.read_text()
        assert not Process.sanitizer_output(text), text
        assert status == 0, text
        return self.told()

    def kill(self):
        self.process.kill()
        self.process.wait(20)


@pytest.fixture(name="probe")
def fixture_probe(api, tmp_path):
    """Starts probes; those that still run at the end are ended, and must end well."""
    running = []

    def start(verb, kubeconfig=None, **options):
        one = Probe(kubeconfig or api.config(), tmp_path / f"{len(running)}.log", verb,
                    **options)
        running.append(one)
        return one
    yield start
    for one in running:
        if one.process.poll() is None:
            one.stop()


def config_map(name, size=10):
    return {"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "labels": {"t": "x"}},
            "data": {"text": "{[\\\"}" * (size // 5)}}


def make_maps(api, prefix, count, size=10):
    def make(part):
        connection = api.connect()
        for name in part:
            status, answer = api.request("POST", MAPS, config_map(name, size), connection)
            assert status == 201, answer
        connection.close()
    names = [f"{prefix}-{i}" for i in range(count)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(make, [names[i::8] for i in range(8)]))


def drop_maps(api):
    assert api.request("DELETE", MAPS + "?labelSelector=t%3Dx")[0] == 200


@pytest.fixture(name="clean")
def fixture_clean(api):
    yield
    drop_maps(api)


def result_of(one):
    told = one.ended()
    assert [r["event"] for r in told] == ["result"]
    return told[0]


# ---- lists and watches


def test_three_thousand_objects_and_their_changes(api, probe, clean):
    make_maps(api, "many", 3000)
    watch = probe("watch", path=MAPS, selectors="labelSelector=t%3Dx", page=250, quiet=1)
    assert watch.wait_for("synced")["count"] == 3000
    assert watch.wait_for("synced")["is_synced"]
    assert api.request("POST", MAPS, config_map("late"))[0] == 201
    assert api.request("DELETE", f"{MAPS}/many-7")[0] == 200
    put = watch.wait_for("put", name="late")
    gone = watch.wait_for("delete", name="many-7")
    assert int(put["version"]) < int(gone["version"])
    assert put["namespace"] == "default"
    told = watch.stop()
    assert [t["event"] for t in told] == ["begin", "synced", "put", "delete"]


def peak_kib(one):
    for line in pathlib.Path(f"/proc/{one.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


@pytest.mark.skipif(bool(os.environ.get("WEFT_SANITIZE")), reason="sanitizers keep freed memory")
def test_a_long_list_takes_no_more_memory_than_a_short_one(api, probe, clean):
    make_maps(api, "big", 300, 50000)
    short = probe("watch", path=MAPS, selectors="fieldSelector=metadata.name%3Dbig-1", quiet=1)
    long = probe("watch", path=MAPS, page=100000, quiet=1)
    assert short.wait_for("synced")["count"] == 1
    assert long.wait_for("synced")["count"] >= 300
    assert peak_kib(long) - peak_kib(short) < 8192  # of a list of 15 MB
    short.stop()
    long.stop()


def test_a_restarted_server_is_watched_on_without_a_new_list(api, probe, clean):
    watch = probe("watch", path=MAPS)
    watch.wait_for("synced")
    api.stop_server()
    trouble = watch.wait_for("trouble")
    assert trouble["status"] == 0 and f"https://127.0.0.1:{api.port}" in trouble["detail"]
    api.start_server()
    make_maps(api, "after", 1)
    watch.wait_for("put", name="after-0")
    assert watch.count("begin") == 1
    watch.stop()


def test_history_that_the_server_forgot_is_listed_again(api, probe, clean):
    """A kind that the server caches, and one that it does not."""
    maps, events = probe("watch", path=MAPS), probe("watch", path=EVENTS)
    for one in (maps, events):
        one.wait_for("synced")
        one.process.send_signal(signal.SIGSTOP)
    api.stop_server()
    api.start_server()  # so that what follows is not waiting for them in their sockets
    make_maps(api, "unseen", 3)
    event = {"metadata": {"name": "unseen"}, "involvedObject": {"namespace": "default"}}
    assert api.request("POST", EVENTS, event)[0] == 201
    api.stop_server()
    api.forget_history()
    api.start_server()
    for one in (maps, events):
        mark = one.mark()
        one.process.send_signal(signal.SIGCONT)
        one.wait_for("begin", since=mark)
        one.wait_for("synced", since=mark, is_synced=True)
    assert {t["name"] for t in maps.told() if t["event"] == "put"} >= {"unseen-0", "unseen-2"}
    assert any(t.get("name") == "unseen" for t in events.told())
    make_maps(api, "seen", 1)
    maps.wait_for("put", name="seen-0")
    maps.stop()
    events.stop()


def test_a_server_without_http2_is_watched_too(api, probe, clean):
    api.stop_server()
    api.options = ("--disable-http2-serving",)
    api.start_server()
    watches = [probe("watch", path=MAPS) for _ in range(2)]
    for one in watches:
        one.wait_for("synced")
    make_maps(api, "plain", 1)
    for one in watches:
        one.wait_for("put", name="plain-0")
        one.stop()
    answer = result_of(probe("send", method="GET", path="/version"))
    assert answer["status"] == 200 and "gitVersion" in answer["body"]
    api.stop_server()
    api.options = ()
    api.start_server()


def test_a_kind_that_is_not_there(probe):
    watch = probe("watch", path="/apis/example.org/v1/nothings")
    assert watch.wait_for("trouble")["status"] == 404
    assert [t["event"] for t in watch.stop()] == ["trouble"]


# ---- who we are


def test_a_token_is_read_again_when_it_is_refused(api, probe, tmp_path):
    token = tmp_path / "token"
    token.write_text("expired\n")
    config = api.config("token", f"tokenFile: {token}")
    watch = probe("watch", config, path=MAPS)
    assert watch.wait_for("trouble")["status"] == 401
    token.write_text("good\n")
    watch.wait_for("synced")
    watch.stop()


def test_what_is_not_allowed_is_said_in_the_servers_words(api, probe):
    config = api.config("weak", "token: weak")
    watch = probe("watch", config, path=MAPS)
    trouble = watch.wait_for("trouble")
    assert trouble["status"] == 403 and "user-weak" in trouble["detail"]
    watch.stop()


def test_a_missing_token_file_is_named(api, probe, tmp_path):
    config = api.config("missing", f"tokenFile: {tmp_path}/nothing")
    answer = result_of(probe("send", config, method="GET", path="/version"))
    assert answer["status"] == 0 and f"{tmp_path}/nothing" in answer["detail"]


@pytest.mark.parametrize("authority, more, why", [
    ("other", "", "not among the trusted roots"),
    ("ca", ", tls-server-name: somebody-else", "somebody-else"),
])
def test_a_server_that_cannot_be_verified_gets_no_request(api, probe, authority, more, why):
    config = api.config("stranger", "token: good", authority, more=more)
    answer = result_of(probe("send", config, method="GET", path="/version"))
    assert answer["status"] == 0
    assert "certificate" in answer["detail"] and why in answer["detail"]


def test_a_name_is_resolved(api, probe):
    config = api.config("named", host="localhost")
    assert result_of(probe("send", config, method="GET", path="/version"))["status"] == 200
    config = api.config("unknown", host="no-such-host.invalid")
    answer = result_of(probe("send", config, method="GET", path="/version"))
    assert answer["status"] == 0 and "no-such-host.invalid" in answer["detail"]


# ---- what is written


def written(probe, tmp_path, verb, body, api="v1", plural="configmaps", name="mine", **options):
    file = tmp_path / "body.json"
    file.write_text(json.dumps(body))
    one = probe(verb, api=api, plural=plural, namespace="default", name=name, body=file, **options)
    answer = result_of(one)
    return answer["status"], json.loads(answer["body"]), answer["detail"]


def test_applied_fields_are_ours_and_those_of_others_stay(api, probe, tmp_path):
    ours = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine"},
            "data": {"a": "1", "b": "1"}}
    assert written(probe, tmp_path, "apply", ours)[0] == 201
    patch = {"metadata": {"annotations": {"theirs": "yes"}}, "data": {"a": "2"}}
    status, _ = api.request("PUT", f"{MAPS}/mine", {**ours, **patch, "metadata": {
        "name": "mine", **patch["metadata"]}, "data": {"a": "2", "b": "1"}})
    assert status == 200
    del ours["data"]["b"]
    status, answer, _ = written(probe, tmp_path, "apply", ours)
    assert status == 200
    assert answer["data"]["a"] == "1" and answer["metadata"]["annotations"] == {"theirs": "yes"}
    assert "weft" in {f["manager"] for f in answer["metadata"]["managedFields"]}
    assert written(probe, tmp_path, "delete", None)[0] == 200
    status, _, detail = written(probe, tmp_path, "delete", None)
    assert status == 404 and detail == 'configmaps "mine" not found'


def test_a_status_made_from_an_old_object_is_a_conflict(api, probe, tmp_path):
    spec = {"kind": "Service", "metadata": {"name": "svc"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}
    status, made = api.request("POST", "/api/v1/namespaces/default/services", spec)
    assert status == 201
    version = made["metadata"]["resourceVersion"]
    here = {"api": "v1", "plural": "services", "name": "svc"}
    two = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]},
           "conditions": [{"type": "Good", "status": "True", "reason": "Yes", "message": "",
                           "lastTransitionTime": "2026-01-02T03:04:05Z"}]}
    assert written(probe, tmp_path, "status", two, version=version, **here)[0] == 200
    status, _, detail = written(probe, tmp_path, "status", two, version=version, **here)
    assert status == 409 and "modified" in detail
    one = {"loadBalancer": {"ingress": [{"ip": "192.0.2.2"}]}}
    status, answer, _ = written(probe, tmp_path, "status", one, **here)
    assert status == 200
    assert answer["status"]["loadBalancer"]["ingress"][0]["ip"] == "192.0.2.2"
    assert "conditions" not in answer["status"]  # the whole value is new


def test_equal_events_are_sent_once(api, probe):
    place = {"api": "v1", "plural": "configmaps", "namespace": "default", "name": "spoken-of"}
    one = probe("event", kind="ConfigMap", reason="Refused", note="no \"good\"", times=3, uid="u1",
                **place)
    two = probe("event", kind="ConfigMap", reason="Refused", note="x" * 3000, times=1, **place)

    def seen():
        status, answer = api.request("GET", "/apis/events.k8s.io/v1/namespaces/default/events")
        assert status == 200
        about = [e for e in answer["items"] if e["regarding"].get("name") == "spoken-of"]
        return about if {len(e["note"]) for e in about} >= {9, 1024} else None
    found = until("the events", seen)
    one.stop()
    two.stop()
    assert [(e["type"], e["reason"], e["regarding"]["uid"]) for e in found
            if e["note"] == 'no "good"'] == [("Warning", "Refused", "u1")]


# ---- who leads


def lease(probe, holder, name, duration=2000):
    return probe("lease", namespace="default", name=name, holder=holder, duration_ms=duration)


def holder_of(api, name):
    path = f"/apis/coordination.k8s.io/v1/namespaces/default/leases/{name}"
    return api.request("GET", path)[1]["spec"]["holderIdentity"]


def test_a_lease_given_back_is_taken_by_the_next(api, probe):
    first = lease(probe, "first", "polite", duration=60000)
    first.wait_for("leads", leads=True)
    assert holder_of(api, "polite") == "first"
    second = lease(probe, "second", "polite", duration=6000)
    first.stop()
    assert first.told()[-1]["event"] == "released"
    second.wait_for("leads", leads=True)
    assert holder_of(api, "polite") == "second"
    second.stop()
    assert holder_of(api, "polite") == ""


def test_the_lease_of_a_dead_holder_runs_out(api, probe):
    first = lease(probe, "first", "dead")
    first.wait_for("leads", leads=True)
    second = lease(probe, "second", "dead")
    first.kill()
    second.wait_for("leads", leads=True)
    assert holder_of(api, "dead") == "second"
    second.stop()


def test_a_holder_that_cannot_renew_stops_leading_by_itself(api, probe):
    first = lease(probe, "first", "cut-off")
    first.wait_for("leads", leads=True)
    api.stop_server()
    mark = first.mark()
    first.wait_for("leads", since=mark, leads=False)
    api.start_server()
    first.wait_for("leads", since=mark + 1, leads=True)
    first.stop()
