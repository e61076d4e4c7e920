# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring a character: its landmark points, its controls, and what each control does to the points."""
