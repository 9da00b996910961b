"""Where the programs under test are, and which tools of the system the bed needs.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import os
import pathlib
import shutil

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = {"ip": "iproute2", "iptables-restore": "iptables", "setpriv": "util-linux",
         "openssl": "openssl"}


class Unavailable(Exception):
    """The bed cannot be made here; the text says why and what to do."""


def build_dir() -> pathlib.Path:
    """WEFT_BUILD_DIR, or what CTest says, or the first build there is."""
    for name in ("WEFT_BUILD_DIR", "WEFT_BUILD"):
        if os.environ.get(name):
            return pathlib.Path(os.environ[name]).resolve()
    for preset in ("release", "dev", "asan"):
        if (ROOT / "build" / preset / "bin" / "weft-sidecar").exists():
            return ROOT / "build" / preset
    raise Unavailable("no build found: run scripts/build, or set WEFT_BUILD_DIR")


def program(name: str) -> str:
    """The full path of one of our programs."""
    base = build_dir()
    for folder in ("bin", "tests", "tests/helpers"):
        path = base / folder / name
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    raise Unavailable(f"{name} is not in {base}: run scripts/build")


def tool(name: str) -> str:
    """The full path of a program of the system."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin")
    if not path:
        raise Unavailable(f"{name} is missing: apt-get install {TOOLS.get(name, name)}")
    return path


def require() -> None:
    """Raises Unavailable unless everything that a bed needs is here."""
    if os.geteuid() != 0:
        raise Unavailable("network namespaces and iptables need root: run this as root (sudo)")
    for name in TOOLS:
        tool(name)
    for name in ("weft-sidecar", "weft-certd"):
        program(name)
