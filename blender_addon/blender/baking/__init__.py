# SPDX-License-Identifier: GPL-3.0-or-later
"""From a take to keys: retargeting, what is written where, fewer keys, splices, and what came of it."""
