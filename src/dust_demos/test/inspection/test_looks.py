from dataclasses import replace

import numpy as np

from dust_demos.inspection.looks import check_film, check_first_pictures


def small(seed):
    return np.random.default_rng(seed).uniform(20, 230, (9, 16))


def test_black_and_even_pictures(make_episode, collect):
    views = {"wrist": np.full((9, 16), 3.0), "side": np.full((9, 16), 90.0), "top": small(0)}
    found = list(check_first_pictures(collect(make_episode(thumbnails=views))))
    assert [row.text for row in found] == [
        "view wrist begins with a picture that is black",
        "view side begins with a picture that is even",
    ]


def test_swapped_views_are_seen_beside_other_episodes(make_episode, collect):
    noise = np.random.default_rng(9)
    episodes = [
        make_episode(
            str(i),
            thumbnails={
                "wrist": small(1) + noise.normal(0, 5, (9, 16)),
                "side": small(2) + noise.normal(0, 5, (9, 16)),
            },
        )
        for i in range(5)
    ]
    assert list(check_first_pictures(collect(*episodes))) == []
    views = episodes[3].thumbnails
    swapped = {"wrist": views["side"], "side": views["wrist"]}
    episodes[3] = replace(episodes[3], thumbnails=swapped)
    (found,) = check_first_pictures(collect(*episodes))
    assert found.episode == "3"
    assert "side and wrist look swapped" in found.text


def test_a_camera_that_stopped(make_episode):
    still = np.zeros((4, 4, 3), np.uint8)
    film = {"wrist": [still, still.copy()], "side": [still, still + 1], "top": [still]}
    (found,) = check_film(make_episode(), film)
    assert found.text == "all shown pictures of view wrist are the same"
