"""Seeing what the arm is told, and rehearsing it on a recording.

Imports run one way: fr3 <- limits; trajectory <- arm <- motion <- figure <- plot; ledger, scene <-
messages, marker_messages <- view_node. `rehearsal` stands on them; `rehearse` starts it with its
graph. Only marker_messages, view_node and three files of `rehearsal` know rclpy; nothing knows
torch.
"""
