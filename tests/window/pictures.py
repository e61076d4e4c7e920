# SPDX-License-Identifier: GPL-3.0-or-later
"""Finished pictures from raw ones: cropped to what is shown, few colours, small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

COLOURS = 96
MARGIN_PX = 10


def finish(raw: Path, target: Path | None, prefix: str) -> None:
    """Nothing; every picture that crops.json names, cropped, without its empty rest, into `target` (or beside)."""
    folder = target or raw / "finished"
    folder.mkdir(parents=True, exist_ok=True)
    crops = json.loads((raw / "crops.json").read_text(encoding="ascii"))
    for name, box in crops.items():
        size = _finish_one(raw / f"{name}.png", box, folder / f"{prefix}{name}.png")
        print(f"{prefix}{name}.png {size / 1000:.0f} kB")


def _finish_one(source: Path, box: list[int] | None, target: Path) -> int:
    """The size in bytes."""
    from PIL import Image

    with Image.open(source) as opened:
        picture = opened.convert("RGB")
    if box is not None:
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
