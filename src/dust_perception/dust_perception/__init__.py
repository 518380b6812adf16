"""From cameras to features: the perception node and its ROS-free core.

Imports run one way: images, synchroniser, pacer <- readers, trigger <- encoder <- perception_node;
frozen and identity stand by themselves.
Only features and perception_node know rclpy.
"""
