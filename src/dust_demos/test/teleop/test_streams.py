"""A device that falls silent is noticed once, and its return too."""

from dust_demos.teleop.streams import Stream

NS = 1_000_000_000


def test_silence_is_told_once_and_the_return_is_noticed():
    stream = Stream("/joy", 0.5)
    assert not stream.lost(0)
    assert stream.take(0)
    assert not stream.take(NS // 4)
    assert stream.is_fresh(NS // 2)
    assert not stream.lost(NS // 2)
    assert stream.lost(NS)
    assert not stream.lost(2 * NS)
    assert stream.take(3 * NS)
    assert stream.is_fresh(3 * NS)


def test_a_device_that_is_silent_when_still_is_lost_only_while_it_asks_for_motion():
    stream = Stream("/spacenav/joy", 0.5, silent_when_still=True)
    stream.take(0, still=True)
    assert not stream.lost(10 * NS)
    stream.take(10 * NS, still=False)
    assert stream.lost(11 * NS)


def test_motion_ends_before_the_device_counts_as_lost():
    stream = Stream("/joy", 0.5)
    stream.take(0, still=False)
    assert stream.is_recent(NS // 6)
    assert not stream.is_recent(NS // 4)
    assert stream.is_fresh(NS // 4)


def test_a_device_that_never_came_is_not_lost():
    assert not Stream("/joy", 0.5).is_fresh(0)
    assert not Stream("/joy", 0.5).lost(100 * NS)
