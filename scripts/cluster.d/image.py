"""Container images as tar files, without a daemon: one layer, the same bytes for the same contents.
Used by the cluster for its own images and by scripts/image for ours.
SPDX-License-Identifier: GPL-3.0-or-later
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import tarfile
from typing import Union

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Of a file; of a symbolic link: where to; None: a folder.
Contents = Union[bytes, str, None]
CREATED = "2026-01-01T00:00:00Z"


class Image:
    """Collect files, then `write`."""

    def __init__(self, entrypoint: list[str], user: str = "", env: list[str] | None = None) -> None:
        self.entrypoint, self.user, self.env = entrypoint, user, env or []
        self.files: dict[str, tuple[int, bytes | None]] = (
            {}
        )  # path -> mode, contents (None: folder)

    def folder(self, path: str, mode: int = 0o755) -> None:
        self.files.setdefault(path.strip("/"), (mode, None))

    def text(self, path: str, text: str, mode: int = 0o644) -> None:
        self._put(path, mode, text.encode())

    def file(self, source: pathlib.Path | str, path: str | None = None, mode: int = 0o644) -> None:
        self._put(path or str(source), mode, pathlib.Path(source).read_bytes())

    def program(self, source: pathlib.Path | str, path: str | None = None) -> None:
        """With every shared library that it needs."""
        self.file(source, path, 0o755)
        self.libraries(source)

    def link(self, path: str, to: str) -> None:
        self._put(path, 0o777, to)

    def libraries(self, source: pathlib.Path | str) -> None:
        for library in libraries_of(source):
            if library.strip("/") not in self.files:
                self.file(library, library, 0o755)

    def _put(self, path: str, mode: int, contents: bytes | str) -> None:
        parts = path.strip("/").split("/")
        for end in range(1, len(parts)):
            self.folder("/".join(parts[:end]))
        self.files["/".join(parts)] = (mode, contents)

    def write(self, target: pathlib.Path, tags: list[str]) -> int:
        """Writes the archive; the size of its layer in bytes."""
        layer = _tar(
            [(name, mode, contents) for name, (mode, contents) in sorted(self.files.items())]
        )
        digest = hashlib.sha256(layer).hexdigest()
        config = json.dumps(
            {
                "architecture": _architecture(),
                "os": "linux",
                "created": CREATED,
                "config": {
                    "Env": [PATH, *self.env],
                    "Entrypoint": self.entrypoint,
                    "User": self.user,
                    "WorkingDir": "/",
                },
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
                "history": [{"created": CREATED}],
            }
        ).encode()
        name = hashlib.sha256(config).hexdigest() + ".json"
        manifest = json.dumps(
            [{"Config": name, "RepoTags": tags, "Layers": [f"{digest}/layer.tar"]}]
        ).encode()
        whole = _tar(
            [
                (name, 0o644, config),
                (digest, 0o755, None),
                (f"{digest}/layer.tar", 0o644, layer),
                ("manifest.json", 0o644, manifest),
            ]
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(target.name + f".{os.getpid()}")
        fresh.write_bytes(whole)
        fresh.rename(target)
        return len(layer)


def libraries_of(source: pathlib.Path | str) -> list[str]:
    """By the dynamic linker itself; none for a static program."""
    done = subprocess.run(["ldd", str(source)], capture_output=True, text=True, check=False)
    return re.findall(r"(/\S+) \(0x", done.stdout) if done.returncode == 0 else []


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


def _tar(members: list[tuple[str, int, Contents]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, mode, contents in members:
            info = tarfile.TarInfo(name)
            info.mode = mode
            if contents is None:
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            elif isinstance(contents, str):
                info.type, info.linkname = tarfile.SYMTYPE, contents
                tar.addfile(info)
            else:
                info.size = len(contents)
                tar.addfile(info, io.BytesIO(contents))
    return out.getvalue()
