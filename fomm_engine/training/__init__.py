# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the default weights from synthetic faces only. Imports nothing: the engine runs without it."""
