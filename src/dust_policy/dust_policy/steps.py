"""Denoising steps of actions and vision: what fits together."""


def check_steps(action_steps: int, vision_steps: int) -> None:
    """Refuse step counts that the asynchronous sampler cannot interleave (paper, section 4.3).

    Args:
        action_steps: N_A, at least 1.
        vision_steps: N_o, a multiple of N_A; 0 holds vision at noise.

    Raises:
        ValueError: N_o is not a multiple of N_A.
    """
    if vision_steps % action_steps == 0:
        return
    below = vision_steps // action_steps * action_steps
    raise ValueError(
        f"vision_steps is {vision_steps}, but must be a multiple of action_steps ({action_steps}) "
        f"or 0: take {below} or {below + action_steps}"
    )
