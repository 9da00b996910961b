"""The folder of one run: programs, logs, policies, identities. Programs are copied into it, because
those who run them in pods are plain users, who may not see where the sources are.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import os
import pathlib
import re
import shutil
import tempfile

from .programs import program

APPS = pathlib.Path(__file__).parent / "apps"


class RunDir:
    """`path` and what is below it."""

    def __init__(self, path: pathlib.Path | None = None) -> None:
        self.path = path or pathlib.Path(tempfile.mkdtemp(prefix="weft-bed-"))
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o755)
        for name in ("bin", "logs", "pods", "scratch", "apps"):
            self.folder(name)
        for app in APPS.glob("*.py"):
            self._copy(app, self.path / "apps" / app.name)
        self._sanitizer_env = self._readable_suppressions()

    def folder(self, *names: str, uid: int = 0, mode: int = 0o755) -> pathlib.Path:
        made = self.path.joinpath(*names)
        made.mkdir(parents=True, exist_ok=True)
        os.chown(made, uid, uid)
        made.chmod(mode)
        return made

    @staticmethod
    def _copy(source: pathlib.Path, target: pathlib.Path) -> None:
        shutil.copyfile(source, target)
        target.chmod(0o755)

    def program(self, name: str) -> str:
        """Our program of that name, where everybody may run it."""
        target = self.path / "bin" / name
        if not target.exists():
            self._copy(pathlib.Path(program(name)), target)
        return str(target)

    def app(self, name: str) -> str:
        return str(self.path / "apps" / name)

    def log(self, name: str) -> pathlib.Path:
        return self.path / "logs" / f"{name}.log"

    def secret(self, folder: pathlib.Path, name: str, text: str, uid: int) -> pathlib.Path:
        """A file for one user's eyes only."""
        file = folder / name
        file.touch(mode=0o600)
        os.chown(file, uid, uid)
        file.write_text(text)
        return file

    def _readable_suppressions(self) -> dict[str, str]:
        """A leak checker that cannot read its list gives up, so everybody must be able to."""
        options = os.environ.get("LSAN_OPTIONS", "")
        match = re.search(r"suppressions=([^:]+)", options)
        if not match:
            return {}
        target = self.path / "lsan.supp"
        self._copy(pathlib.Path(match.group(1)), target)
        return {"LSAN_OPTIONS": options.replace(match.group(1), str(target))}

    def env(self) -> dict[str, str]:
        """For programs under test."""
        return self._sanitizer_env

    def delete(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
