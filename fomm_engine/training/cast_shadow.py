# SPDX-License-Identifier: GPL-3.0-or-later
"""The shadows that the first light throws: the head seen from the light, as a map of depths."""

from dataclasses import dataclass

import moderngl
import numpy as np
from numpy.typing import NDArray

from fomm_engine.training.scene import Shot

Matrix = NDArray[np.float64]

_SIDE_PX = 160
_DISTANCE_CM = 80.0
_HALF_WIDTH_CM = 16.0
_HEAD_MIDDLE_CM = np.array([0.0, 1.0, 3.0])
_BIAS_CM = 0.7  # how far behind what the light sees a surface must lie to be in its shadow


@dataclass(frozen=True)
class LightView:
    """Where the light looks from: p_light = rotation @ p_camera + translation, z towards the light."""

    rotation: Matrix
    translation: Matrix

    def of_head(self, shot: Shot) -> tuple[Matrix, Matrix]:
        """Rotation and translation from the head frame."""
        turned = self.rotation @ shot.translation_cm
        return self.rotation @ shot.rotation_camera_from_head, turned + self.translation

    @property
    def projection(self) -> tuple[float, float, float, float]:
        """Scales and shifts of clip coordinates before the division by depth."""
        scale = _DISTANCE_CM / _HALF_WIDTH_CM
        return (scale, scale, 0.0, 0.0)

    def uniforms(self, strength: float, softness_cm: float) -> dict[str, Matrix]:
        """What the materials read: the view, and (scale, strength, spread of the taps, bias) in `cast_shape`."""
        bias = _BIAS_CM / _DISTANCE_CM**2  # of the stored depth, .5 + .5 (1.002 - 2 / distance)
        shape = (self.projection[0], strength, softness_cm / (2 * _HALF_WIDTH_CM), bias)
        return {
            "cast_rotation": self.rotation.T,  # OpenGL reads columns
            "cast_translation": self.translation,
            "cast_shape": np.array(shape),
        }


def light_view(direction: Matrix, shot: Shot) -> LightView:
    """The view from a far light at `direction` (3,) of the camera frame, centred on the head."""
    back = direction / np.linalg.norm(direction)
    right = np.cross((0.0, 1.0, 0.0) if abs(back[1]) < 0.9 else (0.0, 0.0, 1.0), back)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(back, right), back])
    middle = shot.rotation_camera_from_head @ _HEAD_MIDDLE_CM + shot.translation_cm
    return LightView(rotation, -rotation @ middle - (0.0, 0.0, _DISTANCE_CM))


class CastMap:
    """A depth texture with its framebuffer, bound where the materials look for it."""

    def __init__(self, context: moderngl.Context) -> None:
        self._depth = context.depth_texture((_SIDE_PX, _SIDE_PX))
        self._depth.compare_func = ""
        self._depth.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self._target = context.framebuffer(depth_attachment=self._depth)

    def begin(self) -> None:
        """Draw into the map from here on."""
        self._target.use()
        self._target.clear(depth=1.0)

    def bind(self) -> None:
        """Let the materials read the map."""
        self._depth.use(0)
