"""The mesh bed: a whole live mesh on one machine, for the demo and the end-to-end tests.
SPDX-License-Identifier: GPL-3.0-or-later
"""
from .bed import Bed, Port
from .pod import Pod
from .programs import Unavailable
from .sweep import sweep

__all__ = ["Bed", "Pod", "Port", "Unavailable", "sweep"]
