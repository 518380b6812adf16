"""A two-stream problem whose joint distribution is known, to see what each architecture learns.

Actions have 4 modes and so has vision. Mode i of the actions comes with mode i of vision in 4 of 5
samples and with mode i + 1 in the fifth. Within a mode both move along a line with one common
number z ~ N(0, 1). So the marginals are known, the table of modes is known, and so is the
correlation of the numbers that can be read from the actions and from vision: 0.998.

    python toy.py     prints the table of docs/learning.md
"""

import argparse
from typing import NamedTuple

import torch
from torch import nn

from dust_model.config import Architecture, HeadConfig, ModelConfig, VisionLanguageConfig
from dust_model.sampler import Sampler, draw_noise
from dust_model.schedule import Plan
from dust_model.training.learner import Example, Learner, losses_of, noisy_of
from dust_model.training.losses import Counts, LossConfig
from dust_model.training.noise import NoiseConfig, draw
from dust_model.training.optim import OptimizerConfig, build_optimizer, rate_at, set_rate
from dust_model.training.seeds import seed_of
from dust_model.variants import build_head

MODES, HORIZON, COLUMNS, TOKENS, CHANNELS = 4, 4, 2, 4, 8
REACH, BLUR = 0.35, 0.05
"""How far z moves a sample, and the deviation of what is added to every number."""

BATCH = 64
TABLE = torch.eye(MODES) * 0.8 / MODES + torch.eye(MODES).roll(1, 1) * 0.2 / MODES
"""Probability of each pair of modes, [action, vision]."""


class Pair(NamedTuple):
    """Actions [N, HORIZON, COLUMNS] and vision [N, TOKENS, CHANNELS]."""

    action: torch.Tensor
    vision: torch.Tensor


