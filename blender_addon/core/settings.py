# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a retarget; every default of the product stands here and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from .actor_calibration import ActorCalibration
from .channel_edits import ChannelSettings, Curve, require_curve
from .regions import Region

Reference: TypeAlias = Literal["neutral", "camera"]
GazeTarget: TypeAlias = Literal["auto", "bones", "shapes", "both"]
JawTarget: TypeAlias = Literal["auto", "bone", "shapes", "both"]


@dataclass(frozen=True, slots=True)
class RegionSettings:
    """How one region follows the actor: `gain` multiplies its motion, `smoothing` 0 (raw) .. 1 (usual) .. 3
    (strong), `curve` bends the answer of each of its channels (the head has none)."""

    gain: float = 1.0
    smoothing: float = 1.0
    curve: Curve = ()

    def __post_init__(self) -> None:
        """Refuse values outside what the panel offers."""
        _require_within("gain", self.gain, 0.0, 4.0)
        _require_within("smoothing", self.smoothing, 0.0, 4.0)
        require_curve(self.curve)


@dataclass(frozen=True, slots=True)
class RetargetSettings:
    """Everything that can be changed after a capture and baked again.

    neutral_frame: the take's frame (0-based) on which the actor is at rest; None searches. gain, smoothing: over all
    regions, times their own. neck_share: 0 all rotation in the head bone, 1 all in the neck. head_reference: "neutral"
    puts the actor's neutral pose on the character's rest pose, "camera" keeps the angle to the camera. gaze_target and
    jaw_target: which controls follow where a rig has bones and shapes. mirror: left and right exchanged.
    start_frame: scene frame at which the media starts; frame_rate: (num, den); time_offset_s moves the motion later.
    bridge_s: gaps without a face up to this long are crossed on a line. contact: closed lids and lips close fully.
    head_location: move the head bone as well; location_scale: armature units per cm of the standard face.
    channels {ARKit name: settings}: of those that are not at their defaults, after everything that regions do.
    calibration: the actor's own range of every channel, from a range-of-motion take (`take_weights.calibrate`).
    regressor_trust: how much the engine's own channel estimates count beside the geometry (40 explained most of the
    motion, and had the best correlations, on four rendered takes of people the default weights do not know).
    """

    neutral_frame: int | None = None
    gain: float = 1.0
    smoothing: float = 1.0
    brows: RegionSettings = field(default_factory=RegionSettings)
    eyes: RegionSettings = field(default_factory=RegionSettings)
    gaze: RegionSettings = field(default_factory=RegionSettings)
    jaw: RegionSettings = field(default_factory=RegionSettings)
    mouth: RegionSettings = field(default_factory=RegionSettings)
    cheeks: RegionSettings = field(default_factory=RegionSettings)
    head: RegionSettings = field(default_factory=RegionSettings)
    calibration: ActorCalibration | None = None
    channels: Mapping[str, ChannelSettings] = field(default_factory=dict[str, ChannelSettings])
    neck_share: float = 0.35
    head_reference: Reference = "neutral"
    head_location: bool = False
    location_scale: float = 0.01
    gaze_target: GazeTarget = "auto"
    jaw_target: JawTarget = "auto"
    jaw_open_angle_deg: float = 24.0
    jaw_side_angle_deg: float = 8.0
    mirror: bool = False
    contact: bool = True
    regressor_trust: float = 40.0
    start_frame: int = 1
    frame_rate: tuple[int, int] = (24, 1)
    time_offset_s: float = 0.0
    bridge_s: float = 0.5

    def __post_init__(self) -> None:
        """Refuse values that no result can be made of; raises ValueError with the setting, its value and its range."""
        _require_within("gain", self.gain, 0.0, 4.0)
        _require_within("smoothing", self.smoothing, 0.0, 4.0)
        _require_within("neck_share", self.neck_share, 0.0, 1.0)
        _require_within("bridge_s", self.bridge_s, 0.0, 60.0)
        _require_within("regressor_trust", self.regressor_trust, 0.0, 100.0)
        _require_within("location_scale", self.location_scale, 0.0, 1e6)
        _require_within("jaw_open_angle_deg", self.jaw_open_angle_deg, -90.0, 90.0)
        _require_within("jaw_side_angle_deg", self.jaw_side_angle_deg, -90.0, 90.0)
        if min(self.frame_rate) <= 0:
            raise ValueError(f"frame_rate must be two positive integers; it is {self.frame_rate}.")

    def region(self, region: Region) -> RegionSettings:
        """Give a region's own settings."""
        return getattr(self, region)


def _require_within(name: str, value: float, lowest: float, highest: float) -> None:
    """Raise ValueError unless a value lies in its range."""
    if not lowest <= value <= highest:
        raise ValueError(f"{name} must lie between {lowest} and {highest}; it is {value}.")
