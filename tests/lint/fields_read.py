#!/usr/bin/env python3
# Field lint: each field of the messages that data planes get is read by the data plane, and each
# member of what they become is read outside of the rooms that make and dump it. A setting that is
# compiled, sent, kept and looked at by nobody is a setting that does nothing.
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import re

import sources

PROTO = "policies/proto/config.proto"
PROTOS = ("policies/proto/cluster.proto", PROTO)
READERS = "sidecar/"
KEPT = ("sidecar/config/snapshot.h",)
MAKERS = "sidecar/config"  # itself: sidecar/config/route reads what is made there

# What no line of a reader names, and why. (Names that several structs share hide each other.)
NOT_READ = {
    "endpoint_conf.zone": "shown by the dump; no balancer looks at zones yet",
    "cluster_conf.has_timeouts": "merged into routes by the maker",
    "cluster_conf.has_retry": "merged into routes by the maker",
    "inbound_port_conf.mtls": "by snapshot_mtls_mode",
    "inbound_conf.mtls": "by snapshot_mtls_mode",
    "inbound_conf.ports": "shown by the dump; ports are found by snapshot_inbound_port",
    "inbound_conf.port_count": "shown by the dump; ports are found by snapshot_inbound_port",
    "inbound_conf.authz_version": "tells tests of the maker that policies are others",
    "mesh_conf.clients": "by snapshot_client_conf",
    "gateway_listener_conf.clients": "by snapshot_client_conf",
    "gateway_conf.clients": "by snapshot_client_conf",
}

MESSAGE = re.compile(r"^message (\w+) \{(.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^\s*(?:repeated )?[\w.]+ (\w+) = \d+;", re.MULTILINE)
STRUCT = re.compile(r"^struct (\w+) \{(.*?)^\};", re.MULTILINE | re.DOTALL)
MEMBER = re.compile(r"(\w+)(?:\[\w*\])?\s*[,;]")
C_WORDS = {"namespace", "default"}


def fields(text):
    """(message, field) of each field."""
    for message in MESSAGE.finditer(text):
        for field in FIELD.finditer(message.group(2)):
            yield message.group(1), field.group(1)


def members(text):
    """(struct, member) of each member."""
    for struct in STRUCT.finditer(sources.without_comments(text)):
        for member in MEMBER.finditer(struct.group(2)):
            yield struct.group(1), member.group(1)


def reads(name):
    """What a line that reads the field looks like in C."""
    name += "_" if name in C_WORDS else ""
    return re.compile(rf"(?:->|\.){name}\b")


def code_of(wanted):
    return "\n".join(sources.without_comments(sources.read(path))
                     for path in sources.files(".c", ".h") if wanted(path))


def check(named, code, where, who):
    problems = []
    for owner, name in named:
        key, is_read = f"{owner}.{name}", bool(reads(name).search(code))
        if not is_read and key not in NOT_READ:
            problems.append(f"{where}: {key} is read by nothing in {who}")
    return problems


def main():
    sent = [field for path in PROTOS for field in fields(sources.read(path))]
    problems = check(sent, code_of(lambda p: p.startswith(READERS)), PROTO, READERS)
    outside = code_of(lambda p: p.startswith(READERS) and os.path.dirname(p) != MAKERS)
    count = len(sent)
    for path in KEPT:
        kept = list(members(sources.read(path)))
        count += len(kept)
        problems += check(kept, outside, path, f"{READERS} outside of {MAKERS}")
    sources.report(problems, count)


if __name__ == "__main__":
    main()
