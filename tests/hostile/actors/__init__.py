"""Who plays what in the hostile tests: attackers, odd servers, and the strict readers that judge.
SPDX-License-Identifier: GPL-3.0-or-later
"""
