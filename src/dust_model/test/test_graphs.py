"""Recordings: the CPU's are checked as they are, CUDA's up to the capture itself without a GPU."""

import pytest
import torch

from dust_model.config import TINY, Architecture, UpdateOrder
from dust_model.graphs import (
    KEPT_RECORDINGS,
    ON_CPU,
    ON_CUDA,
    RecordedSampler,
    Recorder,
    fill_up,
    record_cuda,
    record_static,
)
from dust_model.sampler import Inputs, Sampler, draw_noise
from dust_model.schedule import Plan, fitting_plan


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def capture_eager(function):
    """Stand in for a GPU's capture: run again, and write the results to the same place."""
    results = function()

    def replay():
        for place, fresh in zip(results, function(), strict=True):
            place.copy_(fresh)

    return replay, results


class Counting:
    """A recorder that counts its recordings, by the CPU's list of calls or the GPU's rules."""

    def __init__(self, *, static=False, token_step=1, longest=64):
        self.count = 0
        self.recorder = Recorder(self._record, longest=longest, token_step=token_step)
        self._static = static

    def _record(self, work, inputs):
        self.count += 1
        if self._static:
            return record_static(work, inputs, capture=capture_eager)
        return ON_CPU.record(work, inputs)


@pytest.fixture(scope="module")
def heads(micro, build_head):
    return {name: build_head(micro(architecture=name)) for name in Architecture}


@pytest.fixture(params=[False, True], ids=["calls", "static"])
def counting(request):
    return Counting(static=request.param)


def observations(head, count=3, tokens=9):
    """Return features, state and noise of several observations."""
    width, columns = head.config.width, head.config.state_dim
    return [
        (draw(1, tokens, width, seed=i), draw(1, columns, seed=i + 50), draw_noise(head, (i,)))
        for i in range(count)
    ]


@pytest.mark.parametrize("architecture", Architecture)
@pytest.mark.parametrize("steps", [(4, 4), (2, 6), (3, 0)])
@pytest.mark.parametrize("order", UpdateOrder)
def test_a_recording_is_the_sampler_bit_for_bit(heads, architecture, steps, order, counting):
    head = heads[architecture]
    vision = steps[0] if architecture.joint_noise else steps[1] * architecture.predicts_vision
    plan = Plan(steps[0], vision, order)
    plain, recorded = Sampler(head), RecordedSampler(head, recorder=counting.recorder)
    for observation in observations(head):
        expected, actual = plain.sample(*observation, plan), recorded.sample(*observation, plan)
        assert torch.equal(actual.action, expected.action)
        assert torch.equal(actual.vision, expected.vision)
    assert counting.count == 1


@pytest.mark.parametrize("prefix", ["clean", "inpaint"])
@pytest.mark.parametrize("masked", [False, True])
def test_one_recording_serves_every_length_of_the_prefix(
    micro, build_head, counting, prefix, masked
):
    head = build_head(micro(prefix=prefix))
    plain, recorded = Sampler(head), RecordedSampler(head, recorder=counting.recorder)
    mask = torch.arange(9)[None] >= 3 if masked else None
    for held, observation in zip((1, 7, 16), observations(head), strict=True):
        options = {"prefix_BPA": draw(1, held, 8, seed=held), "mask_BT": mask}
        expected = plain.sample(*observation, Plan(2, 4), **options)
        actual = recorded.sample(*observation, Plan(2, 4), **options)
        assert torch.equal(actual.action, expected.action)
        assert torch.equal(actual.vision, expected.vision)
        assert torch.equal(actual.action[:, :held], options["prefix_BPA"])
    assert counting.count == 1


def test_results_are_the_callers_own(heads, counting):
    head = heads[Architecture.DUST]
    sampler = RecordedSampler(head, recorder=counting.recorder)
    first, second = (sampler.sample(*o, Plan(2, 2)) for o in observations(head, 2))
    again = sampler.sample(*observations(head, 1)[0], Plan(2, 2))
    assert torch.equal(first.action, again.action)
    assert not torch.equal(first.action, second.action)


def test_a_recording_is_made_for_each_plan_and_shape(heads):
    head, counting = heads[Architecture.DUST], Counting()
    sampler = RecordedSampler(head, recorder=counting.recorder)
    for expected, plan, tokens, seeds in (
        (1, Plan(2, 2), 9, (1,)),
        (1, Plan(2, 2), 9, (2,)),
        (2, Plan(2, 4), 9, (1,)),
        (3, Plan(2, 4, UpdateOrder.BLOCK_END), 9, (1,)),
        (4, Plan(2, 2), 10, (1,)),
        (5, Plan(2, 2), 9, (1, 2)),
        (5, Plan(2, 4), 9, (3,)),
    ):
        features, state, _ = observations(head, 1, tokens)[0]
        sampler.sample(features, state, draw_noise(head, seeds), plan)
        assert counting.count == expected


