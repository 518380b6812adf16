"""Tests of dust_eval.evaluate: the command, up to where the graph would be started."""

import json
import re
from pathlib import Path

import pytest

from dust_eval import asked, evaluate, report
from dust_eval.evaluate import main
from dust_eval.person import LeaveError
from dust_eval.run_folder import RUN, RunFolder, claimed
from dust_eval.task_client import GraphError
from dust_eval.trial import TrialResult, broken_result

ROOT = Path(__file__).parents[3]
PROTOCOL = ["--protocol", str(ROOT / "config" / "protocol.yaml")]


class Graph:
    """Stands in for Evaluation: does `most` trials, then what `fate` says."""

    def __init__(self, most=1000, fate=None, broken=()):
        self.most, self.fate, self.broken = most, fate, broken
        self.settings = None

    def __call__(self, folder, protocol, **settings):
        self.folder, self.protocol, self.settings = folder, protocol, settings
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def run(self):
        for turn in self.folder.remaining()[: self.most]:
            score = 1.0 if turn.driver == 0 else 0.0
            result = TrialResult(turn.spec, score, "seen", 10.0, 50)
            if turn.number in self.broken:
                result = broken_result(turn.spec, "fell")
            self.folder.append(turn, turn.episode_id, result)
        if self.fate is not None:
            raise self.fate

    def log(self):
        return "the log"


class Bare(Graph):
    """Stands in for BareEvaluation."""

    def __call__(self, folder, **settings):
        return super().__call__(folder, None, **settings)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Return a function that runs the command with a graph of a kind."""

    def ran(*words, graph=None, bare=None, protocol=PROTOCOL, launcher=lambda command: ""):
        monkeypatch.setattr(evaluate, "Evaluation", graph or Graph())
        monkeypatch.setattr(evaluate, "BareEvaluation", bare or Bare())
        monkeypatch.setattr(evaluate, "Person", lambda: None)
        monkeypatch.setattr(asked, "program_path", launcher)
        monkeypatch.setattr(report, "write_plots", lambda *_: None)  # seconds, tested elsewhere
        return main([*protocol, "--out", str(tmp_path / "out"), *words])

    return ran


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Return a function that writes a lab's protocol: other words, pose and a task of its own."""
    # The cell could not do that, but an expert that starts nothing is quicker than a checkpoint.
    monkeypatch.setattr(asked, "_require_new", lambda plan: None)

    def written(how="quickly", name="lab.yaml"):
        text = Path(PROTOCOL[1]).read_text()
        text = text.replace(
            "  box_to_bowl:", f"  wipe: Wipe with the {{object}}, {how}.\n  box_to_bowl:"
        )
        path = tmp_path / name
        path.write_text(text.replace("0.7853982]", "0.5]"))
        return ["--protocol", str(path)]

    return written


BEGUN = ("--checkpoint", "a=expert", "--seeds", "1", "0", "--graph", "merge:=blend")


@pytest.fixture
def begun(run, capsys):
    """Return a function that runs the command in the folder of an interrupted evaluation."""
    assert run(*BEGUN, graph=Graph(0, KeyboardInterrupt())) == 130
    capsys.readouterr()
    return run


@pytest.fixture
def checkpoint(tmp_path, tiny_checkpoint):
    """Return the folder of a checkpoint whose files may be replaced."""
    folder = tmp_path / "models" / "dust"
    folder.mkdir(parents=True)
    for path in tiny_checkpoint.iterdir():
        (folder / path.name).symlink_to(path)
    return folder


def test_the_experts_96_trials(run, tmp_path, capsys):
    assert run("--checkpoint", "expert") == 0
    assert "100.0% (96.2% to 100.0%)" in capsys.readouterr().out
    values = json.loads((tmp_path / "out" / "results.json").read_text())
    assert (values["done"], values["planned"]) == (96, 96)


def test_a_sweep_over_steps_is_one_command(run, tmp_path, checkpoint):
    words = [f"--checkpoint=No{n}={checkpoint},vision_steps={n}" for n in (4, 16, 64)]
    assert run(*words, "--seeds", "1", "--tasks", "box_to_bowl") == 0
    plan = RunFolder.open(tmp_path / "out").plan
    assert [driver.arguments for driver in plan.drivers] == [
        ("vision_steps:=4",),
        ("vision_steps:=16",),
        ("vision_steps:=64",),
    ]
    assert len(plan.turns) == 12


