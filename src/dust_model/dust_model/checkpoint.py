"""A checkpoint: a folder with everything a model needs to run.

config.json            format, sizes and choices, the robot it was made for
statistics.json        statistics and normalisation of states, actions and embeddings
tokenizer.json         the prompt's tokenizer
backbone.safetensors   vision-language weights, with the projection into the head
head.safetensors       weights of the diffusion head
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer

from dust_model.config import ModelConfig, require
from dust_model.devices import usable
from dust_model.head import Head
from dust_model.hub import find_folder
from dust_model.policy import Policy
from dust_model.records import from_json, to_json
from dust_model.robot import RobotSpec
from dust_model.statistics import Statistics
from dust_model.tokenizer import read_tokenizer
from dust_model.variants import build_head
from dust_model.weights import fingerprint, fingerprint_tensors, load_module, save_weights

if TYPE_CHECKING:
    from dust_model.backbone import Backbone
    from dust_model.eagle import Eagle

FORMAT = 1
"""Version of the folder's layout."""

CONFIG = "config.json"
STATISTICS = "statistics.json"
TOKENIZER = "tokenizer.json"
BACKBONE = "backbone.safetensors"
HEAD = "head.safetensors"
FILES = (CONFIG, STATISTICS, TOKENIZER, BACKBONE, HEAD)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""Weight types by the names that a user gives."""

AUTO = "auto"
"""Takes bfloat16 on a GPU and float32 elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint folder, checked; weights are read when a part is asked for.

    Attributes:
        folder: where it lies.
        config: sizes and choices of the model.
        robot: cameras, joints, horizon and period it was made for.
        statistics: statistics of the data it was made from.
        fingerprint: 16 hexadecimal digits over the vision-language weights, their configuration
            and the tokenizer; equal fingerprints make equal features.
        prefix_max: how many committed actions the head has learned to go on from; 0: none.
    """

    folder: Path
    config: ModelConfig
    robot: RobotSpec
    statistics: Statistics
    fingerprint: str
    prefix_max: int = 0

    @classmethod
    def load(cls, path: str | Path) -> Checkpoint:
        """Open a checkpoint folder.

        Raises:
            ValueError: the folder or a file of it is missing, or does not hold what it should.
        """
        folder = Path(path).expanduser()
        _require_files(folder)
        values = _read_json(folder / CONFIG)
        version = values.pop("format", None)
        require(version == FORMAT, f"{folder / CONFIG}: format {version!r} is not {FORMAT}")
        parts = from_json(_Parts, values, where=str(folder / CONFIG))
        statistics = from_json(
            Statistics, _read_json(folder / STATISTICS), where=str(folder / STATISTICS)
        )
        _require_agreement(parts.model, parts.robot, statistics, where=folder)
        prints = fingerprint((folder / BACKBONE, folder / TOKENIZER), salt=_salt(parts.model))
        return cls(
            folder=folder,
            config=parts.model,
            robot=parts.robot,
            statistics=statistics,
            fingerprint=prints,
            prefix_max=parts.prefix_max,
        )

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path,
        *,
        robot: RobotSpec | None = None,
        revision: str | None = None,
    ) -> Checkpoint:
        """Open a checkpoint in a folder or, where there is no such path, on the hub.

        Args:
            name_or_path: a folder, or a repository `owner/name`.
            robot: the robot that is to be moved; None takes the checkpoint's word for it.
            revision: branch, tag or commit on the hub.

        Raises:
            ValueError: as `load`, or the hub does not give it, or it was made for another robot.
        """
        checkpoint = cls.load(find_folder(name_or_path, files=FILES, revision=revision))
        if robot is not None:
            checkpoint.require_robot(robot)
        return checkpoint

    def require_robot(self, robot: RobotSpec) -> None:
        """Raise ValueError that names the differences unless this was made for such a robot."""
        differences = self.robot.differences(robot)
        require(
            not differences,
            f"checkpoint {self.folder} was made for another robot: {'; '.join(differences)}",
        )

    def save_pretrained(self, path: str | Path) -> Checkpoint:
        """Copy the checkpoint to another folder, whole or not at all, and open it there.

        The folder is what `from_pretrained` opens and what can be uploaded to the hub as it is.

        Raises:
            ValueError: `path` exists already.
        """
        folder = Path(path).expanduser()
        with _draft_of(folder) as draft:
            for name in FILES:
                shutil.copyfile(self.folder / name, draft / name)
        return Checkpoint.load(folder)

    @classmethod
    def save(
        cls,
        path: str | Path,
        *,
        eagle: Eagle,
        head: Head,
        tokenizer: Tokenizer,
        robot: RobotSpec,
        statistics: Statistics,
        dtype: str = "bfloat16",
        prefix_max: int = 0,
    ) -> Checkpoint:
        """Write a checkpoint folder, whole or not at all, and open it.

        `prefix_max` is what the head was trained with, 0 if it has seen no committed actions.

        Raises:
            ValueError: `path` exists already, or the parts do not fit each other.
        """
        folder = Path(path).expanduser()
        require_free(folder)
        config = ModelConfig(vision_language=eagle.config, head=head.config)
        _require_agreement(config, robot, statistics, where=folder)
        parts = _Parts(model=config, robot=robot, prefix_max=prefix_max)
        with _draft_of(folder) as draft:
            values = {"format": FORMAT, **to_json(parts)}
            _write_json(draft / CONFIG, values)
            _write_json(draft / STATISTICS, to_json(statistics))
            tokenizer.save(str(draft / TOKENIZER))
            save_weights(eagle, draft / BACKBONE, DTYPES[dtype])
            save_weights(head, draft / HEAD, DTYPES[dtype])
        return cls.load(folder)

    def hidden_fingerprint(self) -> str:
        """Return what `fingerprint` is, over all that comes before the projection.

        Equal ones make equal token rows before it, which a policy that trains the projection is
        given.
        """
        salt = _salt(self.config) + fingerprint((self.folder / TOKENIZER,), salt="")
        return fingerprint_tensors(self.folder / BACKBONE, salt=salt, without="projection.")

    def backbone(self, device: str = "cpu", dtype: str = "float32") -> Backbone:
        """Read the vision-language part onto `device`, with weights of `dtype` or AUTO."""
        # Imported here: they bring in transformers, seconds of start-up that a policy can spare.
        from dust_model.backbone import Backbone
        from dust_model.eagle import empty_eagle

        eagle = load_module(
            lambda: empty_eagle(self.config.vision_language),
            self.folder / BACKBONE,
            device=usable(device),
            dtype=_dtype(dtype, device),
        )
        return Backbone(eagle, self._tokenizer(), self.robot)

    def policy(
        self, device: str = "cpu", dtype: str = "float32", *, recorded: bool = True
    ) -> Policy:
        """Read the diffusion head onto `device`, with weights of `dtype` or AUTO; see Policy."""
        head = load_module(
            lambda: build_head(self.config, horizon=self.robot.horizon),
            self.folder / HEAD,
            device=usable(device),
            dtype=_dtype(dtype, device),
        )
        return Policy(head, self.statistics, self.robot, recorded=recorded)

    def _tokenizer(self) -> Tokenizer:
        return read_tokenizer(self.folder / TOKENIZER)


def _salt(config: ModelConfig) -> str:
    # It counts: the same weights with another rope_theta give other features.
    return json.dumps(to_json(config.vision_language), sort_keys=True)


def require_free(folder: Path) -> None:
    """Raise ValueError if there is something at `folder` already."""
    require(not folder.exists(), f"{folder} exists already: choose another path or remove it")


@contextmanager
def _draft_of(folder: Path) -> Iterator[Path]:
    """Give a folder to fill beside `folder`; it takes that name once it is complete."""
    require_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        draft = Path(scratch) / folder.name
        draft.mkdir()
        yield draft
        draft.rename(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What config.json holds beside the format."""

    model: ModelConfig
    robot: RobotSpec
    prefix_max: int = 0

    def __post_init__(self) -> None:
        require(
            0 <= self.prefix_max <= self.robot.horizon,
            f"prefix_max must lie in 0..{self.robot.horizon}, got {self.prefix_max}",
        )


