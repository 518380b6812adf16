import json
import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from dust_demos.conversion import dataset
from dust_demos.conversion.dataset import STAGE, convert
from dust_demos.conversion.faults import Gate
from dust_demos.conversion.jobs import find_bags
from dust_demos.conversion.staging import Settings

SETTINGS = Settings()


@pytest.fixture
def sources(write_bag, tmp_path):
    for number in range(4):
        instruction = ("pick", "place")[number % 2]
        write_bag(
            f"take_{number}",
            seconds=3.0 + number / 2,
            end=2.5 + number / 2,
            instruction=instruction,
        )
    write_bag("take_4", outcome=3)
    return find_bags([tmp_path / "bags"])


@pytest.fixture
def whole(sources, tmp_path, tree):
    result = convert(sources, tmp_path / "whole", SETTINGS)
    assert result.episodes == 4
    return tree(tmp_path / "whole")


def test_nothing_but_the_dataset_stays(whole):
    assert {name.split("/")[0] for name in whole} == {"data", "videos", "meta"}
    assert {name for name in whole if name.startswith("meta/")} == {
        *("meta/info.json", "meta/stats.json", "meta/tasks.parquet", "meta/modality.json"),
        *("meta/episodes/chunk-000/file-000.parquet", "meta/sources.jsonl"),
        *("meta/left_out.jsonl", "meta/conversion.json"),
    }


def test_every_measure_of_v21_can_be_cut_as_groots_loader_does(write_bag, tmp_path):
    write_bag(seconds=3.0, end=2.5)
    settings = replace(SETTINGS, version="v2.1")
    convert(find_bags([tmp_path / "bags"]), tmp_path / "out", settings)
    meta = tmp_path / "out" / "meta"
    modality, stats = (json.loads((meta / f"{n}.json").read_text()) for n in ("modality", "stats"))
    # As gr00t/data/dataset.py of N1 and N1.5: all measures that are there, for every group.
    for kind, feature in (("state", "observation.state"), ("action", "action")):
        for group in modality[kind].values():
            columns = np.arange(group["start"], group["end"])
            cut = {name: np.array(value)[columns] for name, value in stats[feature].items()}
            assert {"min", "max", "mean", "std", "q01", "q99"} <= cut.keys()
    assert {name for values in stats.values() for name in values if name == "count"} == set()
    line = json.loads((meta / "episodes_stats.jsonl").read_text())
    assert line["stats"]["action"]["count"] == [line["stats"]["index"]["max"][0] + 1]


def test_what_is_left_out_is_listed(whole):
    line = whole["meta/left_out.jsonl"].decode()
    assert line == '{"bag": "take_4", "gate": "outcome", "reason": "outcome failure"}\n'


def test_the_number_of_workers_changes_nothing(sources, whole, tmp_path, tree):
    done = []
    convert(sources, tmp_path / "out", SETTINGS, workers=3, done=lambda: done.append(1))
    assert tree(tmp_path / "out") == whole
    assert len(done) == 5


def test_a_crash_at_any_step_of_the_end_is_made_good(sources, whole, tmp_path, tree, monkeypatch):
    out, steps = tmp_path / "out", 0
    replace_file = os.replace

    class Crash(BaseException):
        pass

    def crash(*arguments):
        nonlocal steps
        replace_file(*arguments)
        steps += 1
        if steps in crashes:
            raise Crash

    crashes = {1, 3, 6, 7, 8, 9, 10}  # settings, episodes, and each part of the dataset
    monkeypatch.setattr(os, "replace", crash)
    for _ in crashes:
        with pytest.raises(Crash):
            convert(sources, out, SETTINGS, resume=True)
    assert steps == max(crashes)
    result = convert(sources, out, SETTINGS, resume=True)
    assert result.episodes == 4
    assert tree(out) == whole


