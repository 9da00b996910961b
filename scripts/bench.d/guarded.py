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


def api_key(number: int) -> str:
    return f"key-{number:05}-of-the-bench"


PER_SECRET = 1000  # so that none has more keys than are accepted


def consumer(number: int) -> str:
    ref = f"{{name: keys-{number // PER_SECRET}, key: k{number}}}"
    return f"""---
apiVersion: policy.weft.dev/v1alpha1
kind: Consumer
metadata: {{name: c{number}, namespace: default}}
spec: {{credentials: [{{keyAuth: {{secretRef: {ref}}}}}]}}
"""


def secret(first: int, count: int) -> str:
    keys = "".join(f"  k{i}: {api_key(i)}\n" for i in range(first, first + count))
    return f"""---
apiVersion: v1
kind: Secret
metadata:
  name: keys-{first // PER_SECRET}
  namespace: default
  labels: {{policy.weft.dev/credential: ""}}
stringData:
{keys}"""


def consumers(count: int) -> str:
    """Each with a key of its own."""
    secrets = [secret(first, min(PER_SECRET, count - first))
               for first in range(0, count, PER_SECRET)]
    return "".join([consumer(i) for i in range(count)] + secrets)


KEY_AUTH = http_filter("keys", "keyAuth: {headers: [x-api-key]}")


def plain(folder: Path) -> Policies:
    del folder
    return Policies()


def keyed(count: int, routes: int = 1) -> Callable[[Path], Policies]:
    """A key in the middle of so many."""

    def make(folder: Path) -> Policies:
        del folder
        header = f"x-api-key: {api_key(count // 2)}"
        return Policies(KEY_AUTH + consumers(count), routes, [header])

    return make


POLICIES: dict[str, Callable[[Path], Policies]] = {
    "weft": plain,
    "weft-key": keyed(1),
    "weft-consumers": keyed(CONSUMERS),
    "weft-many": keyed(CONSUMERS, CONSUMERS),
}
