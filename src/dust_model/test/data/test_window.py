import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_model.data.window import Window


@given(
    length=st.integers(1, 40),
    horizon=st.integers(1, 20),
    stride=st.integers(1, 4),
    where=st.floats(0, 1, exclude_max=True),
    absolute=st.lists(st.booleans(), min_size=1, max_size=3),
    learn_end=st.booleans(),
)
def test_a_chunk_is_what_a_walk_through_the_episode_gives(
    length, horizon, stride, where, absolute, learn_end
):
    columns = len(absolute)
    actions = np.random.default_rng(length).normal(size=(length, columns)).astype(np.float32)
    moment = int(where * length)
    window = Window(horizon=horizon, stride=stride, learn_end=learn_end)
    chunk, mask = window.chunk(actions, moment, np.array(absolute))
    assert chunk.dtype == np.float32
    assert chunk.shape == mask.shape == (horizon, columns)
    now, seen = moment, actions[moment]
    for step in range(horizon):
        ended = now > length - 1
        for column in range(columns):
            held = actions[length - 1, column] if absolute[column] else 0.0
            assert chunk[step, column] == (held if ended else seen[column])
            assert mask[step, column] == (not ended or learn_end)
        now += stride
        seen = actions[now] if now < length else None
    assert window.future(moment, length) == min(now, length - 1)


def test_the_first_action_is_always_demonstrated():
    window = Window(horizon=16)
    for moment in range(3):
        _, mask = window.chunk(np.zeros((3, 8), np.float32), moment, np.ones(8, bool))
        assert mask.all(1).sum() == 3 - moment


@pytest.mark.parametrize(
    ("fps", "period", "stride"), [(15, 1 / 15, 1), (30, 1 / 15, 2), (29.97, 1 / 29.97, 1)]
)
def test_the_stride_follows_from_the_rates(fps, period, stride):
    assert Window.at_rate(fps, period=period, horizon=4).stride == stride


@pytest.mark.parametrize("fps", [10, 20, 7.5])
def test_rates_that_do_not_divide_are_refused(fps):
    with pytest.raises(ValueError, match=rf"has {fps:g} frames/s and the robot acts at 15 Hz"):
        Window.at_rate(fps, period=1 / 15, horizon=4)


@pytest.mark.parametrize(
    ("fps", "ahead"), [(5, 5), (15, 16), (30, 32), (10, 11), (29.97, 32), (0.5, 1)]
)
def test_the_future_of_videos_is_the_nearest_frame(fps, ahead):
    window = Window.of_videos(fps, period=1 / 15, horizon=16)
    assert window.future(0, 1000) == ahead
    assert window.future(0, 3) == min(ahead, 2)


def test_a_future_within_the_same_frame_is_refused():
    with pytest.raises(ValueError, match=r"has 0\.4 frames/s: too few"):
        Window.of_videos(0.4, period=1 / 15, horizon=16)


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="horizon must be >= 1, got 0"):
        Window(horizon=0)
    with pytest.raises(ValueError, match="stride must be >= 1, got 0"):
        Window(horizon=1, stride=0)
