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


def test_the_node_is_measured_over_dds(fresh_ros_domain, capsys):
    pytest.importorskip("rclpy", reason="needs ROS 2")
    assert main(["--only", "node", "--seconds", "2", "--domain", str(fresh_ros_domain)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "there and back over DDS" in lines[2]
    assert "from arrival to publication" in lines[3]
