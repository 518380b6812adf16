"""Tells recorders when a trial begins and ends, on the topic `episode`."""

from __future__ import annotations

from rclpy.node import Node

from dust_eval.trial import TrialResult
from dust_msgs.msg import Episode
from dust_node.qos import LATCHED

_OUTCOMES = {1.0: Episode.SUCCESS, 0.5: Episode.HALF, 0.0: Episode.FAILURE}


class EpisodeTopic:
    """Publishes start and end of trials.

    Args:
        node: Node that publishes.
        operator: Who or what drives the arm, as the recorder will note it.
    """

    def __init__(self, node: Node, *, operator: str) -> None:
        self._node = node
        self._publisher = node.create_publisher(Episode, "episode", LATCHED)
        self.operator = operator

    def begin(self, episode_id: str, instruction: str) -> None:
        """Say that an episode begins."""
        self._publish(Episode(event=Episode.START, episode_id=episode_id, instruction=instruction))

    def end(self, episode_id: str, instruction: str, result: TrialResult | None) -> None:
        """Say that an episode is over; without a result it is thrown away."""
        outcome = Episode.DISCARDED if result is None else _OUTCOMES[result.score]
        note = "" if result is None else f"{result.failure}: {result.reason}"
        self._publish(
            Episode(
                event=Episode.END,
                episode_id=episode_id,
                instruction=instruction,
                outcome=outcome,
                note=note,
            )
        )

    def _publish(self, message: Episode) -> None:
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.operator_name = self.operator
        self._publisher.publish(message)
