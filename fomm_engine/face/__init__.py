# SPDX-License-Identifier: GPL-3.0-or-later
"""From pictures to the face in them: boxes, landmarks, keypoints, one lens and one face shape for a take."""
