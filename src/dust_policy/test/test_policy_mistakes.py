"""Mistakes in the node's parameters end in one line."""

from pathlib import Path

import pytest

from dust_node.run import run
from dust_policy.policy_node import PolicyNode
from support.program import refusal


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "'checkpoint' is empty"),
        (["checkpoint:=/nowhere"], "/nowhere is not a folder"),
        (["action_steps:=0"], "parameter 'action_steps' is 0; allowed: 1 to 64"),
        (["vision_steps:=7"], "vision_steps is 7, but must be a multiple of action_steps (4) or 0"),
        (["continuation:=all"], "'continuation' is 'all'; allowed: none, prefix, guided, blend"),
        (["schedule:=quick"], "'schedule' is 'quick'; allowed: fixed, auto"),
        (["checkpoint:={checkpoint}", "surprise.action:=end"], "there is no threshold: give"),
        (
            ["checkpoint:={checkpoint}", "surprise.calibration:=/nowhere"],
            "/nowhere holds no thresholds of surprise",
        ),
        (["checkpoint:={checkpoint}", "device:=cuda:99"], "device 'cuda:99' can't be used"),
        (
            ["checkpoint:={checkpoint}", "joint_names:=[panda_joint1, panda_joint2]"],
            "was made for another robot: joint_names fr3_joint1, fr3_joint2, ",
        ),
        (
            ["checkpoint:={checkpoint}", "action_rate:=20.0"],
            "was made for another robot: period 0.06666666666666667 instead of 0.05",
        ),
    ],
)
def test_a_mistake_ends_in_one_line_and_exit_code_2(
    arguments: list[str],
    words: str,
    tiny_checkpoint: Path,
    ros_domain: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    parameters = [
        part
        for argument in arguments
        for part in ("-p", argument.format(checkpoint=tiny_checkpoint))
    ]
    code = run(PolicyNode, ["policy", "--ros-args", *parameters])
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert code == 2
    assert len(lines) == 1, lines
    assert words in lines[0]


def test_the_exit_code_reaches_the_shell(ros_domain: int) -> None:
    line = refusal("dust_policy.policy_node", "--ros-args", "-p", "vision_steps:=7")
    assert "multiple of action_steps" in line
