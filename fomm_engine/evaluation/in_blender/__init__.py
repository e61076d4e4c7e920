# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of the evaluation that run in Blender's Python, each as a process of its own."""
