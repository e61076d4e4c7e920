# SPDX-License-Identifier: GPL-3.0-or-later
"""Several training processes, one thread each, that average their gradients."""

import os
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed
from torch import nn
from torch.multiprocessing.spawn import spawn


class Peers:
    """The processes of one run; `rank` 0 is the one that writes."""

    def __init__(self, rank: int, count: int) -> None:
        self.rank = rank
        self.count = count

    @property
    def leads(self) -> bool:
        """Whether this process measures and writes."""
        return self.rank == 0

    def average_gradients(self, net: nn.Module, *, stop: bool) -> bool:
        """Replace the gradients by their mean over the processes; True when any of them wants to stop."""
        if self.count == 1:
            return stop
        parameters = list(net.parameters())
        gradients = [parameter.grad.flatten() for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([*gradients, torch.tensor([float(stop)])])
        torch.distributed.all_reduce(flat)
        flat /= self.count
        start = 0
        for parameter in parameters:
            parameter.grad = flat[start : start + parameter.numel()].view_as(parameter).clone()
            start += parameter.numel()
        return bool(flat[-1] > 0)


def run_with_peers(work: Callable[[Peers], None], count: int, folder: Path) -> None:
    """Call `work` in `count` processes that find each other through a file in `folder` (in this one when it is one)."""
    if count == 1:
        work(Peers(0, 1))
        return
    meeting = folder / f"peers_{os.getpid()}"
    spawn(_join, (work, count, str(meeting)), nprocs=count)
    meeting.unlink(missing_ok=True)


def _join(rank: int, work: Callable[[Peers], None], count: int, meeting: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=count)
    work(Peers(rank, count))
    torch.distributed.destroy_process_group()
