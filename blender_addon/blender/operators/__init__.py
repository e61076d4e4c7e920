# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands (bpy.ops.understudy.*): each gathers its inputs, calls one function and reports."""
