# SPDX-License-Identifier: GPL-3.0-or-later
"""The one image that all placings of a scene show."""

from __future__ import annotations

from pathlib import Path

import bpy

from ... import properties
from .step import Shown, same_file


def of_part(scene: bpy.types.Scene, part: Shown) -> bpy.types.Image:
    """The scene's image of the video, loaded where it is not there yet."""
    own = properties.of(scene).performance
    if own.image is None:
        own.image = bpy.data.images.load(str(part.path))
    elif not same_file(Path(bpy.path.abspath(own.image.filepath)), part.path):
        own.image.filepath = str(part.path)  # every place that shows it shows the other video
        own.image.name = part.path.name
    return own.image


def forget_unused(scene: bpy.types.Scene) -> None:
    """Nothing; the image goes with its last placing, unless the user shows it elsewhere too."""
    own = properties.of(scene).performance
    image = own.image
    if image is None:
        return
    own.image = None
    if image.users == 0:
        bpy.data.images.remove(image)
