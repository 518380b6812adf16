"""A node of the test that talks to the programs under test. Needs ROS 2."""

import gc
import time
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import rclpy
from rcl_interfaces.srv import GetParameters
from rclpy.action import ActionClient
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile

T = TypeVar("T")

POLL_SEC = 0.02

_UNKNOWN = "_NODE_NAME_UNKNOWN_"  # what rmw says of a node that it has not heard of yet

_ANSWER_SEC = 2.0  # after which an answer counts as lost
_LOADING_SEC = 120.0  # within which every node answers, on a busy machine too


class Probe:
    """A node that is spun while the test waits: polling instead of sleeping.

    Args:
        domain_id: ROS domain to join.
        context: Where the node lives; without it, a new context. The process's default context
            suits tests that make a node of their own which takes no context.
    """

    patience_sec: ClassVar[float] = 30.0
    """How long it waits for what must come, where the test does not say."""

    def __init__(self, domain_id: int, *, context: Context | None = None) -> None:
        self.context = context or Context()
        rclpy.init(context=self.context, domain_id=domain_id)
        self.node = Node("probe", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)

    def spin_until(self, condition: Callable[[], T], *, timeout_sec: float | None = None) -> T:
        """Spin until the condition holds or the time is up; return its last value."""
        patience = self.patience_sec if timeout_sec is None else timeout_sec
        deadline = time.monotonic() + patience
        while not (value := condition()) and time.monotonic() < deadline:
            self.executor.spin_once(timeout_sec=POLL_SEC)
        return value

    def wait(self, condition: Callable[[], T], *, timeout_sec: float | None = None) -> T:
        """Spin until the condition holds and return its value; fail when the time is up."""
        value = self.spin_until(condition, timeout_sec=timeout_sec)
        assert value, f"waited in vain; {self.situation()}"
        return value

    def situation(self) -> str:
        """Say what helps to understand why something did not come."""
        return f"visible nodes: {self.node.get_node_names()}"

    def spin(self, seconds: float) -> None:
        """Spin for a while."""
        self.spin_until(lambda: False, timeout_sec=seconds)

    def listen(self, kind: type[T], topic: str, qos: QoSProfile | int = 10) -> list[T]:
        """Subscribe; return the list that the messages go to."""
        messages: list[T] = []
        self.node.create_subscription(kind, topic, messages.append, qos)
        return messages

    def call(self, kind: Any, name: str, **fields: Any) -> Any:
        """Call a service and return its response."""
        client = self.node.create_client(kind, name)
        self.wait(client.service_is_ready)
        self.meet_server(name)
        future = client.call_async(kind.Request(**fields))
        self.wait(future.done)
        self.node.destroy_client(client)
        return future.result()

    def meet_server(self, service: str) -> None:
        """Wait until whoever offers a service knows all clients that this node has made so far.

        A request may overtake the news of its client, and a server that does not know where to
        answer gives up after 100 ms: the answer is lost. Such news arrive in order; so a server
        that answers a client made now knows those made before. Any node answers about parameters,
        and that can be asked as often as it takes; one that is loading a checkpoint takes long.
        """
        owner = self.wait(lambda: self._owner(self.node.resolve_service_name(service)))
        answered = False
        deadline = time.monotonic() + _LOADING_SEC
        while not answered:
            assert time.monotonic() < deadline, f"{owner} does not answer; {self.situation()}"
            client = self.node.create_client(GetParameters, f"{owner}/get_parameters")
            if self.spin_until(client.service_is_ready):
                future = client.call_async(GetParameters.Request())
                answered = self.spin_until(future.done, timeout_sec=_ANSWER_SEC)
            self.node.destroy_client(client)

    def _owner(self, service: str) -> str:
        """Return the full name of the node that offers a service; empty while it is not known."""
        # Not by asking each node: of several with one name only the first would answer, even if
        # it was killed a moment ago.
        requests = f"rq{service}Request"
        known = self.node.get_subscriptions_info_by_topic(requests, no_mangle=True)
        names = (f"{end.node_namespace.rstrip('/')}/{end.node_name}" for end in known)
        return next((name for name in names if _UNKNOWN not in name), "")

    def close(self) -> None:
        """Leave the domain."""
        self.executor.shutdown()
        # A test that has failed still holds its action clients: each would keep the participant.
        for action in [row for row in self.node.waitables if isinstance(row, ActionClient)]:
            action.destroy()
        self.node.destroy_node()
        # Without a context, rclpy also forgets its default one: the next test gets a new one.
        default = self.context is rclpy.get_default_context()
        rclpy.shutdown(context=None if default else self.context)
        # Until its participant is gone, this process keeps the ended nodes' shared memory open.
        self.context.destroy()
        del self.executor, self.node, self.context
        gc.collect()
