# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks run by torch on one device: processor, CUDA (its launches recorded as a graph) or Apple's GPU."""

from collections.abc import Callable

import torch
from torch import Tensor

from fomm_engine.model.dense_motion import DenseMotion
from fomm_engine.model.generator import EncodedSource, Generated
from fomm_engine.model.keypoints import KeypointTensors
from fomm_engine.model.weights import Networks

Recorder = Callable[[Callable[[], list[Tensor]]], Callable[[], list[Tensor]]]


class TorchPath:
    """What an engine path does, by torch: tensors in float32 on the processor in and out, the work on `device`.

    With `recorder` (see `cuda_recorder`) groups of exactly `batch` frames are replayed from a recording, which spares
    the launch of some hundred small kernels; the last, smaller group of a film is filled up to it.
    """

    def __init__(
        self, networks: Networks, device: str, *, align_corners: bool, batch: int = 1, recorder: Recorder | None = None
    ) -> None:
        self.networks, self.device, self.align_corners = networks, torch.device(device), align_corners
        self._batch, self._recorder = batch, recorder
        self._replay: _Replay | None = None
        for network in (networks.generator, networks.kp_detector):
            network.to(self.device)

    def encode_source(self, image: Tensor) -> EncodedSource:
        """What `predict` needs of the source `image` (1,3,H,W) in [0,1]: computed once."""
        with torch.inference_mode():
            there = image.to(self.device)
            keypoints = self.networks.kp_detector(there)
            encoded = self.networks.generator.encode(there, keypoints)
            features = encoded.features.contiguous()  # as the look-up wants it, once and not for every frame
            here = KeypointTensors(keypoints.value.cpu(), keypoints.jacobian.cpu())
            return encoded._replace(features=features, keypoints=here)

    def keypoints(self, images: Tensor) -> KeypointTensors:
        """The keypoints of `images` (B,3,H,W) in [0,1]."""
        with torch.inference_mode():
            found = self.networks.kp_detector(images.to(self.device))
            return KeypointTensors(found.value.cpu(), found.jacobian.cpu())

    def predict(self, source: EncodedSource, driving: KeypointTensors) -> Generated:
        """The source in each pose of `driving` (B,K,...)."""
        with torch.inference_mode():
            if self._recorder is None:
                return _here(self._paint(source, driving))
            return self._recorded(self._recorder, source, driving)

    def _paint(self, source: EncodedSource, driving: KeypointTensors) -> Generated:
        there = source._replace(keypoints=self._there(source.keypoints))
        return self.networks.generator.paint(there, self._there(driving), align_corners=self.align_corners)

    def _there(self, keypoints: KeypointTensors) -> KeypointTensors:
        return KeypointTensors(keypoints.value.to(self.device), keypoints.jacobian.to(self.device))

    def _recorded(self, recorder: Recorder, source: EncodedSource, driving: KeypointTensors) -> Generated:
        if self._replay is None or self._replay.source is not source:
            self._replay = _Replay(self._paint, recorder, source, self._there(_filled(driving, self._batch)))
        groups = [
            self._replay(KeypointTensors(*(part[start : start + self._batch] for part in driving)), self._batch)
            for start in range(0, len(driving.value), self._batch)
        ]
        return _joined(groups)


class _Replay:
    """A recording of `paint` for one source: new poses are copied to where it reads them."""

    def __init__(
        self,
        paint: Callable[[EncodedSource, KeypointTensors], Generated],
        recorder: Recorder,
        source: EncodedSource,
        poses: KeypointTensors,
    ) -> None:
        self.source = source
        there = source._replace(keypoints=KeypointTensors(*(part.to(poses.value.device) for part in source.keypoints)))
        self._poses = KeypointTensors(poses.value.clone(), poses.jacobian.clone())
        self._run = recorder(lambda: _flat(paint(there, self._poses)))

    def __call__(self, driving: KeypointTensors, batch: int) -> Generated:
        count, full = len(driving.value), _filled(driving, batch)
        self._poses.value.copy_(full.value)
        self._poses.jacobian.copy_(full.jacobian)
        prediction, *motion = (part[:count].to("cpu", copy=True) for part in self._run())  # the next replay overwrites
        return Generated(prediction, DenseMotion(*motion))


def cuda_recorder(run: Callable[[], list[Tensor]]) -> Callable[[], list[Tensor]]:
    """`run` as one launch: a CUDA graph, which needs the memory of inputs and results to stay where it is.

    Source: https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
    """
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):  # cuDNN chooses its kernels before, not within, the recording
            run()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        made = run()

    def replay() -> list[Tensor]:
        graph.replay()
        return made

    return replay


def _flat(made: Generated) -> list[Tensor]:
    return [made.prediction, *made.motion]


def _filled(driving: KeypointTensors, batch: int) -> KeypointTensors:
    """`driving` with its last pose repeated until there are `batch`."""
    short = max(batch - len(driving.value), 0)
    value, jacobian = (torch.cat([part, part[-1:].expand(short, *part.shape[1:])])[:batch] for part in driving)
    return KeypointTensors(value, jacobian)


def _joined(groups: list[Generated]) -> Generated:
    prediction, *motion = (torch.cat(parts) for parts in zip(*map(_flat, groups), strict=True))
    return Generated(prediction, DenseMotion(*motion))


def _here(made: Generated) -> Generated:
    return Generated(made.prediction.cpu(), DenseMotion(*(part.cpu() for part in made.motion)))
