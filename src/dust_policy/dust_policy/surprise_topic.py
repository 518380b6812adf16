"""Topic `surprise`: scores as they come, and what is to be done about them."""

from pathlib import Path
from typing import Any

from rclpy.node import Node

from dust_msgs.msg import Surprise
from dust_node import qos
from dust_policy import messages
from dust_policy.calibration import Thresholds
from dust_policy.sampler import Observation
from dust_policy.session import Session
from dust_policy.settings import Settings


class SurpriseTopic:
    """Compare what was predicted with what perception sees, and publish the scores.

    Attributes:
        threshold: Threshold of the newest score; NaN: not calibrated.
    """

    def __init__(self, node: Node, thresholds: Thresholds, *, view: str) -> None:
        """Make the publisher.

        Args:
            node: Node that publishes.
            thresholds: Scores above them count.
            view: Name of the primary view.
        """
        self._node = node
        self._thresholds = thresholds
        self._view = view
        self._publisher = node.create_publisher(Surprise, "surprise", qos.RELIABLE)
        self.threshold = float("nan")

    def see(self, session: Session, observation: Observation) -> str:
        """Score what is due; return why it is a surprise, an empty text if it is none.

        Raises:
            ValueError: Perception's embedding has another shape than the predicted ones.
        """
        if observation.embedding is None:
            return ""
        reason = ""
        for comparison in session.watch.see(observation.stamp_ns, observation.embedding):
            prediction = comparison.prediction
            self.threshold = self._thresholds.of(prediction.vision_steps)
            surprised = session.alarm.hear(comparison.score, self.threshold)
            session.surprise = comparison.score
            message = messages.surprise_message(
                comparison,
                task_id=session.task.task_id,
                view=self._view,
                threshold=self.threshold,
                surprised=surprised,
            )
            self._publisher.publish(message)
            if surprised:
                reason = (
                    f"surprised: what the cameras show differs by {comparison.score:.3f} from what "
                    f"chunk {prediction.sequence} predicted (threshold {self.threshold:.3f})"
                )
        return reason

    def close(self) -> None:
        """Take the publisher away."""
        publisher: Any = self._publisher
        self._node.destroy_publisher(publisher)


def read_thresholds(settings: Settings, fingerprint: str) -> Thresholds:
    """Return the thresholds that the parameters name; none at all if they name none.

    Raises:
        ValueError: The calibration can't be read or belongs to another checkpoint; or there is no
            threshold, but a task should be paused or ended by one.
    """
    if settings.surprise_threshold > 0:
        return Thresholds({0: settings.surprise_threshold})
    if not settings.surprise_calibration:
        if settings.surprise_action in ("pause", "end"):
            raise ValueError(
                f"surprise.action is {settings.surprise_action}, but there is no threshold: give "
                "surprise.calibration (dust-calibrate-surprise writes it) or surprise.threshold"
            )
        return Thresholds()
    path = Path(settings.surprise_calibration).expanduser()
    thresholds = Thresholds.load(path)
    if thresholds.checkpoint not in ("", fingerprint):
        raise ValueError(
            f"{path} was made for checkpoint {thresholds.checkpoint}, this is {fingerprint}: run "
            "dust-calibrate-surprise with bags of this one"
        )
    return thresholds
