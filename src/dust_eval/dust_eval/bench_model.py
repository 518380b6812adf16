"""The model's speed: the sampler against a naive one, encoding, training; each in its own process.

Weights are random: speed does not depend on them.
"""

import multiprocessing
import resource
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, TypeVar

import torch

from dust_eval.bench_timing import interleave, ratio, spread
from dust_eval.bench_train import training_step
from dust_model.backbone import Backbone
from dust_model.config import SIZES
from dust_model.eagle import Eagle
from dust_model.graphs import RecordedSampler
from dust_model.head import Head, Velocity
from dust_model.layout import arrange_for_inference
from dust_model.prompt import Prompter
from dust_model.robot import RobotSpec
from dust_model.sampler import Noise, Sampler, draw_noise, integrate
from dust_model.schedule import Plan, Step
from dust_model.tokenizer import build_tokenizer
from dust_model.variants import build_head
from dust_model.weights import build_empty

PLANS = (Plan(4, 4), Plan(4, 16), Plan(4, 64))
TARGET = 0.65
"""Largest share of the naive sampler's time that the fast one should take on a CPU."""

Calls = dict[str, Callable[[], object]]
M = TypeVar("M", bound=torch.nn.Module)

INSTRUCTION = "pick up the blue cube from the brown box and place it in the golden bowl"
BATCH = 32


@dataclass(frozen=True, slots=True)
class Case:
    """What one process measures."""

    name: str
    size: str
    device: str
    threads: int
    clock: str
    budget: float


class Observed(NamedTuple):
    """What a chunk is sampled for."""

    features: torch.Tensor
    state: torch.Tensor
    noise: Noise


def run(options: Namespace) -> None:
    """Measure every case and print the lines; see bench.py for the options."""
    how = f"{options.device}, {options.threads} thread(s), {options.clock} time"
    print(f"model: {how}; median [quartiles]", flush=True)
    for case in _cases(options):
        # A process of its own: its peak of memory is that of this case alone.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            pool.submit(measure, case).result()


def _cases(options: Namespace) -> Iterator[Case]:
    for name in options.cases or CASES:
        for size in options.sizes:
            if (name, size) != ("train", "n1"):  # 1.3 billion weights with AdamW: 21 GB
                yield Case(
                    name, size, options.device, options.threads, options.clock, options.budget
                )


def measure(case: Case) -> None:
    """Measure one case and print its lines as they come, the last one about memory."""
    torch.set_num_threads(case.threads)
    for line in CASES[case.name](case):
        print(f"  {line}", flush=True)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = f"{kilobytes / 2**20:.2f} GiB of memory at most, Python and torch included"
    if case.device != "cpu":
        memory += f"; {torch.cuda.max_memory_allocated() / 2**30:.2f} GiB on the device"
    print(f"  {case.name} {case.size}: {memory}", flush=True)


def measure_sampler(case: Case) -> Iterator[str]:
    """Compare the samplers at every plan; a naive one is the reference."""
    head = _head(case)
    seen = _observe(head, case)
    # On a CPU a recording spares Python, of which a large network takes no notice.
    samplers: dict[str, Sampler] = {"fast": Sampler(head)}
    if case.size == "tiny" or head.weight.is_cuda:
        samplers["recorded"] = RecordedSampler(head)
    kind = str(head.weight.dtype).removeprefix("torch.")
    yield f"sampler {case.size}: {kind}, {seen.features.shape[1]} feature tokens"
    naive_sample(head, seen, Plan(1, 1))
    fastest = list(samplers)[-1]
    for plan in PLANS:
        calls: Calls = {"naive": partial(naive_sample, head, seen, plan)}
        calls |= {name: _sampling(sampler, seen, plan) for name, sampler in samplers.items()}
        alone = replace(plan, future=False)
        calls["actions alone"] = _sampling(samplers[fastest], seen, alone)
        samplers["fast"].prepare(plan)  # as it is from the second chunk on
        if fastest == "recorded":
            for name in ("recorded", "actions alone"):
                calls[name]()  # makes the recording
        works = {name: _timed(case, call) for name, call in calls.items()}
        times = _times(case, works)
        yield _compared(case, plan, times, _difference(head, samplers, seen))


def measure_encode(case: Case) -> Iterator[str]:
    """Time the vision-language part for one observation of two views."""
    config, robot = SIZES[case.size].vision_language, RobotSpec()
    eagle = build_empty(lambda: Eagle(config))
    # At full size in bfloat16: in float32 it takes 5.3 GB and as much again while it is built.
    if case.size == "n1":
        eagle = eagle.to(torch.bfloat16)
    backbone = Backbone(_filled(eagle).to(case.device), build_tokenizer(config), robot)
    pixels = torch.rand(len(robot.views), 3, config.image_size, config.image_size) * 2 - 1
    call = _timed(case, lambda: backbone.encode(pixels, INSTRUCTION))
    call()
    times = spread(_times(case, {"encode": call}, least=3)["encode"])
    kind = str(eagle.projection.weight.dtype).removeprefix("torch.")
    what = f"encode {case.size}: {kind}, {len(robot.views)} views"
    yield f"{what}: {times.text(1e3)} ms, n={times.samples}"


