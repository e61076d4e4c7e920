# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements behind the figures in the code; run by hand, with the shared data beside the project."""
