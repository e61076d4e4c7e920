# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs and what they are worth: the demo, figures against truth and references, the report, the film."""
