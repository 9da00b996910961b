#!/usr/bin/env python3
# Layer lint: an include points down or stays in its room, and each third-party library is known to
# one room only. Includes are written from the root and exist; foo.c includes foo.h first.
# The rooms and their order are the table below; docs/architecture.md explains them.
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import re

import sources

# A room includes itself and what has a smaller number, so no rooms include each other in a circle.
# The longest matching folder names the room.
ROOMS = {
    "lib/base": 0,
    "lib/codec": 1,
    "lib/tls": 1,
    "lib/jose": 2,
    "lib/ldap": 2,
    "lib/jsonschema": 2,
    "lib/schema": 2,
    "lib/io": 2,
    "lib/net": 3,
    "filters": 3,
    "lib/kube": 4,
    "lib/identity": 4,
    "lib/inject": 2,
    "policies/proto": 4,
    "policies/kinds": 4,
    "policies/store": 5,
    "policies/describe": 5,
    "policies/gateway": 6,
    "policies/compile": 7,
    "policies/status": 8,
    "policies/analyze": 9,
    "sidecar/config": 10,
    "sidecar/fit": 11,
    "policies/policyd": 12,
    "sidecar": 12,
    "certd": 12,
    "injector": 12,
    "weftctl": 12,
}

# Where every source lies in a room.
PRODUCT = ("lib/", "filters/", "policies/", "sidecar/", "certd/", "injector/", "weftctl/")

# What a third-party header begins with, and the room it is for.
THIRD_PARTY = {
    "uv.h": "lib/io",
    "uv/": "lib/io",
    "ares": "lib/io",
    "hiredis/": "lib/io",
    "wolfssl/": "lib/tls",
    "openssl/": "lib/tls",
    "argon2.h": "lib/tls",
    "crypt.h": "lib/tls",
    "nghttp2/": "lib/codec",
    "llhttp": "lib/codec",
    "jansson": "lib/codec",
    "expat": "lib/codec",
    "yaml.h": "lib/codec",
    "protobuf-c/": "lib/codec",
    "pcre2": "lib/codec",
    "zlib.h": "lib/codec",
    "ldap.h": "lib/ldap",
    "brotli/": "lib/codec",
    "zstd.h": "lib/codec",
}

# The messages on the wire: data without code of ours, so lib/net may see them too.
GENERATED = ".pb-c.h"
GENERATED_FOR = {r for r, level in ROOMS.items() if level >= ROOMS["lib/net"]}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)


def room_of(path):
    """The room a file lies in; None for tests and the like."""
    matches = [r for r in ROOMS if path.startswith(r + "/")]
    return max(matches, key=len) if matches else None


def includes(text):
    """(line, quoted, name) of each include."""
    text = sources.without_comments(text)
    for m in INCLUDE.finditer(text):
        yield text.count("\n", 0, m.start()) + 1, m.group(1) == '"', m.group(2)


def check_third_party(room, name):
    for prefix, home in THIRD_PARTY.items():
        if name.startswith(prefix) and room != home:
            return f"<{name}> is known to {home} only"
    return None


def check_own(room, name, exists):
    if name.endswith(GENERATED):
        if room is not None and room not in GENERATED_FOR:
            return f'"{name}" is generated: not for {room}'
        if not exists(name[: -len(GENERATED)] + ".proto"):
            return f'"{name}" has no .proto'
        return None
    if not exists(name):
        return f'"{name}" does not exist: write includes from the repository root'
    target = room_of(name)
    if room is None or target is None or target == room:
        return None
    if ROOMS[target] >= ROOMS[room]:
        return f'"{name}" points up: {room} must not know {target}'
    return None


def check(path, text, exists):
    """Problems of one file, as lines for people."""
    room, found = room_of(path), list(includes(text))
    problems = []
    if room is None and path.startswith(PRODUCT):
        problems.append(f"{path}:1: lies in no room: give its folder a row here")
    own = path[:-2] + ".h"
    if path.endswith(".c") and exists(own) and (not found or found[0][2] != own):
        problems.append(f"{path}:1: the first include must be \"{own}\"")
    for line, quoted, name in found:
        what = check_third_party(room, name) if room else None
        if not what and quoted:
            what = check_own(room, name, exists)
        if what:
            problems.append(f"{path}:{line}: {what}")
    return problems


def check_stems(listed):
    """Names of files tell what is meant, so each is given once: foo.c and foo.h in one folder."""
    problems, seen = [], {}
    for path in listed:
        folder, name = os.path.split(path)
        stem = os.path.splitext(name)[0]
        if not path.startswith(PRODUCT) or stem == "main":
            continue
        other = seen.setdefault(stem, folder)
        if other != folder:
            problems.append(f"{path}:1: there is a {stem} in {other} already")
    return problems


def main():
    listed = sources.files(".c", ".h")
    problems = check_stems(listed)
    for path in listed:
        problems += check(path, sources.read(path),
                          lambda p: os.path.isfile(os.path.join(sources.ROOT, p)))
    sources.report(problems, len(listed))


if __name__ == "__main__":
    main()
