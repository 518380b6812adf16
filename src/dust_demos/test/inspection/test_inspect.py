import json

import numpy as np
import pytest

from dust_demos.conversion.convert import main as convert
from dust_demos.inspection import inspect
from dust_demos.inspection.inspect import main
from dust_demos.recording.facts import KEY, EpisodeFacts, Fault, FaultKind, Outcome

SIDE = "/zed_side/zed_node/rgb/color/rect/image/compressed"


@pytest.fixture
def run(tmp_path, capsys, parse):
    """Return a function that runs the command; the page and what was printed."""

    def call(path, *more):
        out = tmp_path / "page.html"
        assert main([str(path), "-o", str(out), "--quiet", *more]) == 0
        page = parse(out.read_text())
        assert not page.open
        assert not page.addresses
        assert {link[1:] for link in page.links} <= page.anchors
        return page, capsys.readouterr().out

    return call


def test_a_clean_dataset_has_no_warning(run, dataset):
    page, said = run(dataset, "--episodes", "2")
    assert said.endswith("page.html: 5 episodes, 0.00 h, 0 warnings\n")
    assert "No warning." in page.words
    for words in ("Warnings (0)", "5 success", "5 Ada", "side, wrist", "15 rows per second"):
        assert words in page.words
    name = "episode 1 (take_1)"
    for shown in (f"view wrist of {name} over time", f"columns of {name} over time"):
        assert page.pictures[shown].std() > 5
    strip = page.pictures[f"view side of {name} over time"]
    assert strip.shape == (round(168 * 36 / 64), 8 * 168 + 7 * 2, 3)
    # three of all, and two strips and one plot for each episode
    assert len(page.pictures) == 3 + 2 * 3


def test_clean_bags_have_no_warning_and_show_their_topics(run, clean_bags):
    page, said = run(clean_bags, "--episodes", "1")
    assert "5 episodes" in said
    assert "No warning." in page.words
    assert page.words.count("camera wrist") == 1
    row = page.words.index("/joint_states")
    assert page.words[row + 1 : row + 4] == ["state", "103", "30.0"]


def test_one_bag(run, clean_bags):
    page, _ = run(clean_bags / "take_3")
    assert "a bag, looked at by dust-inspect" in page.words
    assert "view wrist of take_3 over time" in page.pictures


def test_planted_faults_are_found(run, write_bag, tmp_path):
    fault = Fault(FaultKind.RATE, "/x", "12 Hz instead of 15")
    facts = EpisodeFacts("flagged", outcome=Outcome.SUCCESS, complete=True, faults=(fault,))
    for seed in range(3):
        write_bag(f"good_{seed}", seed=seed)
    write_bag("spiked", seed=5, spike=2.5)
    write_bag("copy", seed=1)
    write_bag("gap", seed=6, silent={SIDE: (1.2, 2.1)})
    write_bag("one_eyed", seed=8, without=(SIDE,))
    write_bag("failed", seed=9, outcome=3)
    write_bag("flagged", seed=10, custom={KEY: facts.to_json()})
    cut = next(write_bag("torn", seed=11).glob("*.mcap"))
    cut.write_bytes(cut.read_bytes()[:30])
    page, _ = run(tmp_path / "bags", "--episodes", "5")
    text = page.text
    assert "good_1 | its trajectory is that of copy" in text
    assert "spiked | measured fr3_joint2 moves at " in text
    assert "spiked | state fr3_joint2 is " in text
    assert f"gap | camera side ({SIDE}) is silent for 1.00 s, 0.8 s after the start" in text
    assert "one_eyed | dust-convert leaves it out: camera side: no image on" in text
    assert "flagged | the recorder flagged: 12 Hz instead of 15" in text
    assert "failed | dust-convert leaves it out: outcome failure" in text
    assert "torn | " in text
    warned = text[: text.index("Notes (")]
    assert "good_0" not in warned
    assert "failed" not in warned
    assert "columns of one_eyed over time" in page.pictures


