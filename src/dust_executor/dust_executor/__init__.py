"""Chunks of actions in, joint trajectories and gripper goals out. NumPy and ruckig, no torch.

The core (everything but `executor_node`, `gripper_clients`, `messages` and `parameters`) knows no
ROS. Times are integers in ns of one clock, the node's; durations in settings are s.
"""
