# SPDX-License-Identifier: GPL-3.0-or-later
"""The First Order Motion Model (Siarohin et al., NeurIPS 2019, https://arxiv.org/abs/2003.00196)."""
