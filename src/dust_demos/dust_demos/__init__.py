"""Demonstrations: driving the arm by hand, recording, bags to datasets, looking at data.

teleop -> (executor -> arm) -> recording -> bags -> conversion -> LeRobot dataset -> inspection
"""
