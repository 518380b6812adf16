from pathlib import Path

import pytest

from dust_doctor.checks.compute import (
    DiskEvidence,
    GpuEvidence,
    gather_disk,
    gather_gpu,
    judge_disk,
    judge_gpu,
)
from dust_doctor.finding import Verdict
from dust_doctor.wishes import Machine, Wishes

GIB = 2**30
GPU = GpuEvidence("2.9", "12.8", ("RTX 4090",), 20 * GIB, "RTX 4090, 570.1")
CPU = GpuEvidence("2.9+cpu")
GIVEN = Wishes(checkpoint=Path("best"))


@pytest.mark.parametrize(
    ("gpu", "wishes", "weights", "verdict", "words"),
    [
        (GPU, GIVEN, 5 * GIB, Verdict.OK, "RTX 4090"),
        (GPU, GIVEN, 19 * GIB, Verdict.FAIL, "too little"),
        (CPU, GIVEN, GIB // 100, Verdict.OK, "tiny"),
        (CPU, GIVEN, 5 * GIB, Verdict.WARN, "many seconds"),
        (CPU, Wishes(device="cuda"), 0, Verdict.FAIL, "cuda is asked for"),
        (GpuEvidence("2.9", "", (), 0, "RTX, 570"), GIVEN, 0, Verdict.FAIL, "built without CUDA"),
        (GpuEvidence(), GIVEN, 0, Verdict.FAIL, "not installed"),
        (GpuEvidence(), Wishes(), 0, Verdict.SKIP, "not installed"),
        (CPU, Wishes(machine=Machine.ROBOT), 0, Verdict.SKIP, "robot machine"),
    ],
)
def test_gpus_are_judged(gpu, wishes, weights, verdict, words):
    found = judge_gpu(gpu, wishes, weights)
    assert found.verdict is verdict
    assert words in found.says


def test_missing_torch_is_mended_by_a_command_that_the_setup_takes():
    remedy = judge_gpu(GpuEvidence(), GIVEN, 0).remedy
    assert remedy.startswith("make setup")
    _, _, parts = remedy.partition("PARTS=")
    requirements = Path(__file__).resolve().parents[4] / "requirements"
    assert [part for part in parts.split() if not (requirements / f"{part}.txt").is_file()] == []


def test_the_driver_is_asked(machine):
    found = gather_gpu(machine(commands={"nvidia-smi": "NVIDIA A, 570.1\nNVIDIA B, 570.1\n"}))
    assert found.driver == "NVIDIA A, 570.1 / NVIDIA B, 570.1"
    assert gather_gpu(machine()).driver == ""


@pytest.mark.parametrize(
    ("free", "writable", "verdict"),
    [
        (100 * GIB, True, Verdict.OK),
        (15 * GIB, True, Verdict.WARN),
        (5 * GIB, True, Verdict.FAIL),
        (100 * GIB, False, Verdict.FAIL),
        (None, True, Verdict.SKIP),
    ],
)
def test_disks_are_judged(free, writable, verdict):
    assert judge_disk(DiskEvidence(Path("demos"), free, writable), 1.0).verdict is verdict


def test_a_folder_that_is_to_be_made_is_measured_above(machine, tmp_path):
    found = gather_disk(machine(), tmp_path / "new" / "demos")
    assert found.writable
    assert found.free is not None
    assert found.free > 0
