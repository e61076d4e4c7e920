# SPDX-License-Identifier: GPL-3.0-or-later
"""Video in and out, streaming, through the ffmpeg binary that imageio-ffmpeg brings."""
