"""Program: the keyboard as a joystick. Publishes sensor_msgs/Joy from the terminal it runs in.

ros2 run dust_demos keyboard, or python -m dust_demos.teleop.keyboard
"""

import sys
import time
from collections.abc import Callable, Sequence

import rclpy
from rclpy.context import Context
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Joy
from std_msgs.msg import String
from std_srvs.srv import Trigger

from dust_demos.teleop.keys import HELP, Decoder, Keyboard
from dust_demos.teleop.recorder_words import RecorderWords
from dust_demos.teleop.terminal import Terminal
from dust_node.interrupts import interruptible
from dust_node.qos import LATCHED, RELIABLE

RATE = 30.0
"""Messages per second. Unit: Hz."""


class KeyboardNode(Node):
    """Publishes the keyboard's state; shows what the operator is told.

    Args:
        keyboard: The keys' state.
        show: Called with each line for the operator.
        context: ROS context; the default one when None.
    """

    def __init__(
        self, keyboard: Keyboard, show: Callable[[str], None], *, context: Context | None = None
    ) -> None:
        super().__init__("dust_keyboard", context=context)
        self._keyboard = keyboard
        self._publisher = self.create_publisher(Joy, "joy", RELIABLE)
        self._show = show
        self._recorder = RecorderWords()
        self._executor_rearm = self.create_client(Trigger, "dust_executor/rearm")
        self.create_subscription(String, "teleop/status", self._on_status, LATCHED)
        self.create_subscription(String, "dust_recorder/status", self._on_recorder, LATCHED)

    def publish(self, now: float) -> None:
        """Publish the axes and buttons at a time, s."""
        message = Joy(axes=self._keyboard.axes(now), buttons=self._keyboard.buttons(now))
        message.header.stamp = self.get_clock().now().to_msg()
        self._publisher.publish(message)

    def flush(self) -> None:
        """Wait until what was published has arrived, for a moment at most."""
        self._publisher.wait_for_all_acked(Duration(seconds=0.2))

    def rearm(self) -> None:
        """Rearm the executor; the answer is shown when it comes."""
        if not self._executor_rearm.service_is_ready():
            self._show(f"nobody offers {self._executor_rearm.srv_name}")
            return
        self._executor_rearm.call_async(Trigger.Request()).add_done_callback(
            lambda answer: self._show(answer.result().message or "the executor is rearmed")
        )

    def _on_status(self, message: String) -> None:
        self._show(message.data)

    def _on_recorder(self, message: String) -> None:
        for line in self._recorder.lines(message.data):
            self._show(line)


def drive(
    terminal: Terminal,
    *,
    context: Context | None = None,
    alive: Callable[[], bool] = lambda: True,
) -> None:
    """Publish the keys of a terminal until Ctrl-D, or until the terminal is gone.

    Args:
        terminal: It must be open.
        context: ROS context; the default one when None.
        alive: Whether to go on; asked again and again.
    """
    decoder, keyboard = Decoder(), Keyboard()
    node = KeyboardNode(keyboard, terminal.say, context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    terminal.say(HELP)
    try:
        while alive() and not keyboard.done and (typed := terminal.read(1 / RATE)) is not None:
            now = time.monotonic()
            for key in decoder.feed(typed):
                if key == "?":
                    terminal.say(HELP)
                elif key == "e":
                    node.rearm()
                keyboard.press(key, now)
            node.publish(now)
            executor.spin_once(timeout_sec=0)
            terminal.status(keyboard.line())
        keyboard.press("space", time.monotonic())
        node.publish(time.monotonic())
        node.flush()
    finally:
        executor.remove_node(node)
        node.destroy_node()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    try:
        terminal = Terminal()
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    try:
        with interruptible():
            words = list(sys.argv if arguments is None else arguments)
            rclpy.init(args=words, signal_handler_options=SignalHandlerOptions.NO)
            with terminal:
                drive(terminal)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
