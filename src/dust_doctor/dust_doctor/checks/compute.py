"""Does the policy find its GPU, and the recorder its room?"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dust_doctor.finding import Finding, fail, ok, skip, warn
from dust_doctor.system import System
from dust_doctor.wishes import Machine, Wishes

RECORDED = 3_000_000
"""What an hour of episodes needs, two JPEG cameras at 15 Hz and all states. Unit: bytes/s."""

HEAVY = 2**30
"""Weights above this are too slow without a GPU. Unit: bytes."""

_GIB = 2**30


@dataclass(frozen=True, slots=True)
class GpuEvidence:
    """What torch and the driver say.

    Attributes:
        torch: Version of torch; empty where it is not installed.
        built_for: CUDA that torch was built for; empty: none.
        devices: Names of the GPUs that torch can use.
        free: Free memory of the first of them. Unit: bytes.
        driver: What nvidia-smi says of GPU and driver; empty where there is none.
    """

    torch: str = ""
    built_for: str = ""
    devices: tuple[str, ...] = ()
    free: int = 0
    driver: str = ""


def gather_gpu(system: System) -> GpuEvidence:
    """Ask nvidia-smi and torch, whose import takes seconds."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    driver = " / ".join((system.run(query) or "").split("\n")).strip(" /")
    try:
        import torch
    except ImportError:
        return GpuEvidence(driver=driver)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return GpuEvidence(
        torch=torch.__version__,
        built_for=torch.version.cuda or "",
        devices=tuple(torch.cuda.get_device_name(index) for index in range(count)),
        free=torch.cuda.mem_get_info()[0] if count else 0,
        driver=driver,
    )


def judge_gpu(gpu: GpuEvidence, wishes: Wishes, weights: int) -> Finding:
    """Judge the GPU.

    Args:
        gpu: What torch and the driver say.
        wishes: What is asked for.
        weights: Size of the checkpoint's weights. Unit: bytes; 0 where none was given.
    """
    if wishes.machine is Machine.ROBOT:
        return skip("no policy runs on the robot machine")
    if not gpu.torch:
        if wishes.checkpoint is None:
            return skip("torch is not installed; only a policy needs it")
        return fail("torch is not installed, the policy cannot run", "make setup")
    if gpu.devices:
        told = f"torch {gpu.torch}, {', '.join(gpu.devices)}, {gpu.free / _GIB:.1f} GiB free"
        if gpu.free < 1.2 * weights:
            return fail(
                f"{told}: too little for {weights / _GIB:.1f} GiB of weights",
                "end what else uses the GPU (nvidia-smi lists it)",
            )
        return ok(told)
    return _judge_without(gpu, wishes, weights)


def _judge_without(gpu: GpuEvidence, wishes: Wishes, weights: int) -> Finding:
    if gpu.driver:
        built = f"built for CUDA {gpu.built_for}" if gpu.built_for else "built without CUDA"
        says = f"there is a GPU ({gpu.driver}), but torch {gpu.torch}, {built}, cannot use it"
        return fail(
            says, "install a torch that fits the driver (pytorch.org), or update the driver"
        )
    if wishes.device == "cuda":
        says = f"no GPU, but device cuda is asked for (torch {gpu.torch})"
        return fail(says, "set device: cpu in perception.yaml and policy.yaml, or add a GPU")
    if weights > HEAVY:
        says = f"no GPU for {weights / _GIB:.1f} GiB of weights: a chunk takes many seconds"
        return warn(says, "use a machine with a GPU, or a checkpoint of size tiny")
    return ok(
        f"torch {gpu.torch}, no GPU: enough for a checkpoint of size tiny, for nothing larger"
    )


@dataclass(frozen=True, slots=True)
class DiskEvidence:
    """The room for recordings.

    Attributes:
        folder: Where they go.
        free: Unit: bytes; None where that is unknown.
        writable: Whether files can be made there.
    """

    folder: Path
    free: int | None
    writable: bool


def gather_disk(system: System, folder: Path) -> DiskEvidence:
    """Look at the folder, or at the nearest one above that exists."""
    place = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    writable = place.is_dir() and os.access(place, os.W_OK)
    return DiskEvidence(folder, system.free_bytes(folder), writable)


def judge_disk(disk: DiskEvidence, hours: float) -> Finding:
    """Judge whether `hours` of episodes fit."""
    if not disk.writable:
        return fail(f"{disk.folder} cannot be written to", "choose another folder: record:=...")
    if disk.free is None:
        return skip(f"the free space of {disk.folder} is not known")
    needed = hours * 3600 * RECORDED
    told = f"{disk.free / _GIB:.1f} GiB free, {hours:g} h take about {needed / _GIB:.1f} GiB"
    if disk.free < needed:
        return fail(told, f"make room in {disk.folder}, or choose another folder: record:=...")
    if disk.free < 2 * needed:
        return warn(told, f"make room in {disk.folder}")
    return ok(told)
