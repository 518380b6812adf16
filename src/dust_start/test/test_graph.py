"""Checks config/cell.yaml itself, and what the graph makes of it."""

from pathlib import Path

import pytest
import yaml

from dust_start.errors import StartError
from dust_start.graph import Graph

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def graph() -> Graph:
    return Graph(ROOT, yaml.safe_load((ROOT / "config/cell.yaml").read_text(encoding="utf-8")))


def names(graph: Graph, **given: str) -> list[str]:
    return [spec.name for spec in graph.nodes(graph.values(given))]


def node(graph: Graph, name: str, **given: str):
    return next(spec for spec in graph.nodes(graph.values(given)) if spec.name == name)


POLICY = ["dust_sim", "dust_executor", "dust_perception", "dust_policy"]
EXPERT = ["dust_sim", "dust_executor", "dust_expert"]


def test_the_shipped_checkpoint_drives_the_simulated_cell_and_nothing_else(graph, tmp_path):
    assert names(graph) == POLICY
    for name in ("dust_perception", "dust_policy"):
        assert node(graph, name).parameters["checkpoint"] == str(ROOT / "models/tiny")
        given = node(graph, name, checkpoint=str(tmp_path)).parameters["checkpoint"]
        assert given == str(tmp_path)
        assert "checkpoint" not in node(graph, name, robot="fr3").parameters


def test_the_shipped_checkpoint_is_one():
    assert (ROOT / "models/tiny/config.json").is_file()


def test_without_any_checkpoint_the_expert_drives_the_simulated_cell(graph):
    assert names(graph, checkpoint="") == EXPERT


def test_who_drives_can_be_chosen(graph, tmp_path):
    assert names(graph, policy="dust") == POLICY
    assert names(graph, policy="expert", checkpoint=str(tmp_path)) == EXPERT


def test_a_person_takes_the_policys_seat(graph):
    assert names(graph, teleop="keyboard") == ["dust_sim", "dust_executor", "dust_teleop"]
    assert names(graph, robot="fr3", teleop="gello", view="off") == ["dust_executor", "dust_teleop"]
    with_policy = names(graph, teleop="gello", policy="dust")
    assert with_policy == [*POLICY, "dust_teleop"]


def test_each_device_has_its_parameter_file_over_the_common_one(graph):
    common = ROOT / "config/teleop.yaml"
    assert node(graph, "dust_teleop", teleop="joy").parameter_files == (common,)
    for device in graph.arguments["teleop"].choices[2:]:
        files = node(graph, "dust_teleop", teleop=device).parameter_files
        assert files == (common, ROOT / f"config/teleop_{device}.yaml")


def test_a_known_device_brings_its_driver_unless_it_runs_already(graph):
    assert "gamepad" in names(graph, teleop="joy")
    assert "spacenav" in names(graph, teleop="spacenav")
    assert names(graph, teleop="joy", teleop_device="false")[-1] == "dust_teleop"
    assert not node(graph, "gamepad", teleop="joy").required


def test_a_folder_to_record_into_brings_the_recorder(graph, tmp_path):
    recorder = node(graph, "dust_recorder", record=str(tmp_path / "new"))
    assert recorder.parameters["folder"] == str(tmp_path / "new")
    assert "dust_recorder" not in names(graph)
    remapped = dict(
        node(graph, "dust_recorder", record="x", robot="fr3", namespace="lab").remappings
    )
    info = "zed_side/zed_node/rgb/color/rect/camera_info"
    assert remapped[info] == "zed_side/zed_side/rgb/color/rect/camera_info"


def test_what_is_shown_reaches_the_teleoperation(graph):
    given = {"teleop": "joy", "operator": "Ada", "scenes": "box_to_bowl blue_cube 1000"}
    parameters = node(graph, "dust_teleop", **given, outcome="oracle").parameters
    assert parameters["operator"] == "Ada"
    assert parameters["scenes"] == "box_to_bowl blue_cube 1000"
    assert parameters["outcome"] == "oracle"
    assert "instruction" not in parameters


def test_a_real_arm_needs_no_simulation(graph):
    nodes = ["dust_executor", "dust_perception", "dust_policy", "dust_view"]
    assert names(graph, robot="fr3") == nodes


def test_the_view_looks_on_where_there_is_an_arm_or_a_window(graph):
    assert "dust_view" not in names(graph)
    assert not node(graph, "dust_view", rviz="true").required
    assert "dust_view" not in names(graph, robot="fr3", view="off")