def test_the_recording_that_was_not_used_for_longest_goes(heads):
    head, counting = heads[Architecture.DUST], Counting()
    sampler = RecordedSampler(head, recorder=counting.recorder)

    def use(tokens):
        sampler.sample(*observations(head, 1, tokens)[0], Plan(1, 1))
        return counting.count

    for tokens in range(1, KEPT_RECORDINGS + 1):
        use(tokens)
    assert use(1) == KEPT_RECORDINGS  # used again: now 2 is the oldest
    assert use(99) == KEPT_RECORDINGS + 1
    assert use(1) == KEPT_RECORDINGS + 1
    assert use(2) == KEPT_RECORDINGS + 2


def test_long_plans_run_as_they_are(heads):
    head, counting = heads[Architecture.DUST], Counting(longest=4)
    sampler = RecordedSampler(head, recorder=counting.recorder)
    observation = observations(head, 1)[0]
    expected = Sampler(head).sample(*observation, Plan(1, 5))
    assert torch.equal(sampler.sample(*observation, Plan(1, 5)).action, expected.action)
    assert counting.count == 0


@pytest.mark.parametrize(("architecture", "recordings"), [("dust", 1), ("groot_n1", 3)])
def test_filled_up_features_share_a_recording(micro, build_head, architecture, recordings):
    """Only where the head hides padding: GR00T-N1's weights are used to seeing it."""
    head = build_head(micro(architecture=architecture, mask_padding=architecture == "dust"))
    counting = Counting(static=True, token_step=8)
    sampler = RecordedSampler(head, recorder=counting.recorder)
    plan = fitting_plan(head.config, 2, 2)
    for tokens in (9, 12, 16):
        observation = observations(head, 1, tokens)[0]
        expected = Sampler(head).sample(*observation, plan)
        actual = sampler.sample(*observation, plan)
        torch.testing.assert_close(actual.action, expected.action, atol=1e-5, rtol=1e-5)
    assert counting.count == recordings


@pytest.mark.parametrize(("tokens", "full"), [(1, 8), (8, 8), (9, 16)])
def test_filling_up_hides_what_it_adds(tokens, full):
    inputs = Inputs(draw(1, tokens, 4), None, draw(1, 3), draw(2, 16, 8), draw(2, 4, 4))
    filled = fill_up(inputs, 8)
    assert filled.features.shape == (1, full, 4)
    assert torch.equal(filled.features[:, :tokens], inputs.features)
    assert filled.mask.tolist() == [[i < tokens for i in range(full)]]
    hidden = inputs._replace(mask=torch.zeros(1, tokens, dtype=torch.bool))
    assert not fill_up(hidden, 8).mask.any()


def test_a_policy_samples_the_same_with_and_without_recordings(tiny):
    policies = [tiny.policy(), tiny.policy(recorded=False)]
    features, mask = draw(79, 192).numpy(), torch.ones(79, dtype=torch.bool)
    state, prefix = torch.zeros(8).numpy(), draw(3, 8).numpy()
    for options in ({}, {"vision_steps": 16}, {"prefix": prefix}, {"vision_steps": 0}):
        one, other = (p.sample(features, mask, state, seed=4, **options) for p in policies)
        assert (one.actions == other.actions).all()
        if one.embedding is not None:
            assert (one.embedding == other.embedding).all()


needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@needs_cuda
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("plan", [Plan(4, 4), Plan(4, 16), Plan(4, 0)])
def test_a_cuda_graph_is_the_eager_sampler(build_head, dtype, plan):
    head = build_head(TINY).to("cuda", dtype)
    plain = Sampler(head)
    recorded = RecordedSampler(head, recorder=Recorder(record_cuda))
    for features, state, noise in observations(head):
        given = (plain.cast(features), plain.cast(state), noise, plan)
        expected, actual = plain.sample(*given), recorded.sample(*given)
        assert actual.action.dtype == torch.float32
        torch.testing.assert_close(actual.action, expected.action, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(actual.vision, expected.vision, atol=1e-5, rtol=1e-5)


@needs_cuda
def test_a_head_on_a_gpu_is_sampled_by_graphs(build_head):
    sampler = RecordedSampler(build_head(TINY).to("cuda"))
    assert sampler._recorder is ON_CUDA
