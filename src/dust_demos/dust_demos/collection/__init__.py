"""Collecting demonstrations in the simulated cell, by the scripted expert, as bags.

settings -> plan -> (graph: cell, executor, expert, recorder) -> collector -> journal -> summary
"""
