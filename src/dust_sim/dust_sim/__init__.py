"""The simulated cell: a Franka with two cameras in MuJoCo, and its scripted expert.

Imports run one way: the physics (`cell`, `scene`, ...), the controllers (`trajectory_controller`,
`gripper`) and their composition (`simulation`) know no ROS; the `*_topics`, `*_services` and
`*_node` modules wire them to the topics of franka_ros2 and of the ZED wrapper.
"""
