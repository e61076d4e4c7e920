# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as Blender sees it: whether it is there, the job that runs, and one that was not finished."""
