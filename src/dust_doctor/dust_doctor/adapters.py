"""Message packages that may not be here, and questions to nodes that may not answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from rcl_interfaces.srv import GetParameters
from rclpy.executors import Executor
from rclpy.node import Node

from dust_doctor.evidence import Controller

ANSWER_SEC = 2.0
"""Longest wait for an answer. Unit: s."""

_STRING, _DOUBLE = 4, 3  # rcl_interfaces/ParameterType


def franka_state() -> Any:
    """Return franka_msgs/FrankaRobotState; None where franka_msgs is not installed."""
    return _optional("franka_msgs.msg", "FrankaRobotState")


def ask_controllers(node: Node, executor: Executor) -> tuple[Controller, ...] | None:
    """Ask the controller manager for its controllers; None where none answers or can be asked."""
    kind = _optional("controller_manager_msgs.srv", "ListControllers")
    if kind is None:
        return None
    answer = _ask(node, executor, kind, "controller_manager/list_controllers", kind.Request())
    return None if answer is None else to_controllers(answer)


def to_controllers(answer: Any) -> tuple[Controller, ...]:
    """Return the controllers of a ListControllers response."""
    return tuple(
        Controller(row.name, row.state, tuple(row.claimed_interfaces)) for row in answer.controller
    )


def ask_parameters(
    node: Node, executor: Executor, wanted: Mapping[str, tuple[str, ...]]
) -> dict[str, str]:
    """Ask nodes for parameters; return `node.parameter` -> value as text, without those not set."""
    found: dict[str, str] = {}
    for name, parameters in wanted.items():
        request = GetParameters.Request(names=list(parameters))
        answer = _ask(node, executor, GetParameters, f"{name}/get_parameters", request)
        if answer is not None:
            pairs = zip(parameters, answer.values, strict=False)
            found |= {f"{name}.{key}": text for key, value in pairs if (text := to_text(value))}
    return found


def to_text(value: Any) -> str:
    """Return a rcl_interfaces/ParameterValue as text; empty for other types than text and float."""
    if value.type == _STRING:
        return str(value.string_value)
    return f"{value.double_value:g}" if value.type == _DOUBLE else ""


def _ask(node: Node, executor: Executor, kind: Any, name: str, request: Any) -> Any:
    """Return the answer; None where there is no such service, or it says nothing."""
    client = node.create_client(kind, name)
    try:
        if not client.service_is_ready():
            return None
        future = client.call_async(request)
        deadline = time.monotonic() + ANSWER_SEC
        while not future.done() and time.monotonic() < deadline:
            executor.spin_once(timeout_sec=0.05)
        return future.result() if future.done() else None
    finally:
        node.destroy_client(client)


def _optional(module: str, name: str) -> Any:
    try:
        return getattr(import_module(module), name)
    except ImportError:
        return None
