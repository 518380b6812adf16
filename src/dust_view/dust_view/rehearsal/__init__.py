"""Rehearsal: a policy on a recording, in lock step, judged at 1 kHz.

Imports run one way: recording <- score <- report; parameters <- player <- rehearsal <-
rehearse_node. Only player, rehearsal and rehearse_node know rclpy.
"""
