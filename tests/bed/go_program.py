"""Programs that are built from Go modules, once, into the cache: those of others, and those of the
bed that need modules of others.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import hashlib
import os
import pathlib
import shutil
import subprocess
from typing import Any

from .programs import Unavailable

PATIENCE = 1800  # seconds; a module with everything it needs may have to be fetched and compiled


def cache() -> pathlib.Path:
    home = os.environ.get("XDG_CACHE_HOME", str(pathlib.Path.home() / ".cache"))
    return pathlib.Path(os.environ.get("WEFT_CACHE", str(pathlib.Path(home) / "weft")))


def _go(needed_by: str) -> str:
    go = shutil.which("go", path=os.environ.get("PATH", "") + ":/usr/local/go/bin")
    if not go:
        raise Unavailable(f"{needed_by} needs Go to be built: apt-get install golang-go")
    return go


def _run(command: list[str], what: str, **how: Any) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False,
                          **how)
    if done.returncode != 0:
        raise Unavailable(f"{what} cannot be built (no Go modules here?): " + done.stderr[-300:])


def build_own(folder: pathlib.Path) -> pathlib.Path:
    """The program that is a folder of the tree, with its module. Unavailable says why there is
    none."""
    files = sorted(f for f in folder.iterdir() if f.is_file())
    version = hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:16]
    path = cache() / "bin" / f"{folder.name}-{version}" / folder.name
    if path.is_file():
        return path
    go = _go(folder.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    _run([go, "build", "-o", str(path), "."], folder.name, cwd=folder)
    return path


def build(package: str, version: str, folder: str = "") -> pathlib.Path:
    """The program of a package at a version, in bin/<folder> of the cache. Unavailable says why
    there is none: no Go, or no way to its modules."""
    path = cache() / "bin" / folder / package.rsplit("/", 1)[-1]
    if path.is_file():
        return path
    go = _go(package)
    path.parent.mkdir(parents=True, exist_ok=True)
    _run([go, "install", f"{package}@{version}"], package,
         env={**os.environ, "GOBIN": str(path.parent)})
    return path
