# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's other half: pictures to animate, models to do it, and the film that comes of it."""
