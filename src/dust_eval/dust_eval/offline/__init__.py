"""Checks of a checkpoint against demonstrations that catch "good offline, bad on the robot".

No ROS. Imports run one way: `moments`, `predictor`, `finding` <- `evidence` <- the checks
(`accuracy`, `cameras`, `chunk_shift`, `instruction`, `start_pose`, `state_copying`) <- `checks` <-
`check`, which brings in torch by `checkpoint_predictor`.
"""
