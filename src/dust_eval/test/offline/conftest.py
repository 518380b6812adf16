"""A world in which everything is known: images say where to go, an exact policy can read them.

The goal's first joint is in the side view, its second in the wrist view, its third follows from the
instruction. The demonstrator goes there from home at constant speed, closes the gripper, comes back
and opens it.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from dust_eval.offline.evidence import gather
from dust_eval.offline.moments import choose_moments
from dust_model.data.sample import Sample

HORIZON = 8
SPEED = 0.02  # rad per period
REACH = 0.4  # rad: largest goal
INSTRUCTIONS = ("to the left", "to the right")
JOINTS = tuple(f"joint{i}" for i in range(1, 8))


def shade(value):
    """Return the pixel that stands for an angle in +- REACH."""
    return round(255 * (value / REACH + 1) / 2)


def angle(image):
    return (image.mean() / 255 * 2 - 1) * REACH


def goal_of(views, instruction):
    goal = np.zeros(7)
    goal[0], goal[1] = angle(views["side"]), angle(views["wrist"])
    goal[2] = 0.3 if instruction == INSTRUCTIONS[0] else -0.3
    return goal


def follow(state, goal, count):
    """Return the actions of the demonstrator from a state on [count, 8]: where it is next."""
    joints, gripper = state[:7].copy(), state[7]
    rows = []
    for _ in range(count):
        aim = goal if gripper > 0.5 else np.zeros(7)
        gap = aim - joints
        size = np.abs(gap).max()
        if size < 1e-5:
            gripper = 1.0 - gripper
        else:
            joints = joints + gap * min(1.0, SPEED / size)
        rows.append(np.append(joints, gripper))
    return np.array(rows)


@dataclass
class World:
    """Episodes in memory; see the module's head."""

    episodes: list
    reads: int = 0

    @property
    def lengths(self):
        return [len(rows) for _, _, rows in self.episodes]

    def states(self, episode):
        return self.episodes[episode][2]

    def actions(self, episode):
        views, instruction, rows = self.episodes[episode]
        ahead = follow(rows[-1], goal_of(views, instruction), 1)
        return np.concatenate([rows[1:], ahead])

    def read(self, episode, start, stop):
        self.reads += 1
        views, instruction, rows = self.episodes[episode]
        actions = self.actions(episode)
        return [
            Sample(
                views=views,
                state=rows[t].astype(np.float32),
                actions=actions[t : t + HORIZON].astype(np.float32),
                action_mask=np.ones((len(actions[t : t + HORIZON]), 8), np.bool_),
                instruction=instruction,
            )
            for t in range(start, stop)
        ]


def make_world(count=12, *, pause=0, seed=0):
    random = np.random.default_rng(seed)
    home = np.append(np.zeros(7), 1.0)
    episodes = []
    for number in range(count):
        side, wrist = random.choice([-1, 1], 2) * random.uniform(0.2, REACH, 2)
        views = {
            "wrist": np.full((4, 6, 3), shade(wrist), np.uint8),
            "side": np.full((4, 6, 3), shade(side), np.uint8),
        }
        instruction = INSTRUCTIONS[number % 2]
        rows = follow(home, goal_of(views, instruction), 60)
        episodes.append((views, instruction, np.concatenate([[home] * (1 + pause), rows])))
    return World(episodes)


class Exact:
    """Does what the demonstrator does, from what it sees."""

    def predict(self, views, state, instruction, *, seeds):
        goal = goal_of(views, instruction)
        return np.stack([self.chunk(goal, state, seed) for seed in seeds])

    def chunk(self, goal, state, seed):
        return follow(state, goal, HORIZON)


@pytest.fixture(scope="session")
def world():
    return make_world()


@pytest.fixture
def judge_policy(world):
    """Return a function that gathers the evidence on a policy."""

    def gathered(policy, *, episodes=world, count=40, **settings):
        moments = choose_moments(
            episodes, episodes, horizon=HORIZON, count=count, shift=3, **settings
        )
        return gather(policy, moments, period=1 / 15, joint_names=JOINTS)

    return gathered


@pytest.fixture(scope="session")
def exact():
    return Exact


@pytest.fixture(scope="session")
def new_world():
    return make_world


@pytest.fixture(scope="session")
def demonstrator():
    return follow
