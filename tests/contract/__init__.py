# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the project's own rules; they need Python, pytest and git alone."""
