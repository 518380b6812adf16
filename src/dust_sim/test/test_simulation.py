"""The cell without ROS: motion, reset, gripper, reflex, audit."""

from dataclasses import replace

import numpy as np
import pytest

from dust_sim import fr3
from dust_sim.cell import Cell
from dust_sim.clock import SimulationClock
from dust_sim.faults import Fault, FaultRequest
from dust_sim.gripper import Command, GripperGoal
from dust_sim.placement import place
from dust_sim.scene import build_model
from dust_sim.simulation import Simulation
from dust_sim.trajectory_controller import (
    RejectedError,
    TrajectoryController,
    TrajectoryPoint,
    TrajectoryRequest,
)

START = 1_800_000_000_000_000_000


@pytest.fixture(scope="module")
def model():
    return build_model()


def simulation_of(model, clock):
    return Simulation(
        Cell(model),
        clock,
        TrajectoryController(fr3.ARM_JOINTS, fr3.HOME),
        place("box_to_bowl", "blue_cube", 0),
    )


@pytest.fixture
def simulation(model):
    return simulation_of(model, SimulationClock(lambda: START))


def run(simulation, milliseconds):
    for _ in range(0, milliseconds, 5):
        simulation.advance(5)


def turn_base(angle, seconds):
    """A smooth turn of joint 1."""
    rest = {"velocities": (0.0,) * 7, "accelerations": (0.0,) * 7}
    goal = fr3.HOME.copy()
    goal[0] += angle
    points = (
        TrajectoryPoint(0, tuple(fr3.HOME), **rest),
        TrajectoryPoint(round(seconds * 1e9), tuple(goal), **rest),
    )
    return TrajectoryRequest(0, fr3.ARM_JOINTS, points)


def test_time_passes_and_the_arm_holds_home(simulation):
    run(simulation, 200)
    state = simulation.measure()
    assert state.stamp_ns == START + 200_000_000
    np.testing.assert_allclose(state.positions, fr3.HOME, atol=2e-3)
    assert state.stopped_by is None


def test_a_trajectory_moves_the_arm_within_the_limits(simulation):
    number = simulation.accept(turn_base(0.4, 1.0))
    run(simulation, 900)
    assert simulation.outcome(number) is None
    run(simulation, 500)
    assert simulation.outcome(number) == ""
    assert simulation.measure().positions[0] == pytest.approx(0.4, abs=0.01)
    counts = simulation.take_audit(reset=True)
    assert counts.samples == 1400
    assert sum(counts.outside.values()) == 0
    assert counts.peak["velocity"] == pytest.approx(0.4 * 1.875 / 2.62, rel=1e-2)
    assert simulation.take_audit(reset=False).samples == 0


@pytest.mark.parametrize("stamped", [False, True])
def test_a_motion_goes_on_smoothly_although_the_wall_clock_is_set_back(model, stamped):
    wall_ns = [START]
    clock = SimulationClock(lambda: wall_ns[0])
    simulation = simulation_of(model, clock)
    request = turn_base(0.4, 1.0)
    request = replace(request, stamp_ns=START) if stamped else request
    number = simulation.accept(request)
    for block in range(300):
        # Once before the arm has begun to move, and once on the way.
        wall_ns[0] += 5_000_000 - 3600 * 10**9 * (block in (0, 100))
        if (steps := clock.due()) > 0:
            simulation.advance(steps)
    assert simulation.measure().stamp_ns == wall_ns[0]
    assert simulation.measure().positions[0] == pytest.approx(0.4, abs=0.01)
    assert simulation.outcome(number) == ""
    assert sum(simulation.take_audit(reset=False).outside.values()) == 0


STOPS = {
    "a reflex; recover it": lambda it: it.inject(FaultRequest("reflex")),
    "the user stop; release it": lambda it: it.inject(FaultRequest("user_stop")),
    "a controller that is off": lambda it: it.inject(FaultRequest("controller_off")),
    "the cell was reset": lambda it: it.reset(it.placement),
    "somebody let go": lambda it: it.hold("somebody let go"),
    "newer trajectory": lambda it: it.accept(turn_base(0.0, 1.0)),
}


@pytest.mark.parametrize("why", STOPS)
def test_a_motion_that_is_stopped_has_not_reached_its_end(simulation, why):
    done = simulation.accept(turn_base(0.0, 0.01))
    run(simulation, 20)
    STOPS[why](simulation)
    if why != "newer trajectory":
        assert simulation.outcome(done) == ""
    simulation.inject(FaultRequest("clear"))
    number = simulation.accept(turn_base(0.4, 1.0))
    run(simulation, 20)
    STOPS[why](simulation)
    assert why in simulation.outcome(number)
    simulation.reset(simulation.placement)
    assert why in simulation.outcome(number)


