# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's side of the engine process: starting, reading, cancelling, installing. No bpy, standard library only."""
