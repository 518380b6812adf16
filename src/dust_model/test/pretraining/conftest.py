"""A made-up world: two coloured squares and two grey mats, seen by two cameras."""

import json

import cv2
import numpy as np
import pytest
import torch
import yaml

from dust_model.config import HeadConfig, ModelConfig, VisionLanguageConfig
from dust_model.init import write_untrained
from dust_model.pretraining.config import load_config
from dust_model.pretraining.folder import FACTS, FORMAT, PictureFolder

PER_SHARD, SHARDS = 6, 4
WIDTH, HEIGHT, GRID = 80, 60, (12, 16)
BODIES = (
    {"name": "red", "words": "red block", "grasp_period": 3.0, "inside": False},
    {"name": "blue", "words": "blue block", "grasp_period": 1.5, "inside": False},
    {"name": "mat", "words": "grey mat", "grasp_period": 0.0, "inside": False},
    {"name": "tray", "words": "white tray", "grasp_period": 0.0, "inside": True},
)
COLOURS = ((220, 30, 30), (30, 30, 220), (120, 120, 120), (250, 250, 250))
SIZES = (8, 8, 14, 14)
LANGUAGE = VisionLanguageConfig(
    image_size=56,
    vision_width=32,
    vision_layers=1,
    vision_heads=2,
    vision_mlp=48,
    text_width=32,
    text_layers=2,
    text_heads=2,
    text_mlp=48,
    vocab_size=500,
    image_token_id=498,
    feature_width=16,
)
HEAD = HeadConfig(
    heads=2,
    head_dim=8,
    dual_blocks=2,
    stream_blocks=1,
    output_width=16,
    state_dim=8,
    action_dim=8,
    alignment_width=16,
)


def draw_view(places, present):
    """Return an image, its coarse class map and which share of each body is seen."""
    image = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    classes = np.zeros((HEIGHT, WIDTH), np.uint8)
    for body in (2, 3, 0, 1):
        if present[body]:
            x, y = (places[body] * (WIDTH, HEIGHT)).astype(int)
            half = SIZES[body] // 2
            image[y - half : y + half, x - half : x + half] = COLOURS[body]
            classes[y - half : y + half, x - half : x + half] = body + 1
    seen = [
        np.mean(classes == body + 1) / (size / HEIGHT * size / WIDTH)
        for body, size in enumerate(SIZES)
    ]
    step = HEIGHT // GRID[0]
    return image, classes[step // 2 :: step, step // 2 :: step], np.array(seen)


def write_shard(folder, index):
    random = np.random.default_rng([11, index])
    files, rows = [], []
    for _ in range(PER_SHARD):
        present = np.array([True, random.random() < 0.8, True, True])
        places = random.uniform(0.2, 0.8, size=(4, 2, 2))
        views = [draw_view(places[:, view], present) for view in range(2)]
        files += [cv2.imencode(".png", image[..., ::-1])[1].tobytes() for image, _, _ in views]
        position = np.concatenate([places[:, 1] - 0.5, np.zeros((4, 1))], axis=1)
        in_hand = np.concatenate([0.4 * places[:, 0] - 0.2, np.full((4, 1), 0.1)], axis=1)
        missing = np.where(present, 0.0, np.nan)
        yaw = random.uniform(-3, 3, size=4)
        yaw[2:] = np.nan
        rows.append(
            {
                "classes": np.stack([classes for _, classes, _ in views]),
                "present": present,
                "place": places + missing[:, None, None],
                "depth": np.full((4, 2), 0.5) + missing[:, None],
                "seen": np.stack([seen for _, _, seen in views], axis=1),
                "position": position + missing[:, None],
                "in_hand": in_hand + missing[:, None],
                "grasp": yaw + missing,
                "hand_yaw": np.float32(0.3),
                "held": np.int8(-1),
                "source": np.int8(2),
                "target": np.int8(3),
                "instructions": "\n".join(
                    f"Pick up the {BODIES[i]['words']} on the grey mat and place it in the tray."
                    for i in (0, 1)
                    if present[i]
                ),
            }
        )
    arrays = {name: np.stack([np.asarray(row[name]) for row in rows]) for name in rows[0]}
    ends = np.cumsum([len(file) for file in files]).reshape(-1, 2)
    raw = np.frombuffer(b"".join(files), np.uint8)
    np.savez(folder / f"pictures-{index:06d}.npz", jpeg=raw, ends=ends, **arrays)


@pytest.fixture(scope="session")
def write_pictures():
    """Return a function that writes the made-up pictures into a new folder."""

    def write(folder):
        folder.mkdir()
        facts = {
            "format": FORMAT,
            "seed": 11,
            "per_shard": PER_SHARD,
            "views": ["wrist", "side"],
            "width": WIDTH,
            "height": HEIGHT,
            "grid": list(GRID),
            "classes": ["background", *(body["name"] for body in BODIES)],
            "bodies": list(BODIES),
        }
        (folder / FACTS).write_text(json.dumps(facts))
        for index in range(SHARDS):
            write_shard(folder, index)
        return folder

    return write


@pytest.fixture(scope="session")
def pictures(write_pictures, tmp_path_factory):
    """Return a folder of pictures that no test changes."""
    return write_pictures(tmp_path_factory.mktemp("world") / "pictures")


@pytest.fixture(scope="session")
def folder(pictures):
    return PictureFolder.open(pictures)


@pytest.fixture(scope="session")
def micro_checkpoint(tmp_path_factory):
    """Return the folder of an untrained micro model."""
    path = tmp_path_factory.mktemp("micro") / "checkpoint"
    model = ModelConfig(vision_language=LANGUAGE, head=HEAD)
    return write_untrained(path, model, dtype="float32").folder


@pytest.fixture
def configure(pictures, micro_checkpoint, tmp_path):
    """Return a function that makes a micro run's configuration out of key=value."""

    def make(*overrides, output="run"):
        stage = {"steps": 4, "batch": 5, "average": 0.9, "optimizer": {"learning_rate": 3e-3}}
        values = {
            "pictures": str(pictures),
            "output": str(tmp_path / output),
            "checkpoint": str(micro_checkpoint),
            "precision": "float32",
            "dtype": "float32",
            "evaluated": 6,
            "probed": 0,
            "save_every": 2,
            "tower": stage,
            "language": stage | {"prompts": 2},
        }
        path = tmp_path / "pretrain.yaml"
        path.write_text(yaml.safe_dump(values))
        return load_config(path, overrides)

    return make


@pytest.fixture(autouse=True)
def same_numbers():
    torch.manual_seed(0)
