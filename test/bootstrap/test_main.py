import pytest

from bootstrap import main as module


@pytest.fixture
def sourced(monkeypatch):
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    monkeypatch.setattr(module, "ros_is_sourced", lambda: True)


def test_a_sourced_ros_is_not_mixed_with_the_wheels(sourced, monkeypatch, capsys):
    monkeypatch.setenv("AMENT_PREFIX_PATH", "/opt/ros/jazzy")
    assert module.main([]) == 1
    told = capsys.readouterr().err
    assert "rosdep install --from-paths . src --ignore-src -y" in told
    assert told.count("\n") == 1


def test_a_sourced_workspace_needs_no_setup(sourced, monkeypatch, tmp_path):
    (tmp_path / "share/dust_bringup").mkdir(parents=True)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    assert module.main([]) == 0


def test_an_interrupted_setup_says_that_it_can_go_on(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "ros_is_sourced", lambda: False)
    monkeypatch.setattr(module, "_set_up", interrupted)
    assert module.main([]) == 130
    assert "the next run goes on" in capsys.readouterr().err


def test_an_unknown_release_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("DISTRO", "jazy")
    with pytest.raises(SystemExit) as caught:
        module.main([])
    assert caught.value.code == 2
    assert "DISTRO=jazy: must be one of jazzy, kilted" in capsys.readouterr().err