def test_an_interruption_keeps_what_is_done_and_says_how_to_go_on(run, tmp_path, capsys):
    graph = Graph(3, KeyboardInterrupt())
    assert run("--checkpoint", "expert", "--seeds", "0", graph=graph) == 130
    said = capsys.readouterr()
    assert "stopped, 13 trials left; --resume goes on" in said.err
    assert "3 of 16 done" in said.out
    assert run("--resume") == 0
    assert json.loads((tmp_path / "out" / "results.json").read_text())["done"] == 16


def test_while_trials_are_left_nobody_is_named(run, checkpoint, capsys):
    words = ["--checkpoint", "expert", "--checkpoint", str(checkpoint)]
    assert run(*words, graph=Graph(20, LeaveError())) == 130
    assert "driver A" in capsys.readouterr().out
    run("--resume")
    assert "expert against dust" in capsys.readouterr().out


def test_the_same_command_with_resume_goes_on(run):
    run("--checkpoint", "expert", graph=Graph(3, KeyboardInterrupt()))
    assert run("--checkpoint", "expert", "--resume") == 0


def test_trials_that_broke_are_told_and_tried_again(run, capsys):
    assert run("--checkpoint", "expert", "--seeds", "0", graph=Graph(broken=(2,))) == 1
    assert "1 trials broke; --resume tries them again" in capsys.readouterr().err
    assert run("--resume") == 0


def test_a_graph_that_does_not_come_up_shows_its_log(run, capsys):
    assert run("--checkpoint", "expert", graph=Graph(0, GraphError("no cell"))) == 1
    assert capsys.readouterr().err.splitlines()[:2] == ["dust-eval: no cell", "the log"]


def test_ros_that_is_not_there_is_one_line(run, capsys):
    graph = Graph(0, FileNotFoundError("ros2 is not installed"))
    assert run("--checkpoint", "expert", graph=graph) == 1
    assert capsys.readouterr().err == "dust-eval: ros2 is not installed\n"


def test_seeds_of_training_are_pointed_out(run, tmp_path, capsys):
    text = PROTOCOL[1]
    path = tmp_path / "protocol.yaml"
    path.write_text(Path(text).read_text().replace("{seed: 0,", "{seed: 1000,"))
    run("--protocol", str(path), "--checkpoint", "expert")
    assert "seeds 1000 are not kept for evaluation" in capsys.readouterr().err


def test_on_a_robot_a_person_judges_and_drivers_change_with_each_trial(run, tmp_path, checkpoint):
    graph = Graph()
    assert run("--checkpoint", str(checkpoint), "--robot", "fr3", "--record", graph=graph) == 0
    plan = RunFolder.open(tmp_path / "out").plan
    assert (plan.robot, plan.judge, plan.block) == ("fr3", "person", 1)
    assert graph.settings == {"person": None, "recording": True, "filming": True}


