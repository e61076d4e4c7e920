# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's own environment, made by the engine: standard library only, since nothing else is there yet."""