def test_planted_faults_are_found_in_a_dataset(run, write_bag, tmp_path):
    for seed in range(4):
        write_bag(f"take_{seed}", seed=seed)
    write_bag("take_4", seed=4, spike=2.5)
    write_bag("take_5", seed=2, pictures=77)
    write_bag("take_6", seed=6, pictures=3)
    write_bag("take_7", seed=7, outcome=3)
    assert convert([str(tmp_path / "bags"), str(tmp_path / "out"), "--quiet", "--workers=1"]) == 0
    page, said = run(tmp_path / "out", "--episodes", "0")
    assert "7 episodes" in said
    assert len(page.pictures) == 3
    assert "episode 4 (take_4) | measured fr3_joint2 moves at" in page.text
    assert "episode 5 (take_5) | its trajectory is that of episode 2 (take_2)" in page.text
    same = "episode 6 (take_6) | its first pictures are byte for byte those of episode 3 (take_3)"
    assert same in page.text
    assert "Left out (1)" in page.words
    assert "take_7 | outcome failure" in page.text


def test_only_so_many_are_shown_the_flagged_ones_first(run, write_bag, tmp_path):
    for seed in range(4):
        write_bag(f"take_{seed}", seed=seed, spike=2.5 if seed == 3 else 0.0)
    page, _ = run(tmp_path / "bags", "--episodes", "2")
    assert "view wrist of take_3 over time" in page.pictures
    assert len(page.pictures) == 3 + 2 * 3
    assert "take_2" in page.text


def test_texts_of_the_data_are_no_markup(run, write_bag, tmp_path):
    page, _ = run(write_bag("<b>take", instruction="<script>alert('x')</script> & go"))
    assert "<script>alert('x')</script> & go" in page.words
    assert "view wrist of <b>take over time" in page.pictures


def test_mistakes_end_in_one_line(tmp_path, capsys, clean_bags):
    empty = tmp_path / "empty"
    empty.mkdir()
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(b"nothing")
    damaged = tmp_path / "damaged" / "meta"
    damaged.mkdir(parents=True)
    (damaged / "info.json").write_text(json.dumps({"codebase_version": "v3.0"}))
    for words, complaint in (
        ((tmp_path / "nowhere",), "nowhere does not exist"),
        ((empty,), "empty: no bag there"),
        ((torn,), "torn.mcap has no episode that can be read: "),
        ((damaged.parent,), "info.json is not LeRobot's: 'features'"),
        ((clean_bags, "-o", empty), "empty is a folder: give the page's name"),
        ((clean_bags, "-o", empty / "x" / "y.html"), "x is no folder: create it first"),
        ((clean_bags, "--mapping", "x.yaml"), "x.yaml can't be read"),
    ):
        assert main([*map(str, words), "--quiet"]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert complaint in said.err
        assert said.err.startswith("dust-inspect: ")
        assert said.err.count("\n") == 1
    with pytest.raises(SystemExit) as caught:
        main([str(clean_bags), "--episodes", "-1"])
    assert caught.value.code == 2
    assert "argument --episodes: must be at least 0, got -1" in capsys.readouterr().err


def test_a_dataset_that_lacks_a_file_ends_in_one_line(dataset, tmp_path, capsys):
    copy = tmp_path / "copy"
    for file in dataset.rglob("*"):
        if file.is_file() and file.suffix != ".mp4":
            target = copy / file.relative_to(dataset)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    assert main([str(copy), "--quiet", "-o", str(tmp_path / "p.html")]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"dust-inspect: {copy} can't be read: ")
    assert err.count("\n") == 1
    assert not (tmp_path / "p.html").exists()


def test_ctrl_c(clean_bags, tmp_path, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(inspect, "check_all", interrupted)
    assert main([str(clean_bags), "--quiet", "-o", str(tmp_path / "p.html")]) == 130
    assert capsys.readouterr().err == "dust-inspect: interrupted\n"


def test_film_shows_the_pictures_in_the_order_of_time(run, dataset):
    page, _ = run(dataset, "--episodes", "1")
    strip = next(p for name, p in page.pictures.items() if name.startswith("view wrist"))
    tiles = [strip[:, i * 170 : i * 170 + 168].astype(int) for i in range(8)]
    red = [np.argmax((t[..., 2] - t[..., 0])[26:46].sum(0)) for t in tiles]
    assert all(np.diff(red) > 0)
