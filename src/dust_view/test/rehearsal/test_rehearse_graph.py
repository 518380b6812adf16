"""A bag through the real perception, policy and executor: two rehearsals agree to the last bit."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from support.program import refusal


def rehearse(bag: Path, checkpoint: Path, out: Path) -> dict:
    """Rehearse as a user does; return the report."""
    command = [sys.executable, "-m", "dust_view.rehearse", str(bag), "-o", str(out)]
    command += ["--checkpoint", str(checkpoint)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "limits at 1 kHz" in done.stdout
    return json.loads((out / "report.json").read_text())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "parameter 'bag' is empty"),
        (("-p", "bag:=gone"), "gone"),
        (("-p", "latency:=2.0"), "parameter 'latency' is 2.0; allowed: 0 to 0.9 s"),
    ],
)
def test_mistakes_end_in_one_line(ros_domain, options, words) -> None:
    assert words in refusal("dust_view.rehearsal.rehearse_node", "--ros-args", *options)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_rehearsals_agree(write_bag, tiny_checkpoint, tmp_path) -> None:
    bag = write_bag(seconds=1.2)
    one, two = (rehearse(bag, tiny_checkpoint, tmp_path / name) for name in ("one", "two"))
    assert one["digest"] == two["digest"]
    first, second = (np.load(tmp_path / name / "commands.npz") for name in ("one", "two"))
    np.testing.assert_array_equal(first["times_ns"], second["times_ns"])
    np.testing.assert_array_equal(first["positions"], second["positions"])
    # How long it took is the machine's affair.
    assert one.pop("latency_wall_s").keys() == two.pop("latency_wall_s").keys()
    assert one == two
    assert one["accepted"] >= 2
    assert one["seams"]["count"] > one["accepted"]
    assert one["limits"]["samples"] > 600
    assert one["distance_commanded"]["joint_rad"]["count"] > 300