def test_without_a_graph_processes_share_the_trials(run, tmp_path, tiny_checkpoint):
    bare = Bare()
    words = (f"{tiny_checkpoint},latency=0.2", "--robot", "bare", "--workers", "3")
    assert run("--checkpoint", *words, bare=bare) == 0
    plan = RunFolder.open(tmp_path / "out").plan
    assert (plan.robot, plan.judge) == ("bare", "oracle")
    assert plan.drivers[0].arguments == ("latency:=0.2",)
    assert bare.settings == {"workers": 3}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--record"], "--record takes a graph"),
        (["--judge", "person"], "--judge person takes a graph"),
        (["--real-time-factor", "2"], "--real-time-factor takes a graph"),
        (["--workers", "-1"], "--workers -1: must be at least 0"),
        (["--graph", "continuation:=prefix"], "takes a graph"),
    ],
)
def test_what_takes_a_graph_is_refused_without_one(run, capsys, tiny_checkpoint, words, message):
    assert run("--checkpoint", str(tiny_checkpoint), "--robot", "bare", *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


@pytest.mark.parametrize("robot", ["sim", "bare", "fr3"])
def test_a_driver_that_cannot_drive_leaves_no_folder(run, tmp_path, tiny_checkpoint, capsys, robot):
    words = ("--robot", robot, "--seeds", "0", "--checkpoint")
    assert run(*words, f"{tiny_checkpoint},vision_steps=5") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "must be a multiple of action_steps (4) or 0: take 4 or 8" in line
    assert not (tmp_path / "out").exists()
    assert run(*words, f"{tiny_checkpoint},vision_steps=4") == 0


def test_a_robot_without_ros_leaves_no_folder(run, tmp_path, tiny_checkpoint, capsys):
    def absent(command):
        raise FileNotFoundError(f"{command[0]} is not installed")

    begun = ("--checkpoint", str(tiny_checkpoint), "--robot", "fr3")
    assert run(*begun, launcher=absent) == 2
    assert capsys.readouterr().err == "dust-eval: ros2 is not installed\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["[]", "1", '{"plan": []}', "{}", "{"])
def test_a_broken_plan_does_not_go_on(run, tmp_path, capsys, content):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / RUN).write_text(content)
    assert run("--resume") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "out" / RUN) in line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nobody drives: give --checkpoint"),
        (["--checkpoint", "nowhere"], "is no checkpoint"),
        (["--checkpoint", "expert,vison_steps=4"], "unknown argument 'vison_steps'"),
        (["--checkpoint", "expert", "--graph", "viewer:=maybe"], "viewer:=maybe: must be one of"),
        (
            ["--checkpoint", "expert", "--tasks", "wash_up"],
            "the protocol has no task wash_up; it has box_",
        ),
        (["--checkpoint", "expert", "--seeds", "0", "0"], "seed 0 is named twice"),
        (["--checkpoint", "expert", "--seed", "-1"], "--seed -1: must be at least 0"),
        (["--checkpoint", "expert", "--workers", "2"], "--workers 2: only --robot bare has some"),
        (["--checkpoint", "expert,vision_steps=4"], "vision_steps:=4 changes nothing"),
        (["--checkpoint", "expert", "--graph", "robot:=fr3"], "give --robot instead"),
        (["--checkpoint", "expert", "--block", "0"], "--block 0: must be at least 1"),
        (["--checkpoint", "expert", "--real-time-factor", "0"], "must lie between 0.05 and 50"),
        (["--checkpoint", "expert", "--robot", "fr3"], "the expert can't drive"),
        (["--checkpoint", "expert", "--resume"], "no evaluation to go on with"),
        (["--protocol", "nowhere.yaml"], "protocol nowhere.yaml can't be read"),
    ],
)
def test_mistakes_end_in_one_line(run, capsys, words, message):
    assert run(*words) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("dust-eval: ")
    assert message in said[0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Pick up", "Grab", "the simulated cell tells the arm 'Pick up the .*', not 'Grab the "),
        ("  box_to_bowl", "  wipe", "has no trial wipe-teddy_bear-0: no task 'wipe'"),
        ("sponge]", "mug]", "no object 'mug'"),
        ("0.7853982]", "0.5]", "the simulated arm's start_pose is "),
    ],
)
def test_what_the_cell_can_not_do_is_refused(run, tmp_path, capsys, old, new, message):
    path = tmp_path / "lab.yaml"
    path.write_text(Path(PROTOCOL[1]).read_text().replace(old, new))
    assert run("--checkpoint", "expert", protocol=["--protocol", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(message, line)
    assert not (tmp_path / "out").exists()


def test_a_report_that_can_not_be_written_is_one_line(run, tmp_path, capsys):
    (tmp_path / "out" / "table.md").mkdir(parents=True)
    assert run("--checkpoint", "expert", "--seeds", "0") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("dust-eval: the report can't be written: ")


def test_a_folder_is_not_written_into_twice(run, capsys):
    run("--checkpoint", "expert")
    assert run("--checkpoint", "expert") == 2
    assert "--resume goes on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seed", "5"], "--seed 0, not 5"),
        (["--robot", "bare"], "--robot sim, not bare"),
        (["--judge", "person"], "--judge oracle, not person"),
        (["--block", "0"], "--block 6, not 0"),
        (["--real-time-factor", "nan"], "--real-time-factor 1.0, not nan"),
        (["--graph", "merge:=prefix"], "--graph merge:=blend, not merge:=prefix"),
        (["--tasks", "wash"], "--tasks box_to_bowl .*, not wash"),
        (["--objects", "teddy_bear"], "--objects teddy_bear blue_cube .*, not teddy_bear"),
        (["--seeds", "0", "2"], "--seeds 1, not 2"),
        (["--seeds", "0", "0"], "--seeds 1, not 0"),
        (["--checkpoint", "expert"], "--checkpoint a=expert, not expert=expert"),
        (["--checkpoint", "a=expert", "--checkpoint", "b=expert"], "a=expert, not a=.* b=expert"),
    ],
)
def test_another_plan_does_not_go_on(begun, capsys, words, message):
    assert begun("--resume", *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(rf"was begun with .*{message}: leave {words[0]} out, or give another", line)


def test_what_makes_no_sense_does_not_go_on(begun, capsys):
    assert begun("--resume", "--workers", "2") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "only --robot bare has some" in line


def test_what_it_was_begun_with_may_be_given_again(begun):
    words = ["--robot", "sim", "--judge", "oracle", "--block", "6", "--real-time-factor", "1"]
    assert begun("--resume", *BEGUN, *words) == 0


def test_nobody_goes_on_with_what_another_program_does(begun, tmp_path, capsys):
    with claimed(tmp_path / "out"):
        assert begun("--resume") == 2
    assert "another dust-eval works in" in capsys.readouterr().err


def test_what_takes_a_graph_is_refused_without_one_later_too(run, tiny_checkpoint, capsys):
    words = ("--checkpoint", str(tiny_checkpoint), "--robot", "bare")
    assert run(*words, bare=Bare(3, KeyboardInterrupt())) == 130
    capsys.readouterr()
    assert run("--resume", "--record") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--record takes a graph: not with --robot bare" in line


def test_a_checkpoint_that_has_changed_does_not_go_on(run, checkpoint, capsys):
    run("--checkpoint", str(checkpoint), graph=Graph(3, KeyboardInterrupt()))
    (checkpoint / "config.json").unlink()
    (checkpoint / "config.json").write_text('{"other": 1}')
    assert run("--resume") == 2
    assert "has changed since the evaluation began" in capsys.readouterr().err


LAB = ("--checkpoint", "expert", "--tasks", "wipe", "box_to_bowl", "--seeds", "0")


def begin_in_lab(run, lab):
    graph = Graph(3, KeyboardInterrupt())
    run(*LAB, graph=graph, protocol=lab())
    return graph.protocol


def forget_protocol(out):
    """Make a folder what it was before the protocol was kept."""
    values = json.loads((out / RUN).read_text())
    del values["plan"]["wording"], values["plan"]["start_pose"]
    (out / RUN).write_text(json.dumps(values))


@pytest.mark.parametrize("words", [(), ("--checkpoint", "expert")])
def test_what_the_arm_is_told_stays_the_same(run, lab, words):
    begun = begin_in_lab(run, lab)
    graph = Graph()
    assert run("--resume", *words, graph=graph, protocol=()) == 0
    wipe = begun.specs[0]
    assert graph.protocol.instruction(wipe) == "Wipe with the teddy bear, quickly."
    assert graph.protocol.start_pose == begun.start_pose
    assert graph.protocol.start_pose[-1] == 0.5
    assert graph.protocol.specs == begun.specs


def test_the_protocol_that_it_began_with_may_be_named_again(run, lab):
    begin_in_lab(run, lab)
    assert run("--resume", protocol=lab(name="copy.yaml")) == 0


@pytest.mark.parametrize("words", [(), LAB])
def test_another_wording_does_not_go_on(run, lab, capsys, words):
    begin_in_lab(run, lab)
    capsys.readouterr()
    assert run("--resume", *words, protocol=lab("slowly")) == 2
    (line,) = capsys.readouterr().err.splitlines()
    begun, _, given = line.partition(", not ")
    assert "was begun with another wording" in begun
    assert ("quickly" in begun, "slowly" in given) == (True, True)


def test_a_protocol_without_its_trials_does_not_go_on(run, lab, capsys):
    begin_in_lab(run, lab)
    capsys.readouterr()
    assert run("--resume") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "was begun with another specs" in line


def test_a_folder_that_holds_no_protocol_takes_the_given_one(run, lab, tmp_path, capsys):
    begin_in_lab(run, lab)
    forget_protocol(tmp_path / "out")
    graph = Graph(1, KeyboardInterrupt())
    assert run("--resume", graph=graph, protocol=lab()) == 130
    assert graph.protocol.instruction(graph.protocol.specs[0]).startswith("Wipe")
    capsys.readouterr()
    assert run("--resume", protocol=()) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "the protocol has none for wipe: name the file that it was begun with" in line


def test_on_a_robot_it_is_told_where_the_words_come_from(run, checkpoint, tmp_path, capsys):
    words = ("--checkpoint", str(checkpoint), "--robot", "fr3", "--seeds", "0")
    run(*words, graph=Graph(3, KeyboardInterrupt()))
    forget_protocol(tmp_path / "out")
    assert "does not hold its instructions" not in capsys.readouterr().err
    assert run("--resume") == 0
    assert "does not hold its instructions and start pose" in capsys.readouterr().err
