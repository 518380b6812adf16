"""Bags to LeRobot datasets.

bag -> span, take -> grid, rows -> pictures, clips, statistics -> staging   one episode each
staging -> contents -> layout_v30, layout_v21 -> dataset                    all of them together

mapping (read by section) says what stands where; messages and tracks turn it into numbers over
time; faults say why an episode is left out; jobs share the work; convert is the command.
"""
