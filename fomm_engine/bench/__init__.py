# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring the engine against a plain form of itself."""
