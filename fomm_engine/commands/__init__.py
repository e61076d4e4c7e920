# SPDX-License-Identifier: GPL-3.0-or-later
"""What people can type: one module for each command, which turns its arguments into a job."""
