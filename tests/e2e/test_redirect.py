"""weft-sidecar redirect with the real iptables, in network namespaces of its own: what is led
where, what is left alone, and that applying twice, changing and removing leave exactly what they
should. SPDX-License-Identifier: GPL-3.0-or-later
"""
import contextlib
import ctypes
import json
import os
import pathlib
import re
import socket
import stat
import struct
import sys
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from bed.netns import Netns  # noqa: E402
from bed.network import Network  # noqa: E402
from bed.programs import Unavailable, program, tool  # noqa: E402

SO_ORIGINAL_DST = 80
PROXY_UID, APP_UID = 1337, 10001
OUTBOUND, INBOUND, APP = 15001, 15006, 8080
FOREIGN = """*nat
:THEIRS - [0:0]
-A PREROUTING -p tcp -m tcp --dport 1 -j THEIRS
-A OUTPUT -d 127.0.0.11/32 -j THEIRS
-A OUTPUT -p tcp -m comment --comment "to -j WEFT_OUTPUT \\" or not" -j THEIRS
-A POSTROUTING -s 192.0.2.0/24 -j RETURN
-A THEIRS -p udp -j RETURN
COMMIT
"""

_libc = ctypes.CDLL(None, use_errno=True)


def unavailable():
    """Why these tests cannot run here, or None."""
    if os.geteuid() != 0:
        return "network namespaces and iptables need root"
    try:
        for name in ("ip", "iptables-restore", "ip6tables-restore", "setpriv"):
            tool(name)
        program("weft-sidecar")
    except Unavailable as e:
        return str(e)
    return None


pytestmark = pytest.mark.skipif(unavailable() is not None, reason=unavailable() or "")


@contextlib.contextmanager
def as_user(uid):
    """Sockets that this thread makes meanwhile belong to `uid`: what iptables' owner match sees."""
    _libc.setfsuid(uid)
    try:
        yield
    finally:
        _libc.setfsuid(0)


def original_destination(sock):
    if sock.family == socket.AF_INET6:
        raw = sock.getsockopt(socket.IPPROTO_IPV6, SO_ORIGINAL_DST, 28)
        return socket.inet_ntop(socket.AF_INET6, raw[8:24]), struct.unpack("!H", raw[2:4])[0]
    raw = sock.getsockopt(socket.IPPROTO_IP, SO_ORIGINAL_DST, 16)
    return socket.inet_ntop(socket.AF_INET, raw[4:8]), struct.unpack("!H", raw[2:4])[0]


class Server:
    """Tells each caller who answered and where the call was going."""

    def __init__(self, inside, uid, family, port, name):
        self.name = name
        with as_user(uid):
            self.listener = inside.new_socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            self.listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.listener.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
        self.listener.listen(64)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                sock, peer = self.listener.accept()
            except OSError:
                return
            with sock:
                try:
                    going = original_destination(sock)
                except OSError:
                    going = None  # never rewritten, so the kernel has no record
                here = sock.getsockname()[:2]
                if going == here:
                    going = None
                sock.sendall(json.dumps([self.name, going, peer[0]]).encode())

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


