# SPDX-License-Identifier: GPL-3.0-or-later
"""The performance's video in the scene: behind the camera's view, on a plane, in the sequencer; always in step."""
