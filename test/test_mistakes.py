"""Whole programs: a user's mistake ends in one clear line and a non-zero exit code."""

import subprocess
import sys

import pytest

from support.program import refusal


@pytest.mark.parametrize(
    ("module", "arguments", "words"),
    [
        ("dust_policy.policy_node", ["-p", "vision_steps:=7"], "multiple of action_steps"),
        ("dust_policy.policy_node", ["-p", "action_steps:=0"], "1 to 64"),
        ("dust_policy.policy_node", ["-p", "checkpoint:=/nowhere"], "/nowhere"),
        ("dust_policy.policy_node", ["-p", "vison_steps:=8"], "did you mean 'vision_steps'"),
        ("dust_perception.perception_node", ["-p", "checkpoint:=/nowhere"], "/nowhere"),
        ("dust_executor.executor_node", ["-p", "knot_period:=0.0"], "knot_period"),
        ("dust_sim.cell_node", ["-p", "task:=box_to_moon"], "box_to_bowl"),
        ("dust_sim.expert_node", ["-p", "rate:=-1.0"], "rate"),
    ],
)
def test_a_wrong_parameter(module, arguments, words, ros_domain):
    assert words in refusal(module, "--ros-args", *arguments)


def test_malformed_yaml(ros_domain, tmp_path):
    path = tmp_path / "executor.yaml"
    path.write_text("dust_executor:\n  ros__parameters:\n    lead: [0.03\n")
    line = refusal("dust_executor.executor_node", "--ros-args", "--params-file", str(path))
    assert "executor.yaml, line" in line


def test_a_wrong_camera_name(ros_domain, tiny_checkpoint):
    arguments = ["-p", f"checkpoint:={tiny_checkpoint}", "-p", "views:=[wirst, side]"]
    line = refusal("dust_perception.perception_node", "--ros-args", *arguments)
    assert "wirst" in line
    assert "wrist" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["robot:=fr4"], "fr4"),
        (["polcy:=expert"], "polcy"),
        (["robot"], "robot"),
    ],
)
def test_a_wrong_argument_of_the_starter(arguments, words, ros_domain):
    assert words in refusal("dust_start", *arguments)


def test_a_value_that_only_a_node_can_refuse_ends_the_graph_with_its_line(ros_domain):
    command = [sys.executable, "-m", "dust_start", "robot:=sim", "execute_actions:=-1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert "error: parameter 'plan.execute_actions' is -1; allowed: 0 to 1000" in said
    # What the others were doing when they were stopped must not bury it.
    assert "Traceback" not in said
    assert "KeyboardInterrupt" not in said
