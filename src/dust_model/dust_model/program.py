"""The calls into torch that a computation makes, recorded once and made again on their own.

A small network on a CPU spends a quarter of its time in the Python between these calls. What is
recorded is the list of calls with the very functions and shapes, so the result is bit for bit that
of the computation, as long as this depends on its inputs by calls into torch alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import getitem, itemgetter
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

Work = Callable[..., Sequence[Tensor]]
"""Tensors in, tensors out."""

_READS = {"__bool__", "__int__", "__float__", "__index__", "__contains__", "item", "tolist"}
_READS |= {"numpy", "__array__", "__len__", "__iter__"}
_SAME = {"expand", "view", "reshape", "to", "contiguous", "flatten"}
"""Functions that may have nothing to do."""


def record(work: Work, inputs: Sequence[Tensor]) -> Work:
    """Run `work` on `inputs` and return what does the same for other inputs of these shapes.

    Args:
        work: takes tensors, returns tensors. It must neither look at their values nor change one in
            place, and every tensor that it makes of them must come out of a function of torch.
        inputs: an example.

    Raises:
        RuntimeError: `work` looks at a value or changes a tensor.
    """
    recorder = _Recorder(inputs)
    with torch.inference_mode(), recorder:
        outputs = work(*inputs)
    return _Program(recorder, len(inputs), [recorder.place(output) for output in outputs])


class _Call(NamedTuple):
    """A function, the values that it takes, and the one that it makes, by their numbers."""

    function: Callable[..., Any]
    takes: tuple[int, ...]
    makes: int


class _Recorder(TorchFunctionMode):
    """Notes every call while it is in force. A value that no call made is a constant.

    Attributes:
        calls: what was called, in order.
        constants: the constants by their numbers; the inputs have the numbers from 0 on.
    """

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        super().__init__()
        self.calls: list[_Call] = []
        self.constants: dict[int, Any] = {}
        self._count = 0
        # Weak: results must not pile up while a large network is recorded.
        self._places = WeakIdKeyDictionary()
        for tensor in inputs:
            self._add(tensor)

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in _READS or "out" in kwargs or _changes(name):
            raise RuntimeError(f"{name} of a tensor can't be recorded")
        result = func(*args, **kwargs)
        if isinstance(result, Tensor):
            if name in _SAME and _is_same(args[0], result):
                return args[0]
            if result not in self._places:
                self._note(func, args, kwargs, result)
        elif isinstance(result, tuple | list) and any(_tensors(result)):
            whole = self._note(func, args, kwargs, result)
            for index, part in enumerate(result):
                takes = (whole, self.place(index))
                self.calls.append(_Call(getitem, takes, self._add(part)))
        return result

    def place(self, value: Any) -> int:
        """Return the number of a value; one that is new is a constant."""
        if isinstance(value, Tensor) and value in self._places:
            return int(self._places[value])
        self.constants[self._count] = value
        return self._add(value)

    def _add(self, value: Any) -> int:
        if isinstance(value, Tensor):
            self._places[value] = self._count
        self._count += 1
        return self._count - 1

    def _note(self, func: Any, args: Any, kwargs: dict[str, Any], result: Any) -> int:
        if any(isinstance(value, Tensor) for value in kwargs.values()):
            names = tuple(kwargs)
            func, args = _with_names(func, names), (*args, *kwargs.values())
        elif kwargs:
            func = partial(func, **kwargs)
        if args and isinstance(args[0], tuple | list) and any(_tensors(args[0])):
            func, args = _with_list(func, len(args[0])), (*args[0], *args[1:])
        takes = tuple(self.place(value) for value in args)
        made = self._add(result)
        self.calls.append(_Call(func, takes, made))
        return made


class _Program:
    """Recorded calls over a list of registers; a register is used again once it isn't needed."""

    def __init__(self, recorder: _Recorder, inputs: int, outputs: list[int]) -> None:
        calls = _needed(recorder.calls, outputs)
        last = {place: step for step, call in enumerate(calls) for place in call.takes}
        taken = {*last, *outputs}
        last |= dict.fromkeys(outputs, len(calls))
        fixed = [place for place in recorder.constants if place in taken]
        self._inputs = inputs
        self._start = [None] * inputs + [recorder.constants[place] for place in fixed]
        registers = {place: index for index, place in enumerate([*range(inputs), *fixed])}
        kept = set(registers)
        free: list[int] = []
        self._calls = []
        for step, (function, takes, makes) in enumerate(calls):
            gather = _gather([registers[place] for place in takes])
            free += {registers[p] for p in takes if p not in kept and last[p] == step}
            registers[makes] = free.pop() if free else len(self._start)
            if registers[makes] == len(self._start):
                self._start.append(None)
            self._calls.append((function, gather, registers[makes]))
        self._outputs = [registers[place] for place in outputs]

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        """Make the calls; under torch.inference_mode, as they were recorded."""
        values: list[Any] = self._start.copy()
        values[: self._inputs] = inputs
        for function, gather, place in self._calls:
            values[place] = function(*gather(values))
        return [values[place] for place in self._outputs]


def _needed(calls: list[_Call], outputs: Iterable[int]) -> list[_Call]:
    """Return the calls that the outputs depend on."""
    wanted, kept = set(outputs), []
    for call in reversed(calls):
        if call.makes in wanted:
            wanted.update(call.takes)
            kept.append(call)
    return kept[::-1]


def _gather(registers: list[int]) -> Callable[[list[Any]], Sequence[Any]]:
    """Return what picks the arguments of a call."""
    if len(registers) > 1:
        return itemgetter(*registers)
    start = registers[0] if registers else 0
    return itemgetter(slice(start, start + len(registers)))


def _tensors(values: Iterable[Any]) -> Iterable[bool]:
    return (isinstance(value, Tensor) for value in values)


def _with_list(func: Any, length: int) -> Callable[..., Any]:
    return lambda *args: func(args[:length], *args[length:])


def _with_names(func: Any, names: tuple[str, ...]) -> Callable[..., Any]:
    count = len(names)
    return lambda *args: func(*args[:-count], **dict(zip(names, args[-count:], strict=True)))


def _changes(name: str) -> bool:
    """Whether a function of this name changes a tensor in place."""
    if name.endswith("__"):
        return name == "__setitem__" or (name.startswith("__i") and name != "__invert__")
    return name.endswith("_")


def _is_same(before: Any, after: Tensor) -> bool:
    return (
        isinstance(before, Tensor)
        and before.data_ptr() == after.data_ptr()
        and before.shape == after.shape
        and before.stride() == after.stride()
        and before.dtype == after.dtype
    )
