"""What the gateways of the bench are configured with: none, or filters that guard the route.

SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from doors import Policies

CONSUMERS = 10_000


def http_filter(name: str, spec: str) -> str:
    return f"""---
apiVersion: policy.weft.dev/v1alpha1
kind: HTTPFilter
metadata: {{name: {name}, namespace: default}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: Gateway, name: door}}]
  {spec}
"""


def plain(folder: Path) -> Policies:
    del folder
    return Policies()


POLICIES: dict[str, Callable[[Path], Policies]] = {
    "weft": plain,
}