def test_a_fault_that_has_just_ended_drops_nothing(simulation):
    simulation.inject(FaultRequest("reflex", duration=0.05))
    run(simulation, 50)
    number = simulation.accept(turn_base(0.1, 0.2))
    run(simulation, 20)
    assert simulation.outcome(number) is None


def test_reset_drops_the_motion_and_is_no_violation(simulation):
    simulation.accept(turn_base(0.4, 1.0))
    run(simulation, 500)
    simulation.reset(place("plate_to_basket", "sponge", 3))
    run(simulation, 500)
    np.testing.assert_allclose(simulation.measure().positions, fr3.HOME, atol=2e-3)
    assert sum(simulation.take_audit(reset=False).outside.values()) == 0
    stamp_ns, poses = simulation.poses()
    assert stamp_ns == START + 1_000_000_000
    assert set(poses) == {"white_plate", "white_basket", "sponge"}
    assert simulation.judge().outcome == 0


def test_the_gripper_closes_in_about_a_second(simulation):
    simulation.grip(GripperGoal(Command.MOVE, width=0.0))
    run(simulation, 500)
    assert simulation.take_gripper_result() is None
    with pytest.raises(ValueError, match="busy"):
        simulation.grip(GripperGoal(Command.HOMING))
    run(simulation, 1000)
    result = simulation.take_gripper_result()
    assert result.success
    assert simulation.measure().fingers.sum() == pytest.approx(0.0, abs=2e-3)


def test_stuck_fingers_stay_until_the_fault_ends(simulation):
    simulation.inject(FaultRequest("gripper_stuck", duration=0.8))
    simulation.grip(GripperGoal(Command.MOVE, width=0.0))
    run(simulation, 700)
    assert simulation.measure().fingers.sum() == pytest.approx(0.08, abs=2e-3)
    simulation.stop_gripper()
    assert simulation.take_gripper_result().error == "stopped"


def test_a_reflex_stops_the_arm_until_it_is_recovered(simulation):
    simulation.accept(turn_base(0.8, 1.0))
    run(simulation, 500)
    simulation.inject(FaultRequest("reflex"))
    at = simulation.measure().positions[0]
    run(simulation, 500)
    state = simulation.measure()
    assert state.stopped_by == Fault.REFLEX
    assert state.positions[0] == pytest.approx(at, abs=0.05)
    assert np.abs(state.velocities).max() < 1e-2
    with pytest.raises(RejectedError, match="reflex"):
        simulation.accept(turn_base(0.1, 1.0))
    simulation.recover()
    run(simulation, 500)
    after = simulation.measure()
    assert after.stopped_by is None
    np.testing.assert_allclose(after.positions, state.positions, atol=5e-3)
    assert sum(simulation.take_audit(reset=False).outside.values()) == 0


def test_a_reflex_with_a_duration_ends_by_itself(simulation):
    simulation.inject(FaultRequest("reflex", duration=0.1))
    run(simulation, 50)
    assert simulation.is_broken(Fault.REFLEX)
    run(simulation, 60)
    assert simulation.measure().stopped_by is None


def test_the_user_stop_holds_the_arm_until_it_is_released(simulation):
    simulation.accept(turn_base(0.8, 1.0))
    run(simulation, 500)
    simulation.inject(FaultRequest("reflex"))
    simulation.inject(FaultRequest("user_stop"))
    run(simulation, 300)
    assert simulation.measure().stopped_by == Fault.USER_STOP
    with pytest.raises(RejectedError, match="release it first"):
        simulation.accept(turn_base(0.1, 1.0))
    with pytest.raises(ValueError, match="the user stop; release it first"):
        simulation.recover()
    simulation.inject(FaultRequest("clear"))
    run(simulation, 300)
    assert simulation.measure().stopped_by is None
    assert simulation.accept(turn_base(0.1, 1.0)) == 2
    assert sum(simulation.take_audit(reset=False).outside.values()) == 0


def test_camera_faults_are_answered_per_camera(simulation):
    simulation.inject(FaultRequest("camera_stop", target="side"))
    simulation.inject(FaultRequest("camera_delay", target="wrist", value=0.2))
    assert simulation.is_broken(Fault.CAMERA_STOP, "side")
    assert not simulation.is_broken(Fault.CAMERA_STOP, "wrist")
    assert simulation.camera_delay("wrist") == 0.2
