"""Parameters of a node: described, checked against range and choices, unknown names refused.

A node lists its parameters once as `Parameter` rows; `declare` turns them into ROS parameters with
descriptors, so that `ros2 param describe` shows what the YAML's comments say.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from dust_node.errors import UserError

Value = bool | int | float | str | list[bool] | list[int] | list[float] | list[str]
"""What a parameter may hold."""

# Declared by rclpy itself; a YAML file may set them.
_BUILT_IN = ("use_sim_time", "start_type_description_service")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a node.

    Attributes:
        name: Name in YAML; dots make groups.
        default: Value when nothing is given; its type is the parameter's type.
        description: What it does, in one sentence.
        unit: Unit such as s, Hz, rad; empty for none.
        low: Smallest value (of each element of a list), inclusive.
        high: Largest value (of each element of a list), inclusive.
        choices: Allowed texts; empty allows any.
        read_only: True when it takes effect at start only.
    """

    name: str
    default: Value
    description: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    read_only: bool = True

    def check(self, value: object) -> Value:
        """Return the value in the parameter's type.

        Raises:
            UserError: Wrong type, out of range or not among the choices.
        """
        if isinstance(self.default, list):
            return self._check_list(value)
        return self._check_scalar(value, self.default)

    def range_text(self) -> str:
        """Return range and unit as one text, such as `0 to 10 s`."""
        bounds = ""
        if self.choices:
            bounds = "one of " + ", ".join(self.choices)
        elif self.low is not None and self.high is not None:
            bounds = f"{_number(self.low)} to {_number(self.high)}"
        elif self.low is not None:
            bounds = f"at least {_number(self.low)}"
        elif self.high is not None:
            bounds = f"at most {_number(self.high)}"
        return f"{bounds} {self.unit}".strip()

    def _check_list(self, value: object) -> Value:
        assert isinstance(self.default, list)
        if not isinstance(value, list | tuple) and not hasattr(value, "tolist"):
            raise UserError(f"parameter '{self.name}' must be a list, is {value!r}")
        sample = self.default[0] if self.default else ""
        elements = list(value) if isinstance(value, list | tuple) else value.tolist()
        return [self._check_scalar(element, sample) for element in elements]  # type: ignore[return-value]

    def _check_scalar(self, value: object, sample: object) -> bool | int | float | str:
        # YAML writes 15 where 15.0 is meant; the other way round would lose digits.
        if isinstance(sample, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not type(sample):
            # YAML reads on and off as booleans.
            hint = " (put it in quotes)" if isinstance(sample, str) else ""
            raise UserError(
                f"parameter '{self.name}' must be of type {type(sample).__name__}, "
                f"is {value!r}{hint}"
            )
        self._check_range(value)
        return value  # type: ignore[return-value]

    def _check_range(self, value: object) -> None:
        if self.choices and value not in self.choices:
            raise UserError(
                f"parameter '{self.name}' is '{value}'; allowed: {', '.join(self.choices)}"
            )
        if isinstance(value, bool | str):
            return
        below = self.low is not None and not value >= self.low  # type: ignore[operator]
        above = self.high is not None and not value <= self.high  # type: ignore[operator]
        if below or above:
            raise UserError(f"parameter '{self.name}' is {value}; allowed: {self.range_text()}")


def declare(node: Node, parameters: Iterable[Parameter]) -> dict[str, Value]:
    """Declare the parameters on the node and return their checked values by name.

    Values set while the node runs are checked in the same way and appear in the same dictionary.

    Raises:
        UserError: A value is wrong, or the YAML or command line names a parameter that is unknown.
    """
    rows = {parameter.name: parameter for parameter in parameters}
    overrides = dict(node._parameter_overrides)
    _refuse_unknown(node.get_name(), rows, overrides)
    values: dict[str, Value] = {}
    for name, row in rows.items():
        given = overrides[name].value if name in overrides else row.default
        # The checked value goes in, so that an integer in YAML becomes the float that was declared.
        values[name] = row.check(given)
        node.declare_parameter(name, values[name], _descriptor(row), ignore_override=True)
    node.add_on_set_parameters_callback(lambda changes: _accept(changes, rows, values))
    return values


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:g}"


def _refuse_unknown(
    node_name: str, rows: Mapping[str, Parameter], overrides: Mapping[str, RosParameter]
) -> None:
    for name in overrides:
        # qos_overrides.* are declared by rclpy when a publisher asks for them.
        if name in rows or name in _BUILT_IN or name.startswith("qos_overrides."):
            continue
        near = get_close_matches(name, rows, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"it has: {', '.join(sorted(rows))}"
        raise UserError(f"node {node_name} has no parameter '{name}'; {hint}")


def _descriptor(row: Parameter) -> ParameterDescriptor:
    text = row.range_text()
    descriptor = ParameterDescriptor(
        name=row.name,
        description=row.description + (f" [{text}]" if text else ""),
        read_only=row.read_only,
    )
    if isinstance(row.default, bool | str | list) or row.low is None or row.high is None:
        return descriptor
    if isinstance(row.default, int):
        bounds = IntegerRange(from_value=int(row.low), to_value=int(row.high), step=1)
        descriptor.integer_range = [bounds]
    else:
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=float(row.low), to_value=float(row.high))
        ]
    return descriptor


def _accept(
    changes: list[RosParameter], rows: Mapping[str, Parameter], values: dict[str, Value]
) -> SetParametersResult:
    checked: dict[str, Value] = {}
    try:
        for change in changes:
            if change.name in rows:
                checked[change.name] = rows[change.name].check(change.value)
    except UserError as error:
        return SetParametersResult(successful=False, reason=str(error))
    values.update(checked)
    return SetParametersResult(successful=True)
