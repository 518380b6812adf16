"""An executor for nodes that stream: what streams is waited for, what is asked is looked after.

    streams   subscriptions, timers, guard conditions   one wait set, made once, woken at once
    the rest  services, clients, actions, events        looked at every BEAT_SEC, by rclpy

rclpy gathers everything that a node has for each wait, and waits once more after each callback: for
a node with thirty services, actions and clients that is woken eighty times a second, some 15 %
of its processor time.
"""

import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from inspect import iscoroutinefunction
from typing import Any

from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.executors import (
    ConditionReachedException,
    ExternalShutdownException,
    ShutdownException,
    SingleThreadedExecutor,
    TimeoutException,
)
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.node import Node
from rclpy.time_source import CLOCK_TOPIC
from rclpy.waitable import NumberOfEntities, Waitable

from dust_node.polled import Never

BEAT_SEC = 0.05
"""Longest time until a service, a client or an action is looked at. Unit: s."""

# Share of it after which a look comes together with what streams: that saves a wake-up.
_EARLY = 0.75

Work = Callable[[], Coroutine[Any, Any, None]]

# In the order in which rclpy counts them.
_ADDERS = {
    "subscription": "add_subscription",
    "guard_condition": "add_guard_condition",
    "timer": "add_timer",
    "client": "add_client",
    "service": "add_service",
}


def _is_not_reached() -> bool:
    return False