def test_a_rehearsal_leads_everything_through_one_node(graph, tmp_path):
    given = {"robot": "bag", "bag": str(tmp_path), "report": str(tmp_path / "new")}
    nodes = graph.nodes(graph.values(given))
    started = ["dust_executor", "dust_perception", "dust_policy", "dust_rehearse"]
    assert [spec.name for spec in nodes] == started
    leader = nodes.pop()
    assert leader.concludes
    assert leader.parameters == {"bag": str(tmp_path), "out": str(tmp_path / "new")}
    for spec in nodes:
        assert spec.parameters["use_sim_time"] is True
        assert spec.parameter_files[-1] == ROOT / "config/rehearsal.yaml"
        assert all(new.startswith("rehearsal/") for _, new in spec.remappings)
        assert spec.remappings
        assert not spec.concludes


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "bag:=FOLDER"),
        ({"bag": "."}, "policy:=dust"),
        ({"bag": ".", "policy": "dust", "use_sim_time": "false"}, "use_sim_time:=true"),
        ({"bag": ".", "policy": "dust", "schedule": "auto"}, "schedule:=fixed"),
    ],
)
def test_a_rehearsal_needs_a_recording_a_policy_and_its_time(graph, given, words):
    with pytest.raises(StartError, match=words):
        graph.values({"robot": "bag", "policy": "expert", **given})


def test_the_two_machines_together_run_the_whole_graph(graph):
    robot, gpu = names(graph, machine="robot"), names(graph, machine="gpu")
    assert robot == ["dust_sim", "dust_executor"]
    assert sorted(robot + gpu) == sorted(names(graph))


def test_an_argument_left_empty_leaves_the_parameter_file_alone(graph):
    assert "action_steps" not in node(graph, "dust_policy", policy="dust").parameters


def test_arguments_reach_parameters_with_their_type(graph, tmp_path):
    given = {"action_steps": "8", "vision_steps": "16", "checkpoint": str(tmp_path)}
    parameters = node(graph, "dust_policy", **given).parameters
    assert parameters["action_steps"] == 8
    assert parameters["vision_steps"] == 16
    assert parameters["checkpoint"] == str(tmp_path)


def test_how_the_policy_goes_on_can_be_chosen(graph):
    given = {"policy": "dust", "schedule": "auto", "continuation": "blend"}
    parameters = node(graph, "dust_policy", **given).parameters
    assert (parameters["schedule"], parameters["continuation"]) == ("auto", "blend")
    left = node(graph, "dust_policy", policy="dust").parameters
    assert not {"schedule", "continuation"} & left.keys()


def test_how_chunks_are_joined_can_be_chosen(graph):
    given = {"merge": "open_loop", "execute_actions": "8"}
    parameters = node(graph, "dust_executor", **given).parameters
    assert (parameters["plan.merge"], parameters["plan.execute_actions"]) == ("open_loop", 8)
    for robot in ("sim", "fr3"):
        usual = node(graph, "dust_executor", robot=robot, machine="robot").parameters
        assert "plan.merge" not in usual
        assert usual["plan.execute_actions"] == 12
    for others in ({"policy": "expert"}, {"policy": "none"}, {"teleop": "joy"}):
        left = node(graph, "dust_executor", **others).parameters
        assert not {"plan.merge", "plan.execute_actions"} & left.keys()


JOINING = ("plan.merge", "plan.execute_actions")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"merge": "ensemble"},
        {"merge": "open_loop", "execute_actions": "8"},
        {"execute_actions": ""},
    ],
)
def test_a_rehearsal_joins_chunks_as_the_arm_does(graph, given):
    executors = (
        node(graph, "dust_executor", **where, **given, policy="dust").parameters
        for where in ({"robot": "sim"}, {"robot": "bag", "bag": "."})
    )
    cell, rehearsal = ({name: row.get(name) for name in JOINING} for row in executors)
    assert rehearsal == cell
    assert any(value is not None for value in cell.values()) == (given != {"execute_actions": ""})


@pytest.mark.parametrize("name", ["schedule", "continuation"])
def test_the_policys_own_choices_are_offered(graph, name):
    parameters = pytest.importorskip("dust_policy.parameters").PARAMETERS
    (choices,) = (parameter.choices for parameter in parameters if parameter.name == name)
    assert graph.arguments[name].choices == ("", *choices)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"schedule": "autos"}, "schedule:=autos: must be one of fixed, auto; did you mean"),
        ({"continuation": "rtc"}, "continuation:=rtc: must be one of none, prefix, guided,"),
    ],
)
def test_a_wrong_choice_is_told_in_one_line(graph, given, said):
    with pytest.raises(StartError) as caught:
        graph.values(given)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_simulated_time_is_published_by_the_cell_and_used_by_the_others(graph):
    assert node(graph, "dust_sim", use_sim_time="true").parameters["publish_clock"] is True
    assert node(graph, "dust_executor", use_sim_time="true").parameters["use_sim_time"] is True


