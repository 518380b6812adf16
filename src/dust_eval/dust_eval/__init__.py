"""Trials through the running graph: the paper's protocol, its tables, and the demo.

Imports run one way: pure data (`trial`, `trace`, `failure`, `protocol`, `driver`, `schedule`,
`interval`, `comparison`) <- what is kept and said (`run_folder`, `summary`, `table`, `plots`,
`report`). What is wrong with a command line is told before anything is made: `node_values`, `fit`
<- `graph_check` <- `bench_drivers`, `asked`. `task_client`, `cell_client`, `trial_watch`,
`episode_topic`, `film` and `graph` talk to the graph; `runner` carries one trial out, `evaluation`
all of them. `evaluate`, `demo` and `bench` are the programs. `offline` needs no graph.
"""