def measure_train(case: Case) -> Iterator[str]:
    """Time updates of head and projection from features that are at hand."""
    update = training_step(SIZES[case.size], batch=BATCH, device=case.device)
    call = _timed(case, update)
    call()
    times = spread(_times(case, {"update": call}, least=3)["update"])
    yield (
        f"train {case.size}: batch {BATCH}, cached features: {times.text(1e3)} ms an update, "
        f"{1 / times.median:.2f} updates/s, n={times.samples}"
    )


CASES: dict[str, Callable[[Case], Iterator[str]]] = {
    "sampler": measure_sampler,
    "encode": measure_encode,
    "train": measure_train,
}
"""What is measured, by its name on the command line."""


@torch.inference_mode()
def naive_sample(head: Head, seen: Observed, plan: Plan) -> Noise:
    """Sample by Equation 5 with the whole network in every evaluation and nothing kept."""
    device = head.weight.device

    def velocity(step: Step, actions: torch.Tensor, embedding: torch.Tensor) -> Velocity:
        parts = head(
            actions.to(head.weight.dtype),
            embedding.to(head.weight.dtype),
            seen.state,
            seen.features,
            tau_action=torch.full((1, 1), step.tau_action, device=device),
            tau_vision=torch.full((1, 1), step.tau_vision, device=device),
        )
        return Velocity(parts.action.float(), parts.vision.float())

    return integrate(plan, seen.noise, velocity)


def _head(case: Case) -> Head:
    head = _filled(build_empty(lambda: build_head(SIZES[case.size])))
    if case.device != "cpu":
        return head.to(case.device, torch.bfloat16)
    arrange_for_inference(head)  # as every policy has it; the naive sampler gains by it too
    return head


def _filled(module: M) -> M:
    """Give a module in eval mode random weights that keep numbers in bounds."""
    torch.manual_seed(0)
    for weight in module.eval().requires_grad_(False).parameters():
        bound = (3 / weight.shape[-1]) ** 0.5 if weight.ndim > 1 else 0.1
        weight.uniform_(-bound, bound)
    return module


def _observe(head: Head, case: Case) -> Observed:
    """Return features of as many tokens as the prompt of two views has, and noise."""
    config, robot = SIZES[case.size].vision_language, RobotSpec()
    prompter = Prompter(build_tokenizer(config), config, views=len(robot.views))
    tokens = prompter.batch((INSTRUCTION,)).ids.shape[1]
    weight, generator = head.weight, torch.Generator().manual_seed(0)
    features = torch.randn(1, tokens, head.config.width, generator=generator).to(weight)
    state = torch.randn(1, head.config.state_dim, generator=generator).to(weight)
    return Observed(
        features, state, Noise(*(part.to(weight.device) for part in draw_noise(head, (0,))))
    )


def _sampling(sampler: Sampler, seen: Observed, plan: Plan) -> Callable[[], Noise]:
    return lambda: sampler.sample(seen.features, seen.state, seen.noise, plan)


def _times(case: Case, works: Calls, *, least: int = 1) -> dict[str, list[float]]:
    clock = time.process_time if case.clock == "cpu" else time.perf_counter
    return interleave(works, seconds=case.budget, least=least, clock=clock)


def _timed(case: Case, work: Callable[[], object]) -> Callable[[], object]:
    """Return `work` such that it ends when its result is there."""
    if case.device == "cpu":
        return work

    def finished() -> None:
        work()
        torch.cuda.synchronize()

    return finished


def _difference(head: Head, samplers: dict[str, Sampler], seen: Observed) -> float:
    """Return the largest difference of any sampler from the naive one, at a small plan."""
    plan = Plan(1, 2)
    expected = naive_sample(head, seen, plan)
    ends = [_sampling(sampler, seen, plan)() for sampler in samplers.values()]
    return max(
        float((part - truth).abs().max())
        for end in ends
        for part, truth in zip(end, expected, strict=True)
    )


def _compared(case: Case, plan: Plan, times: dict[str, list[float]], difference: float) -> str:
    fastest = "recorded" if "recorded" in times else "fast"
    share = ratio(times[fastest], times["naive"])
    figures = ", ".join(f"{name} {spread(values).text(1e3)} ms" for name, values in times.items())
    verdict = ""
    if case.device == "cpu":
        verdict = f", target {TARGET}: {'met' if share.median <= TARGET else 'MISSED'}"
    equal = "bit for bit equal" if difference == 0 else f"differ by {difference:.1e}"
    return (
        f"  ({plan.action_steps},{plan.vision_steps}): {figures}; {fastest}/naive "
        f"{share.text(digits=2)}{verdict}; n={share.samples}, {equal}"
    )
