"""A ROS graph for the tests of this package: node programs in processes, a probe node here."""

import gc
import os
import signal
import subprocess
import sys
import time

import pytest


class Graph:
    """Starts node programs, talks to them through a probe node, ends them with SIGINT."""

    def __init__(self, domain):
        self.environment = {**os.environ, "ROS_DOMAIN_ID": str(domain), "PYTHONUNBUFFERED": "1"}
        import rclpy
        from rclpy.executors import SingleThreadedExecutor

        self.context = rclpy.context.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node("probe", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.processes = []

    def start(self, module, **parameters):
        """Start `python -m module` with parameters."""
        arguments = [f"{key}:={value}" for key, value in parameters.items()]
        command = [sys.executable, "-m", module, "--ros-args"]
        for argument in arguments:
            command += ["-p", argument]
        self.processes.append(
            subprocess.Popen(
                command,
                env=self.environment,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        )
        return self.processes[-1]

    def wait(self, condition, *, timeout=20.0):
        """Spin until the condition holds; fail when it does not in time."""
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, "timed out"
            for process in self.processes:
                assert process.poll() is None, process.communicate()[0]
            self.executor.spin_once(timeout_sec=0.05)

    def spin(self, seconds):
        """Spin for a while."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.executor.spin_once(timeout_sec=left)

    def listen(self, kind, topic, qos=10):
        """Subscribe; return the list that the messages go to."""
        messages = []
        self.node.create_subscription(kind, topic, messages.append, qos)
        return messages

    def call(self, kind, name, **fields):
        """Call a service and return its response."""
        client = self.node.create_client(kind, name)
        self.wait(client.service_is_ready)
        future = client.call_async(kind.Request(**fields))
        self.wait(future.done)
        self.node.destroy_client(client)
        return future.result()

    def send_goal(self, kind, name, **fields):
        """Send a goal; return its handle."""
        from rclpy.action import ActionClient

        client = ActionClient(self.node, kind, name)
        self.wait(client.server_is_ready)
        future = client.send_goal_async(kind.Goal(**fields))
        self.wait(future.done)
        return future.result()

    def result(self, handle, *, timeout=20.0):
        """Wait for a goal's end; return status and result."""
        future = handle.get_result_async()
        self.wait(future.done, timeout=timeout)
        return future.result().status, future.result().result

    def stop(self):
        """End all processes with SIGINT; return exit codes and outputs in order of start."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        ends = []
        for process in self.processes:
            try:
                output, _ = process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                output, _ = process.communicate()
            ends.append((process.returncode, output))
        self.processes = []
        return ends

    def close(self):
        """End everything."""
        self.stop()
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.shutdown()
        # Until its participant is gone, this process keeps the ended nodes' shared memory open.
        self.context.destroy()
        del self.executor, self.node, self.context
        gc.collect()


@pytest.fixture(scope="module")
def graph(ros_domain):
    pytest.importorskip("rclpy")
    it = Graph(ros_domain)
    yield it
    it.close()
