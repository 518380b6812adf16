import json

import numpy as np
import pytest

from dust_demos.conversion.contents import gather
from dust_demos.conversion.faults import Gate, LeftOut
from dust_demos.conversion.mapping import ArmSource, Mapping, Side
from dust_demos.conversion.staging import Settings, Staged
from dust_demos.conversion.statistics import ColourCounts
from dust_model.data.measure import summarise
from dust_model.data.modality import Modality

SIZES = {"side": (96, 64), "wrist": (64, 48)}


def episode(length, instruction="pick", sizes=None, seed=0, columns=8):
    random = np.random.default_rng(seed)
    colours = {name: ColourCounts(random.integers(0, 9, (3, 256)), 5) for name in SIZES}
    return Staged(
        folder=None,
        facts={"instruction": instruction, "episode_id": str(seed)},
        state=random.normal(size=(length, columns)).astype(np.float32),
        action=random.normal(size=(length, columns)).astype(np.float32),
        colours=colours,
        sizes=sizes or dict(SIZES),
        skew=0.01,
        lag=0.02,
    )


@pytest.fixture
def gathered():
    episodes = [episode(5, "pick"), episode(3, "drop", seed=1), episode(4, "pick", seed=2)]
    return gather(Settings(), [(f"take_{i}", e) for i, e in enumerate(episodes)])


def test_columns_count_on_over_the_episodes(gathered):
    contents = gathered[0]
    numbers = [contents.numbers(index) for index in range(3)]
    joined = {n: np.concatenate([part[n] for part in numbers]).tolist() for n in numbers[0]}
    assert joined["index"] == list(range(12))
    assert joined["episode_index"] == [0] * 5 + [1] * 3 + [2] * 4
    assert joined["frame_index"] == [*range(5), *range(3), *range(4)]
    assert joined["task_index"] == [0] * 5 + [1] * 3 + [0] * 4
    np.testing.assert_allclose(joined["timestamp"][:5], np.arange(5) / 15, rtol=1e-7)
    assert contents.tasks == ("pick", "drop")
    assert contents.starts == (0, 5, 8, 12)


def test_every_column_is_described(gathered):
    contents = gathered[0]
    features = contents.features()
    table = contents.table(0)
    assert set(features) == {*table.column_names, *(f"observation.images.{n}" for n in SIZES)}
    for name in table.column_names:
        kind = table.schema.field(name).type
        assert str(getattr(kind, "value_type", kind)) in (
            features[name]["dtype"],
            {"float32": "float"}.get(features[name]["dtype"]),
        )
    assert features["action"]["names"] == [*(f"fr3_joint{i}" for i in range(1, 8)), "gripper"]
    assert features["observation.images.side"]["shape"] == [64, 96, 3]


def test_statistics_of_all_are_those_of_the_rows_together(gathered):
    contents = gathered[0]
    found = contents.all_statistics()
    rows = np.concatenate([e.state for e in contents.episodes])
    wanted = summarise(rows)
    for name in wanted:
        np.testing.assert_allclose(found["observation.state"][name], wanted[name])
    assert found["index"]["count"] == [12]
    assert found["observation.images.side"]["count"] == [15]
    assert set(found) == set(contents.features())


def test_the_modality_is_what_our_reader_understands(gathered):
    modality = Modality.parse(json.loads(json.dumps(gathered[0].modality())))
    assert [(g.name, g.start, g.end) for g in modality.state] == [("arm", 0, 7), ("gripper", 7, 8)]
    assert dict(modality.video) == {n: f"observation.images.{n}" for n in ("wrist", "side")}
    assert modality.instruction[0] == "task_index"


def test_a_robot_without_gripper_has_no_such_group():
    side = Side(arm=ArmSource(topic="x"), gripper=None)
    settings = Settings(mapping=Mapping(state=side, action=side))
    contents = gather(settings, [("a", episode(3, columns=7))])[0]
    assert list(contents.modality()["state"]) == ["arm"]
    assert contents.features()["action"]["shape"] == [7]


def test_episodes_of_another_image_size_are_left_out():
    small = {"side": (96, 64), "wrist": (32, 24)}
    staged = [
        ("z", LeftOut(bag="z", gate=Gate.GAP, reason="x")),
        ("a", episode(5, sizes=small)),
        ("b", episode(5, seed=1)),
        ("c", episode(5, seed=2)),
    ]
    contents, names, left_out = gather(Settings(), staged)
    assert names == ["b", "c"]
    assert contents.sizes == {"wrist": (64, 48), "side": (96, 64)}
    assert [row.bag for row in left_out] == ["a", "z"]
    assert left_out[0].reason == (
        "camera wrist: images are 32x24, the other episodes' 64x48; give --size"
    )


def test_sources_say_where_each_episode_comes_from(gathered):
    contents, names, _ = gathered
    rows = list(contents.sources(names))
    assert [row["bag"] for row in rows] == ["take_0", "take_1", "take_2"]
    assert rows[1]["episode_index"] == 1
    assert rows[1]["episode_id"] == "1"
    assert (rows[1]["skew"], rows[1]["lag"]) == (0.01, 0.02)


def test_nothing_at_all():
    contents, names, left_out = gather(Settings(), [])
    assert (contents.episodes, contents.starts, names, left_out) == ((), (0,), [], [])
