"""What the hostile tests share: the paths of their actors, and the loop of their servers. They need
neither root nor anything but loopback. SPDX-License-Identifier: GPL-3.0-or-later
"""
import os
import pathlib
import sys
from typing import Iterator

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

# pylint: disable=wrong-import-position
from actors.origin import Origin, Stage
from bed.programs import Unavailable, program


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    try:
        program("weft-sidecar")
    except Unavailable as e:
        pytest.skip(str(e))


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.close()


@pytest.fixture(scope="module")
def origin(stage: Stage) -> Origin:
    return Origin(stage)


@pytest.fixture
def is_sanitized() -> bool:
    """Memory figures say nothing there."""
    return bool(os.environ.get("WEFT_SANITIZE"))
