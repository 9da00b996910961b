"""A live cluster with Weft in it: what the tests here and scripts/demo --kubernetes are made of.
SPDX-License-Identifier: GPL-3.0-or-later
"""
