"""What Weft's programs wrote to the API server, by the audit log of scripts/cluster.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from __future__ import annotations

import collections
import json
import pathlib
from typing import Any

from .cluster import Cluster

# Asked with a POST, and nothing is written.
QUESTIONS = {"tokenreviews", "subjectaccessreviews", "selfsubjectaccessreviews"}


class Audit:
    """Everything since it was made, or since the last `begin`."""

    def __init__(self, cluster: Cluster) -> None:
        self.path = pathlib.Path(cluster.state, "audit.log")
        self.begin()

    def begin(self) -> None:
        self.start = self.path.stat().st_size if self.path.exists() else 0

    def events(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        with open(self.path, encoding="utf-8") as file:
            file.seek(self.start)
            text = file.read()
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def writes(self) -> "collections.Counter[str]":
        """"weft-certd patch configmaps shop/weft-trust-bundle" and how often; without Leases, and
        without what is only a question."""
        count: collections.Counter[str] = collections.Counter()
        for event in self.events():
            of = event.get("objectRef", {})
            if of.get("resource") == "leases" or of.get("resource") in QUESTIONS:
                continue
            program = event["user"]["username"].rsplit(":", 1)[1]
            place = "/".join(x for x in (of.get("namespace"), of.get("name")) if x)
            kind = "/".join(x for x in (of.get("resource"), of.get("subresource")) if x)
            count[f"{program} {event['verb']} {kind} {place}"] += 1
        return count
