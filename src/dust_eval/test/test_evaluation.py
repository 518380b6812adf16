"""Tests of dust_eval.evaluation: who is seated when, with a graph that is only told of."""

import io
import itertools
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from dust_eval import evaluation
from dust_eval.driver import Driver
from dust_eval.evaluation import Evaluation
from dust_eval.failure import Failure
from dust_eval.person import LeaveError, Person
from dust_eval.protocol import Protocol
from dust_eval.run_folder import Plan, RunFolder
from dust_eval.task_client import GraphError
from dust_eval.trial import TrialResult, TrialSpec

SPECS = tuple(TrialSpec("box_to_bowl", "sponge", seed) for seed in range(4))
DRIVERS = (Driver("dust", "/models/dust"), Driver("expert", "expert"))
PROTOCOL = Protocol(SPECS, {"box_to_bowl": "Move the {object}."}, 45.0)
INSTRUCTION = "Move it."


class World:
    """Everything that an evaluation touches, as a list of what happened."""

    def __init__(self):
        self.events = []
        self.fates = {}
        self.dead = set()

    def part(self, command, *, domain_id=None):
        return _Part(self, command)

    def client(self, *, domain_id=None, use_sim_time=False):
        self.use_sim_time = use_sim_time
        return _Client(self)

    @contextmanager
    def domain(self):
        self.events.append("domain")
        yield 7
        self.events.append("left")

    def carry_out(self, client, scene, spec, *, time_limit_sec, on_start, alive):
        on_start(INSTRUCTION)
        self.events.append(f"trial {spec.seed}")
        fates = self.fates.get(spec.seed, [])
        fate = fates.pop(0) if fates else 1.0
        if isinstance(fate, BaseException):
            raise fate
        kind = Failure.NONE if fate == 1 else Failure.MISSED_GRASP
        return TrialResult(spec, fate, "seen", 10.0, 50, failure=kind)


class _Part:
    def __init__(self, world, command):
        self.world, self.command, self.words = world, command, None

    def start(self, words, *, log):
        self.words, self.log = words, log
        self.world.events.append(f"start {self.name}")
        self.world.dead.discard(self.name)

    @property
    def name(self):
        return "cell" if "machine:=robot" in self.words else self.words[3]

    @property
    def running(self):
        return self.words is not None and self.name not in self.world.dead

    def stop(self):
        if self.words is not None:
            self.world.events.append(f"stop {self.name}")
            self.words = None

    def last_lines(self):
        return "the end"


class _Client:
    arm = None

    def __init__(self, world):
        self.world = world
        self.node = SimpleNamespace(
            create_publisher=lambda *_: self,
            get_clock=lambda: SimpleNamespace(now=lambda: SimpleNamespace(to_msg=self._stamp)),
        )

    def _stamp(self):
        from builtin_interfaces.msg import Time

        return Time()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.world.events.append("leave")

    def publish(self, message):
        self.world.events.append((message.event, message.episode_id, message.operator_name))

    def wait_gone(self):
        self.world.events.append("gone")

    def wait_active(self, nodes, *, timeout_sec, alive):
        self.world.nodes = nodes

    def wait_ready(self, *, timeout_sec, alive):
        if not alive():
            raise GraphError("the graph ended while waiting")

    def wait_idle(self):
        self.world.events.append("idle")


class _Watch:
    def __init__(self, node, arm):
        pass

    def trace(self):
        return None


class _Film:
    def __init__(self, node, topic, **_):
        self.topic = topic

    def take(self):
        import cv2

        return [cv2.imencode(".jpg", np.zeros((36, 64, 3), np.uint8))[1]] * 3


@pytest.fixture
def world(monkeypatch):
    world = World()
    for name, stand_in in {
        "GraphPart": world.part,
        "CellClient": world.client,
        "TaskClient": world.client,
        "TrialWatch": _Watch,
        "Film": _Film,
        "claimed_domain": world.domain,
        "carry_out": world.carry_out,
        "SimulatedScene": lambda client, watch: None,
    }.items():
        monkeypatch.setattr(evaluation, name, stand_in)
    monkeypatch.setattr(Evaluation, "_make_scene", lambda self: None)
    return world


@pytest.fixture
def folder(tmp_path):
    def made(drivers=DRIVERS, **settings):
        labels = ("B", "A")[: len(drivers)]
        plan = Plan(
            drivers=drivers,
            labels=labels,
            specs=SPECS,
            time_limit_sec=45.0,
            **{"block": 2, "seed": 4} | settings,
        )
        return RunFolder.create(tmp_path / "out", plan)

    return made


