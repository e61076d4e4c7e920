# SPDX-License-Identifier: GPL-3.0-or-later
"""The one table of landmark indices, channel names, keypoint names and track names.

Left and right are always the subject's own. Landmarks follow iBUG's 68-point order
(https://ibug.doc.ic.ac.uk/resources/facial-point-annotations/), channels Apple's ARKit blend shape locations
(https://developer.apple.com/documentation/arkit/arfaceanchor/blendshapelocation).
"""

ARKIT_CHANNELS: tuple[str, ...] = (
    "eyeBlinkLeft",
    "eyeLookDownLeft",
    "eyeLookInLeft",
    "eyeLookOutLeft",
    "eyeLookUpLeft",
    "eyeSquintLeft",
    "eyeWideLeft",
    "eyeBlinkRight",
    "eyeLookDownRight",
    "eyeLookInRight",
    "eyeLookOutRight",
    "eyeLookUpRight",
    "eyeSquintRight",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawRight",
    "jawOpen",
    "mouthClose",
    "mouthFunnel",
    "mouthPucker",
    "mouthLeft",
    "mouthRight",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "noseSneerLeft",
    "noseSneerRight",
    "tongueOut",
)
ARKIT_INDEX: dict[str, int] = {name: index for index, name in enumerate(ARKIT_CHANNELS)}

LANDMARK_COUNT = 68
POINT_COUNT = 70  # the landmarks, then the irises: right, left
LANDMARKS: dict[str, tuple[int, ...]] = {
    "jaw": tuple(range(17)),
    "chin": (8,),
    "brow_right": tuple(range(17, 22)),
    "brow_left": tuple(range(22, 27)),
    "nose_bridge": tuple(range(27, 31)),
    "nose_tip": (30,),
    "nose_base": tuple(range(31, 36)),
    "eye_right": tuple(range(36, 42)),
    "eye_left": tuple(range(42, 48)),
    "eye_right_outer": (36,),
    "eye_right_inner": (39,),
    "eye_left_inner": (42,),
    "eye_left_outer": (45,),
    "lid_upper_right": (37, 38),
    "lid_lower_right": (41, 40),  # each opposite the upper lid's point of the same place
    "lid_upper_left": (43, 44),
    "lid_lower_left": (47, 46),
    "lips_outer": tuple(range(48, 60)),
    "lips_inner": tuple(range(60, 68)),
    "mouth_right": (48,),
    "mouth_left": (54,),
    "lip_upper": (51,),
    "lip_lower": (57,),
    "lip_inner_upper": (61, 62, 63),
    "lip_inner_lower": (67, 66, 65),  # each opposite the upper lip's point of the same place
    "inner51": tuple(range(17, 68)),
}
IRIS_RIGHT = 68  # index among the 70 points
IRIS_LEFT = 69
# Which of the 70 points takes each one's place when the picture is mirrored.
MIRRORED_POINTS: tuple[int, ...] = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46),
    *(39, 38, 37, 36, 41, 40),
    *range(54, 47, -1),
    *range(59, 54, -1),
    *range(64, 59, -1),
    *range(67, 64, -1),
    IRIS_LEFT,
    IRIS_RIGHT,
)

KEYPOINTS: tuple[str, ...] = (
    "eye_right",
    "eye_left",
    "brow_right",
    "brow_left",
    "nose",
    "mouth_right",
    "mouth_left",
    "lip_upper",
    "lip_lower",
    "chin",
)

JOB_KINDS: tuple[str, ...] = (
    *("capture", "measure", "animate", "widen", "models", "train", "reconstruct"),
    *("install", "doctor", "fake"),
)
STAGES: tuple[str, ...] = (
    *("start", "load", "decode", "track", "solve", "animate", "write", "check"),
    *("download", "verify", "train", "reconstruct", "resume"),
    *("prepare", "resolve", "unpack", "widen"),
)

TRACKS: dict[str, tuple[int, ...]] = {
    "landmarks_px": (LANDMARK_COUNT, 2),
    "landmarks_sigma_px": (LANDMARK_COUNT,),
    "irises_px": (2, 2),
    "irises_sigma_px": (2,),
    "head_rotation": (3, 3),
    "head_translation_cm": (3,),
    "fomm_value": (len(KEYPOINTS), 2),
    "fomm_jacobian": (len(KEYPOINTS), 2, 2),
    "arkit": (len(ARKIT_CHANNELS),),
}
MODELS: dict[str, tuple[int, ...]] = {
    "neutral_cm": (POINT_COUNT, 3),
    "basis_cm": (len(ARKIT_CHANNELS), POINT_COUNT, 3),
}
