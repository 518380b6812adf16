"""Whole programs: a user's mistake ends in one clear line and a non-zero exit code."""

import os
import subprocess
import sys

import pytest


def run(*command, domain):
    environment = {**os.environ, "ROS_DOMAIN_ID": str(domain)}
    return subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        timeout=100,
        env=environment,
    )


def one_line(process):
    """Return the one line on stderr that tells the mistake."""
    assert process.returncode != 0
    assert "Traceback" not in process.stderr + process.stdout
    lines = [line for line in process.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, process.stderr
    return lines[0]


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
    line = one_line(run(module, "--ros-args", *arguments, domain=ros_domain))
    assert words in line


def test_malformed_yaml(ros_domain, tmp_path):
    path = tmp_path / "executor.yaml"
    path.write_text("dust_executor:\n  ros__parameters:\n    lead: [0.03\n")
    command = ["dust_executor.executor_node", "--ros-args", "--params-file", str(path)]
    line = one_line(run(*command, domain=ros_domain))
    assert "executor.yaml, line" in line


def test_a_wrong_camera_name(ros_domain, tmp_path):
    subprocess.run(
        [sys.executable, "-m", "dust_model.init", str(tmp_path / "tiny"), "--size", "tiny"],
        check=True,
        capture_output=True,
    )
    arguments = ["-p", f"checkpoint:={tmp_path / 'tiny'}", "-p", "views:=[wirst, side]"]
    line = one_line(
        run("dust_perception.perception_node", "--ros-args", *arguments, domain=ros_domain)
    )
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
    assert words in one_line(run("dust_start", *arguments, domain=ros_domain))