def _require_files(folder: Path) -> None:
    remedy = "give the folder of a checkpoint, or make an untrained one: dust-init PATH"
    require(folder.is_dir(), f"checkpoint {folder} is not a folder: {remedy}")
    missing = [name for name in FILES if not (folder / name).is_file()]
    require(not missing, f"checkpoint {folder} lacks {', '.join(missing)}: {remedy}")


def _require_agreement(
    model: ModelConfig, robot: RobotSpec, statistics: Statistics, *, where: Path
) -> None:
    sizes = (
        ("state", len(statistics.state.scaling), robot.state_dim, model.head.state_dim),
        ("action", len(statistics.action.scaling), robot.action_dim, model.head.action_dim),
    )
    for kind, measured, columns, room in sizes:
        require(
            measured == columns,
            f"{where}: statistics have {measured} {kind} columns, the robot {columns}",
        )
        require(
            columns <= room, f"{where}: the robot has {columns} {kind} columns, the head {room}"
        )
    steps = len(statistics.action.step_mean)
    require(
        steps in (0, robot.horizon),
        f"{where}: statistics are of chunks of {steps} actions, the robot takes {robot.horizon}",
    )
    slots = model.head.embodiments
    require(
        robot.embodiment < slots,
        f"{where}: the robot has embodiment {robot.embodiment}, the head {slots} slots",
    )
    channels, width = len(statistics.embedding.mean), model.vision_language.vision_width
    require(
        channels == width,
        f"{where}: statistics have {channels} embedding channels, the vision tower {width}",
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {path}: {error}") from None
    require(isinstance(values, dict), f"{path}: expected an object")
    return values


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n")


def _dtype(name: str, device: str) -> torch.dtype:
    if name == AUTO:
        return torch.bfloat16 if torch.device(device).type == "cuda" else torch.float32
    require(name in DTYPES, f"dtype {name!r} is none of {', '.join((AUTO, *DTYPES))}")
    return DTYPES[name]
