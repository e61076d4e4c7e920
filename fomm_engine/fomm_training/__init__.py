# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of First Order Motion Models on a user's own videos, as the paper describes it."""
