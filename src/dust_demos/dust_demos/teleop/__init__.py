"""Driving the arm by hand, through the executor: gamepad, SpaceMouse, leader arm, keyboard.

Imports run one way: fr3, rotation <- jog; fr3 <- leader; jog, leader <- reference;
controls <- clutch; all of these <- pilot (no ROS up to here) <- settings <- the nodes.
"""
