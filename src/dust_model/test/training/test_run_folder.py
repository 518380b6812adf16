import errno

import pytest

from dust_model.training.run_folder import STATE, RunFolder


def filler(text="whole"):
    def fill(folder):
        folder.mkdir(parents=True)
        (folder / STATE).write_text(text)
        (folder / "config.json").write_text("{}")

    return fill


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "run")


def save(folder, step, *, best=False, fill=None):
    folder.save(step, fill or filler(f"step {step}"), {"loss": step / 10}, best=best)


def names(folder):
    return sorted(path.name for path in folder.root.iterdir())


def never(message):
    raise AssertionError(message)


def test_the_last_two_and_the_best_are_kept(folder):
    for step in (10, 20, 30, 40, 50):
        save(folder, step, best=step <= 20)
    kept = [f"step-{step:08d}" for step in (20, 40, 50)]
    assert names(folder) == ["best", "last", *kept]
    assert (folder.root / "last").resolve().name == kept[2]
    assert (folder.root / "best").resolve().name == kept[0]
    # By far the largest file is kept only where a run can go on from.
    assert not (folder.root / "best" / STATE).exists()
    assert (folder.root / "best" / "config.json").exists()


def test_the_newest_is_gone_on_from(folder):
    assert folder.newest(never) is None
    assert not folder.begun
    save(folder, 3)
    save(folder, 12)
    saved = folder.newest(never)
    assert (saved.step, saved.progress) == (12, {"loss": 1.2})
    assert (saved.folder / STATE).read_text() == "step 12"
    assert folder.begun


@pytest.mark.parametrize(
    "damage",
    [
        lambda step: (step / STATE).write_text("stEp 12"),
        lambda step: (step / STATE).unlink(),
        lambda step: (step / "config.json").write_text(""),
        lambda step: (step / "progress.json").write_text('{"step": 1'),
        lambda step: (step / "progress.json").unlink(),
    ],
)
def test_a_damaged_step_is_told_and_passed_over(folder, damage):
    save(folder, 3)
    save(folder, 12)
    damage(folder.root / "step-00000012")
    told = []
    assert folder.newest(told.append).step == 3
    assert len(told) == 1
    assert "step-00000012" in told[0]
    assert "\n" not in told[0]
    save(folder, 12)
    assert folder.newest(never).step == 12


def test_nothing_whole_is_an_error(folder):
    save(folder, 3)
    (folder.root / "step-00000003" / STATE).unlink()
    with pytest.raises(ValueError, match="no saved step is whole"):
        folder.newest(lambda message: None)


def test_a_full_disk_loses_nothing(folder):
    save(folder, 3, best=True)
    before = {p: p.read_bytes() for p in folder.root.rglob("*") if p.is_file()}

    def full(step):
        filler()(step)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ValueError, match=r"cannot save step 6 .*No space left.*resume=true"):
        save(folder, 6, best=True, fill=full)
    assert names(folder) == ["best", "last", "step-00000003"]
    assert {p: p.read_bytes() for p in folder.root.rglob("*") if p.is_file()} == before


def test_what_a_kill_left_behind_is_cleared(folder):
    save(folder, 3)
    draft = folder.root / ".step-00000006.new"
    draft.mkdir()
    (draft / "half").write_text("x")
    assert folder.newest(never).step == 3
    save(folder, 6)
    assert not draft.exists()
    assert not (folder.root / "last" / "half").exists()
