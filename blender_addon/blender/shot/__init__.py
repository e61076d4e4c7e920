# SPDX-License-Identifier: GPL-3.0-or-later
"""The shot around the performance: a camera, three lights, the scene's output; all of it named, editable, removable."""
