"""Denoising steps of actions and vision: what fits together."""


def check_steps(action_steps: int, vision_steps: int, *, joint_noise: bool = False) -> None:
    """Refuse step counts that the asynchronous sampler cannot interleave (paper, section 4.3).

    Args:
        action_steps: N_A, at least 1.
        vision_steps: N_o, a multiple of N_A; 0 holds vision at noise.
        joint_noise: Whether the head learned with one noise level: N_o = N_A only.

    Raises:
        ValueError: N_o is not a multiple of N_A, or not N_A where it must be.
    """
    if joint_noise and vision_steps != action_steps:
        raise ValueError(
            f"vision_steps is {vision_steps}, but must equal action_steps ({action_steps}): this "
            "checkpoint learned with one noise level for both; change both at once"
        )
    if vision_steps % action_steps == 0:
        return
    below = vision_steps // action_steps * action_steps
    raise ValueError(
        f"vision_steps is {vision_steps}, but must be a multiple of action_steps ({action_steps}) "
        f"or 0: take {below} or {below + action_steps}"
    )
