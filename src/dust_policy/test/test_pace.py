"""Fixed or by the time that there is."""

import math

from dust_policy.pace import Pace, Powers
from dust_policy.sampler import Steps
from dust_policy.schedule import Budget, Rules
from dust_policy.step_times import Cost

RULES = Rules(span=1.0, reach=0.9, comfort=0.9, interval=1 / 15)
REST = Budget(age=0.05, remaining=math.inf, lead=0.1)
BUSY = Budget(age=0.05, remaining=0.16, lead=0.1)


class User:
    """Changes the parameters while the node runs."""

    def __init__(self) -> None:
        self.steps = Steps(4, 16)

    def __call__(self) -> Steps:
        """Return what is wanted now."""
        return self.steps


def pace(user: User, *, auto: bool, powers: Powers | None = None) -> Pace:
    """Make one that knows what chunks take."""
    made = Pace(user, RULES, powers or Powers(), auto=auto)
    for vision in (0, 4, 8, 16):
        made.times.learn(Cost(4, vision), 0.01 + 0.002 * vision)
    return made


def test_fixed_is_what_the_user_wants_whatever_the_time() -> None:
    user = User()
    fixed = pace(user, auto=False)
    assert fixed.choose(BUSY, continued=False) == Steps(4, 16)
    assert fixed.choices() == (Steps(4, 16),)
    user.steps = Steps(2, 2)
    assert fixed.choose(BUSY, continued=False) == Steps(2, 2)
    assert fixed.held == 0


def test_auto_takes_what_fits_up_to_what_the_user_wants() -> None:
    user = User()
    auto = pace(user, auto=True)
    assert auto.choices() == tuple(Steps(4, vision) for vision in (0, 4, 8, 16))
    assert auto.choose(REST, continued=False) == Steps(4, 16)
    assert auto.choose(BUSY, continued=False) == Steps(4, 4)
    user.steps = Steps(4, 8)
    assert auto.choose(REST, continued=False) == Steps(4, 8)


def test_a_task_begins_anew() -> None:
    auto = pace(User(), auto=True)
    auto.choose(BUSY, continued=False)
    auto.choose(Budget(age=2.0, remaining=0.5, lead=0.1), continued=False)
    assert auto.held == 1
    auto.begin()
    assert auto.held == 0
    assert auto.choose(REST, continued=False) == Steps(4, 16)


def test_heads_choose_among_what_they_can() -> None:
    blind = pace(User(), auto=True, powers=Powers(predicts_vision=False))
    assert blind.choose(REST, continued=False) == Steps(4, 0)
    joint = pace(User(), auto=True, powers=Powers(joint_noise=True))
    assert joint.choose(BUSY, continued=False) == Steps(4, 4)


def test_fixed_takes_no_vision_steps_where_there_are_none() -> None:
    blind = pace(User(), auto=False, powers=Powers(predicts_vision=False))
    assert blind.choices() == (Steps(4, 0),)
    assert blind.choose(REST, continued=False) == Steps(4, 0)
    joint, user = User(), User()
    user.steps = joint.steps = Steps(4, 4)
    assert pace(joint, auto=False, powers=Powers(joint_noise=True)).choices() == (Steps(4, 4),)


def test_what_sampling_takes_can_be_given_instead_of_measured() -> None:
    given = Pace(User(), RULES, Powers(), auto=False, expected=0.0)
    given.times.learn(Cost(4, 16), 0.5)
    assert given.predict(Cost(4, 16)) == 0.0
    assert pace(User(), auto=False).predict(Cost(4, 16)) > 0.0
