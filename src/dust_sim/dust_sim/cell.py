"""The cell's physics: an FR3 that follows 1 kHz references, its hand, containers and objects.

No ROS, no clock, no threads.

``Cell`` is not thread-safe. Whoever steps it in one thread and reads it in another (a renderer that
takes ``snapshot``, a node that reads ``joint_positions``) holds one lock around each call; a call
lasts at most the block that is being stepped. What the calls return are copies, so nothing needs
the lock afterwards. The compiled ``model`` is constant apart from fields that drawing does not use,
so that renderers may copy it at any time.
"""

from __future__ import annotations

from collections.abc import Mapping

import mujoco
import numpy as np
from mujoco import rollout
from numpy.typing import NDArray

from dust_sim import fr3
from dust_sim.layout import Layout
from dust_sim.oracle import ROBOT, Evidence, Verdict, judge
from dust_sim.placement import Placement
from dust_sim.pose import BodyPose, Pose2
from dust_sim.scene import BODIES, GRASP_FORCE, HAND_ACTUATOR, TIMESTEP, build_model

Array = NDArray[np.float64]

_SETTLE_STEPS = 400
_BRAKE_FRICTION = 150.0


class Cell:
    """Physics of the cell. Time is counted in steps of ``TIMESTEP`` (1 ms) since the last reset."""

    def __init__(self, model: mujoco.MjModel | None = None) -> None:
        """Build the cell with an empty table.

        Args:
            model: compiled model of ``scene.build_model`` to use as its own; built when left out
                (about 0.1 s; the very first time about 1 s more to prepare the robot's meshes).

        Raises:
            ValueError: the robot's model files are missing; the message says what to install.
        """
        self.model = build_model() if model is None else model
        self.placement: Placement | None = None
        self._data = mujoco.MjData(self.model)
        self._scratch = mujoco.MjData(self.model)
        self._rollout = rollout.Rollout(nthread=0)
        self._look_up()
        self._disabled = False
        self._park_all()

    def _look_up(self) -> None:
        model = self.model
        self._arm_actuators = [model.actuator(name).id for name in fr3.ARM_JOINTS]
        self._hand_actuator = model.actuator(HAND_ACTUATOR).id
        self._layout = Layout(model)
        self._arm, self._fingers = self._layout.arm, self._layout.fingers
        self._arm_dofs = np.array([model.joint(name).dofadr[0] for name in fr3.ARM_JOINTS])
        self._finger_dofs = np.array([model.joint(name).dofadr[0] for name in fr3.FINGER_JOINTS])
        self._bodies = {name: model.body(name).id for name in BODIES}
        self._free = self._layout.free
        self._labels = [self._label(model.geom_bodyid[i]) for i in range(model.ngeom)]
        self._state_kind = mujoco.mjtState.mjSTATE_FULLPHYSICS
        self._state = np.empty(mujoco.mj_stateSize(model, self._state_kind))
        self._gains = model.actuator_gainprm.copy(), model.actuator_biasprm.copy()

    def _label(self, body: int) -> str:
        root = self.model.body(self.model.body_rootid[body]).name
        if root in BODIES:
            return root
        return "table" if body == 0 else ROBOT

    # -- start of a trial

    def reset(self, placement: Placement) -> None:
        """Put the scene into a start configuration.

        Arm and hand as the placement says, everything at rest, time 0, brakes released, usual
        grasp force.

        The same placement always gives the same state, bit by bit, whatever was before.
        """
        self._park_all()
        self.placement = placement
        self._data.qpos[self._arm] = placement.posture
        self._data.ctrl[self._arm_actuators] = placement.posture
        self._data.qpos[self._fingers] = placement.width / 2
        self._data.ctrl[self._hand_actuator] = placement.width
        for name, pose in placement.poses.items():
            self._layout.put(self._data.qpos, name, pose)
            self.model.body_gravcomp[self._bodies[name]] = 0.0
        mujoco.mj_forward(self.model, self._data)
        mujoco.mj_step(self.model, self._data, _SETTLE_STEPS)
        self._steps = 0

    def _park_all(self) -> None:
        self.placement = None
        self.enable()
        self.set_grasp_force(GRASP_FORCE)
        self._steps = 0
        data = self._data
        mujoco.mj_resetData(self.model, data)
        for name in BODIES:
            self._layout.put(data.qpos, name, None)
            # Without weight it stays there.
            self.model.body_gravcomp[self._bodies[name]] = 1.0
        data.qpos[self._arm] = fr3.HOME
        data.qpos[self._fingers] = fr3.FINGER_RANGE
        data.ctrl[self._arm_actuators] = fr3.HOME
        data.ctrl[self._hand_actuator] = fr3.MAX_WIDTH
        mujoco.mj_forward(self.model, data)

    # -- time

    @property
    def time(self) -> float:
        """Simulated time since the last reset, s."""
        return self._steps * TIMESTEP

    def step(self, q_ref: Array, qd_ref: Array, width_ref: Array) -> None:
        """Advance by one millisecond per row of the references.

        The arm follows like the effort trajectory controller on the robot: torque = p (q_ref - q) +
        d (qd_ref - qd), gravity compensated, clipped to 87 / 12 N m. The hand follows its width
        with at most the grasp force. While the arm is disabled its references are ignored. The GIL
        is released for the whole block.

        Args:
            q_ref: joint positions [n, 7], rad, n >= 1.
            qd_ref: joint velocities [n, 7], rad/s.
            width_ref: opening of the hand [n], m, in [0, 0.08]; its slope is the fingers' closing
                speed.
        """
        count = len(width_ref)
        control = np.empty((1, count, self.model.nu))
        control[0][:, self._arm_actuators] = q_ref + (fr3.DAMPING / fr3.STIFFNESS) * qd_ref
        control[0][:, self._hand_actuator] = width_ref
        if self._disabled:
            control[0][:, self._arm_actuators] = 0.0
        mujoco.mj_getState(self.model, self._data, self._state, self._state_kind)
        self._rollout.rollout(
            [self.model],
            [self._data],
            self._state[None],
            control,
            nstep=count,
            initial_warmstart=self._data.qacc_warmstart[None].copy(),
            skip_checks=True,
        )
        self._steps += count

    def disable(self) -> None:
        """Stop the arm at once and hold it by its brakes, as after a reflex; the hand goes on."""
        self._disabled = True
        self.model.actuator_gainprm[self._arm_actuators] = 0.0
        self.model.actuator_biasprm[self._arm_actuators] = 0.0
        self.model.dof_frictionloss[self._arm_dofs] = _BRAKE_FRICTION

    def enable(self) -> None:
        """Release the brakes: the arm follows its references again, from ``joint_positions`` on."""
        self._disabled = False
        gain, bias = self._gains
        self.model.actuator_gainprm[:] = gain
        self.model.actuator_biasprm[:] = bias
        self.model.dof_frictionloss[self._arm_dofs] = 0.0

    @property
    def disabled(self) -> bool:
        """Whether the brakes hold the arm."""
        return self._disabled

    def set_grasp_force(self, force: float) -> None:
        """Limit the force of one finger from now on until the next reset, N, in [5, 70]."""
        limit = 2 * float(np.clip(force, 5.0, 70.0))
        self.model.actuator_forcerange[self._hand_actuator] = -limit, limit

    # -- what can be measured

    @property
    def joint_positions(self) -> Array:
        """Arm joints [7], rad."""
        return self._data.qpos[self._arm]

    @property
    def joint_velocities(self) -> Array:
        """Arm joints [7], rad/s."""
        return self._data.qvel[self._arm_dofs]

    @property
    def joint_efforts(self) -> Array:
        """Torques of the arm's joints without gravity compensation [7], N m."""
        return self._data.actuator_force[self._arm_actuators]

    @property
    def finger_positions(self) -> Array:
        """Fingers [2], m, each in [0, 0.04]."""
        return self._data.qpos[self._fingers]

    @property
    def finger_velocities(self) -> Array:
        """Fingers [2], m/s."""
        return self._data.qvel[self._finger_dofs]

    @property
    def width(self) -> float:
        """Opening of the hand, m, in [0, 0.08]."""
        return float(self.finger_positions.sum())

    def snapshot(self) -> Array:
        """Copy what a renderer needs to draw this moment: all generalised positions."""
        return self._data.qpos.copy()

    # -- what only a simulation knows

    def poses(self) -> Mapping[str, BodyPose]:
        """Answer the poses of all bodies in the scene by name, distractors included."""
        names = self.placement.poses if self.placement else ()
        return {name: self._pose(name) for name in names}

    def _pose(self, name: str) -> BodyPose:
        values = self._data.qpos[self._free[name] : self._free[name] + 7].copy()
        return BodyPose(values[:3], values[3:])

    def evidence(self) -> Evidence:
        """Answer what the oracle looks at.

        Raises:
            ValueError: the cell was not reset to a placement yet.
        """
        if self.placement is None:
            raise ValueError("no trial to judge; reset the cell to a task first")
        name, target = self.placement.object_name, self.placement.task.target
        body = self._bodies[name]
        velocity = np.zeros(6)
        mujoco.mj_objectVelocity(
            self.model, self._data, mujoco.mjtObj.mjOBJ_BODY, body, velocity, 0
        )
        pose = self._pose(target)
        x, y, z = (float(value) for value in self._data.xipos[body])
        base = Pose2(*(float(v) for v in (*pose.position, pose.yaw)))
        speed = float(np.linalg.norm(velocity[3:]))
        return Evidence(name, target, (x, y, z), speed, base, self._touching())

    def judge(self) -> Verdict:
        """Ask the success oracle about this moment.

        Raises:
            ValueError: the cell was not reset to a placement yet.
        """
        return judge(self.evidence())

    def _touching(self) -> frozenset[frozenset[str]]:
        # Contacts between sleeping bodies are not kept: look for all of them anew, on data where
        # everything is awake.
        mujoco.mj_resetData(self.model, self._scratch)
        self._scratch.qpos[:] = self._data.qpos
        mujoco.mj_fwdPosition(self.model, self._scratch)
        contacts = self._scratch.contact
        pairs = zip(contacts.geom1, contacts.geom2, strict=True)
        return frozenset(frozenset((self._labels[a], self._labels[b])) for a, b in pairs)

    def put(self, name: str, pose: Pose2) -> None:
        """Put a body of the scene somewhere else, upright and at rest.

        Raises:
            ValueError: the body is not in the scene.
        """
        if self.placement is None or name not in self.placement.poses:
            raise ValueError(f"{name!r} is not in the scene")
        self._layout.put(self._data.qpos, name, pose)
        dof = self.model.joint(f"{name}_free").dofadr[0]
        self._data.qvel[dof : dof + 6] = 0.0
        # Restoring a state wakes every body.
        state = np.empty_like(self._state)
        mujoco.mj_getState(self.model, self._data, state, self._state_kind)
        control = self._data.ctrl.copy()
        mujoco.mj_resetData(self.model, self._data)
        mujoco.mj_setState(self.model, self._data, state, self._state_kind)
        self._data.ctrl[:] = control
        mujoco.mj_forward(self.model, self._data)
