"""Programs of others that are built from Go modules, once, into the cache.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import os
import pathlib
import shutil
import subprocess

from .programs import Unavailable

PATIENCE = 1800  # seconds; a module with everything it needs may have to be fetched and compiled


def cache() -> pathlib.Path:
    home = os.environ.get("XDG_CACHE_HOME", str(pathlib.Path.home() / ".cache"))
    return pathlib.Path(os.environ.get("WEFT_CACHE", str(pathlib.Path(home) / "weft")))


def build(package: str, version: str, folder: str = "") -> pathlib.Path:
    """The program of a package at a version, in bin/<folder> of the cache. Unavailable says why
    there is none: no Go, or no way to its modules."""
    path = cache() / "bin" / folder / package.rsplit("/", 1)[-1]
    if path.is_file():
        return path
    go = shutil.which("go", path=os.environ.get("PATH", "") + ":/usr/local/go/bin")
    if not go:
        raise Unavailable(f"{package} needs Go to be built: apt-get install golang-go")
    path.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([go, "install", f"{package}@{version}"],
                          env={**os.environ, "GOBIN": str(path.parent)}, capture_output=True,
                          text=True, timeout=PATIENCE, check=False)
    if done.returncode != 0:
        raise Unavailable(f"{package} cannot be built (no Go modules here?): "
                          + done.stderr[-300:])
    return path
