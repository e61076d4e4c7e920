# SPDX-License-Identifier: GPL-3.0-or-later
"""The performance and its takes: videos, lists and files of takes, and what the scene shows of them."""
