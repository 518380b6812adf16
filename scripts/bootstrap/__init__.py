"""Sets up the workspace from ROS 2 wheels. Standard library only."""
