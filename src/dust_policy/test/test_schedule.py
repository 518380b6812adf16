"""Vision steps by the time that there is; a simulated arm under a load that comes and goes."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_policy.schedule import Budget, Rules, Schedule, ladder
from dust_policy.step_times import Cost, StepTimes

PERIOD = 1 / 15
RULES = Rules(
    span=1.0, reach=13 * PERIOD, comfort=13 * PERIOD, interval=PERIOD, margin=0.03, surge=4.0
)
RUNGS = ladder(4, 64)
REST = Budget(age=0.06, remaining=math.inf, lead=0.1)


def times(vision: int) -> float:
    """Return durations as size tiny has them on a CPU."""
    return 0.010 + 0.0028 * max(4, vision) - 0.001 * (vision == 0)


def choose(schedule: Schedule, budget: Budget, slowness: float = 1.0) -> int | None:
    """Choose with durations `slowness` times as long."""
    return schedule.choose(
        budget, lambda vision: slowness * times(vision), hope=slowness * times(0)
    )


def schedule() -> Schedule:
    """Make one that may take up to 64 steps."""
    return Schedule(RUNGS, 4, RULES)


@pytest.mark.parametrize(
    ("steps", "bound", "powers", "expected"),
    [
        (4, 64, {}, (0, 4, 8, 16, 32, 64)),
        (4, 4, {}, (0, 4)),
        (4, 30, {}, (0, 4, 8, 16)),
        (1, 1024, {}, (0, 1, 2, 4, 8, 16)),
        (4, 0, {}, (0,)),
        (4, 64, {"predicts_vision": False}, (0,)),
        (4, 64, {"joint_noise": True}, (4,)),
    ],
)
def test_rungs(steps: int, bound: int, powers: dict[str, bool], expected: tuple[int, ...]) -> None:
    assert ladder(steps, bound, **powers) == expected


def test_it_begins_with_as_many_steps_as_fit() -> None:
    assert choose(schedule(), REST) == 32
    assert choose(schedule(), REST, slowness=2.0) == 16
    assert choose(schedule(), REST, slowness=60.0) == 0


def test_going_down_is_immediate_and_going_up_takes_patience() -> None:
    chosen = schedule()
    assert choose(chosen, Budget(0.06, 0.8, 0.1)) == 32
    assert choose(chosen, Budget(0.06, 0.25, 0.1)) == 4
    after = [choose(chosen, Budget(0.06, 0.8, 0.1)) for _ in range(16)]
    assert after == [4] * 4 + [8] * 5 + [16] * 5 + [32] * 2


def test_one_bad_moment_starts_the_patience_anew() -> None:
    chosen = schedule()
    choose(chosen, Budget(0.06, 0.25, 0.1))
    for remaining in (0.8, 0.8, 0.8, 0.8, 0.25, 0.8, 0.8, 0.8, 0.8):
        assert choose(chosen, Budget(0.06, remaining, 0.1)) == 4
    assert choose(chosen, Budget(0.06, 0.8, 0.1)) == 8


def test_under_pressure_it_goes_down_to_policy_mode_and_then_holds() -> None:
    chosen = schedule()
    assert choose(chosen, Budget(0.06, 0.17, 0.1)) == 4
    assert choose(chosen, Budget(0.06, 0.14, 0.1)) == 0
    assert choose(chosen, Budget(0.8, 0.14, 0.1)) is None
    assert chosen.held == 1


def test_at_rest_it_tries_even_what_may_be_too_late() -> None:
    """Else it would never learn that the load has gone."""
    assert choose(schedule(), Budget(0.8, math.inf, 0.1)) == 0


def test_many_steps_stay_within_what_the_prefix_lasts() -> None:
    short = Schedule(RUNGS, 4, replace(RULES, comfort=0.19))
    assert choose(short, REST) == 4
    assert choose(Schedule(RUNGS, 4, replace(RULES, comfort=0.2)), REST) == 8


@given(
    age=st.floats(0, 1.5),
    remaining=st.floats(0, 2) | st.just(math.inf),
    lead=st.floats(0, 0.5),
    slowness=st.floats(1, 20),
)
def test_whatever_is_chosen_keeps_the_rules(
    age: float, remaining: float, lead: float, slowness: float
) -> None:
    vision = choose(schedule(), Budget(age, remaining, lead), slowness)
    if vision is None:
        assert age + slowness * times(0) + lead > RULES.reach
    elif vision > 0:
        assert age + slowness * times(vision) + lead <= RULES.reach
        assert slowness * times(vision) + lead + RULES.margin <= remaining
    if vision is not None and vision > 4:
        assert RULES.surge * slowness * times(vision) + lead + RULES.margin <= remaining


Load = Callable[[float], float]
"""Time -> how many times longer everything takes."""


@dataclass
class Arm:
    """An arm, a camera and a policy in simulated time: chunks as long as sampling takes.

    Attributes:
        cost: Undisturbed duration of a chunk by its vision steps.
        load: Slowness at each time.
        underruns: How often the actions ran out while chunks were being made.
        rejected: Chunks that came too late for the executor.
        chosen: When which vision steps were taken.
    """

    cost: Callable[[int], float]
    load: Load
    lead: float = 0.1
    age: float = 0.06
    underruns: int = 0
    rejected: int = 0
    chosen: list[tuple[float, int | None]] = field(default_factory=list)

    def run(self, seconds: float, steps: Callable[[Budget], int | None], note: Callable) -> None:
        """Sample from the newest image, one chunk after the other."""
        now, action_end, sampled = 0.0, math.nan, -1
        while now < seconds:
            image = math.floor((now - self.age) / PERIOD)
            if image <= sampled:
                now = (sampled + 1) * PERIOD + self.age + 1e-9
                continue
            sampled, stamp = image, image * PERIOD
            rest = not now < action_end
            remaining = math.inf if rest else action_end - now
            vision = steps(Budget(now - stamp, remaining, self.lead))
            self.chosen.append((now, vision))
            if vision is None:
                continue
            now, began = self._sampled(now, vision), now
            note(vision, now - began)
            splice = now + self.lead
            if splice + 2 * PERIOD > stamp + 1.0:
                self.rejected += 1  # too few actions are left
                continue
            if splice > action_end:
                self.underruns += 1
            action_end = stamp + 1.0

    def _sampled(self, now: float, vision: int) -> float:
        """Return when a chunk is done that is begun now."""
        work, tick = self.cost(vision), 0.005
        while work > 0:
            work -= tick / self.load(now)
            now += tick
        return now


def run_fixed(
    cost: Callable[[int], float], load: Load, *, seconds: float = 20.0, lead: float = 0.1
) -> Arm:
    """Run with four steps, come what may."""
    arm = Arm(cost, load, lead)
    arm.run(seconds, lambda _: 4, lambda *_: None)
    return arm


def run_auto(
    cost: Callable[[int], float], load: Load, *, bound: int = 64, seconds: float = 20.0
) -> Arm:
    """Run with the schedule, rehearsed without load."""
    rungs = ladder(4, bound)
    arm, plan, step_times = Arm(cost, load), Schedule(rungs, 4, RULES), StepTimes()
    for vision in rungs:
        step_times.learn(Cost(4, vision), cost(vision))

    def steps(budget: Budget) -> int | None:
        quickest = step_times.hope(Cost(4, 0))
        return plan.choose(budget, lambda n: step_times.predict(Cost(4, n)), hope=quickest)

    arm.run(seconds, steps, lambda vision, took: step_times.add(Cost(4, vision), took))
    return arm


def blocks(changes: list[tuple[float, float]]) -> Load:
    """Return a load that holds each slowness for some time, then begins anew."""
    whole = sum(seconds for seconds, _ in changes)

    def load(now: float) -> float:
        now %= whole
        for seconds, slowness in changes:
            if now < seconds:
                return slowness
            now -= seconds
        return 1.0

    return load


def test_a_load_that_comes_and_goes() -> None:
    arm = run_auto(times, blocks([(5.0, 1.0), (5.0, 4.0)]))
    assert arm.underruns == run_fixed(times, arm.load).underruns == 0
    taken = {
        phase: [vision for now, vision in arm.chosen if now // 5 == phase and now % 5 > 2.5]
        for phase in range(4)
    }
    assert set(taken[0]) == set(taken[2]) == {32}
    assert max(vision or 0 for vision in taken[1] + taken[3]) <= 8


def test_a_load_that_nothing_withstands_ends_in_policy_mode_and_it_comes_back() -> None:
    arm = run_auto(times, blocks([(3.0, 1.0), (6.0, 50.0)]), bound=16)
    assert {vision for now, vision in arm.chosen if 7 < now < 9} == {0}
    assert [vision for now, vision in arm.chosen if 9 < now < 12][-1] == 16
    assert arm.underruns <= run_fixed(times, arm.load).underruns


@settings(max_examples=40, deadline=None)
@given(
    base=st.floats(0.005, 0.12),
    step=st.floats(0.0005, 0.02),
    changes=st.lists(
        st.tuples(st.floats(0.1, 4.0), st.floats(1.0, RULES.surge)), min_size=1, max_size=5
    ),
)
def test_no_underrun_that_a_fixed_four_would_not_have_had(
    base: float, step: float, changes: list[tuple[float, float]]
) -> None:
    def cost(vision: int) -> float:
        return base + step * max(4, vision) * (1.0 if vision else 0.9)

    load = blocks(changes)
    # Where four steps get through by the luck of when an image comes, nothing can be promised.
    spare = run_fixed(cost, load, seconds=10.0, lead=0.1 + PERIOD)
    if spare.underruns == spare.rejected == 0:
        assert run_auto(cost, load, seconds=10.0).underruns == 0
