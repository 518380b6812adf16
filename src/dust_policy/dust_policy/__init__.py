"""From features and joint states to action chunks: the policy node and its ROS-free core.

Imports run one way: task, ledger, history, prefix, steps <- sampler <- messages <- policy_node.
Only messages, task_server, sampling_loop and policy_node know ROS.
"""