def evaluate(folder, **settings):
    with Evaluation(folder, PROTOCOL, **settings) as running:
        running.run()
        return running


def seats(world):
    return [event[6:] for event in world.events if isinstance(event, str) and "start" in event]


def test_the_cell_stays_up_and_drivers_take_turns(world, folder):
    done = folder((Driver("dust", "/models/dust"), Driver("n1", "/models/n1")))
    evaluate(done)
    names = [done.plan.drivers[turn.driver].name for turn in done.plan.turns]
    turns = len(list(itertools.groupby(names)))
    assert turns >= 3
    assert seats(world) == ["cell", *["policy:=dust"] * turns]
    assert len(done.records) == 8
    assert done.remaining() == []
    assert [event for event in world.events[-5:] if event in ("stop cell", "left")] == [
        "stop cell",
        "left",
    ]


def test_each_driver_is_followed_by_the_robot_as_it_wants_to_be(world, folder, monkeypatch):
    words = []
    start = _Part.start
    monkeypatch.setattr(
        _Part, "start", lambda s, w, *, log: (words.append(w), start(s, w, log=log))
    )
    often = Driver("often", "/models/dust", ("execute_actions:=4",))
    done = folder((often, Driver("expert", "expert")))
    evaluate(done)
    names = [done.plan.drivers[turn.driver].name for turn in done.plan.turns]
    halves = {"often": ["policy:=dust", "execute_actions:=4"], "expert": ["policy:=expert"]}
    cells = [w[w.index("machine:=robot") + 1 :] for w in words if "machine:=robot" in w]
    assert cells == [halves[name] for name, _ in itertools.groupby(names)]
    # What was up ends before the next one begins.
    ends = [event for event in world.events if event in ("start cell", "stop cell")]
    assert ends == ["start cell", "stop cell"] * len(cells)


def test_a_driver_that_goes_on_keeps_its_seat(world, folder):
    evaluate(folder((DRIVERS[1],)))
    assert seats(world) == ["cell", "policy:=expert"]


def test_whoever_drove_before_is_gone_before_the_next_one_starts(world, folder):
    evaluate(folder())
    for place, event in enumerate(world.events):
        if isinstance(event, str) and event.startswith("start policy"):
            assert world.events[place - 1] == "gone"


def test_episodes_begin_and_end_and_name_nobody(world, folder):
    done = folder()
    evaluate(done)
    episodes = [event for event in world.events if isinstance(event, tuple)]
    expected = [(kind, turn.episode_id) for turn in done.plan.turns for kind in (0, 1)]
    assert [event[:2] for event in episodes] == expected
    assert {event[2] for event in episodes} == {"A", "B"}


def test_one_driver_alone_is_named(world, folder):
    evaluate(folder((DRIVERS[1],)))
    assert {e[2] for e in world.events if isinstance(e, tuple)} == {"expert"}


def test_before_each_trial_the_executor_is_free_again(world, folder):
    world.fates = {1: [0.0]}
    done = folder((DRIVERS[1],))
    evaluate(done)
    told = [e for e in world.events if isinstance(e, str) and e.split()[0] in ("idle", "trial")]
    assert told == [word for seed in range(4) for word in ("idle", f"trial {seed}")]
    assert [record.result.score for record in done.records] == [1, 0, 1, 1]


def test_a_trial_that_breaks_starts_the_driver_anew(world, folder):
    world.fates = {1: [GraphError("the driver fell")]}
    done = folder((DRIVERS[1],))
    evaluate(done)
    assert seats(world) == ["cell", "policy:=expert", "policy:=expert"]
    broken = done.records[1].result
    assert (broken.failure, broken.score, broken.reason) == (Failure.BROKEN, 0.0, "the driver fell")
    assert [turn.spec.seed for turn in done.remaining()] == [1]


def test_a_dead_cell_is_started_anew_with_its_driver(world, folder, monkeypatch):
    def carry_out(*arguments, **settings):
        result = World.carry_out(world, *arguments, **settings)
        if len(done.records) == 1:
            world.dead.add("cell")
            raise GraphError("the cell died")
        return result

    done = folder((DRIVERS[1],))
    monkeypatch.setattr(evaluation, "carry_out", carry_out)
    evaluate(done)
    assert seats(world) == ["cell", "policy:=expert", "cell", "policy:=expert"]


