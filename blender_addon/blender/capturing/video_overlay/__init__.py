# SPDX-License-Identifier: GPL-3.0-or-later
"""The take's landmarks drawn over its video at the playhead, wherever the video is seen: is it the tracking or the
mapping that is off?"""
