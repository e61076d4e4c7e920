# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's characters: what each one is made of, which control drives what, and the user's own rows."""
