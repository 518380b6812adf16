"""Recording: one rosbag2 folder per episode, and reading it again.

recorder_node -> (gates, pressing) -> episode_writer -> safe_mcap   |   bag <- mend <- safe_mcap

Only `recorder_node` and its helpers know rclpy; everything else works where ROS 2 is not installed.
"""
