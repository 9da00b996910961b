"""Programs that are built of npm packages, once, into the cache: folders of the tree with a
package.json, its lock file and what runs.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import hashlib
import pathlib
import shutil
import subprocess

from .go_program import cache
from .programs import Unavailable

PATIENCE = 600    # seconds
NODE_OLDEST = 20  # what the packages want


def _tool(name: str, needed_by: str) -> str:
    path = shutil.which(name)
    if not path:
        raise Unavailable(f"{needed_by} needs {name}: apt-get install nodejs npm")
    return path


def node(needed_by: str) -> str:
    path = _tool("node", needed_by)
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    if int(told.strip().lstrip("v").split(".")[0]) < NODE_OLDEST:
        raise Unavailable(f"{needed_by} needs Node.js {NODE_OLDEST}, and here is {told.strip()}")
    return path


def install(folder: pathlib.Path) -> pathlib.Path:
    """A copy of the folder with its packages. Unavailable says why there is none."""
    files = sorted(f for f in folder.iterdir() if f.is_file())
    version = hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:16]
    path = cache() / "npm" / f"{folder.name}-{version}"
    if (path / "ready").is_file():
        return path
    npm = _tool("npm", folder.name)
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    for file in files:
        shutil.copy(file, path)
    done = subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=path,
                          capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode != 0:
        raise Unavailable(f"{folder.name} cannot be installed (no npm packages here?): "
                          + done.stderr[-300:])
    (path / "ready").touch()
    return path
