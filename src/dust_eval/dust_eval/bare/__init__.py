"""Trials without a graph: cell, executor's core, encoder and sampler in one process.

Time is simulated and passes as fast as the processor allows; images reach the arm after a latency
that is given, not measured. What drives, what is published and who judges are the same code, with
the same parameters, as in the graph. For sweeps; how a graph performs is seen in a graph.

Imports run one way: `settings` <- `arm`, `policy` <- `trial` <- `evaluation`.
"""
