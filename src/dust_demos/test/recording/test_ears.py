"""What the recorder hears, in order: messages as the middleware hands them over."""

from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from dust_demos.recording.ears import Ears
from dust_demos.recording.middleware import InOrder, Numbers

MS = 1_000_000
NOW = 100_000 * MS


def ear(name: str, *received_ms: int) -> Any:
    """Return a subscription whose messages wait, numbered in the order of their publication."""
    waiting = deque(
        (
            f"{name}{number}".encode(),
            {
                "received_timestamp": NOW + time * MS,
                "source_timestamp": NOW,
                "publication_sequence_number": number,
            },
        )
        for number, time in enumerate(received_ms, start=1)
    )
    return SimpleNamespace(
        source=name,
        numbers=Numbers(),
        order=InOrder(),
        take=lambda: waiting.popleft() if waiting else None,
    )


def heard(*ears: Any) -> list[str]:
    """Return the messages in the order in which the recorder takes them."""
    lost: list[tuple[str, int]] = []
    all_ears = Ears(None, [], lambda source, count: lost.append((source, count)))
    all_ears._ears = {str(index): one for index, one in enumerate(ears)}
    arrivals = all_ears.poll(NOW + 100 * MS, NOW + 100 * MS, is_simulated=False)
    assert not lost
    return [arrival.data.decode() for arrival in arrivals]


def test_topics_are_mixed_as_they_came():
    assert heard(ear("a", 1, 30), ear("b", 2, 20)) == ["a1", "b1", "b2", "a2"]


def test_a_message_that_was_sent_again_stays_before_the_next_one():
    assert heard(ear("image", 10, 40, 20, 50), ear("joints", 30)) == [
        "image1",
        "joints1",
        "image2",
        "image3",
        "image4",
    ]
