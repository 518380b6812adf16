"""Rates, ages, latencies and states of a node on /diagnostics."""

from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from dust_node.clock import beat, nanoseconds
from dust_node.meters import LatencyMeter, RateMeter

Level = tuple[bytes, str]
"""Level of a DiagnosticStatus and its message."""

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


class Monitor:
    """Collect what a node measures about itself and publish it on /diagnostics.

    It may be fed from any thread; `publish` runs in the node's.

    Args:
        node: Node that publishes.
        assess: Returns level and message of the node's state; called at each publication.
        period_sec: Time between publications.
    """

    def __init__(self, node: Node, assess: Callable[[], Level], *, period_sec: float = 1.0) -> None:
        self._node = node
        self._assess = assess
        self._rates: dict[str, RateMeter] = {}
        self._latencies: dict[str, LatencyMeter] = {}
        self._values: dict[str, str] = {}
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._timer = beat(node, period_sec, self.publish)

    def tick(self, name: str) -> None:
        """Count one event of the stream `name`."""
        meter = self._rates.get(name) or self._rates.setdefault(name, RateMeter())
        meter.tick(self._now_sec())

    def observe(self, name: str, seconds: float) -> None:
        """Note a duration of the stage `name`. Unit: s."""
        meter = self._latencies.get(name) or self._latencies.setdefault(name, LatencyMeter())
        meter.observe(seconds)

    def set(self, name: str, value: object) -> None:
        """Show a value under `name`."""
        self._values[name] = str(value)

    def publish(self) -> None:
        """Publish one DiagnosticArray with one status for the node."""
        level, message = self._assess()
        status = DiagnosticStatus(
            level=level,
            name=self._node.get_fully_qualified_name().lstrip("/"),
            message=message,
            hardware_id="dust",
            values=[KeyValue(key=key, value=value) for key, value in self._rows()],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)

    def close(self) -> None:
        """Stop publishing."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._publisher)

    def _rows(self) -> list[tuple[str, str]]:
        now = self._now_sec()
        rates = list(self._rates.items())
        rows = [(f"{name} [Hz]", f"{meter.rate(now):.2f}") for name, meter in rates]
        rows += [(f"{name} count", str(meter.count)) for name, meter in rates]
        rows += [(f"{name} age [s]", f"{meter.age(now):.3f}") for name, meter in rates]
        for name, meter in list(self._latencies.items()):
            p50, p95, p99 = meter.percentiles()
            rows.append(
                (f"{name} p50/p95/p99 [ms]", f"{p50 * 1e3:.1f}/{p95 * 1e3:.1f}/{p99 * 1e3:.1f}")
            )
        return rows + list(self._values.items())

    def _now_sec(self) -> float:
        return nanoseconds(self._node.get_clock()) * 1e-9
