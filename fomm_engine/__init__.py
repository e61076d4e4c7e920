# SPDX-License-Identifier: GPL-3.0-or-later
"""The Understudy engine: face video in, take out. Importing this package imports nothing else."""

__version__ = "0.1.0"
