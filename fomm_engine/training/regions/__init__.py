# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the nets that look closely at eyes and mouth: patches, losses, runs."""