class StreamExecutor(SingleThreadedExecutor):
    """Runs callbacks in the thread that spins; streams first.

    One call of `spin_once` runs every stream that is ready. Their callbacks run whatever else of
    their callback group waits for an answer.

    Args:
        context: Context of its nodes; None: the default one.
    """

    def __init__(self, *, context: Context | None = None) -> None:
        self._streams: _Streams | None = None
        self._rest: _Rest | None = None
        # Anything could have been made or destroyed: see `wake`.
        self._stale = True
        self._looked_at = -BEAT_SEC
        super().__init__(context=context)

    def add_node(self, node: Node) -> bool:
        """Look after a node's callbacks; returns False when it does already."""
        self._stale = True
        return bool(super().add_node(node))

    def remove_node(self, node: Node) -> None:
        """Stop looking after a node's callbacks."""
        super().remove_node(node)
        self._release()

    def wake(self) -> None:
        """Note that a node made or destroyed something, from any thread."""
        self._stale = True
        super().wake()

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Stop; see rclpy."""
        self._release()
        return bool(super().shutdown(timeout_sec))

    def can_execute(self, entity: Any) -> bool:
        """Return whether rclpy shall look after an entity: not if it is a stream."""
        streams = self._streams
        return (streams is None or entity not in streams) and bool(super().can_execute(entity))

    def _spin_once_impl(
        self, timeout_sec: Any = None, wait_condition: Callable[[], bool] = _is_not_reached
    ) -> None:
        if self._is_shutdown or wait_condition():
            return
        self._check_context()
        if self._stale:
            self._gather()
        assert self._streams is not None
        timeout = getattr(timeout_sec, "timeout", timeout_sec)
        beat = max(0.0, self._looked_at + BEAT_SEC - time.monotonic())
        woken = self._streams.wait(beat if timeout is None or timeout < 0 else min(beat, timeout))
        if self._is_shutdown:
            return
        self._check_context()
        for entity, work in self._streams.ready(self):
            self._run(entity, work)
        now = time.monotonic()
        due = now >= self._looked_at + _EARLY * BEAT_SEC
        if due:
            self._looked_at = now
        if woken or (due and self._is_due()):
            self._run_rest()

    def _check_context(self) -> None:
        if not self._context.ok():
            raise ExternalShutdownException

    def _gather(self) -> None:
        self._release()
        # First, as anything may be made in another thread meanwhile.
        self._stale = False
        own = [guard for guard in (self._guard, self._sigint_gc) if guard is not None]
        nodes = self.get_nodes()
        self._streams = _Streams(self._context, nodes, own)
        self._rest = _Rest(self._context, nodes)

    def _release(self) -> None:
        self._stale = True
        for held in (self._streams, self._rest):
            if held is not None:
                held.close()
        self._streams = self._rest = None

    def _is_due(self) -> bool:
        # Coroutines that wait for something: Jazzy's rclpy asks them again and again, later ones
        # wake the executor.
        tasks = getattr(self, "_tasks", None)
        return bool(tasks) or self._rest is None or self._rest.is_ready()

    def _run_rest(self) -> None:
        """Let rclpy run what is ready of all that is no stream."""
        while True:
            try:
                task, _, _ = self.wait_for_ready_callbacks(0, None, _is_not_reached)
            except (TimeoutException, ShutdownException, ConditionReachedException):
                return
            task()
            if task.exception() is not None:
                raise task.exception()

    def _run(self, entity: Any, work: Work) -> None:
        if iscoroutinefunction(entity.callback):
            # It may have to wait for something: rclpy knows how.
            self.create_task(work)
            return
        with suppress(StopIteration):
            work().send(None)


class _WaitSet:
    """A wait set that is filled again and again with the same entities.

    Args:
        context: Context of the entities.
        entities: Lists of them by kind, as `_ADDERS` names the kinds.
        waitables: What is made of several entities.
    """

    def __init__(
        self, context: Context, entities: Mapping[str, list[Any]], waitables: Sequence[Any] = ()
    ) -> None:
        assert context.handle is not None
        self._held = ExitStack()
        self._held.enter_context(context.handle)
        self._entities = {kind: self._hold(rows) for kind, rows in entities.items()}
        self._waitables = self._hold(waitables)
        counts = NumberOfEntities(*(len(self._entities.get(kind, ())) for kind in _ADDERS))
        for waitable in self._waitables:
            counts += waitable.get_num_entities()
        self._events = counts.num_events
        self._set = _rclpy.WaitSet(
            counts.num_subscriptions,
            counts.num_guard_conditions,
            counts.num_timers,
            counts.num_clients,
            counts.num_services,
            counts.num_events,
            context.handle,
        )
        self._fill = [
            (getattr(self._set, _ADDERS[kind]), row.handle)
            for kind, rows in self._entities.items()
            for row in rows
        ]

    def close(self) -> None:
        """Let go of the entities: one that was destroyed meanwhile is gone only now."""
        self._held.close()

    def _wait(self, nanoseconds: int) -> None:
        self._set.clear_entities()
        for add, handle in self._fill:
            add(handle)
        for waitable in self._waitables:
            waitable.add_to_wait_set(self._set)
        self._set.wait(nanoseconds)

    def _hold(self, rows: Iterable[Any]) -> list[Any]:
        held = []
        for row in rows:
            with suppress(InvalidHandle):
                self._held.enter_context(row if isinstance(row, Waitable) else row.handle)
                held.append(row)
        return held


class _Streams(_WaitSet):
    """Subscriptions, timers and guard conditions, and the executor's own guard conditions."""

    def __init__(self, context: Context, nodes: Sequence[Node], own: Sequence[Any]) -> None:
        kinds: dict[str, list[Any]] = {
            "subscription": [row for node in nodes for row in node.subscriptions],
            "guard_condition": [row for node in nodes for row in node.guards],
            "timer": [row for node in nodes for row in node.timers],
        }
        kept = {
            kind: [row for row in rows if not isinstance(row.callback_group, Never)]
            for kind, rows in kinds.items()
        }
        self._all = {row for rows in kept.values() for row in rows}
        self._clocks = [row for row in kept["subscription"] if row.topic_name == CLOCK_TOPIC]
        self._own = len(own)
        kept["guard_condition"] += own
        super().__init__(context, kept)

    def __contains__(self, entity: Any) -> bool:
        return entity in self._all

    def wait(self, seconds: float) -> bool:
        """Wait until something is ready; return whether the executor itself was woken."""
        self._wait(round(seconds * 1e9))
        count = len(self._entities["guard_condition"])
        return any(
            self._set.is_ready("guard_condition", index)
            for index in range(count - self._own, count)
        )

    def ready(self, executor: Any) -> Iterator[tuple[Any, Work]]:
        """Yield what there is to run after a wait, one message for each subscription.

        Simulated time comes before each of them: a callback may have taken long, and a message that
        arrived meanwhile would seem to come from the future.

        Args:
            executor: Takes messages, timers and guard conditions.
        """
        takes = {
            "guard_condition": executor._take_guard_condition,
            "subscription": executor._take_subscription,
            "timer": executor._take_timer,
        }
        for kind, take in takes.items():
            for index, entity in enumerate(self._entities[kind]):
                if executor._streams is not self:
                    return  # a callback took a node away
                if entity not in self._all or not self._set.is_ready(kind, index):
                    continue
                # A timer that was cancelled meanwhile still looks ready in the wait set.
                if kind == "timer" and not entity.handle.is_timer_ready():
                    continue
                for clock in self._clocks:
                    if clock is not entity and (work := executor._take_subscription(clock)):
                        yield clock, work
                work = take(entity)
                if work is not None:
                    yield entity, work


class _Rest(_WaitSet):
    """Services, clients, actions and events."""

    def __init__(self, context: Context, nodes: Sequence[Node]) -> None:
        kinds: dict[str, list[Any]] = {
            "client": [row for node in nodes for row in node.clients],
            "service": [row for node in nodes for row in node.services],
        }
        super().__init__(context, kinds, [row for node in nodes for row in node.waitables])
        # To look at a guard condition is to reset it: leave that to rclpy.
        self._resets = any(row.get_num_entities().num_guard_conditions for row in self._waitables)

    def is_ready(self) -> bool:
        """Return whether rclpy would find anything to run."""
        if self._resets:
            return True
        self._wait(0)
        return any(self._set.get_ready_entities(kind) for kind in _ADDERS) or any(
            self._set.is_ready("event", index) for index in range(self._events)
        )
