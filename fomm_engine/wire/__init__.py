# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine and the add-on say to each other: names, jobs, events, captures, errors (stdlib and numpy only)."""
