"""The images of the conformance suite's backends, under the very names that its manifests ask for:
images.py FOLDER COREDNS, where FOLDER holds the built programs and where the modules are.
SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import pathlib
import re
import sys

from image import Image


def names_in(manifests: pathlib.Path, program: str) -> list[str]:
    """Every image of that name that a manifest of the suite mentions."""
    found: set[str] = set()
    for path in manifests.rglob("*.yaml"):
        found.update(re.findall(rf'image:\s*"?(\S*/{program}:[^\s"]+)', path.read_text()))
    if not found:
        sys.exit(f"images: no manifest below {manifests} asks for {program}")
    return sorted(found)


def main() -> None:
    folder, coredns = (pathlib.Path(word) for word in sys.argv[1:])
    manifests = pathlib.Path((folder / "manifests").read_text().strip())
    istio = pathlib.Path((folder / "istio").read_text().strip())

    basic = Image(["/echo-basic"], user="65532:65532")
    basic.program(folder / "echo-basic", "/echo-basic")
    basic.write(folder / "echo-basic.tar", names_in(manifests, "echo-basic"))

    # The mesh tests run `client` in it, and it serves TLS with a certificate at /cert.crt.
    advanced = Image(["/usr/local/bin/server"], user="1338:1338")
    for name in ("client", "server"):
        advanced.program(folder / name, f"/usr/local/bin/{name}")
    certificates = istio / "tests" / "testdata" / "certs" / "dns"
    advanced.file(certificates / "cert-chain.pem", "/cert.crt")
    advanced.file(certificates / "key.pem", "/cert.key")
    advanced.write(folder / "echo-advanced.tar", names_in(manifests, "echo-advanced"))

    # The backend of its UDP tests.
    dns = Image(["/coredns"], user="65532:65532")
    dns.program(coredns, "/coredns")
    dns.write(folder / "coredns.tar", names_in(manifests, "coredns"))


main()
