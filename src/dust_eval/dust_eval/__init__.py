"""Trials through the running graph: the paper's protocol, its tables, and the demo.

Imports run one way: `trial` and `table` are pure data; `cell_client` talks to the graph;
`runner` joins them; `demo` and `trials` are the programs.
"""
