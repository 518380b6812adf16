"""Tests of dust_eval.graph_check: what would only fail in the running graph is told before."""

import pytest

from dust_eval.driver import parse_driver
from dust_eval.graph_check import OWN, require_effect, require_free, require_graph

SIM = ["robot:=sim", "policy:=expert"]
DRIVES = ["robot:=fr3", "machine:=gpu", "policy:=dust"]


@pytest.fixture
def sim(tiny_checkpoint):
    """Return the arguments that seat a checkpoint in the cell."""
    return ["robot:=sim", *parse_driver(str(tiny_checkpoint)).seat]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("vision_steps:=5", "must be a multiple of action_steps"),
        ("vision_steps:=7000", "'vision_steps' is 7000; allowed"),
        ("vison_steps:=5", "unknown argument 'vison_steps'"),
        ("execute_actions:=-1", "'plan.execute_actions' is -1; allowed"),
    ],
)
def test_what_the_nodes_would_refuse_is_refused(sim, word, message):
    with pytest.raises(ValueError, match=message) as refused:
        require_graph([*sim, word])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("node", "parameters", "message"),
    [
        ("dust_perception", "views: [wrist, front]", "view 'front' is not among the checkpoint's"),
        ("dust_policy", "action_rate: 30.0", "was made for another robot"),
        ("dust_policy", "vison_steps: 4", "dust_policy has no parameter 'vison_steps'; did you"),
        ("dust_executor", "joint_names: [a, a]", "must name at least one joint, each only once"),
    ],
)
def test_a_parameter_file_that_does_not_fit_is_refused(sim, tmp_path, node, parameters, message):
    path = tmp_path / "mine.yaml"
    path.write_text(f"/**/{node}: {{ros__parameters: {{{parameters}}}}}\n")
    with pytest.raises(ValueError, match=message) as refused:
        require_graph([*sim, f"params_file:={path}"])
    assert "\n" not in str(refused.value)


def test_a_graph_without_a_policy_needs_no_checkpoint():
    require_graph(SIM)


@pytest.mark.parametrize(
    ("words", "idle"),
    [
        (SIM, "vision_steps:=4"),  # the expert's graph has no policy
        (SIM, "latency:=0.2"),  # a rehearsal's
        (SIM, "robot_ip:=1.2.3.4"),
        (DRIVES, "merge:=blend"),  # the executor runs elsewhere
    ],
)
def test_an_argument_that_changes_nothing_is_refused(words, idle):
    with pytest.raises(ValueError, match=f"{idle} changes nothing in what is started here"):
        require_effect(words, ["view:=on", idle])


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (SIM, ["merge:=blend", "dds:=system", "viewer:=auto"]),
        (SIM, ["viewer:=off"]),  # as it is anyway
        (DRIVES, ["vision_steps:=4", "wrist_serial:=7", "device:=cpu"]),
    ],
)
def test_an_argument_that_changes_something_is_not(words, given):
    require_effect(words, given)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["checkpoint:=x"], "checkpoint:=x: the program sets 'checkpoint' itself: give --check"),
        (["namespace:=lab"], "the program sets 'namespace' itself: leave it out"),
        (["merge:=a", "view:=on", "merge:=b"], "merge:=a and merge:=b: argument 'merge' is given"),
    ],
)
def test_what_the_program_decides_and_what_comes_twice_is_refused(words, message):
    require_free(words[1:], OWN)
    with pytest.raises(ValueError, match=message):
        require_free(words, OWN)