class Problem:
    """The distribution: centres of the modes, and the directions of z."""

    def __init__(self):
        generator = torch.Generator().manual_seed(7)
        self.centres = Pair(
            _signs(generator, HORIZON * COLUMNS), _signs(generator, TOKENS * CHANNELS)
        )
        self.lines = Pair(*(_unit(generator, part.shape[1]) for part in self.centres))

    def draw(self, count, generator):
        """Draw pairs."""
        pairs = torch.multinomial(TABLE.flatten(), count, True, generator=generator)
        z = torch.randn(count, 1, generator=generator)
        drawn = []
        for modes, centres, line in zip(
            (pairs // MODES, pairs % MODES), self.centres, self.lines, strict=True
        ):
            flat = centres[modes] + REACH * z * line * line.shape[0] ** 0.5
            drawn.append(flat + BLUR * torch.randn(flat.shape, generator=generator))
        return Pair(drawn[0].reshape(-1, HORIZON, COLUMNS), drawn[1].reshape(-1, TOKENS, CHANNELS))

    def measure(self, pairs):
        """Return how far pairs are from the distribution; see `Scores`."""
        modes, numbers, lost = [], [], []
        for part, centres, line in zip(pairs, self.centres, self.lines, strict=True):
            flat = part.flatten(1)
            away = flat[:, None] - centres
            along = (away @ line)[..., None] * line
            distance = (away - along).square().mean(-1).sqrt()
            nearest = distance.argmin(1)
            modes.append(nearest)
            numbers.append((away @ line).gather(1, nearest[:, None])[:, 0])
            lost.append((distance.amin(1) > 5 * BLUR).float().mean())
        table = torch.bincount(modes[0] * MODES + modes[1], minlength=MODES**2) / len(modes[0])
        table = table.reshape(MODES, MODES)
        return Scores(
            action_modes=_variation(table.sum(1), TABLE.sum(1)),
            vision_modes=_variation(table.sum(0), TABLE.sum(0)),
            pairs=_variation(table, TABLE),
            correlation=torch.corrcoef(torch.stack(numbers))[0, 1].item(),
            action_lost=lost[0].item(),
            vision_lost=lost[1].item(),
        )


class Scores(NamedTuple):
    """What a set of pairs looks like.

    Attributes:
        action_modes: total variation between the frequencies of the action modes and the true ones.
        vision_modes: the same for vision.
        pairs: the same for the table of pairs; 0.55 if the two were independent.
        correlation: of z as read from actions and from vision; 0.998 in truth.
        action_lost: share of actions farther from every mode than 5 times the blur.
        vision_lost: the same for vision.
    """

    action_modes: float
    vision_modes: float
    pairs: float
    correlation: float
    action_lost: float
    vision_lost: float


def train(architecture, *, seed, steps, problem):
    """Train a micro head; return it."""
    torch.manual_seed(seed)
    head = build_head(_model(architecture), horizon=HORIZON)
    learner = Learner(head).train()
    optimizer_config = OptimizerConfig(learning_rate=2e-3)
    optimizer = build_optimizer(learner, optimizer_config)
    generator = torch.Generator().manual_seed(seed)
    noise = NoiseConfig()
    for step in range(steps):
        example = _example(problem.draw(BATCH, generator), head)
        drawn = draw(
            noise,
            [seed_of(seed, step, row) for row in range(BATCH)],
            action_shape=(HORIZON, COLUMNS),
            world_shape=head.world_shape,
            joint=head.config.architecture.joint_noise,
        )
        noisy = noisy_of(noise, example, drawn)
        output = learner(example, noisy, drawn.keeps_state)
        losses_of(output, example, noisy, Counts.of(noisy)).total(LossConfig()).backward()
        nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        set_rate(optimizer, rate_at(optimizer_config, step, steps=steps))
        optimizer.step()
        optimizer.zero_grad()
    return head.eval().requires_grad_(False)


def sample(head, action_steps, vision_steps, *, count=2000):
    """Draw pairs from a head."""
    features, state = torch.zeros(1, 1, head.config.width), torch.zeros(1, COLUMNS)
    plan = Plan(action_steps, vision_steps)
    noise = draw_noise(head, range(1_000_000, 1_000_000 + count))
    return Pair(*Sampler(head).sample(features, state, noise, plan))


def _model(architecture):
    return ModelConfig(
        vision_language=VisionLanguageConfig(
            image_size=56, vision_width=CHANNELS, vision_heads=2, feature_width=32
        ),
        head=HeadConfig(
            architecture=architecture,
            heads=4,
            head_dim=8,
            dual_blocks=4,
            stream_blocks=2,
            output_width=32,
            state_dim=COLUMNS,
            action_dim=COLUMNS,
            dropout=0.0,
        ),
    )


def _example(pair, head):
    count = len(pair.action)
    return Example(
        hidden=torch.zeros(count, 1, head.config.width),
        mask=torch.ones(count, 1, dtype=torch.bool),
        state=torch.zeros(count, COLUMNS),
        actions=pair.action,
        action_mask=torch.ones(pair.action.shape, dtype=torch.bool),
        embedding=pair.vision,
        slot=torch.zeros(count, dtype=torch.int64),
    )


def _signs(generator, width):
    """Return MODES rows of signs, any two of which differ in at least a third of the places."""
    while True:
        rows = torch.randint(0, 2, (MODES, width), generator=generator).float() * 2 - 1
        overlap = (rows @ rows.T / width).fill_diagonal_(0).abs().max()
        if overlap <= 0.34:
            return rows


def _unit(generator, width):
    line = torch.randn(width, generator=generator)
    return line / line.norm()


def _variation(first, second):
    return (first - second).abs().sum().item() / 2


def plans(architecture):
    """Return the (N_A, N_o) that an architecture can sample with; 0 is policy mode."""
    together = [(4, 4), (16, 16)]
    return together if architecture.joint_noise else [*together, (4, 16), (4, 64), (4, 0)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--architectures", nargs="+", default=[a for a in Architecture][:4])
    options = parser.parse_args()
    torch.set_num_threads(1)
    problem = Problem()
    truth = problem.measure(problem.draw(2000, torch.Generator().manual_seed(1)))
    print("| architecture | N_A, N_o |", " | ".join(Scores._fields), "|")
    print("|---" * (2 + len(Scores._fields)) + "|")
    print("| truth | |", " | ".join(f"{value:.3f}" for value in truth), "|")
    for architecture in map(Architecture, options.architectures):
        heads = [
            train(architecture, seed=seed, steps=options.steps, problem=problem)
            for seed in range(options.seeds)
        ]
        for plan in plans(architecture):
            scores = torch.tensor([problem.measure(sample(head, *plan)) for head in heads])
            spans = zip(scores.mean(0), scores.amin(0), scores.amax(0), strict=True)
            cells = (f"{mean:.3f} ({low:.3f} to {high:.3f})" for mean, low, high in spans)
            print(f"| {architecture} | {plan[0]}, {plan[1]} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
