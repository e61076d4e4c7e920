# SPDX-License-Identifier: GPL-3.0-or-later
"""Coverage-guided fuzzing of everything that reads a file or a line from outside."""

from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"
