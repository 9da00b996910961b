#!/usr/bin/env python3
# Word lint: functions that only lib/base or nobody may call, who may ask for the time, unfinished
# work, and names of machines. words.allow lists what is right all the same, with the reason.
# SPDX-License-Identifier: GPL-3.0-or-later
import re

import sources

# Unbounded or ambiguous, so nobody calls them.
NEVER = {"strcpy", "stpcpy", "strcat", "sprintf", "vsprintf", "gets", "strtok", "alloca", "atoi",
         "atol", "atoll", "atof", "strncpy", "strncat", "tmpnam", "mktemp", "rand", "srand",
         "random"}
# Behind lib/base/mem.h.
HEAP = {"malloc", "calloc", "realloc", "free", "strdup", "strndup", "asprintf", "vasprintf",
        "aligned_alloc", "posix_memalign", "reallocarray"}
# The layers below lib/io are handed the time and do no input or output.
CLOCK = {"clock_gettime", "gettimeofday", "time", "clock_mono_ns", "clock_wall_ms"}
WORLD = CLOCK | {"socket", "connect", "accept", "accept4", "send", "recv", "sendmsg", "recvmsg",
                 "open", "openat", "fopen", "read", "write", "getenv", "getaddrinfo", "fork",
                 "system", "sleep", "usleep", "nanosleep"}

CALL = re.compile(r"(?<![\w.>])(\w+)\s*\(")
# A function of that name that is being declared: words and stars stand before it, no statement.
DECLARED = re.compile(r"^(?!return\b|else\b|do\b|case\b)\w[\w *]*[ *]$")
UNFINISHED = re.compile(r"\b(?:T[O]DO|F[I]XME|X[X]X)\b")
WORK_PATH = re.compile(r"(?<![\w./-])/w[o]rk/")
URL = re.compile(r"\b[a-z][a-z0-9+]*://([A-Za-z0-9][A-Za-z0-9.-]*\.[A-Za-z]{2,})")
# Hosts written without a scheme, in what fetches and builds things.
BARE_HOST = re.compile(r"(?<![\w./@-])((?:[a-z0-9-]+\.)+(?:org|com|net|io))(?=[/:\s\"')]|$)")
# Modules of Go are named like hosts.
GO = (".go", "go.mod", "go.sum")
FETCHING = ("scripts/", "cmake/", ".ci/", "CMakeLists.txt")


def banned_in(path):
    """{function: why not} for a C file."""
    banned = {name: "is banned" for name in NEVER}
    if path.startswith("lib/base/"):
        return banned
    banned.update({name: "is for lib/base only: use lib/base/mem.h" for name in HEAP})
    if path.startswith(("lib/codec/", "lib/tls/")):
        banned.update({name: "reaches outside: this layer does no I/O and knows no clock"
                       for name in WORLD})
    elif path.startswith(("lib/net/", "policies/")) and not path.startswith("policies/policyd/"):
        banned.update({name: "is for programs and lib/io: ask the loop" for name in CLOCK})
    return banned


def check_calls(path, text):
    banned = banned_in(path)
    for number, line in enumerate(sources.code_only(text).split("\n"), 1):
        for m in CALL.finditer(line):
            name = m.group(1)
            if name in banned and not DECLARED.match(line[: m.start()].lstrip()):
                yield number, name, f"{name}() {banned[name]}"


def check_text(path, text, hosts):
    for number, line in enumerate(text.split("\n"), 1):
        if UNFINISHED.search(line):
            yield number, "unfinished", "unfinished work: do it, or leave no mark"
        if WORK_PATH.search(line):
            yield number, "path", "a path of one machine"
        found = set(URL.findall(line))
        if path.startswith(FETCHING) and not path.endswith(GO):
            found.update(BARE_HOST.findall(line))
        for host in sorted(found):
            if not any(host == h or host.endswith("." + h) for h in hosts):
                yield number, host, f"host name {host}: derive it from the system's own settings"


def read_allowed(text):
    """(set of (path, word), set of hosts) out of words.allow."""
    pairs, hosts = set(), set()
    for line in text.splitlines():
        words = line.split(None, 2)
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 3:
            raise SystemExit(f"words.allow: want '<path|host> <word> <reason>', got: {line}")
        if words[0] == "host":
            hosts.add(words[1])
        else:
            pairs.add((words[0], words[1]))
    return pairs, hosts


def check(path, text, allowed):
    """Problems of one file, as lines for people."""
    pairs, hosts = allowed
    found = list(check_text(path, text, hosts))
    if path.endswith((".c", ".h")):
        found += check_calls(path, text)
    return [f"{path}:{number}: {what}" for number, word, what in found if (path, word) not in pairs]


def main():
    allowed = read_allowed(sources.read("tests/lint/words.allow"))
    listed = [p for p in sources.files() if p != "LICENSE"]
    problems = []
    for path in listed:
        problems += check(path, sources.read(path), allowed)
    sources.report(problems, len(listed))


if __name__ == "__main__":
    main()
