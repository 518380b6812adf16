from dataclasses import replace

import numpy as np
import pytest

from dust_demos.conversion.faults import EpisodeFault, Gate
from dust_demos.conversion.mapping import Gates, Mapping
from dust_demos.conversion.rows import make_rows
from dust_demos.conversion.take import Frames, Take
from dust_demos.conversion.tracks import Samples, StepSamples
from dust_demos.recording.facts import EpisodeFacts

NS, MS = 10**9, 10**6
BASE = 1_700_000_000 * NS


def frames(seconds):
    stamps = BASE + np.round(np.asarray(seconds) * NS).astype(np.int64)
    return Frames("/cam", stamps, np.arange(len(stamps)) * 10)


def samples(hz, function, seconds=4.0, start=0.0):
    t = start + np.arange(int(seconds * hz)) / hz
    values = np.array([np.atleast_1d(function(x)) for x in t], np.float64)
    return Samples("/js", BASE + np.round(t * NS).astype(np.int64), values)


def take(wrist=None, side=None, start=0.5, end=3.5, **changes):
    every = np.arange(60) / 15
    arm = samples(30, lambda t: [t] * 7)
    values = {
        "facts": EpisodeFacts(
            episode_id="a", start_ns=BASE + int(start * NS), end_ns=BASE + int(end * NS)
        ),
        "state": (arm, samples(30, lambda t: t / 4)),
        "action": (samples(30, lambda t: [t + 0.1] * 7), samples(30, lambda t: 1.0)),
        "frames": {
            "wrist": frames(every if wrist is None else wrist),
            "side": frames(every if side is None else side),
        },
    }
    return Take(**values | changes)


def rows(found, *, fps=15, trim=None, pause=None, **gates):
    return make_rows(found, Mapping(gates=Gates(**gates)), fps=fps, trim=trim, pause=pause)


def refused(found, *, trim=None, **gates):
    with pytest.raises(EpisodeFault) as caught:
        rows(found, trim=trim, **gates)
    assert "\n" not in str(caught.value)
    return caught.value.gate, str(caught.value)


def test_rows_lie_on_the_images_between_start_and_end():
    made = rows(take())
    seconds = (made.times - BASE) / NS
    np.testing.assert_allclose(seconds, np.arange(8, 53) / 15, atol=1e-9)
    assert made.images["wrist"].tolist() == [10 * i for i in range(8, 53)]
    np.testing.assert_allclose(made.state[:, 0], seconds, atol=1e-6)
    np.testing.assert_allclose(made.state[:, 7], seconds / 4, atol=1e-6)
    np.testing.assert_allclose(made.action[:, 0], seconds + 0.1, atol=1e-6)
    assert made.state.dtype == made.action.dtype == np.float32
    assert (made.skew, made.lag) == (0.0, 0.0)


def test_rows_i_to_i_plus_15_of_the_actions_are_the_chunk_of_row_i():
    made = rows(take())
    due = (made.times[5] - BASE) / NS + np.arange(16) / 15
    np.testing.assert_allclose(made.action[5:21, 0], due + 0.1, atol=1e-6)


def test_jitter_of_the_stamps_neither_repeats_nor_skips_an_image():
    random = np.random.default_rng(1)
    every = np.arange(60) / 15
    shaken = every + random.uniform(-0.008, 0.008, 60)
    made = rows(take(shaken, shaken + 0.001))
    assert (np.diff(made.images["wrist"]) == 10).all()
    assert (np.diff(made.images["side"]) == 10).all()
    assert made.lag < 0.02


def test_cameras_that_take_turns_are_paired_with_the_least_skew():
    every = np.arange(60) / 15
    made = rows(take(every, every + 0.010))
    assert made.skew == pytest.approx(0.010)
    # The newest image of the set is the side's: rows lie on its stamps.
    np.testing.assert_allclose((made.times[0] - BASE) / NS, every[8] + 0.010, atol=1e-6)
    np.testing.assert_array_equal(made.images["wrist"], made.images["side"])


def test_of_faster_cameras_the_newest_image_at_each_row_is_taken():
    made = rows(take(np.arange(120) / 30, np.arange(240) / 60))
    assert (np.diff(made.images["wrist"]) == 20).all()
    assert (np.diff(made.images["side"]) == 40).all()
    assert made.lag == pytest.approx(0, abs=1e-6)


def test_a_slow_camera_repeats_its_image():
    made = rows(take(np.arange(40) / 10, np.arange(40) / 10))
    steps = np.diff(made.images["wrist"])
    assert set(steps.tolist()) == {0, 10}
    assert made.lag < 0.1


def test_episodes_begin_when_every_number_is_known():
    late = (samples(30, lambda t: [t] * 7, start=0.62), samples(30, lambda t: 0.5))
    made = rows(take(state=late))
    assert made.times[0] >= BASE + int(0.62 * NS)


def test_before_its_first_command_the_gripper_keeps_its_opening():
    told = StepSamples("/g", BASE + np.array([2 * NS]), np.array([[0.0]]))
    action = (samples(30, lambda t: [t] * 7), told)
    opened = (samples(30, lambda t: [t] * 7), samples(30, lambda t: 0.9))
    made = rows(take(action=action, state=opened))
    before = made.times < BASE + 2 * NS
    np.testing.assert_allclose(made.action[before, 7], 0.9, atol=1e-6)
    assert not made.action[~before, 7].any()


