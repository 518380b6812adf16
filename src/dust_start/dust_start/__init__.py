"""The graph of nodes, described once in config/cell.yaml, and a starter that needs no launch_ros.

Imports run one way: errors <- index, environment, dds, sections <- arguments, conditions <-
graph <- command <- process <- starter <- __main__. The launch files use graph and below.
"""
