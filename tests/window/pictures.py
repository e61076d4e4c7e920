# SPDX-License-Identifier: GPL-3.0-or-later
"""Finished pictures from raw ones: cropped to what is shown, few colours, small."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "addon.md"

COLOURS = 256
MARGIN_PX, GAP_PX = 10, 12


PATH = ("capturing", "takes", "character", "report", "baked")
PATH_HEIGHT_PX, WINDOW = 760, "window_baked"


def finish(raw: Path, target: Path | None) -> None:
    """Nothing; those of the pictures that docs/addon.md shows, cropped, without their empty rest, into `target`/addon
    (or beside), and those of the README into `target` itself."""
    folder = (target or raw / "finished") / "addon"
    folder.mkdir(parents=True, exist_ok=True)
    crops = json.loads((raw / "crops.json").read_text(encoding="ascii"))
    wanted = {*re.findall(r"addon/(\w+)\.png", DOCUMENT.read_text(encoding="utf-8")), *PATH, WINDOW}
    for name, box in ((name, box) for name, box in crops.items() if name in wanted):
        size = _finish_one(raw / f"{name}.png", box, folder / f"{name}.png")
        print(f"{name}.png {size / 1000:.0f} kB")
    if set(PATH) <= set(crops):
        side_by_side(folder, PATH, folder.parent / "addon_path.png", height=PATH_HEIGHT_PX)
    if WINDOW in crops:
        (folder / f"{WINDOW}.png").replace(folder.parent / "addon_window.png")


def _finish_one(source: Path, box: list[int], target: Path) -> int:
    """The size in bytes."""
    from PIL import Image

    with Image.open(source) as opened:
        picture = opened.convert("RGB")
    x, y, width, height = box  # from the bottom left, as Blender counts
    picture = picture.crop((x, picture.height - y - height, x + width, picture.height - y))
    picture = _without_empty_rest(picture)
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)
    return target.stat().st_size


def _without_empty_rest(picture: Any) -> Any:
    """The picture down to its last row that is not of one colour (the strip of tabs at the right does not count)."""
    width, height = picture.size
    inner = picture.crop((4, 0, int(width * 0.8), height))
    last = next(
        (
            row
            for row in range(height - 1, 0, -1)
            if len(inner.crop((0, row, inner.width, row + 1)).getcolors() or ()) > 1
        ),
        height - 1,
    )
    return picture.crop((0, 0, width, min(height, last + MARGIN_PX)))


def side_by_side(folder: Path, names: tuple[str, ...], target: Path, *, height: int) -> int:
    """The size in bytes of a picture that shows these in a row, cut to one height."""
    from PIL import Image

    pictures = [Image.open(folder / f"{name}.png").convert("RGB") for name in names]
    width = sum(picture.width for picture in pictures) + GAP_PX * (len(pictures) - 1)
    tallest = min(height, max(picture.height for picture in pictures))
    row = Image.new("RGB", (width, tallest), pictures[0].getpixel((3, 3)))
    left = 0
    for picture in pictures:
        row.paste(picture.crop((0, 0, picture.width, min(picture.height, tallest))), (left, 0))
        left += picture.width + GAP_PX
    row.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)
    return target.stat().st_size