def test_standing_still_is_trimmed_at_either_end():
    still = lambda t: [np.clip(t, 1.5, 2.5)] * 7  # noqa: E731
    moving = take(action=(samples(30, still), samples(30, lambda t: 1.0)))
    assert len(rows(moving)) == 45
    made = rows(moving, trim=0.2)
    seconds = (made.times - BASE) / NS
    assert seconds[0] == pytest.approx(1.5 + 1 / 15 - 0.2, abs=0.07)
    assert seconds[-1] == pytest.approx(2.5 + 0.2, abs=0.07)
    assert len(rows(moving, trim=10.0)) == 45
    gate, text = refused(
        take(action=(samples(30, lambda t: [1.0] * 7), samples(30, lambda t: 1.0))), trim=0.5
    )
    assert (gate, text) == (Gate.LENGTH, "no command moves anything")


def test_the_grippers_motion_counts_too():
    grip = samples(30, lambda t: float(t < 2.0))
    moving = take(
        action=(samples(30, lambda t: [0.0] * 7), StepSamples("/g", grip.times, grip.values))
    )
    made = rows(moving, trim=0.6)
    assert (made.times[0] - BASE) / NS == pytest.approx(1.4, abs=0.07)
    assert (made.times[-1] - BASE) / NS == pytest.approx(2.6, abs=0.07)


def test_pauses_are_shortened_and_motions_stay():
    # Moves, stands still from 1.5 s to 3 s, moves on.
    arm = samples(30, lambda t: [min(t, 1.5) + max(t - 3.0, 0.0)] * 7)
    paused = take(state=(arm, samples(30, lambda t: 1.0)), action=(arm, samples(30, lambda t: 1.0)))
    whole, made = rows(paused), rows(paused, pause=0.2)
    alike = np.isclose(whole.state[:, 0], 1.5, atol=1e-6)
    still = np.flatnonzero(alike)
    left = np.setdiff1d(np.arange(len(whole)), still[3:])
    assert len(still) == 23
    np.testing.assert_array_equal(made.times, whole.times[left])
    np.testing.assert_array_equal(made.action, whole.action[left])
    np.testing.assert_array_equal(made.images["wrist"], whole.images["wrist"][left])
    assert len(rows(paused, pause=2.0)) == len(whole)


@pytest.mark.parametrize("moves", ["state", "action"])
def test_a_moving_gripper_is_no_pause(moves):
    still = samples(30, lambda t: [1.0] * 7)
    grip = samples(30, lambda t: t / 4)
    parts = {
        "state": (still, samples(30, lambda t: 1.0)),
        "action": (still, samples(30, lambda t: 1.0)),
    }
    parts[moves] = (still, grip)
    assert len(rows(take(**parts), pause=0.1)) == 45


def test_silence_is_refused_with_place_and_length():
    js = samples(30, lambda t: [t] * 7)
    keep = (js.times < BASE + 2 * NS) | (js.times > BASE + int(2.4 * NS))
    silent = Samples("/js", js.times[keep], js.values[keep])
    gate, text = refused(take(state=(silent, silent)))
    assert gate is Gate.GAP
    assert "/js is silent for 0.467 s, the limit is 0.200 s, 1.5 s after the start" in text
    rows(take(state=(silent, samples(30, lambda t: 0.5))), max_gap=0.5)


def test_topics_that_come_late_or_end_early_are_refused():
    late = samples(30, lambda t: [t] * 7, start=1.0)
    gate, text = refused(take(action=(late, samples(30, lambda t: 1.0))))
    assert (gate, text) == (Gate.GAP, "/js begins 0.500 s after the episode's start")
    early = samples(30, lambda t: [t] * 7, seconds=3.0)
    gate, text = refused(take(state=(early, early)))
    assert gate is Gate.GAP
    assert text == "/js ends 0.533 s before the episode's end"


def test_cameras_that_stop_or_are_apart_are_refused():
    every = np.arange(60) / 15
    gate, text = refused(take(every, every[:40]))
    assert gate is Gate.GAP
    assert text.startswith("camera side: newest image is 0.2")
    assert "after the start" in text
    slow = np.arange(12) / 3
    gate, text = refused(take(slow, slow + 0.15), max_age=1.0)
    assert gate is Gate.SKEW
    limit = "the limit is 0.080 s, at the start"
    assert text == f"camera side: 0.183 s behind the newest camera, {limit}"
    gate, text = refused(take(every[every > 2], every))
    assert gate is Gate.GAP
    assert "camera wrist: no image at the start" in text


def test_short_episodes_and_reversed_ones_are_refused():
    gate, text = refused(take(start=0.5, end=1.2))
    assert gate is Gate.LENGTH
    assert text == "only 0.73 s are left, the limit is 1.00 s"
    gate, text = refused(take(start=2.0, end=1.0))
    assert (gate, text) == (Gate.CLOCK, "the clock jumps: END is stamped before START")


def test_limits_come_from_the_mapping():
    found = take(start=0.5, end=1.2)
    assert len(make_rows(found, replace(Mapping(), gates=Gates(min_length=0.1)), fps=15, trim=None))
