# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults done on purpose, and the rows that docs/reliability.md is made of."""
