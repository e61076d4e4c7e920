# SPDX-License-Identifier: GPL-3.0-or-later
"""A portrait moving as a driving video does: what is chosen, found, painted, laid out, kept and written."""
