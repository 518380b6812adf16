"""The node with compressed images and with mistakes in its parameters."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import String

from dust_msgs.msg import Features
from dust_node import qos
from dust_node.run import run
from dust_node.tensors import from_tensor
from dust_perception.perception_node import PerceptionNode
from support.probe import Probe
from support.program import Program, refusal


def test_compressed_images_become_features_in_the_asked_type(
    start_program: Callable[..., Program], tiny_checkpoint: Path, probe: Probe
) -> None:
    start_program(
        "dust_perception.perception_node",
        f"checkpoint:={tiny_checkpoint}",
        "transport:=compressed",
        "views:=[side, wrist]",
        "topics:=[a, b]",
        "feature_dtype:=float32",
        "rate:=5.0",
    )
    received = probe.listen(Features, "features", qos.RELIABLE)
    pixels = np.full((360, 640, 3), 90, dtype=np.uint8)
    data = cv2.imencode(".jpg", pixels)[1].tobytes()
    cameras = [
        probe.node.create_publisher(CompressedImage, f"{name}/compressed", qos.RELIABLE)
        for name in "ab"
    ]

    def take_pictures() -> None:
        for camera in cameras:
            message = CompressedImage(format="jpeg", data=data)
            message.header.stamp = probe.node.get_clock().now().to_msg()
            camera.publish(message)

    probe.node.create_timer(1 / 15, take_pictures)
    probe.node.create_publisher(String, "instruction", qos.LATCHED).publish(String(data="go"))
    assert probe.spin_until(lambda: len(received) >= 3, timeout_sec=60)
    assert received[0].views == ["wrist", "side"]
    assert from_tensor(received[0].features).dtype == np.float32


def exit_code(*arguments: str) -> int:
    """Run the node in this process with a command line that it should refuse."""
    parameters = [part for argument in arguments for part in ("-p", argument)]
    return run(PerceptionNode, ["perception", "--ros-args", *parameters])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "'checkpoint' is empty"),
        (["checkpoint:=/nowhere"], "/nowhere is not a folder"),
        (["max_age:=-1.0"], "parameter 'max_age' is -1.0; allowed: 0.001 to 10 s"),
        (["transport:=theora"], "'transport' is 'theora'; allowed: raw, compressed"),
        (["checkpoint:={checkpoint}", "views:=[wirst, side]"], "'wirst' is not among"),
        (["checkpoint:={checkpoint}", "topics:=[a]"], "'topics' has 1 entries"),
        (["checkpoint:={checkpoint}", "device:=cuda:99"], "device 'cuda:99' can't be used"),
    ],
)
def test_a_mistake_ends_in_one_line_and_exit_code_2(
    arguments: list[str],
    words: str,
    tiny_checkpoint: Path,
    ros_domain: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = exit_code(*(argument.format(checkpoint=tiny_checkpoint) for argument in arguments))
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert code == 2
    assert len(lines) == 1, lines
    assert words in lines[0]


def test_the_exit_code_reaches_the_shell(ros_domain: int) -> None:
    assert "'checkpoint' is empty" in refusal("dust_perception.perception_node")
