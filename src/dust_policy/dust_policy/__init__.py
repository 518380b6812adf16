"""From features and joint states to action chunks: the policy node and its ROS-free core.

Imports run one way: task, ledger, history, prefix, delay, clock_rate, step_times, schedule,
surprise, steps <- conditions, sampler <- pace, session <- messages <- sampling_loop, task_server <-
policy_node. Only messages, sampling_loop, surprise_topic, task_server, pausing and policy_node know
ROS.
"""
