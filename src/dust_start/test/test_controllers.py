from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_start.controllers import command_interfaces, controller, controllers_file
from dust_start.errors import StartError

ROOT = Path(__file__).resolve().parents[3]
REAL = {"use_fake_hardware": False, "controllers": "", "output": ""}
FAKE = {**REAL, "use_fake_hardware": True}
CRISP = {**REAL, "output": "joint_target"}


def own(tmp_path: Path, *kinds: str) -> str:
    path = tmp_path / "own.yaml"
    path.write_text(
        "/**:\n  my_controller:\n    ros__parameters:\n"
        f"      command_interfaces: [{', '.join(kinds)}]\n"
    )
    return str(path)


@pytest.mark.parametrize(
    ("values", "file", "name", "package"),
    [
        (REAL, "controllers.yaml", "fr3_arm_controller", "joint_trajectory_controller"),
        (FAKE, "controllers_fake.yaml", "fr3_arm_controller", "joint_trajectory_controller"),
        (CRISP, "crisp.yaml", "joint_impedance_controller", "crisp_controllers"),
    ],
)
def test_our_own_files_fit_their_hardware(values, file, name, package):
    assert controllers_file(ROOT, values) == ROOT / "config" / file
    found = controller(values)
    assert (found.name, found.package) == (name, package)
    assert f"{name}:" in (ROOT / "config" / file).read_text()


def test_effort_on_the_arm_and_position_on_mock_hardware():
    assert command_interfaces(ROOT / "config/controllers.yaml") == {
        "fr3_arm_controller": ["effort"]
    }
    assert command_interfaces(ROOT / "config/controllers_fake.yaml") == {
        "fr3_arm_controller": ["position"]
    }


@pytest.mark.parametrize("kinds", [("position",), ("velocity",), ("effort", "position")])
def test_anything_but_effort_is_refused_on_the_arm(tmp_path, kinds):
    with pytest.raises(StartError) as caught:
        controllers_file(ROOT, {**REAL, "controllers": own(tmp_path, *kinds)})
    assert "my_controller commands" in str(caught.value)
    assert "use effort, or use_fake_hardware:=true" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_effort_is_refused_on_mock_hardware(tmp_path):
    with pytest.raises(StartError, match="follows position only"):
        controllers_file(ROOT, {**FAKE, "controllers": own(tmp_path, "effort")})
    path = own(tmp_path, "position")
    assert controllers_file(ROOT, {**FAKE, "controllers": path}) == Path(path)


def test_files_that_cannot_be_read_end_in_one_line(tmp_path):
    with pytest.raises(StartError, match="No such file"):
        controllers_file(ROOT, {**REAL, "controllers": str(tmp_path / "none.yaml")})
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(StartError, match="not valid YAML"):
        controllers_file(ROOT, {**REAL, "controllers": str(tmp_path / "bad.yaml")})


@given(st.sampled_from(["/**", "left"]), st.lists(st.sampled_from(["effort"]), max_size=3))
def test_controllers_are_found_below_any_namespace(tmp_path_factory, space, kinds):
    path = tmp_path_factory.mktemp("yaml") / "file.yaml"
    rows = "".join(
        f"  controller{index}: {{ros__parameters: {{command_interfaces: [{kind}]}}}}\n"
        for index, kind in enumerate(kinds)
    )
    path.write_text(f"{space}:\n{rows or '  none: 1'}")
    assert command_interfaces(path) == {f"controller{i}": [k] for i, k in enumerate(kinds)}
