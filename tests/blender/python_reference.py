# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of operators in docs/python.md, from the operators themselves: python tests/blender/python_reference.py"""

import importlib
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "python.md"
MARK = "<!-- made by tests/blender/python_reference.py; a test compares it with the operators -->\n"
# Blender's own, of every operator that opens or saves a file.
BLENDERS_OWN = {"rna_type", "filter_glob", "check_existing", "hide_props_region", "display_type", "sort_method"}
TYPES = {"BOOLEAN": "bool", "INT": "int", "FLOAT": "float", "STRING": "str", "ENUM": "one of", "COLLECTION": "list"}


def reference():
    """The list as Markdown: each operator with its properties, defaults and tooltips."""
    import bpy

    from blender_addon.blender import registration

    parts = []
    for cls in registration.CLASSES:
        if not issubclass(cls, bpy.types.Operator) or "INTERNAL" in getattr(cls, "bl_options", ()):
            continue
        name = cls.bl_idname.split(".")[1]
        rna = getattr(bpy.ops.understudy, name).get_rna_type()
        parts.append(f"**`{name}`** {rna.description}.")
        parts += [f"- `{prop.identifier}` {described(prop)}" for prop in rna.properties if is_shown(prop)]
        parts.append("")
    return "\n".join(parts)


def is_shown(prop):
    if prop.identifier == "filepath":
        return True
    return prop.identifier not in BLENDERS_OWN and not prop.is_hidden and not prop.identifier.startswith("filter_")


def described(prop):
    """A property's type, default and tooltip."""
    if prop.identifier == "filepath":
        return "(str): the file"  # Blender's own words for it change from version to version
    if prop.type == "ENUM":
        items = getattr(prop, "enum_items_static", prop.enum_items)
        kind = "one of " + ", ".join(f"`{item.identifier}`" for item in items) if items else "a name"
    else:
        kind = TYPES.get(prop.type, prop.type.lower())
    default = getattr(prop, "default", None)
    has_default = prop.type in ("BOOLEAN", "INT", "STRING") or (prop.type == "ENUM" and default)
    shown = f"; default `{default!r}`" if has_default else ""
    text = prop.description or prop.name
    return f"({kind}{shown}): {text[0].lower() + text[1:] if text[:2].istitle() else text}"


def documented():
    """What docs/python.md says."""
    return DOCUMENT.read_text(encoding="utf-8").split(MARK)[1].strip()


def main():
    with tempfile.TemporaryDirectory() as user:
        os.environ["BLENDER_USER_RESOURCES"] = user
        sys.path.insert(0, str(ROOT))
        importlib.import_module("bpy")  # brings addon_utils with it
        importlib.import_module("addon_utils").enable("blender_addon", default_set=True)
        head = DOCUMENT.read_text(encoding="utf-8").split(MARK)[0]
        DOCUMENT.write_text(f"{head}{MARK}\n{reference().strip()}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)
