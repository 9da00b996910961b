"""What --keep prints: where everything is, and commands to try by hand.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import os
from typing import Callable

from bed.shop import HOST, Shop

TEXT = """
The mesh is running. Pods are network namespaces:

{pods}

Try, in another terminal:

  # as the frontend's app, by service name, over plain HTTP
  ip netns exec {frontend} curl -s http://reviews:9080/
  # who called, as ratings saw it
  ip netns exec {frontend} curl -s http://ratings:9080/headers
  # from outside the mesh: plain text to a pod, and HTTPS through the front door
  ip netns exec {outside} curl -s http://{v1_ip}:9080/who
  ip netns exec {outside} curl -s --cacert {ca} --resolve {host}:443:{door} https://{host}/
  # what is on the wire
  ip netns exec {bridge} tcpdump -ni br0 -X tcp port 9080
  # a sidecar's own words
  ip netns exec {frontend} curl -s http://127.0.0.1:15020/metrics
  tail -f {logs}/frontend-sidecar.log

Edit a policy; it is live as soon as the file is in place:

  cp {policies}/canary.yaml {folder}/20-canary.yaml
  cp {policies}/deny.yaml {folder}/20-deny.yaml

Make an app fail (it is told past the mesh), and well again:

  ip netns exec {v2} curl -s -X POST 'http://127.0.0.1:9080/control?fail=503'
  ip netns exec {v2} curl -s -X POST 'http://127.0.0.1:9080/control'

End it with Ctrl-C here, or: kill {pid}
"""


def things_to_try(shop: Shop, say: Callable[[str], None]) -> None:
    bed = shop.bed
    pods = "\n".join(f"  {p.netns.name:<28} {p.ip:<12} "
                     f"{'with a sidecar' if p.sidecar else 'without a sidecar'}"
                     for p in bed.pods.values())
    say(TEXT.format(
        pods=pods, frontend=shop.frontend.netns.name, outside=shop.outside.netns.name,
        v1_ip=shop.v1.ip, v2=shop.v2.netns.name, ca=shop.public_ca.roots, host=HOST,
        door=shop.ingress.ip, bridge=bed.network.bridge.name, logs=bed.run.path / "logs",
        policies=os.path.join(os.path.dirname(__file__), "policies"), folder=bed.policies.path,
        pid=os.getpid()))
