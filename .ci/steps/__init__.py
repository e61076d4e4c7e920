# SPDX-License-Identifier: GPL-3.0-or-later
"""What build.py is made of: one module for each responsibility, standard library only."""
