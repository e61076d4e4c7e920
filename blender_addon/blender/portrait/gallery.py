# SPDX-License-Identifier: GPL-3.0-or-later
"""The galleries of portraits and of driving videos: what lies in which folder, and the thumbnails of it.

The product's own pictures come first, a category for each of their folders; then the user's folders of the preferences,
each and its sub-folders. Folders are read when something changes, never while a panel is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy
import bpy.utils.previews

from .. import paths, preferences

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
MOST_FILES = 400  # in a category; nobody finds a face among more
Item = tuple[str, str, str, int, int]

_OWN_WORDS = {"people": "People", "characters": "Characters", "cartoon": "Cartoon", "statues": "Statues"}


@dataclass(frozen=True)
class Category:
    """One folder: `key` tells it apart from others of the same name."""

    key: str
    name: str
    files: tuple[Path, ...]


@dataclass
class Shelf:
    """One gallery: its categories, read once; and the lists that Blender's menus show, which must outlive the call."""

    kind: str  # as bpy.utils.previews calls it
    endings: tuple[str, ...]
    with_own: bool
    categories: list[Category] | None = None
    category_items: list[tuple[str, str, str]] = field(default_factory=list)
    items: dict[tuple[str, str], list[Item]] = field(default_factory=dict)

    def read(self) -> list[Category]:
        """The categories with at least one file; read from the disk the first time."""
        if self.categories is None:
            own = _own_categories(self.endings) if self.with_own else []
            folders = _user_folders()
            theirs = [found for folder in folders for found in categories_of(folder, self.endings)]
            self.categories = [*own, *theirs]
        return self.categories

    def files(self, key: str) -> tuple[Path, ...]:
        """The files of a category; of the first one where there is none of that key."""
        known = self.read()
        chosen = next((category for category in known if category.key == key), known[0] if known else None)
        return chosen.files if chosen else ()

    def forget(self) -> None:
        """Nothing; folders are read again at the next look."""
        self.categories = None
        self.items.clear()


PORTRAITS = Shelf("IMAGE", PICTURE_ENDINGS, with_own=True)
VIDEOS = Shelf("MOVIE", tuple(sorted(bpy.path.extensions_movie)), with_own=False)
_ICONS: dict[str, Any] = {}


def categories_of(folder: Path, endings: Sequence[str]) -> list[Category]:
    """A user's folder and its sub-folders, those of them that hold such files."""
    here = _category(folder, folder.name or str(folder), endings)
    return [*([here] if here else []), *_categories_below(folder, endings, prefix=f"{folder.name} / ")]


def refresh() -> None:
    """Nothing; folders and thumbnails are read again."""
    stop()


def stop() -> None:
    """Nothing; no thumbnail is left."""
    for shelf in (PORTRAITS, VIDEOS):
        shelf.forget()
    for known in _ICONS.values():
        bpy.utils.previews.remove(known)
    _ICONS.clear()


def thumbnail(path: str, kind: str) -> int:
    """The icon of a file, 0 where Blender has no window; Blender reads it in the background."""
    if bpy.app.background:
        return 0
    if kind not in _ICONS:
        _ICONS[kind] = bpy.utils.previews.new()
    known = _ICONS[kind]
    return (known[path] if path in known else known.load(path, path, kind)).icon_id


def source_of(own: Any) -> str:
    """The absolute path of the portrait that is chosen; the gallery's first where none is, "" where that is empty."""
    if own.source:
        return bpy.path.abspath(own.source)
    files = PORTRAITS.files(own.category)
    return str(files[0]) if files else ""


def portrait_categories(_own: Any, _context: Any) -> list[tuple[str, str, str]]:
    """For the menu of categories."""
    return _category_items(PORTRAITS)


def video_categories(_own: Any, _context: Any) -> list[tuple[str, str, str]]:
    """For the menu of categories."""
    return _category_items(VIDEOS)


def portrait_items(own: Any, _context: Any) -> list[Item]:
    """For the grid of thumbnails: the category's, and the chosen picture where it is none of them."""
    return _items(PORTRAITS, own.category, source_of(own))


def video_items(own: Any, _context: Any) -> list[Item]:
    """For the grid of thumbnails: the category's, and the chosen video where it is none of them."""
    return _items(VIDEOS, own.driving_category, bpy.path.abspath(own.driving) if own.driving else "")


def picked_portrait(own: Any) -> int:
    """The number of the chosen picture."""
    return _number(portrait_items(own, None), source_of(own))


def pick_portrait(own: Any, number: int) -> None:
    """Nothing; the picture of this number is chosen."""
    own.source = _chosen(portrait_items(own, None), number) or own.source


def picked_video(own: Any) -> int:
    """The number of the chosen video."""
    return _number(video_items(own, None), bpy.path.abspath(own.driving) if own.driving else "")


def pick_video(own: Any, number: int) -> None:
    """Nothing; the video of this number is chosen."""
    own.driving = _chosen(video_items(own, None), number) or own.driving


def _category_items(shelf: Shelf) -> list[tuple[str, str, str]]:
    wanted = [(category.key, category.name, str(len(category.files))) for category in shelf.read()]
    if wanted != shelf.category_items:
        shelf.category_items = wanted or [("NONE", "No Folder", "")]
    return shelf.category_items


def _items(shelf: Shelf, category: str, chosen: str) -> list[Item]:
    key = (category, chosen)
    if key not in shelf.items:
        files = [str(path) for path in shelf.files(category)]
        listed = [*files, *([chosen] if chosen and chosen not in files else [])]
        shelf.items[key] = [
            (path, Path(path).stem, path, thumbnail(path, shelf.kind), number) for number, path in enumerate(listed)
        ] or [("", "Nothing", "", 0, 0)]
    return shelf.items[key]


def _number(items: Iterable[Item], chosen: str) -> int:
    return next((item[4] for item in items if item[0] == chosen), 0)


def _chosen(items: Iterable[Item], number: int) -> str:
    return next((item[0] for item in items if item[4] == number), "")


def _user_folders() -> list[Path]:
    own = preferences.get(bpy.context)
    return [Path(bpy.path.abspath(folder.path)) for folder in own.gallery_folders if folder.path] if own else []


def _own_categories(endings: Sequence[str]) -> list[Category]:
    """The product's own, people first."""
    order = {name: number for number, name in enumerate(_OWN_WORDS)}
    found = _categories_below(paths.portraits_folder(), endings)
    return sorted(found, key=lambda category: order.get(Path(category.key).name, len(order)))


def _categories_below(folder: Path, endings: Sequence[str], prefix: str = "") -> list[Category]:
    try:
        below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return []
    found = [_category(path, prefix + _OWN_WORDS.get(path.name, path.name), endings) for path in below]
    return [category for category in found if category is not None]


def _category(folder: Path, name: str, endings: Sequence[str]) -> Category | None:
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in endings)[:MOST_FILES]
    except OSError:
        return None
    return Category(str(folder), name, tuple(files)) if files else None
