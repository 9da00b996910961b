"""A throw-away mesh CA and two workload certificates, made by openssl for one run.

SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import subprocess
from pathlib import Path

TRUST_DOMAIN = "cluster.local"


def openssl(*args: str, stdin: str | None = None) -> None:
    subprocess.run(
        ["openssl", *args],
        check=True,
        input=stdin,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def make(folder: Path) -> None:
    """ca.pem, and for client and server <name>.pem, <name>.key and, for HAProxy, <name>.both."""
    folder.mkdir(parents=True, exist_ok=True)
    ca, key = folder / "ca.pem", folder / "ca.key"
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(
        "req",
        "-x509",
        *curve,
        "-keyout",
        str(key),
        "-out",
        str(ca),
        "-days",
        "2",
        "-subj",
        "/CN=bench root",
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
    )
    for name in ("client", "server"):
        leaf(folder, name)


def leaf(folder: Path, name: str) -> None:
    base = folder / name
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(
        "req",
        "-new",
        *curve,
        "-keyout",
        f"{base}.key",
        "-out",
        f"{base}.csr",
        "-subj",
        f"/CN={name}",
    )
    (folder / f"{name}.ext").write_text(
        f"subjectAltName=critical,URI:spiffe://{TRUST_DOMAIN}/ns/default/sa/{name},DNS:{name}\n"
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
        "extendedKeyUsage=serverAuth,clientAuth\n"
    )
    # SPIFFE wants exactly one URI SAN; the DNS name is for the proxies that check one.
    openssl(
        "x509",
        "-req",
        "-in",
        f"{base}.csr",
        "-CA",
        str(folder / "ca.pem"),
        "-CAkey",
        str(folder / "ca.key"),
        "-CAcreateserial",
        "-out",
        f"{base}.pem",
        "-days",
        "1",
        "-extfile",
        f"{base}.ext",
    )
    (folder / f"{name}.both").write_text(
        Path(f"{base}.pem").read_text() + Path(f"{base}.key").read_text()
    )
    Path(f"{base}.key").chmod(0o600)
