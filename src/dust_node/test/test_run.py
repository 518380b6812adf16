"""Tests of dust_node.run as a program: exit codes and what is said."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

PROGRAM = textwrap.dedent(
    """
    import sys
    from dust_node.errors import UserError
    from dust_node.lifecycle import DustNode
    from dust_node.parameters import Parameter
    from dust_node.run import run

    class Probe(DustNode):
        parameters = (
            Parameter("rate", 15.0, "Rate.", "Hz", 1, 100),
            Parameter("path", "", "Path."),
            Parameter("breaks", False, "Setup fails, also of an interrupt."),
        )
        def __init__(self):
            print("constructing", flush=True)
            sys.stdin.readline()
            super().__init__("probe")
        def setup(self):
            if self.values["breaks"]:
                print("setting up", flush=True)
                try:
                    sys.stdin.readline()
                except KeyboardInterrupt:
                    raise TypeError("expected a sequence") from None
                raise ValueError("out of order")
            if self.values["path"]:
                raise UserError(f"checkpoint {self.values['path']} does not exist")
        def start(self):
            print("started", flush=True)
            self.timer = self.create_timer(0.2, self.tick)
        def tick(self):
            self.timer.cancel()
            print("spinning", flush=True)
        def wind_down(self):
            print("winding down", flush=True)
            self.waits = getattr(self, "waits", 0) + 1
            return self.waits == 3
        def teardown(self):
            print("torn down", flush=True)

    sys.exit(run(Probe))
    """
)


def start(ros_domain, *arguments, constructed=True):
    environment = {**os.environ, "ROS_DOMAIN_ID": str(ros_domain)}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "--ros-args", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        env=environment,
    )
    if constructed and process.stdout.readline():
        go_on(process)
    return process


def go_on(process):
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_spinning_ends_it_cleanly(ros_domain, number):
    process = start(ros_domain)
    assert process.stdout.readline() == "started\n"
    assert process.stdout.readline() == "spinning\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert out == "winding down\n" * 3 + "torn down\n"
    assert err == ""


@pytest.mark.parametrize("waits", ["started\n", "spinning\n", "winding down\n", "torn down\n"])
def test_more_signals_do_not_cut_its_end_short(ros_domain, waits):
    process = start(ros_domain)
    out = process.stdout.readline()
    while not out.endswith(waits):
        out += process.stdout.readline()
        if out.endswith("spinning\n"):
            process.send_signal(signal.SIGINT)
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
    rest, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    lines = [line for line in (out + rest).splitlines() if line not in {"started", "spinning"}]
    if waits == "started\n" and "winding down" not in lines:
        # The first signal found it in the midst of its start.
        assert lines == ["torn down"]
    else:
        assert lines == ["winding down"] * 3 + ["torn down"]
    assert err == ""


def test_a_signal_during_the_start_ends_it_cleanly(ros_domain):
    process = start(ros_domain)
    assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert out.endswith("torn down\n")
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_until_the_node_is_constructed(ros_domain, number):
    process = start(ros_domain, constructed=False)
    assert process.stdout.readline() == "constructing\n"
    process.send_signal(number)
    go_on(process)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert "started" not in out
    assert err == ""


def test_what_made_an_error_of_an_interrupt_leaves_no_trace(ros_domain):
    process = start(ros_domain, "-p", "breaks:=true")
    assert process.stdout.readline() == "setting up\n"
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert "Traceback" not in err


def test_an_error_that_nobody_interrupted_is_told_with_its_trace(ros_domain):
    process = start(ros_domain, "-p", "breaks:=true")
    assert process.stdout.readline() == "setting up\n"
    go_on(process)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "ValueError: out of order" in err


def test_a_mistake_is_one_line_and_exit_code_2(ros_domain, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("probe: [")
    for arguments, words in (
        (("-p", "rate:=1000"), "allowed: 1 to 100 Hz"),
        (("-p", "raet:=10"), "did you mean 'rate'?"),
        (("-p", "path:=/nowhere"), "checkpoint /nowhere does not exist"),
        (("--params-file", str(bad)), "is not valid YAML"),
    ):
        process = start(ros_domain, *arguments)
        _, err = process.communicate(timeout=20)
        assert process.returncode == 2, err
        lines = [line for line in err.splitlines() if "XMLPARSER" not in line]
        assert len(lines) == 1, err
        assert lines[0].startswith("error: ")
        assert words in lines[0]
