import pytest

from dust_doctor.checks.clocks import ClockEvidence, gather_clock, judge_clock, judge_stamps
from dust_doctor.finding import Verdict
from dust_doctor.wishes import Machine, Wishes

TWO = Wishes(machine=Machine.GPU)
CHRONY = (
    "C0A80001,192.168.0.1,3,1795234900.1,{offset},-0.000002,0.00001,-5.2,0.0,0.1,0.01,0.001,64.5,"
    "{leap}\n"
)


def test_one_machine_needs_no_other_clock():
    assert judge_clock(ClockEvidence(), Wishes()).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("offset", "leap", "verdict"),
    [
        ("-0.000123", "Normal", Verdict.OK),
        ("0.004", "Normal", Verdict.WARN),
        ("-0.2", "Normal", Verdict.FAIL),
        ("0.000001", "Not synchronised", Verdict.FAIL),
    ],
)
def test_chrony_is_read(machine, offset, leap, verdict):
    system = machine(commands={"chronyc": CHRONY.format(offset=offset, leap=leap)})
    clock = gather_clock(system)
    assert (clock.source, clock.reference) == ("chrony", "192.168.0.1")
    assert clock.offset == float(offset)
    found = judge_clock(clock, TWO)
    assert found.verdict is verdict
    assert (found.remedy == "") == (verdict is Verdict.OK)


def test_ptp_comes_before_chrony(machine):
    told = "sending: GET CURRENT_DATA_SET\n\tstepsRemoved 1\n\toffsetFromMaster -1500.0\n"
    system = machine({"proc/42/comm": "ptp4l\n"}, {"pmc": told, "chronyc": CHRONY})
    clock = gather_clock(system)
    assert (clock.source, clock.offset) == ("ptp", pytest.approx(-1.5e-6))
    assert judge_clock(clock, TWO).verdict is Verdict.OK


@pytest.mark.parametrize(("told", "verdict"), [("yes\n", Verdict.WARN), ("no\n", Verdict.FAIL)])
def test_systemd_says_only_whether(machine, told, verdict):
    assert (
        judge_clock(gather_clock(machine(commands={"timedatectl": told})), TWO).verdict is verdict
    )


def test_a_clock_that_nobody_keeps_fails_between_machines(machine):
    found = judge_clock(gather_clock(machine()), TWO)
    assert found.verdict is Verdict.FAIL
    assert "chrony" in found.remedy


def test_stamps_of_a_good_graph(graph):
    assert judge_stamps(graph()).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({"ages": (-0.5, 0.01)}, Verdict.FAIL, "500 ms in the future"),
        ({"ages": (0.2, 0.2)}, Verdict.WARN, "200 ms old"),
        ({"ages": (0.9, 0.9)}, Verdict.FAIL, "900 ms old"),
        ({"stamps": (0.0, 0.0), "ages": (1e9, 1e9)}, Verdict.FAIL, "has no stamps"),
    ],
)
def test_bad_stamps_are_told_apart(graph, stream, changes, verdict, words):
    found = judge_stamps(graph(stamped=(stream("other", **changes),)))
    assert found.verdict is verdict
    assert words in found.says
    assert found.remedy


def test_simulated_time_comes_in_steps(graph, stream):
    ahead = (stream("other", ages=(-0.05, -0.05)),)
    assert judge_stamps(graph(stamped=ahead)).verdict is Verdict.FAIL
    assert judge_stamps(graph(stamped=ahead, simulated_time=True)).verdict is Verdict.OK


def test_silence_is_no_clock(graph):
    assert judge_stamps(graph(cameras={}, joint_states=None)).verdict is Verdict.SKIP
