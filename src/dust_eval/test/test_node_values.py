"""Parameter values of a node that is not started."""

import pytest

from dust_eval.node_values import node_values
from dust_node.errors import UserError
from dust_node.parameters import Parameter
from dust_start.graph import NodeSpec

ROWS = (
    Parameter("rate", 15.0, "Rate.", "Hz", 1.0, 100.0),
    Parameter("plan.lead", 0.08, "Lead.", "s", 0.0, 1.0),
    Parameter("plan.merge", "auto", "Merge.", choices=("auto", "blend")),
)


@pytest.fixture
def spec(tmp_path):
    """Return a function that describes a node with files of these texts and such arguments."""

    def make(*texts, namespace="", **parameters):
        files = []
        for number, text in enumerate(texts):
            files.append(tmp_path / f"{number}.yaml")
            files[-1].write_text(text)
        given = {name.replace("__", "."): value for name, value in parameters.items()}
        return NodeSpec(
            "node", "package", "node", namespace, parameter_files=tuple(files), parameters=given
        )

    return make


FIRST = "/**/node: {ros__parameters: {rate: 20, plan: {lead: 0.1}}}"


def test_arguments_count_more_than_files_and_files_more_than_defaults(spec):
    assert node_values(spec(), ROWS) == {"rate": 15.0, "plan.lead": 0.08, "plan.merge": "auto"}
    second = "/**: {node: {ros__parameters: {plan.lead: 0.2}}}"
    values = node_values(spec(FIRST, second, plan__merge="blend"), ROWS)
    assert values == {"rate": 20.0, "plan.lead": 0.2, "plan.merge": "blend"}
    assert isinstance(values["rate"], float)


def test_sections_of_other_nodes_and_namespaces_do_not_count(spec):
    other = "other: {ros__parameters: {rate: 30.0}}\n/lab/node: {ros__parameters: {rate: 40.0}}"
    assert node_values(spec(other), ROWS)["rate"] == 15.0
    assert node_values(spec(other, namespace="lab"), ROWS)["rate"] == 40.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/**/node: {ros__parameters: {rate: 0.5}}", "parameter 'rate' is 0.5; allowed: 1 to 100"),
        (
            "/**/node: {ros__parameters: {plan: {led: 0.1}}}",
            "0.yaml: node has no parameter 'plan.led'; did you mean 'plan.lead'?",
        ),
        ("/**/node: {rate: 20}", "must hold 'ros__parameters:'"),
        ("/**/node: {ros__parameters: {rate: [}}", "is not valid YAML"),
    ],
)
def test_what_a_node_refuses_is_refused(spec, text, message):
    with pytest.raises(UserError, match=message):
        node_values(spec(text), ROWS)
