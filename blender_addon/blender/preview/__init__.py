# SPDX-License-Identifier: GPL-3.0-or-later
"""The take live on the character, without keys: solved beside Blender, set on every frame, put back to the last bit."""
