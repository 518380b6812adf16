"""Tests of dust_eval.probe with a node that publishes what a graph would."""

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from trajectory_msgs.msg import JointTrajectory

from dust_eval.probe import Probe as GraphProbe
from dust_msgs.msg import ActionChunk, CellState, ExecutorState


@pytest.fixture
def graph_probe(probe):
    return GraphProbe(probe.node)


def publish_until(probe, publishers, condition):
    """Publish again and again until the condition holds: discovery takes its time."""

    def step():
        for publisher, message in publishers:
            publisher.publish(message)
        return condition()

    assert probe.spin_until(step)


def test_images_are_counted_over_cameras_and_nodes(probe, graph_probe):
    publisher = probe.node.create_publisher(DiagnosticArray, "/diagnostics", 10)

    def status(name, **counts):
        values = [KeyValue(key=f"{key} count", value=str(value)) for key, value in counts.items()]
        values.append(KeyValue(key="mode", value="fine"))
        return DiagnosticStatus(name=name, values=values)

    sent = status("lab/dust_sim", **{"wrist images": 40, "side images": 41, "chunks": 7})
    received = status("lab/dust_perception", **{"wrist images": 40, "side images": 39})
    message = DiagnosticArray(status=[sent, received])
    publish_until(probe, [(publisher, message)], lambda: graph_probe.totals() == (81, 79))


def test_without_diagnostics_it_says_so(graph_probe):
    with pytest.raises(TimeoutError, match="no diagnostics"):
        graph_probe.image_counts(timeout_sec=0.2)


def test_without_chunks_there_is_no_report(graph_probe):
    with pytest.raises(ValueError, match="no chunk reached the arm"):
        graph_probe.report()


def test_a_report_has_rates_and_latencies(probe, graph_probe):
    node = probe.node
    chunks = node.create_publisher(ActionChunk, "action_chunk", 10)
    trajectories = node.create_publisher(JointTrajectory, "fr3_arm_controller/joint_trajectory", 10)
    cells = node.create_publisher(CellState, "dust_sim/cell_state", 10)
    states = node.create_publisher(ExecutorState, "executor_state", 10)
    sent = {"count": 0}

    def step():
        sent["count"] += 1
        chunk = ActionChunk(sequence=sent["count"])
        past = node.get_clock().now().nanoseconds - 100_000_000
        chunk.header.stamp.sec, chunk.header.stamp.nanosec = divmod(past, 10**9)
        chunks.publish(chunk)
        probe.spin(0.02)
        trajectories.publish(JointTrajectory())
        cells.publish(CellState(real_time_factor=0.98))
        states.publish(ExecutorState(accepted=sent["count"], rejected=1))
        probe.spin(0.02)
        try:
            return graph_probe.report().accepted >= 10
        except ValueError:
            return False

    assert probe.spin_until(step)
    report = graph_probe.report()
    assert report.chunk_rate > 2
    assert 0.1 <= report.latency_p50 <= report.latency_p95 < 2
    assert report.real_time_factor == pytest.approx(0.98)
    assert report.rejected == 1
    assert graph_probe.chunks >= 10
    assert report.with_images(10, 9).frames_lost == 1
    assert any("0.980" in line for line in report.lines())
