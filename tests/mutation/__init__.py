# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the tests see a fault: single small faults are put into core and wire, and the unit ring must object."""