def run(bags, out, *more):
    command = [sys.executable, "-m", "dust_demos.conversion.convert", bags, out, "--quiet", *more]
    return subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def killed_at_random(sources, out, kills, seed):
    """Start conversions and kill them; return how often one was still at work."""
    moments, hits = random.Random(seed), 0
    for _ in range(kills):
        process = run(sources[0].path.parent, out, "--resume", "--workers", "2")
        try:
            process.communicate(timeout=moments.uniform(0.3, 2.0))
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            hits += 1
    return hits


def assert_finishes(sources, out, whole, tree):
    process = run(sources[0].path.parent, out, "--resume")
    said, _ = process.communicate(timeout=100)
    assert process.returncode == 0, said
    assert tree(out) == whole


def killed_at(sources, out, parts):
    """Start a conversion and kill it when `parts` episodes are ready or begun."""
    process = run(sources[0].path.parent, out, "--resume", "--workers", "2")
    while process.poll() is None and len(list((out / STAGE / "episodes").glob("*"))) < parts:
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.005)
    alive = process.poll() is None
    process.kill()
    process.communicate()
    return alive


def test_killed_and_resumed_it_writes_the_same_bytes(sources, whole, tmp_path, tree):
    assert killed_at(sources, tmp_path / "out", parts=1)
    assert killed_at(sources, tmp_path / "out", parts=4)
    assert_finishes(sources, tmp_path / "out", whole, tree)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_often_and_resumed_it_writes_the_same_bytes(sources, whole, tmp_path, tree):
    hits = 0
    for seed in range(8):
        out = tmp_path / f"out{seed}"
        hits += killed_at_random(sources, out, kills=5, seed=seed)
        assert_finishes(sources, out, whole, tree)
    assert hits > 8


def test_a_folder_in_use_is_not_touched(sources, whole, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"out already holds files$"):
        convert(sources, out, SETTINGS)
    with pytest.raises(ValueError, match=r"whole already holds a dataset: choose another"):
        convert(sources, tmp_path / "whole", SETTINGS)
    (out / STAGE).mkdir()
    with pytest.raises(ValueError, match=r"already holds an unfinished conversion: --resume"):
        convert(sources, out, SETTINGS)
    with (out / STAGE / "lock").open("w") as file:
        dataset.fcntl.flock(file, dataset.fcntl.LOCK_EX)
        with pytest.raises(ValueError, match=r"another dust-convert is at work on .*out$"):
            convert(sources, out, SETTINGS, resume=True)


def test_a_complete_dataset_is_recognised(sources, whole, tmp_path, tree):
    out = tmp_path / "whole"
    again = convert(sources, out, SETTINGS, resume=True)
    assert again.was_complete
    assert (again.episodes, again.tasks, len(again.left_out)) == (4, 2, 1)
    assert again.left_out[0].gate is Gate.OUTCOME
    assert tree(out) == whole
    with pytest.raises(ValueError, match=r"is complete, but made of other bags or with other"):
        convert(sources[:2], out, SETTINGS, resume=True)
    with pytest.raises(ValueError, match=r"is complete, but made of other bags or with other"):
        convert(sources, out, replace(SETTINGS, fps=30.0), resume=True)
    (out / "meta" / "conversion.json").unlink()
    with pytest.raises(ValueError, match=r"a dataset that dust-convert did not make"):
        convert(sources, out, SETTINGS, resume=True)


def test_other_settings_do_not_go_on(sources, tmp_path, monkeypatch):
    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset, "_finish", crash)
    with pytest.raises(KeyboardInterrupt):
        convert(sources, tmp_path / "out", SETTINGS)
    other = replace(SETTINGS, fps=30.0, trim=None)
    with pytest.raises(ValueError, match=r"begun with other settings \(fps, trim\): give the same"):
        convert(sources, tmp_path / "out", other, resume=True)


def test_without_any_episode_nothing_is_written(write_bag, tmp_path):
    write_bag(outcome=3)
    result = convert(find_bags([tmp_path / "bags"]), tmp_path / "out", SETTINGS)
    assert (result.episodes, result.frames, len(result.left_out)) == (0, 0, 1)
    assert not (tmp_path / "out").exists()
