# SPDX-License-Identifier: GPL-3.0-or-later
"""How a model is trained: the `training` part of its config. The defaults are the original's (paper, section 4)."""

from dataclasses import dataclass, field
from typing import Any

from fomm_engine.model.strict_tree import LEAST

_FROM_ZERO: dict[str, Any] = {LEAST: 0.0}


@dataclass(frozen=True)
class LossSettings:
    """The weight of each loss; a weight of 0 leaves the loss out.

    perceptual: one for each depth of the features. feature_matching: one for each block of the discriminator, used
    only where `generator_gan` is not 0. scales: the sizes of the pyramid, as shares of the picture.
    """

    perceptual: tuple[float, ...] = field(default=(10.0, 10.0, 10.0, 10.0, 10.0), metadata=_FROM_ZERO)
    generator_gan: float = field(default=0.0, metadata=_FROM_ZERO)
    discriminator_gan: float = field(default=1.0, metadata=_FROM_ZERO)
    feature_matching: tuple[float, ...] = field(default=(10.0, 10.0, 10.0, 10.0), metadata=_FROM_ZERO)
    equivariance_value: float = field(default=10.0, metadata=_FROM_ZERO)
    equivariance_jacobian: float = field(default=10.0, metadata=_FROM_ZERO)
    scales: tuple[float, ...] = (1.0, 0.5, 0.25, 0.125)


@dataclass(frozen=True)
class TransformSettings:
    """The random affine and thin-plate spline that keypoints must follow: their sigmas, control points along a side."""

    affine_sigma: float = field(default=0.05, metadata=_FROM_ZERO)
    spline_sigma: float = field(default=0.005, metadata=_FROM_ZERO)
    spline_points: int = 5


@dataclass(frozen=True)
class DiscriminatorSettings:
    """The discriminator: spectral norm or not; whether it sees the driving keypoints as Gaussians of `variance`."""

    spectral_norm: bool = False
    use_keypoints: bool = False
    width: int = 32
    max_width: int = 512
    blocks: int = 4
    variance: float = 0.01


@dataclass(frozen=True)
class AugmentSettings:
    """How training pictures vary. Jitter: the most that colours change by (hue in turns); zoom: random size."""

    time_flip: bool = True
    horizontal_flip: bool = True
    brightness: float = field(default=0.1, metadata=_FROM_ZERO)
    contrast: float = field(default=0.1, metadata=_FROM_ZERO)
    saturation: float = field(default=0.1, metadata=_FROM_ZERO)
    hue: float = field(default=0.1, metadata=_FROM_ZERO)
    zoom: float = field(default=0.0, metadata=_FROM_ZERO)


@dataclass(frozen=True)
class TrainingSettings:
    """Epochs over every clip `repeats` times, in batches; learning rates fall tenfold at each milestone (epochs).

    id_sampling: clips named 'who#...' count as one entry for each 'who', of which one is drawn each time.
    """

    epochs: int = 100
    repeats: int = 75
    batch: int = 40
    milestones: tuple[int, ...] = (60, 90)
    learning_rate: float = 2e-4
    keypoint_learning_rate: float = field(default=2e-4, metadata=_FROM_ZERO)
    discriminator_learning_rate: float = 2e-4
    checkpoint_every: int = 50
    id_sampling: bool = False
    losses: LossSettings = field(default_factory=LossSettings)
    transform: TransformSettings = field(default_factory=TransformSettings)
    discriminator: DiscriminatorSettings = field(default_factory=DiscriminatorSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
