import pytest

from dust_executor.bench import main, measure_core


def test_the_core_is_measured_by_both_clocks():
    wall, work = measure_core(1.0)
    assert wall.share == work.share
    # Wide bounds: the machine may be busy. What counts is published by the program itself.
    assert 0.0 < work.median <= work.p99
    assert work.median < 0.02
    assert 0.0 < work.share < 1.0


def test_the_program_prints_one_row_each(capsys):
    assert main(["--only", "core", "--seconds", "0.5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("machine: ")
    assert [line.split(",")[0] for line in lines[2:]] == ["core", "core"]
    assert all(line.split()[-3] == "%" for line in lines[2:])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seconds", "0"], "--seconds: must be a number between 0.5 and 86400, got 0"),
        (["--seconds", "-1"], "--seconds: must be a number between 0.5 and 86400, got -1"),
        (["--seconds", "nan"], "--seconds: must be a number between 0.5 and 86400, got nan"),
        (["--seconds", "soon"], "--seconds: must be a number between 0.5 and 86400, got soon"),
        (["--domain", "233"], "--domain: must be a whole number between 0 and 232, got 233"),
    ],
)
def test_what_is_out_of_range_is_refused(capsys, words, message):
    with pytest.raises(SystemExit) as ended:
        main(["--only", "core", *words])
    assert ended.value.code == 2
    assert f"error: argument {message}" in capsys.readouterr().err


def test_a_domain_of_the_environment_that_is_none_is_told(monkeypatch, capsys):
    monkeypatch.setenv("ROS_DOMAIN_ID", "lab")
    with pytest.raises(SystemExit) as ended:
        main(["--only", "core"])
    assert ended.value.code == 2
    assert "--domain: must be a whole number between 0 and 232, got lab" in capsys.readouterr().err


@pytest.mark.slow
def test_the_node_is_measured_over_dds(fresh_ros_domain, capsys):
    pytest.importorskip("rclpy", reason="needs ROS 2")
    assert main(["--only", "node", "--seconds", "2", "--domain", str(fresh_ros_domain)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "there and back over DDS" in lines[2]
    assert "from arrival to publication" in lines[3]
