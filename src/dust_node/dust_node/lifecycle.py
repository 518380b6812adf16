"""The one lifecycle shape of all DUST nodes: setup, start, stop, teardown."""

from collections.abc import Callable
from typing import Any, ClassVar

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from dust_node.errors import UserError
from dust_node.parameters import Parameter, Value, declare

AUTOSTART = Parameter(
    "autostart", True, "Configure and activate at start; false leaves that to a lifecycle manager."
)
"""Every node has it."""


class DustNode(LifecycleNode):
    """A lifecycle node with checked parameters.

    A subclass sets `parameters` and writes four hooks: `setup` makes publishers, subscriptions,
    threads and loads models; `start` and `stop` switch the node's effect on and off; `teardown`
    releases what `setup` made. Whatever `setup` or `start` raises fails the transition; a
    `UserError` is kept in `failure`, so that `dust_node.run` can print it and exit.

    Attributes:
        values: Checked parameter values by name.
        active: Whether the node is between `start` and `stop`.
        failure: What failed the last transition, if anything.
    """

    parameters: ClassVar[tuple[Parameter, ...]] = ()

    def __init__(self, name: str, **options: Any) -> None:
        self.values: dict[str, Value] = {}
        self.active = False
        self.failure: Exception | None = None
        self._is_set_up = False
        self._is_started = False
        super().__init__(name, **options)
        self._guard_transitions()
        self.values = declare(self, (AUTOSTART, *self.parameters))

    def setup(self) -> None:
        """Make what the node needs; nothing has an effect yet."""

    def start(self) -> None:
        """Let the node have its effect."""

    def stop(self) -> None:
        """End the node's effect; `start` may follow. Called also after a `start` that failed."""

    def wind_down(self) -> bool:
        """End what is under way, before the program ends; called until it returns True.

        ROS still works meanwhile, and others can still be told. It gets a second at most.
        """
        return True

    def teardown(self) -> None:
        """Release what `setup` made. Called also after a `setup` that failed half-way."""

    def autostart(self) -> None:
        """Configure and activate, if the parameter `autostart` says so.

        Raises:
            Exception: What the hooks raised.
        """
        if not self.values["autostart"]:
            return
        for transition in (self.trigger_configure, self.trigger_activate):
            if transition() != TransitionCallbackReturn.SUCCESS:
                raise self.failure or RuntimeError(f"{self.get_name()} could not be started")

    def close(self) -> None:
        """Stop and tear down, whatever state the node is in."""
        if self._is_started:
            self.active = self._is_started = False
            self._attempt(self.stop)
        if self._is_set_up:
            self._attempt(self.teardown)
            self._is_set_up = False

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run `setup`; on failure release what it had made."""
        self._is_set_up = True
        if self._attempt(self.setup):
            return TransitionCallbackReturn.SUCCESS
        failure = self.failure
        self._attempt(self.teardown)
        self._is_set_up = False
        self.failure = failure
        return TransitionCallbackReturn.FAILURE

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run `start`; on failure end what it had begun."""
        # Set before: what interrupts `start` half-way leaves threads that must not go on.
        self._is_started = True
        if not self._attempt(self.start):
            failure = self.failure
            self._attempt(self.stop)
            self._is_started = False
            self.failure = failure
            return TransitionCallbackReturn.FAILURE
        super().on_activate(state)
        self.active = True
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run `stop`."""
        self.active = self._is_started = False
        super().on_deactivate(state)
        return self._result(self._attempt(self.stop))

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run `teardown`."""
        self._is_set_up = False
        return self._result(self._attempt(self.teardown))

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and tear down from any state."""
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def _guard_transitions(self) -> None:
        """Let the service refuse a transition that does not fit, where rclpy's ends the node."""
        for service in self.services:
            if service.srv_name.endswith("/change_state"):
                service.callback = self._refusing(service.callback)

    def _refusing(self, change: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def answer(request: Any, response: Any) -> Any:
            try:
                return change(request, response)
            except Exception as error:
                # rcl's text ends with the place in its sources.
                reason = str(error).splitlines()[0].partition(", at /")[0]
                asked = request.transition.label or f"number {request.transition.id}"
                self.get_logger().error(f"transition {asked} refused: {reason}")
                response.success = False
                return response

        return answer

    def _attempt(self, hook: Callable[[], None]) -> bool:
        # rclpy swallows what a transition raises; keep it, and say it unless run() will.
        self.failure = None
        try:
            hook()
        except Exception as error:
            self.failure = error
            if not isinstance(error, UserError):
                self.get_logger().error(f"{hook.__name__} failed: {error!r}")
            return False
        return True

    @staticmethod
    def _result(success: bool) -> TransitionCallbackReturn:
        return TransitionCallbackReturn.SUCCESS if success else TransitionCallbackReturn.FAILURE