def test_simulated_time_may_have_another_pace_and_only_it(graph):
    given = {"use_sim_time": "true", "real_time_factor": "2"}
    assert node(graph, "dust_sim", **given).parameters["real_time_factor"] == 2.0
    assert node(graph, "dust_sim").parameters["real_time_factor"] == 1.0
    said = "^use_sim_time:=false real_time_factor:=0.5: only simulated time has a pace of its own"
    with pytest.raises(StartError, match=said):
        graph.values({"real_time_factor": "0.5"})
    assert graph.values({"robot": "fr3"})["real_time_factor"] == 1.0


def test_the_viewers_off_stays_a_text(graph):
    assert node(graph, "dust_sim", viewer="off").parameters["viewer"] == "off"


def test_a_users_parameter_file_comes_last(graph, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("/**/dust_executor: {ros__parameters: {rate: 20.0}}\n")
    files = node(graph, "dust_executor", params_file=str(mine)).parameter_files
    assert files == (ROOT / "config/executor.yaml", mine)


def test_a_users_parameter_file_must_name_nodes_of_the_graph(graph, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("dust_polcy: {ros__parameters: {seed: 1}}\n")
    with pytest.raises(StartError, match="names no node of the graph; did you mean dust_policy"):
        graph.nodes(graph.values({"params_file": str(mine)}))


@pytest.mark.parametrize("policy", ["dust", "expert"])
def test_parameter_files_reach_their_nodes_in_a_namespace(graph, policy):
    assert len(names(graph, namespace="lab", policy=policy)) >= 3


def test_a_wrong_namespace_is_told_of_itself_and_not_of_a_parameter_file(graph):
    with pytest.raises(StartError) as caught:
        names(graph, namespace="a-b")
    assert str(caught.value).startswith("namespace:=a-b: must be of letters")
    assert "parameter file" not in str(caught.value)


def test_the_zed_wrappers_topics_are_remapped_in_a_namespace_only(graph):
    assert node(graph, "dust_perception", robot="fr3").remappings == ()
    remappings = dict(
        node(graph, "dust_perception", robot="fr3", namespace="lab", policy="dust").remappings
    )
    wrist = "zed_wrist/zed_node/rgb/color/rect/image"
    assert remappings[wrist] == "zed_wrist/zed_wrist/rgb/color/rect/image"
    assert node(graph, "dust_perception", namespace="lab", policy="dust").remappings == ()


def test_one_dead_node_ends_the_simulation_but_not_the_arms_driver(graph):
    assert node(graph, "dust_executor").required
    assert not node(graph, "dust_executor", robot="fr3").required
    assert not node(graph, "rviz", rviz="true").required


@pytest.mark.parametrize(
    ("given", "profile"),
    [
        ({}, "fastdds.xml"),
        ({"machine": "gpu"}, "fastdds_network.xml"),
        ({"dds": "network"}, "fastdds_network.xml"),
        ({"machine": "gpu", "dds": "local"}, "fastdds.xml"),
    ],
)
def test_the_dds_profile_follows_the_machines(graph, given, profile):
    assert graph.dds_profile(graph.values(given)) == ROOT / "config" / profile


def test_the_users_own_dds_profile_can_stay(graph):
    assert graph.dds_profile(graph.values({"dds": "system"})) is None


def test_what_cannot_run_together_is_refused(graph):
    with pytest.raises(StartError, match=r"^robot:=fr3 policy:=expert: the scripted expert"):
        graph.values({"robot": "fr3", "policy": "expert"})


def test_missing_packages_are_named_with_what_installs_them(graph):
    environment = {"AMENT_PREFIX_PATH": "", "ROS_DISTRO": "kilted"}
    with pytest.raises(StartError) as caught:
        graph.check_installed(["rviz2", "franka_bringup", "franka_gripper"], environment)
    assert "rviz2: sudo apt install ros-kilted-rviz2; " in str(caught.value)
    assert "franka_bringup, franka_gripper: build from source" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_file_that_the_description_names_exists(graph):
    devices = graph.arguments["teleop"].choices
    for given in (
        *({"teleop": device, "record": "out"} for device in devices),
        {"policy": "dust"},
        {"policy": "expert"},
        {"rviz": "true"},
    ):
        for spec in graph.nodes(graph.values(given)):
            paths = [*spec.parameter_files, *(a for a in spec.arguments if a.startswith("/"))]
            assert [path for path in paths if not Path(path).is_file()] == []


def test_every_argument_has_a_description(graph):
    assert [a.name for a in graph.arguments.values() if len(a.description) < 10] == []


def test_a_workspace_that_is_not_built_is_told():
    with pytest.raises(StartError, match="dust_bringup is not installed: build the workspace"):
        Graph.load({"AMENT_PREFIX_PATH": ""})
