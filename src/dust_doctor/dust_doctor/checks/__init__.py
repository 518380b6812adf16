"""The checks: gather evidence about the machine, judge it, or judge what a running graph said.

Each module is one subject. `gather_...` reads the machine through a System, `judge_...` is pure.
"""
