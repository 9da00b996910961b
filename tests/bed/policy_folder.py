"""The folder that all sidecars watch. A file appears, changes or goes in one step (rename), so
that no half of it is ever read. Owned by the bed; users may edit it as well.
SPDX-License-Identifier: GPL-3.0-or-later
"""
import os
import pathlib
import textwrap


class PolicyFolder:
    """`path` is the folder."""

    def __init__(self, path: pathlib.Path, scratch: pathlib.Path) -> None:
        self.path, self._scratch = path, scratch
        path.mkdir(parents=True)
        path.chmod(0o755)

    def write(self, name: str, text: str, mode: int = 0o644) -> pathlib.Path:
        """Puts a file in place; an indented text is moved to the margin."""
        new = self._scratch / f"{name}.new"
        new.write_text(textwrap.dedent(text))
        new.chmod(mode)
        os.rename(new, self.path / name)
        return self.path / name

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def read(self, name: str) -> str | None:
        file = self.path / name
        return file.read_text() if file.exists() else None

    def names(self) -> list[str]:
        return sorted(p.name for p in self.path.iterdir())
