#!/usr/bin/env python3
"""What goes into our images: pack.py weft|app PROGRAMS OUT.tar TAG… . See scripts/image.
SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys
import tempfile

from image import Image

PROGRAMS = ["weft-sidecar", "weft-certd", "weft-policyd", "weft-injector", "weftctl"]
PASSWD = """root:x:0:0:root:/:/sbin/nologin
weft:x:1337:1337:weft:/:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
"""
GROUP = "root:x:0:\nweft:x:1337:\nnogroup:x:65534:\n"
ROOTS = "/etc/ssl/certs/ca-certificates.crt"
# What `weft-sidecar redirect` runs, in the two ways that kernels and pods may need it.
IPTABLES = {
    "xtables-nft-multi": [
        "iptables-save",
        "iptables-restore",
        "ip6tables-save",
        "ip6tables-restore",
    ],
    "xtables-legacy-multi": [
        "iptables-legacy-save",
        "iptables-legacy-restore",
        "ip6tables-legacy-save",
        "ip6tables-legacy-restore",
    ],
}
# The matches and targets that its rules name.
EXTENSIONS = ["NAT", "REDIRECT", "TPROXY", "MARK", "CONNMARK", "addrtype", "comment", "connmark"]
EXTENSIONS += ["conntrack", "mark", "multiport", "owner", "socket", "standard", "tcp", "udp"]

# What lib/ldap loads when a directory is configured: nothing that the dynamic linker knows of.
LDAP = ["libldap.so.2", "libldap-2.5.so.0", "libldap-2.6.so.0"]


def stripped(program: pathlib.Path, scratch: pathlib.Path) -> pathlib.Path:
    """Without debug information, which is most of it."""
    out = scratch / program.name
    subprocess.run(["strip", "-o", out, program], check=True)
    return out


def add_iptables(image: Image) -> None:
    for program, names in IPTABLES.items():
        path = shutil.which(program, path="/usr/sbin:/sbin")
        if not path:
            sys.exit(f"image: {program} is missing: install the package iptables")
        image.program(path, f"/usr/sbin/{program}")
        for name in names:
            image.link(f"/usr/sbin/{name}", program)
    folder = next(pathlib.Path("/usr/lib").glob("*/xtables"))
    for name in EXTENSIONS:
        for prefix in ("libxt_", "libipt_", "libip6t_"):
            path = folder / f"{prefix}{name}.so"
            if path.exists():
                image.file(path, str(path), 0o644)


def add_ldap(image: Image) -> None:
    for name in LDAP:
        for path in sorted(pathlib.Path("/usr/lib").glob(f"*/{name}")):
            image.program(path, str(path))


def weft(programs: pathlib.Path, out: pathlib.Path, tags: list[str]) -> int:
    image = Image(["/usr/local/bin/weft-sidecar"], user="1337:1337")
    image.text("/etc/passwd", PASSWD)
    image.text("/etc/group", GROUP)
    image.folder("/tmp", 0o1777)
    image.folder("/run", 0o755)
    with tempfile.TemporaryDirectory() as scratch:
        for name in PROGRAMS:
            if (programs / name).exists():
                image.program(
                    stripped(programs / name, pathlib.Path(scratch)), f"/usr/local/bin/{name}"
                )
    add_iptables(image)
    add_ldap(image)
    if pathlib.Path(ROOTS).exists():
        image.file(ROOTS, ROOTS)
    return image.write(out, tags)


def app(programs: pathlib.Path, out: pathlib.Path, tags: list[str]) -> int:
    image = Image(["/app"], user="65532:65532")
    image.program(programs / "app", "/app")
    return image.write(out, tags)


def main() -> None:
    what, programs, out, *tags = sys.argv[1:]
    size = {"weft": weft, "app": app}[what](pathlib.Path(programs), pathlib.Path(out), tags)
    print(f"image: {', '.join(tags)}: {size / 1e6:.1f} MB", file=sys.stderr)
    print(out)


main()
