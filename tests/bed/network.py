"""The wire between pods: a bridge in a namespace of its own, and one veth pair for each pod.
Nothing of the machine's own network is touched. Pods get 10.77.0.0/16 and fd77::/64 addresses;
everything else, service addresses above all, is routed to the bridge, where it ends.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from .netns import Netns

GATEWAY4, GATEWAY6 = "10.77.0.1", "fd77::1"


class Network:
    """All of it; `attach` plugs a pod in."""

    def __init__(self, run_id: str) -> None:
        self.bridge = Netns(f"weft-{run_id}-bridge")
        self.bridge.ip("link", "add", "br0", "type", "bridge")
        self.bridge.ip("addr", "add", f"{GATEWAY4}/16", "dev", "br0")
        self.bridge.ip("addr", "add", f"{GATEWAY6}/64", "dev", "br0", "nodad")
        self.bridge.ip("link", "set", "br0", "up")
        self._next = 1

    def attach(self, inside: Netns, label: str) -> tuple[str, str, str]:
        """Plugs a namespace in: its IPv4 and IPv6 address, and the bridge's end of the wire."""
        self._next += 1
        ip4, ip6 = f"10.77.{self._next // 200}.{self._next % 200 + 10}", f"fd77::{self._next:x}"
        port = f"v-{label}"[:15]
        inside.ip("link", "add", "eth0", "type", "veth", "peer", "name", port,
                  "netns", self.bridge.name)
        self.bridge.ip("link", "set", port, "master", "br0", "up")
        inside.ip("addr", "add", f"{ip4}/16", "dev", "eth0")
        inside.ip("addr", "add", f"{ip6}/64", "dev", "eth0", "nodad")
        inside.ip("link", "set", "eth0", "up")
        inside.ip("route", "add", "default", "via", GATEWAY4)
        inside.ip("-6", "route", "add", "default", "via", GATEWAY6)
        return ip4, ip6, port

    def delete(self) -> None:
        self.bridge.delete()