class Place:
    """A pod (with an app and stand-ins for the sidecar's two listeners) and somebody outside."""

    def __init__(self):
        run = f"redirect-{os.getpid()}"
        self.network = Network(run)
        self.pod, self.outside = Netns(f"weft-{run}-pod"), Netns(f"weft-{run}-outside")
        self.pod4, self.pod6, _ = self.network.attach(self.pod, "pod")
        self.out4, self.out6, _ = self.network.attach(self.outside, "outside")
        self.servers = []
        for family in (socket.AF_INET, socket.AF_INET6):
            self.add(self.pod, PROXY_UID, family, OUTBOUND, "outbound")
            self.add(self.pod, PROXY_UID, family, INBOUND, "inbound")
            self.add(self.pod, APP_UID, family, APP, "app")
            self.add(self.pod, APP_UID, family, 15020, "metrics")
            for port in (80, 3306):
                self.add(self.outside, APP_UID, family, port, "outside")

    def add(self, *arguments):
        self.servers.append(Server(*arguments))

    def redirect(self, *options, status=0, prefix=()):
        done = self.pod.run(*prefix, program("weft-sidecar"), "redirect", *options, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def saved(self):
        """The rules of both families without what changes by itself."""
        text = ""
        for command in ("iptables-save", "ip6tables-save"):
            text += self.pod.run(tool(command), "-t", "nat").stdout
        return [re.sub(r"\[\d+:\d+\]", "", line) for line in text.splitlines() if line[0] != "#"]

    def call(self, inside, uid, address, port, source=None):
        """[who answered, where it thought the call was going or None, where it came from]"""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with as_user(uid):
            sock = inside.new_socket(family)
        with sock:
            sock.settimeout(20)
            if source:
                sock.bind((source, 0))
            sock.connect((address, port))
            answer = b""
            while part := sock.recv(1000):
                answer += part
        return json.loads(answer)

    def close(self):
        for server in self.servers:
            server.close()
        self.pod.delete()
        self.outside.delete()
        self.network.delete()


@pytest.fixture(scope="module")
def shared_place():
    made = Place()
    yield made
    made.close()


@pytest.fixture
def place(shared_place):
    """Without rules of ours before and after."""
    yield shared_place
    shared_place.redirect("--remove")


def both(place):
    """(address of the pod, address outside, loopback) for IPv4 and IPv6."""
    return [(place.pod4, place.out4, "127.0.0.1"), (place.pod6, place.out6, "::1")]


def test_outbound_is_led_to_the_sidecar(place):
    place.redirect()
    for _, outside, _ in both(place):
        for port in (80, 3306, 9999):
            got = place.call(place.pod, APP_UID, outside, port)
            assert got[:2] == ["outbound", [outside, port]]
    # An address that nobody has, as a service's: the connection must not need it to exist.
    for address in ("10.96.0.10", "fd00:96::10"):
        assert place.call(place.pod, 0, address, 80)[:2] == ["outbound", [address, 80]]


def test_inbound_is_led_to_the_sidecar(place):
    place.redirect()
    for pod, _, _ in both(place):
        for port in (APP, 7777):
            got = place.call(place.outside, APP_UID, pod, port)
            assert got[:2] == ["inbound", [pod, port]]
        assert place.call(place.outside, APP_UID, pod, 15020)[0] == "metrics"


def test_what_the_sidecar_sends_goes_straight_out(place):
    place.redirect()
    for pod, outside, loopback in both(place):
        assert place.call(place.pod, PROXY_UID, outside, 80)[:2] == ["outside", None]
        assert place.call(place.pod, PROXY_UID, loopback, APP)[:2] == ["app", None]
        # To its own pod by address: through the front door, unless it comes from the address that
        # is set aside for handing over to the app.
        got = place.call(place.pod, PROXY_UID, pod, APP)
        assert got[:2] == ["inbound", [pod, APP]]
        source = "::6" if ":" in pod else "127.0.0.6"
        assert place.call(place.pod, PROXY_UID, pod, APP, source) == ["app", None, source]


def test_containers_of_one_pod_talk_directly(place):
    place.redirect()
    for pod, _, loopback in both(place):
        assert place.call(place.pod, APP_UID, pod, APP)[:2] == ["app", None]
        assert place.call(place.pod, APP_UID, loopback, APP)[:2] == ["app", None]


def test_group_of_the_sidecar(place):
    place.redirect("--proxy-uid", "4242", "--proxy-gid", str(PROXY_UID))
    for _, outside, _ in both(place):
        assert place.call(place.pod, 4242, outside, 80)[0] == "outside"
        assert place.call(place.pod, PROXY_UID, outside, 80)[0] == "outbound"
        _libc.setfsgid(PROXY_UID)
        try:
            assert place.call(place.pod, APP_UID, outside, 80)[0] == "outside"
        finally:
            _libc.setfsgid(0)


def test_excluded_ports_and_addresses(place):
    place.redirect("--exclude-outbound-ports", "3306", "--exclude-inbound-ports", f"9,{APP}")
    for pod, outside, _ in both(place):
        assert place.call(place.pod, APP_UID, outside, 3306)[0] == "outside"
        assert place.call(place.pod, APP_UID, outside, 80)[0] == "outbound"
        assert place.call(place.outside, APP_UID, pod, APP)[0] == "app"
        assert place.call(place.outside, APP_UID, pod, 7777)[0] == "inbound"
    place.redirect(f"--exclude-outbound-cidrs={place.out4},{place.out6}/128")
    for pod, outside, _ in both(place):
        assert place.call(place.pod, APP_UID, outside, 80)[0] == "outside"
        assert place.call(place.outside, APP_UID, pod, APP)[0] == "inbound"
    assert place.call(place.pod, APP_UID, "10.96.0.10", 80)[0] == "outbound"


def test_included_ports_and_addresses(place):
    place.redirect("--include-outbound-cidrs", "10.96.0.0/12,fd00:96::/32",
                   "--include-outbound-ports", "3306", "--include-inbound-ports", "7777")
    for pod, outside, _ in both(place):
        assert place.call(place.pod, APP_UID, outside, 80)[0] == "outside"
        assert place.call(place.pod, APP_UID, outside, 3306)[0] == "outbound"
        assert place.call(place.outside, APP_UID, pod, APP)[0] == "app"
        assert place.call(place.outside, APP_UID, pod, 7777)[0] == "inbound"
    for address in ("10.96.0.10", "fd00:96::10"):
        assert place.call(place.pod, APP_UID, address, 80)[0] == "outbound"
    place.redirect("--include-outbound-cidrs=", "--include-inbound-ports=")
    for pod, outside, _ in both(place):
        assert place.call(place.pod, APP_UID, outside, 80)[0] == "outside"
        assert place.call(place.outside, APP_UID, pod, APP)[0] == "app"


def test_excluded_interfaces(place):
    place.redirect("--exclude-interfaces", "wlan0,eth+")
    for pod, outside, _ in both(place):
        assert place.call(place.pod, APP_UID, outside, 80)[0] == "outside"
        assert place.call(place.outside, APP_UID, pod, APP)[0] == "app"


def test_only_ipv4(place):
    place.redirect()
    assert "IPv6: rules removed" in place.redirect("--ipv6", "off")
    assert place.call(place.pod, APP_UID, place.out4, 80)[0] == "outbound"
    assert place.call(place.pod, APP_UID, place.out6, 80)[0] == "outside"
    assert "::6" not in place.pod.ip("-6", "addr", "show", "lo")


def test_applying_twice_changes_nothing(place):
    place.redirect("--exclude-outbound-ports", "22,3306", "--proxy-gid", "7")
    once = place.saved()
    said = place.redirect("--exclude-outbound-ports", "22,3306", "--proxy-gid", "7")
    assert place.saved() == once
    assert said.count("already in place") == 2
    # Other flags replace, and the first ones bring back the first rules.
    place.redirect("--outbound-port", "1234")
    assert place.saved() != once
    assert not any("--dport 22 " in line for line in place.saved())
    place.redirect("--exclude-outbound-ports", "22,3306", "--proxy-gid", "7")
    assert place.saved() == once


def test_damage_is_repaired(place):
    place.redirect()
    whole = place.saved()
    for command in ("iptables", "ip6tables"):
        place.pod.run(tool(command), "-t", "nat", "-F", "WEFT_OUTPUT")
        place.pod.run(tool(command), "-t", "nat", "-A", "OUTPUT", "-p", "tcp", "-j", "WEFT_OUTPUT")
        place.pod.run(tool(command), "-t", "nat", "-I", "PREROUTING", "-j", "WEFT_INBOUND")
    assert place.saved() != whole
    place.redirect()
    assert place.saved() == whole


def test_removal_leaves_no_trace_and_foreign_rules_stand(place):
    empty = place.saved()
    for command in ("iptables-restore", "ip6tables-restore"):
        text = FOREIGN if command == "iptables-restore" else (
            FOREIGN.replace("127.0.0.11/32", "fd00::11/128").replace("192.0.2.0/24", "fd02::/16"))
        place.pod.run(tool(command), "--noflush", text=text)
    try:
        before = place.saved()
        place.redirect()
        place.redirect("--inbound-port", "7")
        foreign = [line for line in place.saved() if "THEIRS" in line or "192.0.2.0" in line
                   or "fd02" in line]
        assert foreign == [line for line in before if "THEIRS" in line or "192.0.2.0" in line
                           or "fd02" in line]
        assert "::6" in place.pod.ip("-6", "addr", "show", "lo")
        place.redirect("--remove")
        assert place.saved() == before
        assert "::6" not in place.pod.ip("-6", "addr", "show", "lo")
        place.redirect("--remove")
        assert place.saved() == before
    finally:
        for command in ("iptables", "ip6tables"):
            place.pod.run(tool(command), "-t", "nat", "-F")
            place.pod.run(tool(command), "-t", "nat", "-X", "THEIRS")
    assert place.saved() == empty


def test_what_is_printed_is_what_is_applied(place):
    printed = place.redirect("--print", "--exclude-outbound-ports", "22")
    for family, command in (("iptables", "iptables-restore"), ("ip6tables", "ip6tables-restore")):
        part = printed.split(f"# {command} --noflush\n")[1].split("# ")[0]
        place.pod.run(tool(command), "--noflush", text=part)
        assert "WEFT_OUTPUT" in place.pod.run(tool(family), "-t", "nat", "-S").stdout
    assert place.redirect("--exclude-outbound-ports", "22").count("already in place") == 2


def test_without_privileges(place):
    prefix = [tool("setpriv"), "--reuid", "65534", "--clear-groups", "--inh-caps=-all"]
    try:
        said = place.redirect("--apply", status=1, prefix=prefix)
    except PermissionError:
        pytest.skip("the build folder is not readable for other users")
    if "xec" in said and "ermission" in said and "redirect:" not in said:
        pytest.skip("the build folder is not readable for other users")
    assert "not running as root" in said
    assert "CAP_NET_ADMIN" in said
    assert "WEFT" not in " ".join(place.saved())


def test_bad_arguments(place):
    assert "--inbound-port '0'" in place.redirect("--inbound-port", "0", status=2)
    assert "--exclude-outbound-cidrs '10.0.0.1/8'" in place.redirect(
        "--exclude-outbound-cidrs", "10.0.0.1/8", status=2)
    assert "unknown option --frobnicate" in place.redirect("--frobnicate", status=2)
    assert "--apply" in place.redirect("--help")


def test_refusal_of_the_kernel_is_shown(place, tmp_path):
    """A stand-in for an iptables-restore whose kernel lacks the owner match."""
    os.chmod(tmp_path, 0o755)
    for name in ("iptables-restore", "ip6tables-restore"):
        script = tmp_path / name
        script.write_text("#!/bin/sh\n"
                          "echo \"$0: line 9 failed: no owner match here\" >&2\nexit 4\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    said = place.redirect(status=1, prefix=["env", f"PATH={tmp_path}:{os.environ['PATH']}"])
    assert "refused the rules; nothing was changed" in said
    assert "no owner match here" in said
    assert "line 9 is: -A WEFT_OUTPUT -s ::6/128 -o lo -j RETURN" in said
    assert "WEFT" not in " ".join(place.saved())
