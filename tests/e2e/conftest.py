"""What the end-to-end tests share: one bed for each file, made on first use, checked at its end for
what sanitizers said and for how the programs ended. Without root every test that needs a bed is
skipped by name. SPDX-License-Identifier: GPL-3.0-or-later
"""
import os
import pathlib
import shutil
import sys
from typing import Callable, Iterator, TypeVar

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from bed import Bed, Unavailable
from bed.lab import Lab
from bed.shop import Shop

T = TypeVar("T", Shop, Lab, Bed)


def make(what: Callable[[], T]) -> T:
    try:
        return what()
    except Unavailable as e:
        pytest.skip(str(e))


def take_down(bed: Bed) -> None:
    """Nothing may have ended badly, leaked, or overstepped its bounds."""
    ended = bed.stop()
    complaints = bed.complaints()
    kept = os.environ.get("WEFT_KEEP_LOGS")
    if kept:
        shutil.copytree(bed.run.path, pathlib.Path(kept) / bed.run.path.name)
    bed.delete()
    assert not complaints, "\n".join(complaints)
    assert not ended, f"ended badly: {ended}"


@pytest.fixture(scope="session")
def shop_bed() -> Iterator[Shop]:
    made = make(Shop)
    yield made
    take_down(made.bed)


@pytest.fixture
def shop(shop_bed: Shop) -> Iterator[Shop]:
    """The shop, and after the test the shop as it was."""
    yield shop_bed
    shop_bed.reset()


@pytest.fixture(scope="session")
def lab_bed() -> Iterator[Lab]:
    made = make(Lab)
    yield made
    take_down(made.bed)


@pytest.fixture
def lab(lab_bed: Lab) -> Iterator[Lab]:
    """The lab, without policies of other tests."""
    yield lab_bed
    lab_bed.bed.check_alive()
    lab_bed.bed.withdraw("50-test.yaml")


@pytest.fixture
def is_sanitized() -> bool:
    """Memory figures say nothing there."""
    return bool(os.environ.get("WEFT_SANITIZE"))
