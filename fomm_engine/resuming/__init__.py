# SPDX-License-Identifier: GPL-3.0-or-later
"""How jobs that take long go on after a crash: their parts, kept beside the result while it is made."""
