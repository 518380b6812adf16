"""A sampling plan recorded once and replayed: a CUDA graph on a GPU, a list of calls on a CPU.

Between two chunks nothing changes but what the sampler is given, and shapes seldom do. So one
recording per plan (N_A, q) and shapes takes the place of thousands of steps of Python and, on a
GPU, of as many kernel launches.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from dust_model.head import Head
from dust_model.levels import NoiseLevels
from dust_model.program import Work, record
from dust_model.sampler import Inputs, Noise, Sampler
from dust_model.schedule import MAX_STEPS, Plan

KEPT_RECORDINGS = 16
"""Recordings that are kept; the one that was not used for longest goes first.

Room for six step counts, each with and without a committed prefix.
"""

Replay = Callable[[], object]
"""Computes once more what was captured."""

Capture = Callable[[Callable[[], Any]], tuple[Replay, Any]]
"""Runs a function and returns what runs it again into the same memory, and what it returned."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """How plans are recorded on one kind of device.

    Attributes:
        record: as `program.record`.
        longest: evaluations of the longest plan that is recorded.
        token_step: feature tokens are filled up to a multiple of this with hidden ones, so that
            instructions of other lengths find the same recording.
    """

    record: Callable[[Work, Sequence[Tensor]], Work]
    longest: int = MAX_STEPS
    token_step: int = 1


class RecordedSampler(Sampler):
    """A sampler that runs each plan from a recording.

    The first chunk with a plan or with shapes that are new takes longer: it makes the recording.

    Args:
        head: the network, in eval mode.
        recorder: how plans are recorded; None takes the one for the head's device.
    """

    def __init__(self, head: Head, *, recorder: Recorder | None = None) -> None:
        super().__init__(head)
        self._recorder = recorder or (ON_CUDA if head.weight.is_cuda else ON_CPU)
        self._recordings: OrderedDict[Any, Work] = OrderedDict()

    def run(self, inputs: Inputs, plan: Plan, *, slot: int = 0) -> Noise:
        """Replay the plan's recording for inputs of these shapes."""
        if plan.evaluations > self._recorder.longest:
            return super().run(inputs, plan, slot=slot)
        if self.head.config.mask_padding:
            inputs = fill_up(inputs, self._recorder.token_step)
        given = {name: part for name, part in inputs._asdict().items() if part is not None}
        shapes = tuple((name, part.shape, part.dtype) for name, part in given.items())
        key = (plan, slot, shapes)
        if key not in self._recordings:
            work = _work(self.head, plan, slot, tuple(given))
            self._recordings[key] = self._recorder.record(work, tuple(given.values()))
            if len(self._recordings) > KEPT_RECORDINGS:
                self._recordings.popitem(last=False)
        self._recordings.move_to_end(key)
        return Noise(*self._recordings[key](*given.values()))


def fill_up(inputs: Inputs, step: int) -> Inputs:
    """Return inputs with hidden feature tokens up to a multiple of `step`, and with a mask."""
    if step == 1:
        return inputs
    batch, tokens = inputs.features.shape[:2]
    missing = -tokens % step
    mask = inputs.mask
    if mask is None:
        mask = torch.ones(batch, tokens, dtype=torch.bool, device=inputs.features.device)
    return inputs._replace(
        features=F.pad(inputs.features, (0, 0, 0, missing)),
        mask=F.pad(mask, (0, missing), value=False),
    )


def record_static(work: Work, inputs: Sequence[Tensor], *, capture: Capture) -> Work:
    """Record `work` for a device that replays with the addresses of the recording.

    What is replayed reads copies of the inputs at a fixed place and writes to a fixed place, from
    which results are copied.

    Args:
        work: takes tensors, returns tensors.
        inputs: an example.
        capture: of the device.
    """
    own = [tensor.clone() for tensor in inputs]
    replay, results = capture(lambda: work(*own))

    def again(*given: Tensor) -> list[Tensor]:
        for place, tensor in zip(own, given, strict=True):
            place.copy_(tensor)
        replay()
        return [result.clone() for result in results]

    return again


def capture_cuda(function: Callable[[], Any]) -> tuple[Replay, Any]:
    """Capture the kernels that `function` starts on the current device as a CUDA graph.

    It runs twice before, on the stream of the capture: libraries then choose their kernels and
    take their workspace.
    """
    stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(2):
            function()
    torch.cuda.current_stream().wait_stream(stream)
    # What other threads of the process do with the device is no part of the graph.
    with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
        results = function()
    return graph.replay, results


def record_cuda(work: Work, inputs: Sequence[Tensor]) -> Work:
    """Record `work` as a CUDA graph on the device of the inputs."""
    with torch.cuda.device(inputs[0].device):
        return record_static(work, inputs, capture=capture_cuda)


ON_CPU = Recorder(record, longest=64)
"""On a CPU. Recording takes some runs' time, which long plans had better not wait for."""

ON_CUDA = Recorder(record_cuda, token_step=64)
"""On a GPU."""


def _work(head: Head, plan: Plan, slot: int, names: tuple[str, ...]) -> Work:
    """Return the sampling of a plan as a function of the inputs of these names.

    It has noise levels of its own, all worked out: a recording has to find them where they were.
    """
    levels = NoiseLevels(head, kept=2 * plan.evaluations + 2)
    levels.prepare(plan)
    sampler = Sampler(head, levels=levels)

    def work(*parts: Tensor) -> Noise:
        given: dict[str, Any] = dict.fromkeys(Inputs._fields)
        given |= zip(names, parts, strict=True)
        return sampler.run(Inputs(**given), plan, slot=slot)

    return work
