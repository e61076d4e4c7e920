# SPDX-License-Identifier: GPL-3.0-or-later
"""The retargeting: numpy and the wire names only; no Blender, no files, no clock."""
