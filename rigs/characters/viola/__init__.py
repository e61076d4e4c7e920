# SPDX-License-Identifier: GPL-3.0-or-later
"""Viola, the demo character: a stylised head, neck and shoulders grown entirely from formulas.

`build.py` is the way in; the other modules each make one part. All geometry is computed in centimetres in Blender's
axes (x to the subject's left, y backwards, z up; the face looks to -y) with the origin between the eyes, and becomes
metres only when Blender objects are made.
"""
