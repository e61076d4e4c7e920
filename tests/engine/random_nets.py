# SPDX-License-Identifier: GPL-3.0-or-later
"""Nets of random weights, to be compared with themselves rearranged for speed."""

from typing import TypeVar

import pytest
import torch

Net = TypeVar("Net", bound=torch.nn.Module)
needs_onednn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch without oneDNN")


def with_norms(net: Net) -> Net:
    """`net` for inference, with norms that do something."""
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean = torch.randn(module.num_features) * 0.2
            module.running_var = torch.rand(module.num_features) + 0.5
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
    return net.eval()
