# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering of synthetic faces with OpenGL (EGL, in software or on a GPU) and their exact labels."""

from dataclasses import dataclass

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from fomm_engine.training import props
from fomm_engine.training.brow_labels import BrowLabels
from fomm_engine.training.cast_shadow import CastMap, light_view
from fomm_engine.training.face_masks import paint_attributes
from fomm_engine.training.face_model import FaceModel, FloatArray, eyeball_centres_cm
from fomm_engine.training.mesh import IntArray, Solid, vertex_normals
from fomm_engine.training.scene import Person, Shot
from fomm_engine.training.shaders import MATERIALS, fragment_shader, vertex_shader

_MATERIAL_OF_PART = {"skin": "skin", "mouth": "cavity", "sockets": "cavity", "gums": "gums", "teeth": "teeth"}
_FACE_CENTRE_CM = np.array([0.0, 1.3, 11.0])
_TWO_SIDED = ("mouth", "sockets")
_PROP_MATERIALS = ("cloth", "solid", "lens", "cast")
_CASTERS = {"skin": "cast", "hair": "cast_hair"}  # parts that throw shadows, and the materials that draw their depth
_PROP_FLOATS = 17  # position, normal, rest, two paint attributes


@dataclass(frozen=True)
class Rendering:
    """A picture and its truth: `rgba` (H, W, 4) uint8 with straight alpha; `points_px` (70, 2) continuous pixels from
    the top left corner, hidden points included, brows where their hair is painted; `points_camera_cm` (70, 3) the
    same in the camera frame."""

    rgba: NDArray[np.uint8]
    points_px: FloatArray
    points_camera_cm: FloatArray


