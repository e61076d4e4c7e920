# SPDX-License-Identifier: GPL-3.0-or-later
"""The image generator for the default weights' keypoints: clips of synthetic people, its training, and its judging."""
