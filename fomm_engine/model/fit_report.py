# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a file's tensors are a network's, tensor by tensor, in words that can be read."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

Shape = tuple[int, ...]
COMPUTED = ("down.weight", "num_batches_tracked")  # follow from the scale; count training steps: neither is a weight
_SHOWN = 6  # keys that a sentence names before it only counts


@dataclass(frozen=True)
class FitReport:
    """What does not fit of one module: keys that are missing, superfluous, of another shape (key, found, wanted).

    recomputed: keys whose values follow from the config, so that the file's own are not used, whatever their shape.
    """

    module: str
    missing: tuple[str, ...] = ()
    superfluous: tuple[str, ...] = ()
    wrong_shape: tuple[tuple[str, Shape, Shape], ...] = ()
    recomputed: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the network can be filled."""
        return not (self.missing or self.superfluous or self.wrong_shape)

    def sentence(self) -> str:
        """The faults in one line, the first few keys by name; empty where everything fits."""
        shapes = [f"{key} {found} instead of {wanted}" for key, found, wanted in self.wrong_shape]
        groups = (("missing", self.missing), ("superfluous", self.superfluous), ("of another shape", tuple(shapes)))
        return "; ".join(
            f"{self.module}: {len(keys)} {kind}: {', '.join(keys[:_SHOWN])}{' ...' if len(keys) > _SHOWN else ''}"
            for kind, keys in groups
            if keys
        )

    def lines(self) -> list[str]:
        """Every fault on a line of its own, then what is recomputed."""
        found = [f"{self.module}.{key}: missing" for key in self.missing]
        found += [f"{self.module}.{key}: superfluous" for key in self.superfluous]
        found += [f"{self.module}.{key}: has shape {has}, must have {must}" for key, has, must in self.wrong_shape]
        notes = [f"{self.module}.{key}: computed from the config's scale, not read" for key in self.recomputed]
        return found + notes


def fit_of(module: str, network: nn.Module, state: Mapping[str, Tensor]) -> FitReport:
    """How the tensors `state` fit `network`, which `module` names."""
    wanted = {key: tuple(value.shape) for key, value in network.state_dict().items() if not key.endswith(COMPUTED)}
    found = {key: tuple(value.shape) for key, value in state.items() if not key.endswith(COMPUTED)}
    both = sorted(wanted.keys() & found.keys())
    return FitReport(
        module,
        tuple(sorted(wanted.keys() - found.keys())),
        tuple(sorted(found.keys() - wanted.keys())),
        tuple((key, found[key], wanted[key]) for key in both if found[key] != wanted[key]),
        tuple(sorted(key for key in state if key.endswith("down.weight"))),
    )
