# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's door: Blender calls register and unregister; nothing of bpy is imported before that."""


def register() -> None:
    """Nothing; adds the classes, properties and handlers to the running Blender."""
    from .blender import registration

    registration.register()


def unregister() -> None:
    """Nothing; takes everything away again, and ends an engine that is still running."""
    from .blender import registration

    registration.unregister()
