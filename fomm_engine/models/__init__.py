# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights that others published: which there are, where from, and the folder that keeps them."""