class FaceRenderer:
    """Draws a person's shots, all of one image size; owns an OpenGL context (close it, or use it in a `with`)."""

    def __init__(self, model: FaceModel, size_px: tuple[int, int]) -> None:
        self._model = model
        self._size_px = size_px
        self._triangles = model.triangles
        self._context = moderngl.create_context(standalone=True, backend="egl")  # pyright: ignore[reportArgumentType]
        self._programs = {name: self._program(name) for name in MATERIALS}
        self._dynamic = self._context.buffer(reserve=len(model.neutral_cm) * 24, dynamic=True)
        self._parts = self._part_arrays()
        self._cast_map = CastMap(self._context)
        self._prop_vertices = self._context.buffer(reserve=6000 * _PROP_FLOATS * 4, dynamic=True)
        self._prop_indices = self._context.buffer(reserve=30000 * 4, dynamic=True)
        self._props = {name: self._prop_array(name) for name in _PROP_MATERIALS}
        self._target = self._context.simple_framebuffer(size_px, 4)
        self._brows = BrowLabels(model)
        self._eye_centres = eyeball_centres_cm(model.neutral_cm)

    def __enter__(self) -> "FaceRenderer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the OpenGL context back."""
        self._context.release()

    def render(self, person: Person, shot: Shot) -> Rendering:
        """The picture of one shot with its labels."""
        vertices = person.vertices_cm(self._model, shot.expression)
        normals = vertex_normals(vertices, self._triangles)
        self._dynamic.write(np.concatenate([vertices, normals], 1).astype(np.float32).tobytes())
        points = vertices[self._model.landmarks].astype(np.float64)
        worn = props.worn(person.look, points)
        self._context.enable(moderngl.DEPTH_TEST)
        self._context.disable(moderngl.BLEND | moderngl.CULL_FACE)
        self._set(**person.look.uniforms)
        self._cast(person, shot, worn)
        self._begin(person, shot)
        self._draw_head(person)
        self._draw_props(person, shot, points, worn)
        labels = self._brows.followed(points, vertices, person.look.uniforms["brow_shape"])
        camera = labels @ shot.rotation_camera_from_head.T + shot.translation_cm
        return Rendering(self._read(), project(camera, shot).astype(np.float32), camera.astype(np.float32))

    def _program(self, material: str) -> moderngl.Program:
        return self._context.program(vertex_shader=vertex_shader(material), fragment_shader=fragment_shader(material))

    def _part_arrays(self) -> dict[str, moderngl.VertexArray]:
        paint = paint_attributes(self._model)
        rest = np.concatenate([self._model.neutral_cm, paint], 1).astype(np.float32)
        static = self._context.buffer(rest.tobytes())
        materials = {part: _MATERIAL_OF_PART.get(part, part) for part in self._model.parts}
        materials |= {"eye_right": "eye", "eye_left": "eye", "hair": "hair", "whiskers": "whiskers"}
        skin = self._model.parts["skin"]
        parts = {**self._model.parts, "hair": self._scalp(), "whiskers": skin[(paint[skin, 1] > 0.05).any(1)]}
        arrays = {part: self._array(static, parts[part], materials[part]) for part in parts}
        return arrays | {name: self._array(static, parts[part], name) for part, name in _CASTERS.items()}

    def _scalp(self) -> IntArray:
        """The triangles of the skin that hair can stand on."""
        skin = self._model.parts["skin"]
        middle = self._model.neutral_cm[skin].mean(1)
        hairy = ((middle[:, 1] > 4.4) | (middle[:, 2] < 4.5)) & (middle[:, 1] > -15)
        return skin[hairy]

    def _array(self, static: moderngl.Buffer, triangles: IntArray, material: str) -> moderngl.VertexArray:
        content = [
            (self._dynamic, "3f 3f", "position", "normal"),
            (static, "3f 4f 4f", "rest", "paint_a", "paint_b"),
        ]
        indices = self._context.buffer(triangles.astype("i4").tobytes())
        return self._context.vertex_array(self._programs[material], content, indices, skip_errors=True)

    def _prop_array(self, material: str) -> moderngl.VertexArray:
        layout = (self._prop_vertices, "3f 3f 3f 4f 4f", "position", "normal", "rest", "paint_a", "paint_b")
        return self._context.vertex_array(self._programs[material], [layout], self._prop_indices, skip_errors=True)

    def _set(self, **uniforms: NDArray[np.floating] | tuple[float, ...]) -> None:
        """Write uniforms to every program that has them; matrices are given row by row."""
        for name, value in uniforms.items():
            values = np.asarray(value, np.float32)
            data = values.tobytes()
            for program in self._programs.values():
                if name in program:
                    program[name].write(data)  # type: ignore[union-attr]

    def _cast(self, person: Person, shot: Shot, worn: list[props.Prop]) -> None:
        """Draw the map of what the first light sees, where it throws shadows."""
        if person.look.cast is None:
            self._set(cast_shape=np.zeros(4))
            return
        view = light_view(person.look.uniforms["light_direction"][0], shot)
        self._set(**view.uniforms(*person.look.cast), projection=view.projection)
        self._pose(*view.of_head(shot))
        self._cast_map.begin()
        self._parts["cast"].render()
        if not person.look.hairless:
            self._parts["cast_hair"].render()
        for prop in worn:
            self._draw(prop.solid, "cast")
        self._cast_map.bind()

    def _begin(self, person: Person, shot: Shot) -> None:
        self._target.use()
        self._target.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        edge = person.look.uniforms["shadow_edge"].copy()
        edge[2] += edge[:2] @ (shot.rotation_camera_from_head @ _FACE_CENTRE_CM + shot.translation_cm)[:2]
        self._set(shadow_edge=edge, projection=_projection(shot, self._size_px))
        self._pose(shot.rotation_camera_from_head, shot.translation_cm)

    def _pose(self, rotation: NDArray[np.float64], translation_cm: NDArray[np.float64]) -> None:
        self._set(rotation=rotation.T, translation=translation_cm)  # OpenGL reads columns

    def _draw_head(self, person: Person) -> None:
        for part in _TWO_SIDED:
            self._parts[part].render()
        self._context.enable(moderngl.CULL_FACE)  # a third of the time of a frame
        for part in ("skin", "gums", "teeth"):
            self._parts[part].render()
        for side in ("right", "left"):
            self._set(eye_centre=self._eye_centres[side])
            self._parts["eye_" + side].render()
        if not person.look.hairless:
            self._parts["hair"].render()
        if person.look.uniforms["beard"][2] > 0:
            self._parts["whiskers"].render()
        self._context.disable(moderngl.CULL_FACE)
        self._blend(on=True)
        self._target.depth_mask = False
        self._parts["lashes"].render()
        self._target.depth_mask = True
        self._blend(on=False)

    def _blend(self, *, on: bool) -> None:
        if not on:
            self._context.disable(moderngl.BLEND)
            return
        self._context.enable(moderngl.BLEND)
        straight = (moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA, moderngl.ZERO, moderngl.ONE)
        self._context.blend_func = straight  # type: ignore[assignment]

    def _draw_props(self, person: Person, shot: Shot, points: FloatArray, worn: list[props.Prop]) -> None:
        look = person.look
        rotation, translation = props.torso_pose(shot, look.torso_follow)
        self._pose(rotation, translation)
        self._draw(props.torso_of(look), "cloth")
        self._pose(shot.rotation_camera_from_head, shot.translation_cm)
        for prop in worn:
            self._set(solid=prop.color)
            self._draw(prop.solid, "solid")
        if look.glasses is None:
            return
        self._set(solid=look.glasses.lens)
        self._blend(on=True)
        for lens in props.lenses(props.lens_rings(points, look.glasses)):
            self._draw(lens, "lens")
        self._blend(on=False)

    def _draw(self, solid: Solid, material: str) -> None:
        points, triangles = solid
        normals = vertex_normals(points, triangles)
        flat = np.zeros((len(points), 8), np.float32)
        self._prop_vertices.orphan()
        self._prop_vertices.write(np.concatenate([points, normals, points, flat], 1).astype(np.float32).tobytes())
        self._prop_indices.orphan()
        self._prop_indices.write(triangles.astype("i4").tobytes())
        self._props[material].render(vertices=triangles.size)

    def _read(self) -> NDArray[np.uint8]:
        """The picture, top row first, its alpha softened inwards so that no background shows in the colours."""
        width, height = self._size_px
        flat = np.frombuffer(self._target.read(components=4), np.uint8)
        picture = flat.reshape(height, width, 4)[::-1].copy()
        soft = cv2.GaussianBlur(picture[..., 3], (0, 0), 0.7).astype(np.int16)
        picture[..., 3] = np.clip(2 * soft - 255, 0, 255)
        return picture


def project(points_camera_cm: FloatArray, shot: Shot) -> FloatArray:
    """Pixels (..., 2) of points in the camera frame."""
    depth = -points_camera_cm[..., 2]
    horizontal = shot.principal_px[0] + shot.focal_px * points_camera_cm[..., 0] / depth
    vertical = shot.principal_px[1] - shot.focal_px * points_camera_cm[..., 1] / depth
    return np.stack([horizontal, vertical], -1)


def _projection(shot: Shot, size_px: tuple[int, int]) -> NDArray[np.float64]:
    """(x scale, y scale, x shift, y shift) of clip coordinates before the division by depth."""
    width, height = size_px
    centre_x, centre_y = shot.principal_px
    scales = [2 * shot.focal_px / width, 2 * shot.focal_px / height]
    return np.array([*scales, 2 * centre_x / width - 1, 1 - 2 * centre_y / height])