def test_a_graph_that_breaks_again_and_again_ends_the_evaluation(world, folder):
    world.fates = {seed: [GraphError("no answer")] for seed in range(4)}
    done = folder((DRIVERS[1],))
    with pytest.raises(GraphError, match=r"3 trials broke one after the other, .*: no answer"):
        evaluate(done)
    assert len(done.records) == 3


def test_an_interruption_keeps_what_is_done_and_ends_everything(world, folder):
    world.fates = {2: [KeyboardInterrupt()]}
    done = folder((DRIVERS[1],))
    with pytest.raises(KeyboardInterrupt):
        evaluate(done)
    assert len(done.records) == 2
    assert world.events[-1] == "left"
    assert "stop cell" in world.events
    again = RunFolder.open(done.root)
    world.events.clear()
    evaluate(again)
    assert [e for e in world.events if isinstance(e, str) and "trial" in e] == [
        "trial 2",
        "trial 3",
    ]
    # The attempt that was cut short keeps its folder; its recording must not be written into.
    assert again.records[2].episode == "trial-0003-2"


def test_nothing_left_starts_nothing(world, folder):
    done = folder((DRIVERS[1],))
    evaluate(done)
    world.events.clear()
    evaluate(done)
    assert seats(world) == []


def test_films_and_start_pictures_are_kept(world, folder):
    done = folder()
    evaluate(done)
    for record in done.records:
        assert (done.episode_folder(record.episode) / "strip.png").stat().st_size > 100
    assert len(list((done.root / "starts").iterdir())) == len(SPECS)


def test_no_film_is_kept_where_none_is_wanted(world, folder):
    done = folder()
    evaluate(done, filming=False)
    assert not list(done.root.rglob("*.png"))


def test_recording_and_time_are_arguments_of_the_graph(world, folder, monkeypatch):
    words = []
    start = _Part.start
    monkeypatch.setattr(
        _Part, "start", lambda s, w, *, log: (words.append(w), start(s, w, log=log))
    )
    done = folder((DRIVERS[0],), real_time_factor=2.5, graph=("viewer:=off",))
    evaluate(done, recording=True)
    common = ["robot:=sim", "dds:=local", "use_sim_time:=true", "real_time_factor:=2.5"]
    cell, driver = words
    assert set(common) | {"viewer:=off", "machine:=robot", "policy:=dust"} == set(cell)
    assert driver[-3:] == [
        "policy:=dust",
        "checkpoint:=/models/dust",
        f"record:={done.root / 'bags'}",
    ]
    assert world.nodes == ["dust_perception", "dust_policy", "dust_recorder"]
    assert world.use_sim_time


def test_on_a_robot_only_the_driver_is_ours(world, folder, monkeypatch):
    commands = []
    monkeypatch.setattr(
        evaluation, "GraphPart", lambda c, *, domain_id: (commands.append(c), world.part(c))[1]
    )
    done = folder((DRIVERS[0],), robot="fr3", judge="person", block=1)
    evaluate(done, person=Person(io.StringIO(), io.StringIO()))
    assert commands == [("ros2", "launch", "dust_bringup", "franka.launch.py")] * 2
    assert len(seats(world)) == 1
    assert "domain" not in world.events


def test_a_person_who_leaves_loses_nothing(world, folder):
    world.fates = {1: [LeaveError()]}
    done = folder((DRIVERS[0],), judge="person")
    with pytest.raises(LeaveError):
        evaluate(done, person=Person(io.StringIO(), io.StringIO()))
    assert len(done.records) == 1


def test_a_trial_that_a_person_repeats_does_not_count(world, folder):
    from dust_eval.person import RepeatError

    world.fates = {1: [RepeatError()]}
    done = folder((DRIVERS[0],), judge="person")
    evaluate(done, person=Person(io.StringIO(), io.StringIO()))
    episodes = [record.episode for record in done.records]
    assert episodes == ["trial-0001", "trial-0002-2", "trial-0003", "trial-0004"]
    ended = [event for event in world.events if event == (1, "trial-0002", "dust")]
    assert len(ended) == 1


def test_what_is_shown_tells_nobody_who_drives(world, folder, capsys):
    world.fates = {seed: [0.0, 0.0] for seed in range(4)}
    evaluate(folder())
    said = capsys.readouterr().err
    assert "box_to_bowl-sponge-0: 0 (missed_grasp: seen)" in said
    assert "dust" not in said
    assert "expert" not in said


def test_the_log_of_both_parts_is_shown_when_asked_for(world, folder):
    with Evaluation(folder(), PROTOCOL) as running:
        assert running.log() == "the cell's log ends:\nthe end\nthe driver's log ends:\nthe end"
