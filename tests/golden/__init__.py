# SPDX-License-Identifier: GPL-3.0-or-later
"""One file of every format and version that was ever released; the tests read them for ever."""
